/* SPDX-License-Identifier: MIT */
/*
 * Memory for one job: the agent has no malloc, and must not call the program's. A job that runs out
 * of it (-ENOSPC) starts over with more: scratch_run().
 */
#ifndef MEMSEAL_BASE_SCRATCH_H
#define MEMSEAL_BASE_SCRATCH_H

#include "base/util.h"

struct scratch {
	unsigned char *base;
	size_t used, size;
};

/* len bytes, aligned for any type, zero unless the job itself has used them; or NULL. */
void *scratch_alloc(struct scratch *scratch, size_t len) MUST_CHECK NONNULL(1);

/* What is left, without taking it; scratch_alloc() of *ret_len bytes then returns the same place.
 */
void *scratch_rest(const struct scratch *scratch, size_t *ret_len) NONNULL(1, 2);

/* Enough of the stack for a few ranges or a new image, on any thread's. */
#define SCRATCH_SMALL 2048

/*
 * Runs job with so many bytes of the stack, then, while it answers -ENOSPC, with memory that is
 * mapped for it, ever more. Its answer, or -ENOMEM. A job must not have changed anything before it
 * returns -ENOSPC. What fits onto the stack needs no mapping and touches no new page; a job that
 * reads all of maps never does, and has 0. The smallest stack that a thread can have is 16 KiB.
 */
int scratch_run(size_t stack, int (*job)(struct scratch *, void *), void *arg) MUST_CHECK
	NONNULL(2);

#endif
