/* SPDX-License-Identifier: MIT */
#include "memory/place.h"

#include <errno.h>
#include <memseal.h>
#include <sys/mman.h>

#include "base/page.h"
#include "base/sys.h"
#include "engine/kernel.h"
#include "engine/window.h"
#include "memory/consent.h"

int place_check(void)
{
	if (consent_given())
		return kernel_sealed_works(page_size());
	return sys_mseal(0, 0, 0) == 0 ? 0 : -EOPNOTSUPP;
}

/* More than is wanted, and what does not lie right given back. */
static long map_aligned(size_t len, size_t align, int prot, int flags, int fd)
{
	size_t page = page_size(), room = len + align - page;
	uint64_t found, start;
	long r;

	if (align <= page)
		return sys_mmap(0, len, prot, flags, fd, 0);
	r = sys_mmap(0, room, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (sys_failed(r))
		return r;
	found = (uintptr_t)r;
	start = page_down(found + align - 1, align);
	r = sys_mmap(start, len, prot, flags | MAP_FIXED, fd, 0);
	if (sys_failed(r)) {
		sys_undo_mmap(found, room);
		return r;
	}
	sys_undo_mmap(found, start - found);
	sys_undo_mmap(start + len, found + room - start - len);
	return r;
}

long place_map(size_t len, size_t align, int prot, int flags, int fd)
{
	long r = -EADDRNOTAVAIL;
	uint64_t room;

	if (len == 0 || add_overflows(len, align, &room) || room > SIZE_MAX)
		return -ENOMEM;
	if (consent_given())
		r = zone_map(len, align, prot, flags, fd);
	return r == -EADDRNOTAVAIL ? map_aligned(len, align, prot, flags, fd) : r;
}

/* By the kernel alone, /proc does not matter: what is there is known. */
int place_hold(uint64_t start, uint64_t end)
{
	uint64_t sealed = 0;
	int r;

	if (consent_given())
		return memseal_range((void *)(uintptr_t)start, (size_t)(end - start), MEMSEAL_ALL);
	r = kernel_seal_unsealed(start, end, page_size(), true, &sealed);
	return r == -ENOSYS ? -EOPNOTSUPP : r;
}
