/* SPDX-License-Identifier: MIT */
/*
 * Which slots of a pool are free: a bit each. Many threads may take and give at once, without a
 * lock. The slot's bytes are ordered by it: whoever takes a slot sees what was written before it
 * was given. All zeroes, the list is one of a pool with no slot free.
 */
#ifndef MEMSEAL_MEMORY_POOL_SLOTS_H
#define MEMSEAL_MEMORY_POOL_SLOTS_H

#include "base/util.h"

struct pool_slots {
	size_t given; /* how many slots were given back, ever; wraps */
	size_t near;  /* a word to begin with */
	unsigned long words[];
};

/* Bytes of a list for that many slots; false if they are too many. */
bool pool_slots_size(uint64_t count, uint64_t *ret) MUST_CHECK NONNULL(2);

/* All become free; the memory is zeroed. */
void pool_slots_init(struct pool_slots *slots, size_t count) NONNULL(1);

/* The index of a free slot, which no longer is; false: there was a moment when none was free. */
bool pool_slots_take(struct pool_slots *slots, size_t count, size_t *ret_index) MUST_CHECK
	NONNULL(1, 3);

/* false: it is free already. */
bool pool_slots_give(struct pool_slots *slots, size_t index) MUST_CHECK NONNULL(1);

/* How many are free, of a list that may change while they are counted. */
size_t pool_slots_free(const struct pool_slots *slots, size_t count) NONNULL(1);

#endif
