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
 * *ret_obstacle, or what reading /proc/self answers.
 */
int filter_check(const struct bpf_range *ranges, size_t count,
	enum filter_obstacle *ret_obstacle) MUST_CHECK NONNULL(1, 3);

/*
 * Installs filters for the ranges, as many as it takes, in all threads or in none. no_new_privs is
 * set if the process lacks CAP_SYS_ADMIN, without which seccomp(2) wants it. *ret_report is written
 * on failure too.
 *
 * -EINVAL      policy or ranges; see bpf_next()
 * -EBUSY       FILTER_THREAD
 * -ENOMEM      no memory, or more filters than the kernel takes in one process; what is installed
 *              by then stays in force
 * -EOPNOTSUPP  the kernel has no seccomp filters, or a filter of the container refuses more
 */
int filter_install(const struct bpf_policy *policy, const struct bpf_range *ranges, size_t count,
	struct filter_report *ret_report) MUST_CHECK NONNULL(1, 2, 4);

/*
 * Installs a filter that refuses execve(2) and execveat(2) in all threads, or in none. Errors as
 * filter_install().
 */
int filter_install_no_exec(struct filter_report *ret_report) MUST_CHECK NONNULL(1);

/*
 * Those of the effects that filters hold on every page of [start, end). The kernel is asked, not a
 * list: by calls that every kernel refuses for their arguments, and changes nothing, but a filter
 * refuses sooner. What is refused everywhere is not taken for a seal. Costs up to 10 calls a page
 * for pages that are held, few for others.
 *
 * NO_PROTECT brings NO_WRITE and NO_EXEC with it, and NO_UNMAP brings NO_SHRINK. A page that has
 * NO_SHRINK without NO_UNMAP cannot be told from one that has not where the page before it has
 * NO_UNMAP: then NO_SHRINK is not reported.
 */
uint64_t filter_held(uint64_t start, uint64_t end, uint64_t page, uint64_t effects) MUST_CHECK;

/*
 * Would filter_held() see all these effects? Not if a filter of somebody else refuses one of its
 * calls everywhere.
 */
bool filter_tells(uint64_t page, uint64_t effects) MUST_CHECK;

#endif
