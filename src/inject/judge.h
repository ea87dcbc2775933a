/* SPDX-License-Identifier: MIT */
/* May a process be entered, and what is known of it before that? From its files in proc(5). */
#ifndef MEMSEAL_INJECT_JUDGE_H
#define MEMSEAL_INJECT_JUDGE_H

#include "process/snapshot.h"

/* Where the agent of that file is in the process, because it was attached to before; or 0. */
uint64_t judge_find_agent(const struct memseal_process *process, int agent) MUST_CHECK NONNULL(1);

/*
 * 0, or why it is not to be tried, as memseal_process_seal() documents it, with the reason in
 * words. init: process 1 may be; agent: the descriptor of the agent's file.
 */
int judge(const struct memseal_process *process, bool init, int agent, char *ret_reason,
	size_t size) MUST_CHECK NONNULL(1, 4);

/* It was refused to trace it: -EPERM, or -ESRCH. Why, in words. */
int judge_refused(const struct memseal_process *process) MUST_CHECK NONNULL(1);
const char *judge_refused_text(const struct memseal_process *process) NONNULL(1);

/* Has one of its threads a seccomp filter, or this one? Unknown is yes. */
bool judge_is_confined(const struct memseal_process *process) MUST_CHECK NONNULL(1);
bool judge_is_thread_confined(const struct memseal_process *process, pid_t tid) MUST_CHECK
	NONNULL(1);

/*
 * Has the loader come to its end, as its own RELRO shows, which it makes read-only at last? 0; 1:
 * it never makes it so, nor does a static program that started long ago (musl's; glibc's loader, if
 * the program needs no library); -EBUSY: the program is just being started, and the snapshot is too
 * old. Waits for 200 ms to find out.
 */
int judge_start(const struct memseal_process *process) MUST_CHECK NONNULL(1);

#endif
