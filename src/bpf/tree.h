/* SPDX-License-Identifier: MIT */
/*
 * Does an interval of addresses overlap a range with one of the effects that are asked about? A
 * decision tree over the high words of the ranges, below it one over the low words: about 3
 * instructions a range, and logarithmic time.
 */
#ifndef MEMSEAL_BPF_TREE_H
#define MEMSEAL_BPF_TREE_H

#include "bpf/emit.h"
#include "bpf/policy.h"

/* Cells of the scratch memory. The interval is [ADDR, END), ADDR < END. */
enum {
	ADDR_LOW,
	ADDR_HIGH,
	END_LOW,
	END_HIGH,
	NEAR_END, /* END_LOW if END is in the same 4 GiB window as ADDR, else the highest word */
	CHECKS,   /* the effects that the call would break: MEMSEAL_NO_* */
	LEN_LOW,
	LEN_HIGH,
	NEW_LOW, /* mremap's new length */
	NEW_HIGH,
	HUGE_LOW, /* of LEN, if mremap rounds it up to huge pages */
};

struct bpf_ranges {
	const struct bpf_range *at;
	size_t count;
};

/*
 * Goes to the refusal if the interval overlaps a range that has, among the effects given, one that
 * is set in CHECKS; to next otherwise. One tree for each distinct set of ranges. Returns the entry,
 * or next if no range has any of the effects.
 */
unsigned gen_tree(struct emit *emit, const struct bpf_ranges *ranges, uint64_t effects,
	struct bpf_scratch *scratch, unsigned next);

#endif
