/* SPDX-License-Identifier: MIT */
/* System calls that attacks make and nothing else does; those of base/sys.h besides. */
#ifndef MEMSEAL_ATTACK_SYS_H
#define MEMSEAL_ATTACK_SYS_H

#include "base/sys.h"

static inline int sys_pkey_mprotect(uint64_t addr, size_t len, int prot, int pkey)
{
	return (int)sys_call4(NR_pkey_mprotect, addr, len, prot, pkey);
}

static inline int sys_remap_file_pages(uint64_t addr, size_t len, size_t page_offset)
{
	return (int)sys_call5(NR_remap_file_pages, addr, len, 0, page_offset, 0);
}

static inline int sys_munlock(uint64_t addr, size_t len)
{
	return (int)sys_call2(NR_munlock, addr, len);
}

/* nodes: one word of node numbers. */
static inline int sys_mbind(uint64_t addr, size_t len, int mode, unsigned long nodes, int flags)
{
	return (int)sys_call6(NR_mbind, addr, len, mode, &nodes, 8 * sizeof(nodes), flags);
}

/* Moves one page of the calling process; 0 if the call was taken, *ret_status says how it went. */
static inline int sys_move_page(uint64_t addr, int node, int *ret_status)
{
	return (int)sys_call6(NR_move_pages, 0, 1, &addr, &node, ret_status, 1 << 1);
}

static inline int sys_process_madvise(
	int pidfd, const struct iovec *ranges, size_t n, int advice, unsigned int flags)
{
	return (int)sys_call5(NR_process_madvise, pidfd, ranges, n, advice, flags);
}

static inline int sys_shmget(int key, size_t len, int flags)
{
	return (int)sys_call3(NR_shmget, key, len, flags);
}

/* Returns the address or a negative errno; sys_failed() tells them apart. */
static inline long sys_shmat(int id, uint64_t addr, int flags)
{
	return sys_call3(NR_shmat, id, addr, flags);
}

static inline int sys_shmctl(int id, int op, void *arg)
{
	return (int)sys_call3(NR_shmctl, id, op, arg);
}

static inline int sys_userfaultfd(int flags)
{
	return (int)sys_call1(NR_userfaultfd, flags);
}

static inline int sys_pipe2(int ret_fds[2], int flags)
{
	return (int)sys_call2(NR_pipe2, ret_fds, flags);
}

static inline int sys_io_uring_setup(unsigned int entries, struct io_uring_params *params)
{
	return (int)sys_call2(NR_io_uring_setup, entries, params);
}

static inline int sys_io_uring_enter(int ring, unsigned int submit, unsigned int wait, int flags)
{
	return (int)sys_call6(NR_io_uring_enter, ring, submit, wait, flags, 0, 0);
}

static inline int sys_setitimer(int which, const struct itimerval *value)
{
	return (int)sys_call3(NR_setitimer, which, value, 0);
}

/* The default action for a signal: a kernel sigaction of all zeroes on every architecture. */
static inline int sys_signal_default(int sig)
{
	unsigned long action[5] = { 0 }; /* 4 words of 64 bits, or 5 of 32 */

	return (int)sys_call4(NR_rt_sigaction, sig, action, 0, 8);
}

#endif
