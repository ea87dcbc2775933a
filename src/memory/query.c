/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <memseal.h>

#include "engine/kernel.h"
#include "memory/range.h"

EXPORT int memseal_query(const void *addr, size_t len, struct memseal_status *ret_status)
{
	struct memseal_status status = { .sealed = 0 };
	struct page_range pages;
	size_t page = memory_page();
	int r = range_pages(addr, len, &pages);

	if (r < 0)
		return r;
	status.size = pages.end - pages.start;
	for (uint64_t at = pages.start; at < pages.end; at += page) {
		r = kernel_sealed(at, page);
		if (r < 0)
			return r;
		if (r == 1)
			status.sealed += page;
	}
	if (status.sealed > 0) {
		r = kernel_sealed_works(&status, page);
		if (r < 0)
			return r;
	}
	/* Whatever the memory, a kernel seal holds these; see kernel_effects() for what it may add.
	 */
	if (status.sealed == status.size)
		status.kernel = MEMSEAL_MAPPING | MEMSEAL_NO_SEAL;
	*ret_status = status;
	return 0;
}
