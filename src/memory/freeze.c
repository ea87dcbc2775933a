/* SPDX-License-Identifier: MIT */
#include "memory/freeze.h"

#include <errno.h>
#include <sys/mman.h>

#include "base/sys.h"
#include "engine/content.h"
#include "memory/place.h"

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25 /* Linux 6.1 */
#endif
#define HUGE_PAGE (UINT64_C(2) << 20)

/*
 * Memory of a memfd has small pages unless that is changed for the whole system; large anonymous
 * memory often has huge ones. Reading must not become slower by freezing. If it cannot be had, the
 * bytes are the same.
 */
static void use_huge_pages(uint64_t start, uint64_t end)
{
	uint64_t first = page_down(start + HUGE_PAGE - 1, HUGE_PAGE);

	end = page_down(end, HUGE_PAGE);
	if (first < end)
		(void)sys_madvise(first, (size_t)(end - first), MADV_COLLAPSE);
}

static int lock_and_hold(const struct content_span *span)
{
	struct content_spare spare;
	int r = content_lock(span, 1, &spare);

	if (r < 0)
		return r;
	use_huge_pages(span->start, span->end);
	r = place_hold(PLACE_REPLACED, span->start, span->end);
	if (r < 0)
		return content_undo(span, 1, &spare) == 0 ? r : -ENOTRECOVERABLE;
	content_keep(&spare);
	return 0;
}

/* Read-only at first: what another thread still writes must not be lost without a word. */
int freeze_pages(uint64_t start, uint64_t end, int prot)
{
	const struct content_span span = { .start = start, .end = end, .prot = prot };
	int r = place_check();

	if (r == 0)
		r = sys_mprotect(start, (size_t)(end - start), PROT_READ);
	if (r < 0)
		return r;
	r = lock_and_hold(&span);
	if (r < 0 && r != -ENOTRECOVERABLE)
		sys_undo_mprotect(start, (size_t)(end - start), PROT_READ | PROT_WRITE);
	return r;
}
