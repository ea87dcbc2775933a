/* SPDX-License-Identifier: MIT */
/* What each call would do to memory, read from its registers: an interval and the effects. */
#ifndef MEMSEAL_BPF_JUDGE_H
#define MEMSEAL_BPF_JUDGE_H

#include "bpf/calls.h"
#include "bpf/tree.h"

#include <memseal.h>

/* A call that puts other memory at an address: what was there is gone, and its protection too. */
#define REPLACING (MEMSEAL_NO_UNMAP | MEMSEAL_NO_PROTECT | MEMSEAL_NO_WRITE | MEMSEAL_NO_EXEC)

/* Bits of CHECKS beside the effects. */
#define CHECK_SECOND     (UINT32_C(1) << 31) /* mremap: there is a second interval */
#define CHECK_HUGE       (UINT32_C(1) << 30) /* the kernel rounds the length up to huge pages */
#define CHECK_ROUND_DOWN (UINT32_C(1) << 29) /* the kernel rounds address and length down */
#define CHECK_POINT      (UINT32_C(1) << 28) /* an address without a length */
#define CHECK_MREMAP     (UINT32_C(1) << 27) /* judged by judge_mremap() */

struct judge {
	struct emit emit;
	const struct bpf_policy *policy;
	const struct arch *arch;
	struct bpf_scratch *scratch;

	struct bpf_ranges held;    /* judged against every call */
	struct bpf_ranges targets; /* judged against the second interval of mremap */
	uint64_t effects;          /* that a range of held has */
	uint64_t target_effects;   /* of REPLACING, that a range of targets has */

	unsigned keep_break; /* label of the answer to a refused brk */
	unsigned second;     /* judges the second interval of mremap; emit.allow: not here */
};

/* A register argument, and the cells that its words go to. */
struct operand {
	uint8_t arg;
	uint8_t low, high;
};

/*
 * Stores the operands, the first of which is an address, without its tag. With 32-bit registers the
 * high words are 0: the kernel does not read them, but int 0x80 lets a 64-bit program fill them.
 */
unsigned judge_operands(struct judge *judge, const struct operand *operands, size_t count);

/* Goes to emit.allow if LEN is 0. */
unsigned judge_empty(struct judge *judge);

/* Goes on with LEN as long as the kernel could round it up to for huge pages. */
unsigned judge_huge(struct judge *judge, unsigned next);

/*
 * From ADDR and LEN to the interval, for the tree that was emitted before. LEN is not 0, and the
 * high word of ADDR not above arch->high.
 */
unsigned judge_interval(struct judge *judge);

/*
 * mremap names two intervals: the mapping that it changes, and either the target of a move or the
 * page in which a shrink begins. judge_mremap_second() judges the latter, judge->second, and
 * returns where to go on with a call whose first interval was found harmless.
 */
unsigned judge_mremap_second(struct judge *judge);

/* From ADDR, which is aligned, LEN and NEW. interval: judges ADDR, LEN and CHECKS. */
unsigned judge_mremap(struct judge *judge, unsigned interval);

/* Judgements of all calls; emit.allow for those that no range is concerned with. */
void judge_calls(struct judge *judge, unsigned ret_heads[CALLS]);

#endif
