/* SPDX-License-Identifier: MIT */
#include "memory/code-room.h"

#include <sys/mman.h>

#include "base/page.h"
#include "base/sys.h"

/* Published after one look, each with two mappings: it may cut what is still writable in two. */
#define BATCH  32

#define WANTED (CODE_ROOM_LEFT + 2 * BATCH)

static unsigned credit;

/* Every second page with another protection than those around it: so many mappings more. */
static int look(void)
{
	const size_t page = page_size(), len = (WANTED + 1) * page;
	long start =
		sys_mmap(0, len, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	int r = 0;

	if (sys_failed(start))
		return (int)start;
	for (size_t i = 1; r == 0 && i < WANTED; i += 2)
		r = sys_mprotect((uint64_t)start + i * page, page, PROT_READ);
	sys_undo_mmap((uint64_t)start, len);
	return r;
}

int code_room_check(void)
{
	unsigned left = __atomic_load_n(&credit, __ATOMIC_RELAXED);
	int r;

	while (left)
		if (__atomic_compare_exchange_n(
			    &credit, &left, left - 1, true, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
			return 0;
	r = look();
	if (r == 0)
		__atomic_store_n(&credit, BATCH - 1, __ATOMIC_RELAXED);
	return r;
}
