/* SPDX-License-Identifier: MIT */
#include "base/uapi.h"
#include "base/page.h"
#include "memory/freeze.h"

#include <errno.h>
#include <sys/mman.h>

#include "base/sys.h"
#include "engine/content.h"
#include "memory/place.h"

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

/*
 * Is any of it locked into memory? Only then does msync(2) refuse this (mm/msync.c); otherwise it
 * has nothing to do, there being no file.
 */
static bool is_locked(uint64_t start, uint64_t end)
{
	return sys_msync(start, (size_t)(end - start), MS_ASYNC | MS_INVALIDATE) == -EBUSY;
}

/* What the old pages had and the new ones have not. No reader is to wait for pages either. */
static int prepare(uint64_t start, uint64_t end, bool locked)
{
	size_t len = (size_t)(end - start);

	use_huge_pages(start, end);
	if (locked)
		return sys_mlock(start, len);
	(void)sys_madvise(start, len, MADV_POPULATE_READ);
	return 0;
}

static int undo(const struct content_span *span, const struct content_backup *backup, bool locked)
{
	int r = content_rollback(span, 1, backup);

	if (r == 0 && locked)
		(void)sys_mlock(span->start, (size_t)(span->end - span->start));
	return r;
}

static int lock_and_hold(const struct content_span *span)
{
	bool locked = is_locked(span->start, span->end);
	struct content_backup backup;
	int r = content_lock(span, 1, &backup);

	if (r < 0)
		return r;
	r = prepare(span->start, span->end, locked);
	if (r == 0)
		r = place_hold(span->start, span->end);
	if (r < 0)
		return undo(span, &backup, locked) == 0 ? r : -ENOTRECOVERABLE;
	content_commit(&backup);
	return 0;
}

/* Read-only at first: what another thread still writes must not be lost without a word. */
int freeze_pages(uint64_t start, uint64_t end, int prot)
{
	const struct content_span span = { .start = start, .end = end, .prot = prot };
	int r = place_check();

	if (r < 0)
		return r;
	/* Of several mappings, the first may have changed although a later one is sealed. */
	r = sys_mprotect(start, (size_t)(end - start), PROT_READ);
	if (r == 0)
		r = lock_and_hold(&span);
	if (r < 0 && r != -ENOTRECOVERABLE)
		sys_undo_mprotect(start, (size_t)(end - start), PROT_READ | PROT_WRITE);
	return r;
}
