/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <memseal.h>
#include <sys/mman.h>

#include "base/page.h"
#include "base/sys.h"
#include "engine/memfd.h"
#include "engine/window.h"
#include "memory/code.h"
#include "memory/consent.h"
#include "memory/place.h"

/*
 * The kernel would put the views side by side: then whoever knows a function's address knows where
 * to write. 32-bit address spaces are too small to hide anything in.
 */
static int map_to_write(int fd, size_t len, struct code_views *views)
{
	const int prot = PROT_READ | PROT_WRITE;
	long at = zone_map(len, page_size(), prot, MAP_SHARED, fd);

	if (at == -EADDRNOTAVAIL)
		at = sys_mmap(0, len, prot, MAP_SHARED, fd, 0);
	if (sys_failed(at))
		return (int)at;
	views->write = (unsigned long)at;
	return sys_madvise(views->write, len, MADV_DONTFORK);
}

/* What is mapped to write stays so; nothing else ever writes to it, cuts it off or adds to it. */
static int map_to_execute(int fd, size_t len, struct code_views *views)
{
	int r = memfd_seal(fd, MEMFD_FIXED | F_SEAL_FUTURE_WRITE);
	long at;

	if (r == 0)
		r = memfd_check_view(fd);
	if (r < 0)
		return r;
	at = place_map(len, page_size(), PROT_READ | PROT_EXEC, MAP_SHARED, fd);
	if (sys_failed(at))
		return (int)at;
	views->exec = (unsigned long)at;
	return 0;
}

/* By one filter, if by any: it holds both or none. */
static int hold(size_t len, const struct code_views *views)
{
	const struct memseal_range ranges[] = {
		{ (void *)(uintptr_t)views->exec, len, MEMSEAL_ALL },
		{ (void *)(uintptr_t)views->write, len, MEMSEAL_ALL },
	};
	int r;

	if (consent_given())
		return memseal_ranges(ranges, ARRAY_SIZE(ranges), NULL, NULL);
	r = place_hold(views->exec, views->exec + len);
	return r < 0 ? r : place_hold(views->write, views->write + len);
}

/* A filter that holds the addresses would hold what comes to lie there, too. */
static void unmap(uint64_t view, size_t len)
{
	struct memseal_status status = { .size = sizeof(status) };
	int r = view ? memseal_query((void *)(uintptr_t)view, page_size(), &status) : -ENOMEM;

	if (r == 0 && !status.kernel && !status.filter)
		sys_undo_mmap(view, len);
}

int code_views_map(size_t len, struct code_views *ret)
{
	CLEANUP(sys_close_cleanup) int fd = memfd_new();
	struct code_views views = { .exec = 0, .write = 0 };
	int r = fd < 0 ? fd : memfd_resize(fd, len);

	if (r == 0)
		r = map_to_write(fd, len, &views);
	if (r == 0)
		r = map_to_execute(fd, len, &views);
	if (r == 0)
		r = hold(len, &views);
	if (r < 0) {
		unmap(views.exec, len);
		unmap(views.write, len);
		return r;
	}
	*ret = views;
	return 0;
}
