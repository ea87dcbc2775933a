/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <memseal.h>
#include <sys/mman.h>

#include "base/errors.h"
#include "base/page.h"
#include "base/sys.h"
#include "base/uapi.h"
#include "engine/protect.h"
#include "engine/window.h"
#include "memory/consent.h"
#include "memory/range.h"

#define PRIVATE (MAP_PRIVATE | MAP_ANONYMOUS)

/* Linux 5.14; before, the kernel makes room or ends the process. */
static int touch(uint64_t addr, uint64_t len)
{
	int r = sys_madvise(addr, len, MADV_POPULATE_WRITE);

	if (r != -EINVAL)
		return r < 0 ? -ENOMEM : 0;
	for (uint64_t at = 0; at < len; at += page_size())
		*(volatile char *)(uintptr_t)(addr + at) = 0;
	return 0;
}

/* Gives each page memory of its own, which a userfaultfd cannot fill, nor that of a child. */
static int touch_and_protect(uint64_t addr, uint64_t len, int prot)
{
	int r = protect_pages(addr, len, PROT_READ | PROT_WRITE);

	if (r == 0)
		r = touch(addr, len);
	if (r == 0)
		r = protect_pages(addr, len, prot);
	return r;
}

/* Memory that only the kernel could have written to, and somebody can read. */
static bool stays_zero(int prot, uint64_t effects)
{
	return effects & MEMSEAL_NO_DISCARD && prot & (PROT_READ | PROT_EXEC) &&
	       !(prot & PROT_WRITE);
}

static long map_and_seal(size_t len, int prot, uint64_t effects)
{
	long addr = sys_mmap(0, len, prot, PRIVATE, -1, 0);
	int r = 0;

	if (sys_failed(addr))
		return addr;
	if (stays_zero(prot, effects))
		r = touch_and_protect((uintptr_t)addr, len, prot);
	if (r == 0)
		r = range_seal_new((void *)addr, len, effects);
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
