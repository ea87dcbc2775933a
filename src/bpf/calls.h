/* SPDX-License-Identifier: MIT */
/* The system calls that can change memory, by architecture, and the way from a number to a call. */
#ifndef MEMSEAL_BPF_CALLS_H
#define MEMSEAL_BPF_CALLS_H

#include "bpf/emit.h"
#include "bpf/policy.h"

enum call {
	CALL_MUNMAP,
	CALL_MPROTECT, /* and pkey_mprotect: the same first three arguments */
	CALL_MMAP,     /* and mmap2: they differ in the offset alone */
	CALL_OLD_MMAP, /* i386's first mmap: its arguments lie in memory */
	CALL_MREMAP,
	CALL_MADVISE,
	CALL_PROCESS_MADVISE,
	CALL_BRK,
	CALL_REMAP_FILE_PAGES,
	CALL_SHMAT,
	CALL_SHMDT,
	CALL_IPC, /* i386's first shmat and shmdt */
	CALL_MAP_SHADOW_STACK,
	CALL_MSEAL,
	CALL_MEMFD_CREATE,
	CALL_USELIB,
	CALL_IO_URING, /* setup, enter and register */
	CALL_USERFAULTFD,
	CALL_IOCTL,
	CALL_PRCTL,
	CALL_PERSONALITY,
	CALL_EXEC, /* and execveat */
	CALLS,
};

struct call_number {
	uint16_t nr;
	uint8_t call; /* enum call */
};

struct call_table {
	const struct call_number *numbers; /* by number */
	uint8_t count;
};

struct arch {
	uint32_t audit;           /* AUDIT_ARCH_* of the architecture */
	uint32_t sibling;         /* AUDIT_ARCH_* of the other one that its kernels can run */
	struct call_table calls;  /* ... and their calls */
	struct call_table narrow; /* those of the judged sibling with 32-bit registers, if any */
	uint32_t x32;             /* the bit that marks x32 calls, else 0 */
	uint32_t high;            /* bits of the high word of an address that are not a tag */
	uint32_t huge;            /* the smallest huge page */
	uint32_t last_window;     /* the highest high word of an address of this architecture */
};

/* NULL for an unknown architecture. */
const struct arch *arch_find(enum bpf_arch arch);

/*
 * Goes from a call's number to the label of its judgement, and to emit->allow for every other
 * number. Reads nothing but the number: the kernel (since 5.11) then knows beforehand which numbers
 * are always allowed and does not run the program for them (kernel/seccomp.c,
 * seccomp_is_const_allow), which keeps its size without effect on most calls.
 */
unsigned gen_numbers(struct emit *emit, const struct call_table *table, const unsigned heads[CALLS],
	uint32_t x32);

#endif
