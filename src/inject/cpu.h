/* SPDX-License-Identifier: MIT */
/* The registers of a stopped thread of another process. A file for each architecture. */
#ifndef MEMSEAL_INJECT_CPU_H
#define MEMSEAL_INJECT_CPU_H

#include <sys/types.h>
#include <sys/user.h>

#include "base/util.h"

/* Vector and other registers as the kernel hands them out, with all that a processor may have. */
#define CPU_EXTENDED_MAX 16384

/* All that a thread is for user space, but its thread pointer and its memory. */
struct cpu_state {
	struct user_regs_struct registers;
	uint64_t mask;     /* of signals */
	int extended_kind; /* which set of registers, of ptrace(2) */
	size_t extended_len;
	unsigned char extended[CPU_EXTENDED_MAX] __attribute__((aligned(64)));
};

/* 0, or what ptrace(2) answers; -ENOEXEC of the first: it does not run 64-bit code. */
int cpu_read_registers(pid_t tid, struct user_regs_struct *ret) MUST_CHECK NONNULL(2);
int cpu_write_registers(pid_t tid, const struct user_regs_struct *registers) MUST_CHECK NONNULL(2);

/*
 * Everything, of which the registers are known already. -EOPNOTSUPP: it has a shadow stack, which
 * is not the same any more when the thread has run.
 */
int cpu_save(pid_t tid, struct cpu_state *ret) MUST_CHECK NONNULL(2);

/* Registers last: until then, the thread goes on as they say now. */
int cpu_restore(pid_t tid, const struct cpu_state *state) MUST_CHECK NONNULL(2);

uint64_t cpu_stack(const struct user_regs_struct *registers) NONNULL(1);

/*
 * The stop interrupted a system call that returns EINTR even where no signal came, such as
 * epoll_wait(2): it is to be called again. With a seccomp filter, so is one that the kernel would
 * go on with by restart_syscall(2), which the filter may not know. Were the registers changed?
 */
bool cpu_hide_interruption(struct user_regs_struct *registers, bool confined) NONNULL(1);

/* Can this system call wait until a child executes a program, as vfork(2) does? */
bool cpu_can_spawn(long nr) MUST_CHECK;

/*
 * A thread in a restartable sequence (rseq(2)) would go on in its middle, on whatever processor. As
 * the kernel does when it interrupts one: it goes on at the sequence's abort handler. 0, or what
 * ptrace(2) answers; mem: /proc/PID/mem.
 */
int cpu_abort_sequence(pid_t tid, int mem, struct user_regs_struct *registers) MUST_CHECK
	NONNULL(3);

/* Instructions in the program's own code. */
struct cpu_gadgets {
	uint64_t call;      /* a system call, and a return to what the stack says */
	uint64_t sigreturn; /* rt_sigreturn(2), as signal handlers return to */
};

/* The longest of them, in bytes. */
#define CPU_GADGET_MAX 9

/* Notes the gadgets that are in these bytes, which are at that address, unless known already. */
void cpu_find_gadgets(const unsigned char *bytes, size_t len, uint64_t at, struct cpu_gadgets *ret)
	NONNULL(1, 4);

/*
 * A net for a thread: a signal frame, with what the thread was, that its next return leads to. If
 * the tracer ends, at whatever point, the thread goes on by itself as if nothing had been. It is
 * below the stack of the thread, or, with end, ends there.
 */
#define CPU_NET_MAX (CPU_EXTENDED_MAX + 1024)

struct cpu_net {
	uint64_t start;  /* where the bytes are to be written: a return address first */
	uint64_t resume; /* the frame itself, for rt_sigreturn(2) */
	size_t len;
	unsigned char bytes[CPU_NET_MAX];
};

void cpu_make_net(const struct cpu_state *state, const struct cpu_gadgets *gadgets, uint64_t end,
	struct cpu_net *ret) NONNULL(1, 2, 4);

/* Registers of a thread that is about to make a system call and then falls into the net. */
void cpu_set_call(struct user_regs_struct *registers, const struct cpu_gadgets *gadgets,
	const struct cpu_net *net, long nr, const uint64_t args[6]) NONNULL(1, 2, 3, 5);

/* What it returned. */
long cpu_result(const struct user_regs_struct *registers) NONNULL(1);

/* Registers of a thread that is about to enter a function, with an argument and a stack for it. */
void cpu_set_entry(struct user_regs_struct *registers, uint64_t function, uint64_t argument,
	uint64_t stack_end) NONNULL(1);

#endif
