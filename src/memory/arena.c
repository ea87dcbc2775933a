/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <memseal.h>
#include <sys/mman.h>

#include "base/errors.h"
#include "base/owner-lock.h"
#include "base/page.h"
#include "base/sys.h"
#include "memory/freeze.h"
#include "memory/place.h"

/*
 * At the start of its own memory, and frozen along with it: nobody can make a frozen arena look
 * like one that is not. The other way round, owner only says that a freeze was begun. What came of
 * it, the kernel is asked: the process may be a child that another thread forked in the middle of
 * it, or it failed, and could not be undone.
 */
struct memseal_arena {
	uint64_t size;  /* bytes, with this struct; whole pages */
	uint64_t used;  /* bytes, with this struct; atomic */
	uint64_t owner; /* the process that froze it, or began to; 0: none; atomic */
	uint64_t page;  /* bytes; asking takes longer than an allocation */
	char *base;     /* the arena itself */
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
		return errors_only(r, -EOPNOTSUPP, ERRORS_ARENA);
	if (add_overflows(capacity, sizeof(*arena), &size) ||
		page_up_overflows(size, page, &size) || size > PTRDIFF_MAX)
		return -ENOMEM;
	start = place_map((size_t)size, size < HUGE_PAGE ? page : HUGE_PAGE, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1);
	if (sys_failed(start))
		return errors_only((int)start, -EOPNOTSUPP, ERRORS_ARENA);
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
	if (__atomic_load_n(&arena->owner, __ATOMIC_ACQUIRE))
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

static uint64_t frozen_end(const struct memseal_arena *arena)
{
	return page_down((uintptr_t)arena->base + arena->used + arena->page - 1, arena->page);
}

static int freeze(struct memseal_arena *arena)
{
	uint64_t start = (uintptr_t)arena->base, rest = start + arena->size;
	uint64_t end = frozen_end(arena);
	int r = freeze_pages(start, end, PROT_READ);

	if (r < 0 && r != -ENOTRECOVERABLE)
		__atomic_store_n(&arena->owner, 0, __ATOMIC_RELEASE);
	else if (r == 0 && end < rest)
		sys_undo_mmap(end, (size_t)(rest - end));
	return r;
}

/* In a child, what its parent had begun: whatever came of it, it can be done from the start. */
static int freeze_again(struct memseal_arena *arena, uint64_t owner)
{
	int r = freeze_holds((uintptr_t)arena->base, frozen_end(arena), PROT_READ);

	if (r != 0)
		return r > 0 ? 0 : r;
	return owner == (uint64_t)sys_getpid() ? -ENOTRECOVERABLE : freeze(arena);
}

/* Of two freezes at once, one that fails would put writable pages where the other has frozen some.
 */
static struct owner_lock lock;

EXPORT int memseal_arena_freeze(struct memseal_arena *arena)
{
	uint64_t owner;
	int r;

	if (!arena)
		return -EINVAL;
	owner_lock_take(&lock);
	owner = __atomic_load_n(&arena->owner, __ATOMIC_ACQUIRE);
	if (owner) {
		r = freeze_again(arena, owner);
	} else {
		__atomic_store_n(&arena->owner, (uint64_t)sys_getpid(), __ATOMIC_RELEASE);
		r = freeze(arena);
	}
	owner_lock_release(&lock);
	return errors_only(r, -EOPNOTSUPP, ERRORS_FREEZE);
}

/* What is frozen stays, for ever. */
EXPORT void memseal_arena_free(struct memseal_arena *arena)
{
	if (arena && !__atomic_load_n(&arena->owner, __ATOMIC_ACQUIRE))
		sys_undo_mmap((uintptr_t)arena->base, (size_t)arena->size);
}
