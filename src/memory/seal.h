/* SPDX-License-Identifier: MIT */
/* Has the engines hold what was given to them. */
#ifndef MEMSEAL_MEMORY_SEAL_H
#define MEMSEAL_MEMORY_SEAL_H

#include "memory/parts.h"

/*
 * Seals all parts: by one filter for all first, because it is installed or not, then by the kernel.
 * *ret_tid is the thread that cannot take the filter, with -ESRCH. *ret_tried: there is something
 * to count with parts_sealed(), on failure too.
 *
 * As filter_hold() and kernel_seal().
 */
int parts_seal(struct scratch *scratch, const struct own_maps *maps, const struct parts *parts,
	pid_t *ret_tid, bool *ret_tried) MUST_CHECK NONNULL(1, 2, 3, 4, 5);

/* Bytes that are held by the engines they were given to: the kernel is asked, page by page. */
uint64_t parts_sealed(const struct parts *parts) NONNULL(1);

#endif
