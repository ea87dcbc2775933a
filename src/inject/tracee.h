/* SPDX-License-Identifier: MIT */
/*
 * A process whose threads stand still, each where it was. Whoever stops them is a process of its
 * own, with one thread: when it ends, at whatever point, the kernel sets all of them free.
 */
#ifndef MEMSEAL_INJECT_TRACEE_H
#define MEMSEAL_INJECT_TRACEE_H

#include <sys/types.h>

#include "base/util.h"
#include "inject/cpu.h"

struct tracee_thread {
	pid_t tid;
	bool stopped; /* not one that waits in vfork(2) for another program to be executed */
	struct user_regs_struct registers;
};

struct tracee {
	pid_t pid;
	int dir;          /* /proc/PID */
	uint64_t options; /* of ptrace(2) */
	bool confined;    /* by a seccomp filter */
	bool interrupted; /* the first thread was stopped, at: */
	uint64_t since;   /* ns, CLOCK_MONOTONIC */
	pid_t stuck;      /* -EBUSY: the thread that does not stop */
	struct tracee_thread *threads;
	size_t count, room;
};

/*
 * Stops all threads, those too that are born meanwhile.
 * -ESRCH  it ended
 * -EPERM  ptrace(2) is refused
 * -EBUSY  a thread does not stop: it waits for a device, or a file system
 * -ENOEXEC  a thread runs 32-bit code
 * -ENOMEM, and what reading /proc/PID/task answers
 */
int tracee_stop(struct tracee *tracee) MUST_CHECK NONNULL(1);

/* Sets all threads free. */
void tracee_release(struct tracee *tracee) NONNULL(1);

uint64_t tracee_now(void);

/*
 * Waits until a thread stops, however long it takes: whoever started this process ends it then.
 * -ESRCH: it ended.
 */
int tracee_wait(pid_t tid, int *ret_status) MUST_CHECK NONNULL(2);

#endif
