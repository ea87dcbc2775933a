/* SPDX-License-Identifier: MIT */
/*
 * The memory of a pool, one run of pages:
 *
 *	guard    nobody can access it
 *	body     the slots: shared memory of a file without a name or descriptor, not in children of
 *	         fork(2), in no core dump, locked
 *	guard
 *	head     what does not change once the pool is made; zeroes in children of fork(2)
 *	free     which slots are free
 */
#ifndef MEMSEAL_MEMORY_POOL_MEMORY_H
#define MEMSEAL_MEMORY_POOL_MEMORY_H

#include "base/util.h"

/* Page aligned, each the end of what stands above it. */
struct pool_memory {
	uint64_t start;
	uint64_t body, body_end;
	uint64_t head, free, end;
};

/*
 * Maps the memory of a pool, zeroed and every page of the body touched, for sizes in whole pages.
 * *ret_holds: those of MEMSEAL_POOL_* that hold now. -ENOMEM, -EMFILE, -ENFILE; -EOPNOTSUPP:
 * neither kind of file is to be had, or no page that is zeroed by fork(2).
 */
int pool_memory_map(uint64_t body, uint64_t head, uint64_t free, struct pool_memory *ret,
	uint64_t *ret_holds) MUST_CHECK NONNULL(4, 5);

/* The head becomes read-only, and all of it is sealed, if an engine can: as memseal_range(). */
int pool_memory_seal(const struct pool_memory *memory) MUST_CHECK NONNULL(1);

/* What is sealed stays. */
void pool_memory_unmap(const struct pool_memory *memory) NONNULL(1);

/*
 * Those of the MEMSEAL_POOL_* in made that hold at this moment, as /proc/self/smaps says, and
 * MEMSEAL_POOL_SEALED if that does. *ret_locked: bytes of the body that are locked. Errors of
 * reading that file.
 */
int pool_memory_holds(const struct pool_memory *memory, uint64_t made, uint64_t *ret_holds,
	uint64_t *ret_locked) MUST_CHECK NONNULL(1, 3, 4);

#endif
