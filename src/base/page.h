/* SPDX-License-Identifier: MIT */
/* Pages. Freestanding. */
#ifndef MEMSEAL_BASE_PAGE_H
#define MEMSEAL_BASE_PAGE_H

#include <sys/auxv.h>

#include "base/util.h"

/* Bytes of a page of this process. Async-signal-safe. */
static inline size_t page_size(void)
{
	return getauxval(AT_PAGESZ);
}

/* page is a power of two in all of these. */
static inline uint64_t page_down(uint64_t addr, uint64_t page)
{
	return addr & ~(page - 1);
}

static inline bool page_up_overflows(uint64_t addr, uint64_t page, uint64_t *ret)
{
	uint64_t sum;

	if (add_overflows(addr, page - 1, &sum))
		return true;
	*ret = page_down(sum, page);
	return false;
}

#endif
