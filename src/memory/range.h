/* SPDX-License-Identifier: MIT */
#ifndef MEMSEAL_MEMORY_RANGE_H
#define MEMSEAL_MEMORY_RANGE_H

#include "base/util.h"

struct page_range {
	uint64_t start, end; /* whole pages, start < end */
};

/* Size of a page, bytes. */
size_t memory_page(void);

/* A caller's range as whole pages; -EINVAL: addr is not page aligned, len is 0 or wraps. */
int range_pages(const void *addr, size_t len, struct page_range *ret) MUST_CHECK NONNULL(3);

#endif
