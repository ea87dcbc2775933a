/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <memseal.h>
#include <sys/mman.h>

#include "base/page.h"
#include "base/sys.h"
#include "memory/freeze.h"
#include "memory/place.h"
#include "memory/range.h"

/*
 * At the start of its own memory, and frozen along with it: nobody can make a frozen arena look
 * like one that is not.
 */
struct memseal_arena {
	uint64_t size;   /* bytes, with this struct; whole pages */
	uint64_t used;   /* bytes, with this struct; atomic */
	uint64_t frozen; /* 0 or 1; atomic */
	uint64_t page;   /* bytes; asking takes longer than an allocation */
	char *base;      /* the arena itself */
};

#define HUGE_PAGE ((size_t)2 << 20)

EXPORT int memseal_arena_new(size_t capacity, struct memseal_arena **ret_arena)
{
	size_t page = page_size();
	struct memseal_arena *arena;
	uint64_t size;
	int r = place_check();
	long start;

	if (!ret_arena || capacity == 0)
		return -EINVAL;
	if (r < 0)
		return r;
	if (add_overflows(capacity, sizeof(*arena), &size) ||
		page_up_overflows(size, page, &size) || size > PTRDIFF_MAX)
		return -ENOMEM;
	start = place_map((size_t)size, size < HUGE_PAGE ? page : HUGE_PAGE, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1);
	if (sys_failed(start))
		return (int)start;
	arena = (struct memseal_arena *)start;
	*arena = (struct memseal_arena){
		.size = size, .used = sizeof(*arena), .page = page, .base = (char *)arena
	};
	*ret_arena = arena;
	return 0;
}

/* The offset of size bytes with that alignment behind used ones, or 0: there is no room. */
static uint64_t find_room(
	const struct memseal_arena *arena, uint64_t used, size_t size, size_t align)
{
	uint64_t start, end;

	if (page_up_overflows(used, align, &start) || add_overflows(start, size, &end))
		return 0;
	return end <= arena->size ? start : 0;
}

static void *refuse(int error)
{
	errno = error;
	return NULL;
}

EXPORT void *memseal_arena_alloc(struct memseal_arena *arena, size_t size, size_t align)
{
	uint64_t used, start;

	if (size == 0 || align == 0 || (align & (align - 1)) || align > arena->page)
		return refuse(EINVAL);
	if (__atomic_load_n(&arena->frozen, __ATOMIC_ACQUIRE))
		return refuse(EPERM);
	used = __atomic_load_n(&arena->used, __ATOMIC_RELAXED);
	do {
		start = find_room(arena, used, size, align);
		if (!start)
			return refuse(ENOMEM);
	} while (!__atomic_compare_exchange_n(
		&arena->used, &used, start + size, true, __ATOMIC_RELAXED, __ATOMIC_RELAXED));
	return arena->base + start;
}

EXPORT int memseal_arena_freeze(struct memseal_arena *arena)
{
	uint64_t start, end, rest;
	int r;

	if (!arena)
		return -EINVAL;
	if (__atomic_load_n(&arena->frozen, __ATOMIC_ACQUIRE))
		return 0;
	__atomic_store_n(&arena->frozen, 1, __ATOMIC_RELEASE);
	start = (uintptr_t)arena->base;
	rest = start + arena->size;
	end = page_down(start + arena->used + arena->page - 1, arena->page);
	r = freeze_pages(start, end, PROT_READ);
	if (r < 0 && r != -ENOTRECOVERABLE)
		__atomic_store_n(&arena->frozen, 0, __ATOMIC_RELEASE);
	else if (end < rest)
		sys_undo_mmap(end, (size_t)(rest - end));
	return r;
}

/* What is frozen stays, for ever. */
EXPORT void memseal_arena_free(struct memseal_arena *arena)
{
	if (arena && !__atomic_load_n(&arena->frozen, __ATOMIC_ACQUIRE))
		sys_undo_mmap((uintptr_t)arena->base, (size_t)arena->size);
}
