/* SPDX-License-Identifier: MIT */
/*
 * Memory for one job: the agent has no malloc, and must not call the program's. Most jobs need
 * little, for which a part of the stack will do: nothing is mapped, and no new page is touched. A
 * job that runs out of it (-ENOSPC) starts over with more, which is mapped: scratch_run().
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

/*
 * Runs job with scratch memory; while it answers -ENOSPC, again with more. Its answer, or -ENOMEM.
 * A job must not have changed anything before it returns -ENOSPC.
 */
int scratch_run(int (*job)(struct scratch *, void *), void *arg) MUST_CHECK NONNULL(1);

#endif
