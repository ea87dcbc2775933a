/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <memseal.h>
#include <sys/mman.h>

#include "base/errors.h"
#include "base/page.h"
#include "base/sys.h"
#include "engine/window.h"
#include "memory/consent.h"

#define PRIVATE (MAP_PRIVATE | MAP_ANONYMOUS)

static long map_and_seal(size_t len, int prot, uint64_t effects)
{
	long addr = sys_mmap(0, len, prot, PRIVATE, -1, 0);
	int r;

	if (sys_failed(addr))
		return addr;
	r = memseal_range((void *)addr, len, effects);
	if (r < 0) {
		sys_undo_mmap((uintptr_t)addr, len);
		return r;
	}
	return addr;
}

/*
 * A window holds these, no less and no more: what was not asked for, the program may want to do.
 * Memory that is not unmapped does not shrink either.
 */
static bool fits_window(uint64_t effects)
{
	if (effects & MEMSEAL_NO_UNMAP)
		effects |= MEMSEAL_NO_SHRINK;
	return effects == WINDOW_EFFECTS;
}

EXPORT void *memseal_map(size_t len, int prot, uint64_t effects)
{
	long addr = -EADDRNOTAVAIL;

	if (fits_window(effects) && consent_given())
		addr = window_map(len, page_size(), prot, PRIVATE, -1);
	if (addr == -EADDRNOTAVAIL)
		addr = map_and_seal(len, prot, effects);
	if (sys_failed(addr)) {
		errno = -errors_only((int)addr, -EOPNOTSUPP, ERRORS_MAP);
		return NULL;
	}
	return (void *)addr;
}
