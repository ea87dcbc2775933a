/* SPDX-License-Identifier: MIT */
/* What a filter is to hold: ranges, effects and answers. */
#ifndef MEMSEAL_BPF_POLICY_H
#define MEMSEAL_BPF_POLICY_H

#include <memseal.h>

#include "base/span.h"
#include "base/util.h"

/*
 * What a call breaks that puts other memory at an address: what was there is gone, and its
 * protection too.
 */
#define BPF_REPLACING (MEMSEAL_NO_UNMAP | MEMSEAL_NO_PROTECT | MEMSEAL_NO_WRITE | MEMSEAL_NO_EXEC)

/* Pages of the smallest huge page: on ARM, those of 4 KiB come in 16. */
#define BPF_HUGE_PAGES 16

/* The architecture of the process that installs the program, not of its kernel. */
enum bpf_arch {
	BPF_ARCH_X86_64, /* x32 too */
	BPF_ARCH_I386,
	BPF_ARCH_AARCH64,
	BPF_ARCH_ARM, /* EABI */
	BPF_ARCH_RISCV64,
};

struct bpf_range {
	SPAN_MEMBERS;     /* whole pages, start < end */
	uint64_t effects; /* MEMSEAL_NO_*, at least one */
};

struct bpf_policy {
	enum bpf_arch arch;
	uint32_t page; /* bytes, a power of two from 4096 to 65536 */

	/* Answers, as SECCOMP_RET_* with their data. */
	uint32_t refuse;   /* to a call that would break a seal */
	uint32_t unjudged; /* to a call whose registers do not show whether it would;
			      SECCOMP_RET_ERRNO with ENOSYS makes programs fall back */

	/* The brk heap, if a range lies in it; else both 0. brk(2) reports failure by returning the
	   old break: where refuse is SECCOMP_RET_ERRNO, brk is answered 0. */
	uint64_t brk_start, brk_end;

	bool no_exec; /* answer execve(2) and execveat(2) with refuse */
};

/*
 * READ_IMPLIES_EXEC (personality(2)) makes mprotect(PROT_READ) add PROT_EXEC: a change of
 * protection that breaks NO_EXEC, and that the protection asked for does not show.
 */
static inline bool bpf_read_may_exec(const struct bpf_range *range)
{
	return (range->effects & (MEMSEAL_NO_EXEC | MEMSEAL_NO_PROTECT)) == MEMSEAL_NO_EXEC;
}

/* Room that bpf_next() works in. Contents do not matter before or after. */
#define BPF_SEGMENTS_MAX 1366 /* no program holds more: 3 instructions each, of 4096 */
struct bpf_segment {
	uint32_t window, last; /* the high word of its addresses: first, and last if it is full */
	uint32_t start, end;   /* low words; end 0: to the end of the window */
};
struct bpf_scratch {
	struct bpf_segment segments[BPF_SEGMENTS_MAX];
};

#endif
