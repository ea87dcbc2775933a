/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <memseal.h>
#include <sys/mman.h>

#include "base/sys.h"

EXPORT void *memseal_map(size_t len, int prot, uint64_t effects)
{
	long addr = sys_mmap(0, len, prot, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int r;

	if (sys_failed(addr)) {
		errno = (int)-addr;
		return NULL;
	}
	r = memseal_range((void *)addr, len, effects);
	if (r < 0) {
		sys_undo_mmap((uintptr_t)addr, len);
		errno = -r;
		return NULL;
	}
	return (void *)addr;
}
