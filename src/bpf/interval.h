/* SPDX-License-Identifier: MIT */
/* From a call's registers to the interval of addresses that it is about. */
#ifndef MEMSEAL_BPF_INTERVAL_H
#define MEMSEAL_BPF_INTERVAL_H

#include "bpf/calls.h"
#include "bpf/tree.h"

/* Bits of CHECKS beside the effects. */
#define CHECK_SECOND     (UINT32_C(1) << 31) /* mremap: there is a second interval */
#define CHECK_HUGE       (UINT32_C(1) << 30) /* the kernel rounds the length up to huge pages */
#define CHECK_ROUND_DOWN (UINT32_C(1) << 29) /* the kernel rounds address and length down */
#define CHECK_POINT      (UINT32_C(1) << 28) /* an address without a length */
#define CHECK_MREMAP     (UINT32_C(1) << 27) /* judged by gen_mremap() */

struct gen {
	struct emit emit;
	const struct bpf_policy *policy;
	const struct arch *arch;
	struct bpf_scratch *scratch;

	struct bpf_ranges held;    /* judged against every call */
	struct bpf_ranges targets; /* judged against the second interval of mremap */
	uint64_t effects;          /* that a range of held has */
	uint64_t target_effects;   /* of BPF_REPLACING, that a range of targets has */

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
unsigned gen_operands(struct gen *gen, const struct operand *operands, size_t count);

/* Goes to emit.allow if LEN is 0. */
unsigned gen_unless_empty(struct gen *gen);

/* Goes on with LEN as long as the kernel could round it up to for huge pages. */
unsigned gen_round_up_huge(struct gen *gen, unsigned next);

/*
 * From ADDR and LEN to the interval, for the tree that was emitted before. LEN is not 0, and the
 * high word of ADDR not above arch->high.
 */
unsigned gen_interval(struct gen *gen);

#endif
