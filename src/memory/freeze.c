/* SPDX-License-Identifier: MIT */
#include "memory/freeze.h"

#include <errno.h>
#include <memseal.h>
#include <sys/mman.h>

#include "base/page.h"
#include "base/sys.h"
#include "base/uapi.h"
#include "engine/content.h"
#include "engine/own-maps.h"
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

/*
 * mprotect(2) to the protection that they have already changes nothing, and is refused by both
 * engines. That no other filter refuses it, the content lock has seen.
 */
static bool is_held(const struct prot_span *span)
{
	size_t len = (size_t)(span->end - span->start);
	int r = sys_mprotect(span->start, len, span->prot);

	if (r != 0 && r != -EPERM)
		r = sys_mprotect(span->start, len, span->prot);
	return r == -EPERM;
}

static int undo(const struct prot_span *span, struct content_backup *backup, bool locked)
{
	int r = content_rollback(span, 1, backup);

	if (r == 0 && locked)
		(void)sys_mlock(span->start, (size_t)(span->end - span->start));
	return r;
}

/* Not believed, but asked: a filter may have answered in the kernel's place. */
static int hold(const struct prot_span *span)
{
	int r = place_hold(span->start, span->end);

	if (r == 0 && !is_held(span))
		r = -EOPNOTSUPP;
	return r;
}

static int freeze_span(uint64_t start, uint64_t end, int prot)
{
	const struct prot_span span = { .start = start, .end = end, .prot = prot };
	bool locked = is_locked(start, end);
	struct content_backup backup;
	int r = place_check();

	if (r == 0)
		r = content_lock(&span, 1, &backup);
	if (r < 0)
		return r;
	r = prepare(start, end, locked);
	if (r == 0)
		r = hold(&span);
	if (r < 0)
		return undo(&span, &backup, locked) == 0 ? r : -ENOTRECOVERABLE;
	content_commit(&backup);
	return 0;
}

int freeze_pages(uint64_t start, uint64_t end, int prot)
{
	return freeze_span(start, end, prot);
}

/* Nothing but a content lock makes pages shared that were private. */
static int find_shared(struct scratch *scratch, void *arg)
{
	CLEANUP(own_maps_close) struct own_maps maps = { .fd = -1 };
	const struct span *pages = arg;
	struct mapping mapping;
	int r = own_maps_open(scratch, &maps);

	for (uint64_t at = pages->start; r >= 0 && at < pages->end; at = mapping.end) {
		r = own_maps_at(&maps, at, &mapping);
		if (r < 0)
			return r;
		if (r == 0 || mapping.start > at || !mapping.shared ||
			(mapping.prot & MAPPING_WRITE))
			return 0;
	}
	return r < 0 ? r : 1;
}

static bool is_sealed(uint64_t start)
{
	struct memseal_status status = { .size = sizeof(status) };
	int r = memseal_query((void *)(uintptr_t)start, page_size(), &status);

	return r == 0 && ((status.kernel | status.filter) & MEMSEAL_MAPPING) == MEMSEAL_MAPPING;
}

/*
 * A sealed mapping refuses its own protection (EPERM), and one with a content lock to be writable
 * (EACCES). Before Linux 6.12, and behind a filter, a seal is all that is seen of the two.
 */
int freeze_holds(uint64_t start, uint64_t end, int prot)
{
	const struct prot_span span = { .start = start, .end = end, .prot = prot };
	struct span pages = { start, end };
	bool held = is_held(&span);
	int r = sys_mprotect(start, (size_t)(end - start), PROT_READ | PROT_WRITE);

	if (!held)
		return 0;
	if (r == -EACCES)
		return 1;
	return r == -EPERM && is_sealed(start) ? scratch_run(SCRATCH_SMALL, find_shared, &pages)
					       : 0;
}
