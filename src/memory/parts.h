/* SPDX-License-Identifier: MIT */
/* Which engine is to hold what: ranges, as the caller gave them, to parts of one answer each. */
#ifndef MEMSEAL_MEMORY_PARTS_H
#define MEMSEAL_MEMORY_PARTS_H

#include <memseal.h>

#include "base/span.h"
#include "engine/own-maps.h"

struct part {
	SPAN_MEMBERS;     /* whole pages, start < end */
	uint64_t effects; /* of all the ranges here */
	uint64_t filter;  /* those of them that the filter engine is to hold */
	bool kernel;      /* the kernel engine holds the others */
};

/* Ascending, none of which overlap. */
struct parts {
	struct part *at;
	size_t count;
};

/* Which engines may be used. */
struct engines {
	bool kernel, filter;
};

/*
 * Parts with the effects of all the ranges, which may overlap and come in any order; of each its
 * span and effects. -ENOSPC: scratch is too small.
 */
int parts_make(struct scratch *scratch, const struct part *ranges, size_t count,
	struct parts *ret) MUST_CHECK NONNULL(1, 4);

/*
 * Gives each part to engines, and cuts it where mappings differ in what mseal(2) holds on them.
 * -EOPNOTSUPP: no engine holds all the effects on this memory; -ENOMEM: a hole; -ENOSPC; and what
 * asking for mappings answers.
 */
int parts_assign(struct scratch *scratch, const struct own_maps *maps,
	const struct engines *engines, struct parts *parts) MUST_CHECK NONNULL(1, 2, 3, 4);

/* Bytes of all parts. */
uint64_t parts_size(const struct parts *parts) NONNULL(1);

#endif
