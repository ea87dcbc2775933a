/* SPDX-License-Identifier: MIT */
#ifndef MEMSEAL_MEMORY_RANGE_H
#define MEMSEAL_MEMORY_RANGE_H

#include "base/span.h"
#include "base/util.h"

/* A caller's range as whole pages; -EINVAL: addr is not page aligned, len is 0 or wraps. */
int range_pages(const void *addr, size_t len, struct span *ret) MUST_CHECK NONNULL(3);

#endif
