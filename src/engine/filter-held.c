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
 * A shrink that cuts the page off. It begins in the second page of all, which can be none of huge
 * pages, and which nothing holds (see refused_on()), so that only what is cut off is the reason.
 */
static bool shrink_refused(uint64_t at, size_t page)
{
	return remap_refused(page, at, at - page, 0, 0);
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

/*
 * Nothing is mapped in the second page (vm.mmap_min_addr), and none sealed, so what is refused
 * there is refused everywhere.
 */
uint64_t filter_told(uint64_t page, uint64_t effects)
{
	return effects & ~refused_on(page, page, effects);
}

uint64_t filter_held(uint64_t start, uint64_t end, uint64_t page, uint64_t effects)
{
	if (!effects || sys_prctl(PR_GET_SECCOMP, 0, 0, 0, 0) == 0)
		return 0;
	effects = filter_told(page, effects);
	for (uint64_t at = start; effects && at < end; at += page)
		effects = held_on(at, page, effects);
	return effects;
}

bool filter_in_force(const struct bpf_range *range, uint64_t page)
{
	uint64_t effects = filter_told(page, range->effects);

	return effects && held_on(range->start, page, effects) == effects &&
	       held_on(range->end - page, page, effects) == effects;
}
