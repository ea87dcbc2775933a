/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <memseal.h>
#include <sys/mman.h>
#include <sys/prctl.h>

#include "base/sys.h"
#include "engine/filter.h"

/*
 * No flag of mremap(2) and mseal(2), no protection and no advice. The kernel looks at them before
 * it looks at memory, and answers EINVAL; the filter does not mind them.
 */
#define UNKNOWN 0x40000000

/* Effects that a move onto the page would break; NO_UNMAP shows by itself. */
#define REPLACED (BPF_REPLACING & ~(uint64_t)MEMSEAL_NO_UNMAP)

static bool remap_refused(uint64_t at, size_t old, size_t new, int flags, uint64_t to)
{
	return sys_mremap(at, old, new, UNKNOWN | flags, to) == -EPERM;
}

static bool protect_refused(uint64_t at, size_t page, int prot)
{
	return sys_mprotect(at, page, UNKNOWN | prot) == -EPERM;
}

/*
 * A shrink that cuts the page off begins before it, where nothing must be the reason: neither
 * NO_UNMAP there, nor what lies behind, which huge pages would take with them.
 */
static bool shrink_refused(uint64_t at, size_t page)
{
	size_t kept = (at - page) % (BPF_HUGE_PAGES * page) ? page : 2 * page;
	uint64_t from = at - kept;

	return remap_refused(at, page, page, 0, 0) ||
	       (remap_refused(from, kept + page, kept, 0, 0) &&
		       sys_mremap(from, page, page, UNKNOWN, 0) == -EINVAL);
}

static bool refused(uint64_t effect, uint64_t at, size_t page)
{
	switch (effect) {
	case MEMSEAL_NO_UNMAP:
		return remap_refused(at, page, page, 0, 0);
	case MEMSEAL_NO_SHRINK:
		return shrink_refused(at, page);
	case MEMSEAL_NO_GROW:
		return remap_refused(at, page, 2 * page, 0, 0);
	case MEMSEAL_NO_PROTECT:
		return protect_refused(at, page, PROT_NONE);
	case MEMSEAL_NO_WRITE:
		return protect_refused(at, page, PROT_WRITE);
	case MEMSEAL_NO_EXEC:
		return protect_refused(at, page, PROT_EXEC);
	case MEMSEAL_NO_DISCARD:
		return sys_madvise(at, page, UNKNOWN) == -EPERM;
	default:
		return sys_mseal(at, page, UNKNOWN) == -EPERM;
	}
}

static uint64_t refused_on(uint64_t at, size_t page, uint64_t effects)
{
	uint64_t found = 0;

	for (uint64_t left = effects; left; left &= left - 1)
		if (refused(left & -left, at, page))
			found |= left & -left;
	return found;
}

/* The targets of mremap(2) may be judged by a further program, which may not have been installed.
 */
static uint64_t held_on(uint64_t at, size_t page, uint64_t effects)
{
	uint64_t held = refused_on(at, page, effects);

	if (held & REPLACED && !remap_refused(page, page, page, MREMAP_FIXED, at))
		held &= ~REPLACED;
	return held;
}

bool filter_tells(uint64_t page, uint64_t effects)
{
	/* Nothing is mapped in the second page (vm.mmap_min_addr), and none sealed. */
	return refused_on(page, page, effects) == 0;
}

uint64_t filter_held(uint64_t start, uint64_t end, uint64_t page, uint64_t effects)
{
	if (!effects || sys_prctl(PR_GET_SECCOMP, 0, 0, 0, 0) == 0)
		return 0;
	effects &= ~refused_on(page, page, effects); /* as in filter_tells() */
	for (uint64_t at = start; effects && at < end; at += page)
		effects = held_on(at, page, effects);
	return effects;
}
