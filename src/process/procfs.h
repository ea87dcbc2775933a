/* SPDX-License-Identifier: MIT */
/*
 * The files of one process in proc(5). A process is a descriptor of its directory: unlike a number
 * it never comes to mean another process.
 */
#ifndef MEMSEAL_PROCESS_PROCFS_H
#define MEMSEAL_PROCESS_PROCFS_H

#include <sys/types.h>

#include "base/util.h"

/* Opens the directory where proc(5) is mounted. The descriptor, or -ENOENT: it is not. */
int procfs_root(const char *root) MUST_CHECK NONNULL(1);

/* Opens the directory of a process. Errors as procfs_root(); -ESRCH: no such process. */
int procfs_open(const char *root, pid_t pid) MUST_CHECK NONNULL(1);

/*
 * The directory of a thread of the process that has not ended, for when the main thread has: the
 * files are the same. The descriptor, or -ESRCH.
 */
int procfs_open_thread(int dir) MUST_CHECK;

/*
 * The whole of a file that may grow. *ret_text is to be freed; it is not terminated. The file stays
 * open: *ret_fd. -E2BIG: more than 128 MiB.
 */
int procfs_read(int dir, const char *name, char **ret_text, size_t *ret_len, int *ret_fd) MUST_CHECK
	NONNULL(2, 3, 4, 5);

/* The name, any bytes but NUL; of a kernel thread its start. */
#define PROCFS_COMM_SIZE 16

int procfs_comm(int dir, char ret_comm[PROCFS_COMM_SIZE]) MUST_CHECK NONNULL(2);

/* 0 if the main thread runs, -ESRCH if it ended (a zombie), -ENXIO if it is a kernel thread. */
int procfs_state(int dir) MUST_CHECK;

/*
 * The value of an entry of the auxiliary vector of a process of this one's word size; 0: it has
 * none, or it cannot be read.
 */
uint64_t procfs_auxv(int dir, uint64_t type) MUST_CHECK;

/* Calls fn with every number that is a name in the directory, until it returns other than 0. */
int procfs_each(int dir, int (*fn)(pid_t pid, void *arg), void *arg) MUST_CHECK NONNULL(2);

#endif
