/* SPDX-License-Identifier: MIT */
/*
 * What a filter should answer, written down from what the kernel does with each call, with sums
 * that cannot overflow and without a thought for how a filter computes it.
 */
#ifndef MEMSEAL_TESTS_BPF_MODEL_H
#define MEMSEAL_TESTS_BPF_MODEL_H

#include <linux/seccomp.h>

#include "bpf/bpf.h"

enum verdict {
	ALLOWED,
	REFUSED,
	UNJUDGED,
	KEPT_BREAK, /* brk: refused by its own means */
};

enum name {
	N_BRK,
	N_EXECVE,
	N_EXECVEAT,
	N_IOCTL,
	N_IO_URING_ENTER,
	N_IO_URING_REGISTER,
	N_IO_URING_SETUP,
	N_IPC,
	N_MADVISE,
	N_MAP_SHADOW_STACK,
	N_MEMFD_CREATE,
	N_MMAP,
	N_MMAP2,
	N_MPROTECT,
	N_MREMAP,
	N_MSEAL,
	N_MUNMAP,
	N_PERSONALITY,
	N_PKEY_MPROTECT,
	N_PRCTL,
	N_PROCESS_MADVISE,
	N_REMAP_FILE_PAGES,
	N_SHMAT,
	N_SHMDT,
	N_USELIB,
	N_USERFAULTFD,
	NAMES,
};

/* How a call enters the kernel. */
enum abi { ABI_X86_64, ABI_X32, ABI_I386, ABI_AARCH64, ABI_RISCV64, ABI_ARM, ABIS };

/* The number of a call, or -1; AUDIT_ARCH_* of an interface. */
int model_number(enum abi abi, enum name name);
uint32_t model_audit(enum abi abi);

struct model {
	const struct bpf_policy *policy;
	const struct bpf_range *ranges;
	size_t count;
};

enum verdict model_verdict(const struct model *model, const struct seccomp_data *data);

#endif
