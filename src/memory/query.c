/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <memseal.h>
#include <sys/mman.h>

#include "base/errors.h"
#include "base/opts.h"
#include "base/page.h"
#include "base/sys.h"
#include "engine/filter.h"
#include "engine/kernel.h"
#include "memory/range.h"

/*
 * Does the mapping of a sealed page grow all the same, by page faults? mprotect(2) with
 * PROT_GROWSDOWN looks at that (EINVAL) before it finds the seal (EPERM); with both directions it
 * looks at nothing else, and a filter that refuses both questions is not the seal.
 */
static bool grows(uint64_t at, size_t page)
{
	return sys_mprotect(at, page, PROT_GROWSDOWN) == -EPERM &&
	       sys_mprotect(at, page, PROT_GROWSDOWN | PROT_GROWSUP) == -EINVAL;
}

/*
 * What a kernel seal holds whatever the memory, on each page; see kernel_effects() for what it may
 * add. A page that a filter answers for is not counted: the kernel could not be asked.
 */
static int count_sealed(const struct span *pages, size_t page, bool filtered, size_t *ret_sealed,
	uint64_t *ret_effects)
{
	uint64_t effects = MEMSEAL_MAPPING | MEMSEAL_NO_SEAL;
	size_t sealed = 0;
	bool refused = false;

	for (uint64_t at = pages->start; at < pages->end; at += page) {
		int r = kernel_ask_sealed(at, page, filtered);

		if (r < 0)
			return r;
		sealed += r == 1 ? page : 0;
		refused |= r != 0;
		if (r == 1 && grows(at, page))
			effects &= ~(uint64_t)MEMSEAL_NO_GROW;
	}
	*ret_sealed = sealed;
	*ret_effects = sealed == pages->end - pages->start ? effects : 0;
	return refused && filtered ? kernel_sealed_works(page) : 0;
}

/* What version 0.1 had. */
#define SIZE_0_1 (offsetof(struct memseal_status, filter) + sizeof(uint64_t))

EXPORT int memseal_query(const void *addr, size_t len, struct memseal_status *ret_status)
{
	struct memseal_status status = { .sealed_bytes = 0 };
	struct span pages;
	size_t page = page_size();
	bool filtered = kernel_filtered();
	int r = range_pages(addr, len, &pages);

	if (!output_valid(ret_status, SIZE_0_1))
		return -EINVAL;
	if (r == 0)
		r = count_sealed(&pages, page, filtered, &status.sealed_bytes, &status.kernel);
	if (r < 0)
		return errors_only(r, -EOPNOTSUPP, ERRORS_QUERY);
	status.bytes = pages.end - pages.start;
	if (filtered)
		status.filter = filter_held(pages.start, pages.end, page, MEMSEAL_ALL);
	output_write(ret_status, &status, sizeof(status));
	return 0;
}
