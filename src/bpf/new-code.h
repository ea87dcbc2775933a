/* SPDX-License-Identifier: MIT */
/*
 * A filter against memory that becomes code: what was writable, or anonymous, never gets PROT_EXEC.
 * It sees calls and not mappings, so that it refuses a little more than PR_SET_MDWE does: memory
 * that is executable already does not get it again either. Pure.
 */
#ifndef MEMSEAL_BPF_NEW_CODE_H
#define MEMSEAL_BPF_NEW_CODE_H

#include "bpf/bpf.h"

/* More instructions than it has on any architecture. */
#define BPF_NEW_CODE_MAX 96

/*
 * The program, for a process of that architecture and for calls of the other one that its kernel
 * runs: SECCOMP_RET_ERRNO with EACCES for mmap(2) of what is writable or anonymous, for mprotect(2)
 * and pkey_mprotect(2), with PROT_EXEC each, for shmat(2) with SHM_EXEC, and for READ_IMPLIES_EXEC;
 * ENOSYS where the registers do not tell. Its length; -EINVAL: the architecture.
 */
int bpf_no_new_code(enum bpf_arch arch, struct sock_filter ret_program[BPF_NEW_CODE_MAX]) MUST_CHECK
	NONNULL(2);

#endif
