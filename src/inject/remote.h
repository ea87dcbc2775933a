/* SPDX-License-Identifier: MIT */
/*
 * System calls and functions that a stopped thread of another process makes in its stead. The
 * thread is as it was afterwards; and if this process ends meanwhile, it finds back by itself.
 */
#ifndef MEMSEAL_INJECT_REMOTE_H
#define MEMSEAL_INJECT_REMOTE_H

#include "base/span.h"
#include "inject/tracee.h"

struct remote {
	struct tracee_thread *thread;
	pid_t pid;
	int mem; /* /proc/PID/mem */
	struct cpu_gadgets gadgets;
	struct span spare; /* memory for the net; empty: below the stack */
	struct cpu_state saved;
	struct cpu_net net;
	uint64_t later; /* signals that came meanwhile, a bit each */
	int fault;      /* -EFAULT of remote_call() and remote_run(): the signal */
};

/* Spreads the net. -EFAULT: there is no room for it; or what ptrace(2) answers. */
int remote_enter(struct remote *remote) MUST_CHECK NONNULL(1);

/*
 * The call's answer: 0 or more, or a negative errno, its own; in *ret. Returns 0; -ESRCH: the
 * process has ended; -EFAULT: the call was not made, a signal came of it. Waits as long as it
 * takes.
 */
int remote_call(struct remote *remote, long *ret, long nr, const uint64_t args[6]) MUST_CHECK
	NONNULL(1, 2, 4);

/*
 * Has the thread enter a function, and calls is_done(arg) every now and then until it returns other
 * than 0; with 1 the thread is stopped then. Returns as remote_call(), or what is_done() returns
 * below 0: the thread is left to itself.
 */
int remote_run(struct remote *remote, uint64_t function, uint64_t argument, uint64_t stack_end,
	int (*is_done)(void *arg), void *arg) MUST_CHECK NONNULL(1, 5);

/* The thread is again what it was, and still stopped. What remote_enter() has not, neither. */
int remote_leave(struct remote *remote) MUST_CHECK NONNULL(1);

/* Memory of the process, of its protection too. 0, or a negative errno; -EFAULT. */
int remote_read(const struct remote *remote, uint64_t at, void *to, size_t len) MUST_CHECK
	NONNULL(1, 3);
int remote_write(const struct remote *remote, uint64_t at, const void *from, size_t len) MUST_CHECK
	NONNULL(1, 3);

#endif
