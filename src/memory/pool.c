/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <memseal.h>
#include <stdlib.h>
#include <string.h>

#include "base/errors.h"
#include "base/opts.h"
#include "base/page.h"
#include "base/sys.h"
#include "memory/pool-memory.h"
#include "memory/pool-slots.h"

#define ALIGN     16
#define CANARY    8 /* bytes, at least, behind each slot */
#define KNOWN     ((MEMSEAL_POOL_NO_DISCARD << 1) - 1)
#define MOST_SIZE ((uint64_t)PTRDIFF_MAX / 2) /* far below what would wrap */

/* Read-only once it is made. In a child of fork(2), where there are no slots, all zeroes. */
struct memseal_pool {
	unsigned char *first; /* slot */
	size_t count, slot_size, stride;
	/* What every gap holds: between slots, behind the last, and ALIGN bytes before the first.
	 */
	unsigned char canary[ALIGN + CANARY];
	struct pool_slots *free;
	uint64_t holds; /* of MEMSEAL_POOL_*, when it was made */
	struct pool_memory memory;
};

/* Sizes of a pool, bytes; all but the stride whole pages. */
struct sizes {
	uint64_t stride, body, head, free;
};

/* false: more than the address space holds. */
static bool find_sizes(size_t slot_size, size_t slots, struct sizes *ret)
{
	uint64_t page = page_size();

	if (add_overflows(slot_size, CANARY, &ret->stride) ||
		page_up_overflows(ret->stride, ALIGN, &ret->stride) ||
		mul_overflows(ret->stride, slots, &ret->body) || ret->body > MOST_SIZE - ALIGN ||
		!pool_slots_size(slots, &ret->free))
		return false;
	ret->body = page_down(ret->body + ALIGN + page - 1, page);
	ret->free = page_down(ret->free + page - 1, page);
	ret->head = page_down(sizeof(struct memseal_pool) + page - 1, page);
	return true;
}

/* A string that runs out of a slot ends in a zero: none of these is one. */
static bool draw_canary(unsigned char canary[ALIGN + CANARY])
{
	if (sys_getrandom(canary, CANARY, 0) != CANARY)
		return false;
	for (size_t i = 0; i < CANARY; i++)
		canary[i] |= canary[i] ? 0 : 0x80;
	for (size_t i = CANARY; i < ALIGN + CANARY; i++)
		canary[i] = canary[i - CANARY];
	return true;
}

/* The gap before a slot ends where it begins, that behind it is as long as what is left. */
static size_t gap_before(const struct memseal_pool *pool, size_t index)
{
	return index ? pool->stride - pool->slot_size : ALIGN;
}

static void set_canaries(const struct memseal_pool *pool)
{
	const size_t gap = pool->stride - pool->slot_size;

	memcpy(pool->first - ALIGN, pool->canary, ALIGN);
	for (size_t i = 0; i < pool->count; i++)
		memcpy(pool->first + i * pool->stride + pool->slot_size, pool->canary, gap);
}

/* The last slot ends at the guard. */
static struct memseal_pool *fill_in(const struct memseal_pool *model, const struct sizes *sizes)
{
	const struct pool_memory *memory = &model->memory;
	struct memseal_pool *pool = (struct memseal_pool *)(uintptr_t)memory->head;

	*pool = *model;
	pool->stride = (size_t)sizes->stride;
	pool->first =
		(unsigned char *)(uintptr_t)memory->body_end - pool->count * (size_t)sizes->stride;
	pool->free = (struct pool_slots *)(uintptr_t)memory->free;
	pool_slots_init(pool->free, pool->count);
	set_canaries(pool);
	return pool;
}

/* Seen, and not only answered by the calls that were to do it: a filter may answer 0 for them. */
static bool meets(const struct memseal_pool *pool, uint64_t demand)
{
	uint64_t holds, locked;

	if (!demand)
		return true;
	return pool_memory_holds(&pool->memory, pool->holds, &holds, &locked) == 0 &&
	       !(demand & ~holds);
}

/* What is sealed cannot be unmapped: that comes last. */
static int finish(const struct memseal_pool *pool, uint64_t demand)
{
	if (!meets(pool, demand & ~(uint64_t)MEMSEAL_POOL_SEALED))
		return -EOPNOTSUPP;
	if (pool_memory_seal(&pool->memory) < 0 && demand & MEMSEAL_POOL_SEALED)
		return -EOPNOTSUPP;
	return 0;
}

static int make(struct memseal_pool *model, uint64_t demand, struct memseal_pool **ret_pool)
{
	struct memseal_pool *pool;
	struct sizes sizes;
	int r;

	if (!find_sizes(model->slot_size, model->count, &sizes))
		return -ENOMEM;
	if (!draw_canary(model->canary))
		return -EOPNOTSUPP;
	r = pool_memory_map(sizes.body, sizes.head, sizes.free, &model->memory, &model->holds);
	if (r < 0)
		return r;
	pool = fill_in(model, &sizes);
	r = finish(pool, demand);
	if (r < 0)
		pool_memory_unmap(&model->memory);
	else
		*ret_pool = pool;
	return r;
}

EXPORT int memseal_pool_new_opts(size_t slot_size, size_t slots,
	const struct memseal_pool_opts *opts, struct memseal_pool **ret_pool)
{
	struct memseal_pool model = { .count = slots, .slot_size = slot_size };
	struct memseal_pool_opts options;
	int r = opts_read(&options, sizeof(options), opts);

	if (r < 0)
		return r;
	if (slot_size == 0 || slots == 0 || !ret_pool || options.demand & ~KNOWN)
		return -EINVAL;
	return errors_only(make(&model, options.demand, ret_pool), -EOPNOTSUPP, ERRORS_POOL);
}

EXPORT int memseal_pool_new(size_t slot_size, size_t slots, struct memseal_pool **ret_pool)
{
	return memseal_pool_new_opts(slot_size, slots, NULL, ret_pool);
}

/* Not to be left out by the compiler, who sees that nobody reads it. */
static void wipe(void *slot, size_t len)
{
	memset(slot, 0, len);
	__asm__ volatile("" : : "r"(slot) : "memory");
}

EXPORT void *memseal_pool_get(struct memseal_pool *pool)
{
	unsigned char *slot;
	size_t index;

	if (!pool->count) {
		errno = ENXIO;
		return NULL;
	}
	if (!pool_slots_take(pool->free, pool->count, &index)) {
		errno = ENOMEM;
		return NULL;
	}
	if (index >= pool->count)
		abort();
	slot = pool->first + index * pool->stride;
	wipe(slot, pool->slot_size); /* of what was written to it after it was put back */
	return slot;
}

/* The index of a slot between canaries that are whole; everything else is memory that is corrupt.
 */
static size_t check_slot(const struct memseal_pool *pool, const unsigned char *slot)
{
	size_t offset = (size_t)slot - (size_t)pool->first, index = offset / pool->stride, before;

	if (index >= pool->count || offset != index * pool->stride)
		abort();
	before = gap_before(pool, index);
	if (memcmp(slot - before, pool->canary, before) != 0 ||
		memcmp(slot + pool->slot_size, pool->canary, pool->stride - pool->slot_size) != 0)
		abort();
	return index;
}

EXPORT void memseal_pool_put(struct memseal_pool *pool, void *slot)
{
	size_t index;

	if (!slot || !pool->count)
		return;
	index = check_slot(pool, slot);
	wipe(slot, pool->slot_size);
	if (!pool_slots_give(pool->free, index))
		abort();
}

/* What version 0.1 had. */
#define SIZE_0_1 (offsetof(struct memseal_pool_status, locked_bytes) + sizeof(size_t))

EXPORT int memseal_pool_status(
	const struct memseal_pool *pool, struct memseal_pool_status *ret_status)
{
	struct memseal_pool_status status = { .slots = pool->count };
	uint64_t locked = 0;
	int r;

	if (!output_valid(ret_status, SIZE_0_1))
		return -EINVAL;
	if (!pool->count)
		return -ENXIO;
	r = pool_memory_holds(&pool->memory, pool->holds, &status.holds, &locked);
	if (r < 0)
		return errors_only(r, -EIO, ERRORS_POOL_STATUS);
	status.used = pool->count - pool_slots_free(pool->free, pool->count);
	status.locked_bytes = (size_t)locked;
	output_write(ret_status, &status, sizeof(status));
	return 0;
}
