/* SPDX-License-Identifier: MIT */
/*
 * Ranges and effects to seccomp programs. Pure: no system call, no allocation; the caller brings
 * the memory. A program answers every call that could break an effect, reading nothing but the
 * call's registers; it allows everything else.
 *
 * Calls that do not overlap a range are allowed, and so are calls that the kernel itself refuses
 * before it changes anything (an unaligned address, a length of 0). A call whose end lies beyond
 * the address space is judged as if it ended there. docs/filter.md says which call breaks which
 * effect, what the registers do not show and what is done about it.
 *
 * Calls of both instruction sets of x86 (64-bit, x32, i386 through int 0x80) are judged, by the
 * same trees: a process may mix them at will. A 64-bit ARM or RISC-V process cannot reach its
 * 32-bit sibling but by execve(2), and the other way round: nothing sealed is left then, and the
 * sibling's calls are allowed.
 */
#ifndef MEMSEAL_BPF_BPF_H
#define MEMSEAL_BPF_BPF_H

#include <linux/filter.h>
#include <linux/seccomp.h>

#include "bpf/policy.h"

/*
 * One program holds about 1,250 ranges with one set of effects; each further distinct set costs as
 * much again as the ranges in it. What does not fit goes to further programs, which are to be
 * installed on top of each other: the kernel takes the strictest answer. The second address that
 * mremap(2) can take needs a tree of its own and is the first to be left to the next program.
 */
struct bpf_batch {
	const struct bpf_policy *policy;
	const struct bpf_range *ranges; /* by start; may touch and overlap, then effects add up */
	size_t count;

	/* Progress, 0 at first. */
	size_t held;    /* ranges that the programs so far hold against every call, ... */
	size_t targets; /* ... and against a second address of mremap(2) */
};

/*
 * The next program of a batch: its length in instructions, or 0 if the batch is done. capacity up
 * to BPF_MAXINSNS (4096), the most that the kernel loads. On failure the room for the program holds
 * nothing of use, and the batch is as it was.
 *
 * -EINVAL  the policy, or ranges that are empty, unaligned, not sorted, without effects or with
 *          unknown ones, or beyond what the architecture's addresses reach
 * -E2BIG   not even one range fits into capacity
 */
int bpf_next(struct bpf_batch *batch, struct bpf_scratch *scratch, struct sock_filter *ret_program,
	size_t capacity) MUST_CHECK NONNULL(1, 2, 3);

/*
 * The program of a policy with no_exec that has no range to hold: it answers execve(2) and
 * execveat(2), and allows everything else. Its length; -EINVAL: the policy; -E2BIG: capacity.
 */
int bpf_no_exec(const struct bpf_policy *policy, struct sock_filter *ret_program,
	size_t capacity) MUST_CHECK NONNULL(1, 2);

#endif
