/* SPDX-License-Identifier: MIT */
/*
 * The filter engine: a seccomp filter that refuses what would break an effect (bpf/bpf.h). It
 * holds for all threads of the process, for what they fork, and, harmless or not, for what they
 * execute: whether to use it is for the program to say, and is asked above this floor.
 * Freestanding.
 */
#ifndef MEMSEAL_ENGINE_FILTER_H
#define MEMSEAL_ENGINE_FILTER_H

#include <sys/types.h>

#include "bpf/bpf.h"

/* Why ranges cannot be held: what a filter would not see. */
enum filter_obstacle {
	FILTER_NO_OBSTACLE = 0,
	FILTER_STACK,             /* the stack grows, and starts where registers do not tell */
	FILTER_IO_URING,          /* an open ring can discard memory without a call */
	FILTER_READ_IMPLIES_EXEC, /* the personality makes executable what may be read */
	FILTER_PART_OF_SEGMENT,   /* shmdt tells the address of a System V segment alone */
	FILTER_THREAD,            /* a thread has a filter that this one has not */
};

struct filter_report {
	enum filter_obstacle obstacle;
	pid_t tid;          /* the thread, with FILTER_THREAD */
	unsigned installed; /* programs that are in force on return, on failure too */
	bool no_new_privs;  /* set by this call: set-user-ID programs no longer gain privilege */
};

/* This process's architecture and page; EPERM for what would break a seal, else ENOSYS. */
void filter_policy(struct bpf_policy *ret) NONNULL(1);

/*
 * Can a filter hold these ranges, sorted as in struct bpf_batch? Holes are fine: a window of the
 * address space may be held before anything is mapped in it. 0, or -EFAULT (FILTER_STACK), -EBUSY
 * (FILTER_IO_URING), -EPERM (FILTER_READ_IMPLIES_EXEC), -EINVAL (FILTER_PART_OF_SEGMENT) with
 * *ret_obstacle, or what reading /proc answers.
 */
int filter_check(const struct bpf_range *ranges, size_t count,
	enum filter_obstacle *ret_obstacle) MUST_CHECK NONNULL(1, 3);

/*
 * Holds the effects on the ranges, sorted as in struct bpf_batch, in all threads or in none: makes
 * sure that nothing can break them without a filter's knowledge, installs as many filters as it
 * takes, asks the kernel whether they refuse now, and looks once more for what other threads opened
 * meanwhile. no_new_privs is set if the process lacks CAP_SYS_ADMIN, without which seccomp(2) wants
 * it. *ret_report is written on failure too; what is installed by then stays in force.
 *
 * As filter_check(), and
 * -EINVAL      the ranges; see bpf_next()
 * -ESRCH       FILTER_THREAD
 * -ENOMEM      no memory, or more filters than the kernel takes in one process
 * -EOPNOTSUPP  the kernel has no seccomp filters; or a filter of the container refuses more of
 * them, or answers in the kernel's place, and none is in force; or filters of others refuse so much
 * that this cannot be told
 */
int filter_hold(const struct bpf_range *ranges, size_t count,
	struct filter_report *ret_report) MUST_CHECK NONNULL(1, 3);

/* What filter_hold() does in between, with a policy: installs, and does not look or ask. */
int filter_install(const struct bpf_policy *policy, const struct bpf_range *ranges, size_t count,
	struct filter_report *ret_report) MUST_CHECK NONNULL(1, 2, 4);

/*
 * Has execve(2) and execveat(2) refused in all threads, or in none, and asks whether they are.
 * Errors as filter_hold().
 */
int filter_hold_exec(struct filter_report *ret_report) MUST_CHECK NONNULL(1);

/*
 * Those of the effects that filters hold on every page of [start, end). The kernel is asked, not a
 * list: by calls that every kernel refuses for their arguments, and changes nothing, but a filter
 * refuses sooner. What is refused everywhere is not taken for a seal. Costs up to 10 calls a page
 * for pages that are held, few for others.
 *
 * NO_PROTECT brings NO_WRITE and NO_EXEC with it, and NO_UNMAP brings NO_SHRINK.
 */
uint64_t filter_held(uint64_t start, uint64_t end, uint64_t page, uint64_t effects) MUST_CHECK;

/* Those of the effects that can be told: not what filters of others refuse everywhere. */
uint64_t filter_told(uint64_t page, uint64_t effects) MUST_CHECK;

/*
 * Is a filter in force that holds the effects on a range? Asked of its first and its last page,
 * about those of the effects that can be told; nothing told is a no. Some 20 calls.
 */
bool filter_in_force(const struct bpf_range *range, uint64_t page) MUST_CHECK NONNULL(1);

#endif
