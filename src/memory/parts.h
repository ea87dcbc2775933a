/* SPDX-License-Identifier: MIT */
/* Which engine is to hold what: ranges, as the caller gave them, to parts of one answer each. */
#ifndef MEMSEAL_MEMORY_PARTS_H
#define MEMSEAL_MEMORY_PARTS_H

#include <memseal.h>

#include "base/span.h"
#include "engine/own-maps.h"

/* Stretches of whole pages, ascending, none of which overlap. */
struct part {
	SPAN_MEMBERS;
	uint64_t effects; /* of all the ranges here */
	uint64_t filter;  /* those of them that the filter engine is to hold */
	bool kernel;      /* the kernel engine holds the others */
};

struct plan {
	struct part *parts;
	size_t count;
};

/* Which engines may be used. */
struct engines {
	bool kernel, filter;
};

/*
 * Adds up the effects of the ranges, whose addresses and lengths are right. -ENOSPC: scratch is too
 * small.
 */
int plan_make(struct scratch *scratch, const struct memseal_range *ranges, size_t count,
	struct plan *ret_plan) MUST_CHECK NONNULL(1, 4);

/*
 * Gives each part to engines, and cuts it where mappings differ in what mseal(2) holds on them.
 * -EOPNOTSUPP: no engine holds all the effects on this memory; -ENOMEM: a hole; -ENOSPC; and what
 * asking for mappings answers.
 */
int plan_assign(struct scratch *scratch, const struct own_maps *maps, const struct engines *engines,
	struct plan *plan) MUST_CHECK NONNULL(1, 2, 3, 4);

/*
 * Seals all parts: by one filter for all first, because it is installed or not, then by the kernel.
 * *ret_tid is the thread that cannot take the filter, with -ESRCH. *ret_tried: there is something
 * to count with plan_sealed(), on failure too.
 *
 * As filter_check(), filter_install() but for -ESRCH, and kernel_seal().
 */
int plan_seal(struct scratch *scratch, const struct own_maps *maps, const struct plan *plan,
	pid_t *ret_tid, bool *ret_tried) MUST_CHECK NONNULL(1, 2, 3, 4, 5);

/* Bytes of the plan that are held as planned, by whomever: the kernel is asked, page by page. */
uint64_t plan_sealed(const struct plan *plan) NONNULL(1);

/* Bytes of the plan. */
uint64_t plan_size(const struct plan *plan) NONNULL(1);

#endif
