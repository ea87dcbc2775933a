/* SPDX-License-Identifier: MIT */
#include "process/procfs.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/directory.h"
#include "base/errors.h"
#include "base/sys.h"

/* A typical smaps file fits without growing; the kernel hands it out by the page all the same. */
#define FIRST_SIZE (256 * 1024)

/*
 * Smaps of 170,000 mappings, and of more than vm.max_map_count allows as distributed. With the
 * longest paths, 4 KiB in each, the default 65,530 have 300 MiB.
 */
#define MOST_SIZE ((size_t)128 * 1024 * 1024)

static void free_cleanup(char **p)
{
	free(*p);
}

static int open_directory(int dir, const char *path)
{
	return sys_openat(dir, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
}

static int open_number(int dir, pid_t number)
{
	char name[16];

	snprintf(name, sizeof(name), "%d", number);
	return open_directory(dir, name);
}

/* A process that ended is absent when it is opened, -ESRCH when it is read. */
static int gone(int r)
{
	return r == -ENOENT ? -ESRCH : r;
}

struct live_thread {
	int tasks, dir;
};

static int open_live_thread(pid_t tid, void *arg)
{
	struct live_thread *live = arg;
	CLEANUP(sys_close_cleanup) int dir = open_number(live->tasks, tid);
	int r = dir < 0 ? dir : procfs_state(dir);

	if (r == -ENOENT || r == -ESRCH)
		return 0;
	if (r < 0)
		return r;
	live->dir = STEAL(dir, -1);
	return 1;
}

int procfs_open_thread(int dir)
{
	CLEANUP(sys_close_cleanup) int tasks = open_directory(dir, "task");
	struct live_thread live = { .tasks = tasks };
	int r;

	if (tasks < 0)
		return gone(tasks);
	r = procfs_each(tasks, open_live_thread, &live);
	if (r < 0)
		return gone(r);
	return r ? live.dir : -ESRCH;
}

int procfs_root(const char *root)
{
	CLEANUP(sys_close_cleanup) int proc = open_directory(AT_FDCWD, root);
	struct stat self;
	int r;

	if (proc < 0)
		return proc == -ENOTDIR ? -ENOENT : proc;
	/* An empty directory must not look like a system without processes. */
	r = sys_fstatat(proc, "self", &self, AT_SYMLINK_NOFOLLOW);
	return r < 0 ? r : STEAL(proc, -1);
}

int procfs_open(const char *root, pid_t pid)
{
	CLEANUP(sys_close_cleanup) int proc = -1;
	char path[PATH_MAX];
	int dir;

	if (snprintf(path, sizeof(path), "%s/%d", root, pid) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	dir = open_directory(AT_FDCWD, path);
	if (dir != -ENOENT && dir != -ENOTDIR)
		return dir;
	proc = procfs_root(root);
	return proc < 0 ? proc : -ESRCH;
}

static int grow(char **text, size_t *size)
{
	size_t larger = *size ? *size * 2 : FIRST_SIZE;
	char *grown;

	if (larger > MOST_SIZE)
		return -E2BIG;
	grown = realloc(*text, larger);
	if (!grown)
		return -ENOMEM;
	*text = grown;
	*size = larger;
	return 0;
}

int procfs_read(int dir, const char *name, char **ret_text, size_t *ret_len, int *ret_fd)
{
	CLEANUP(sys_close_cleanup) int fd = sys_openat(dir, name, O_RDONLY | O_CLOEXEC, 0);
	CLEANUP(free_cleanup) char *text = NULL;
	size_t size = 0, len = 0;

	if (fd < 0)
		return fd;
	for (;;) {
		ssize_t n = size - len < FIRST_SIZE / 2 ? grow(&text, &size) : 0;

		if (n < 0)
			return (int)n;
		n = sys_read(fd, text + len, size - len);
		if (n < 0)
			return (int)n;
		if (n == 0)
			break;
		len += (size_t)n;
	}
	*ret_text = STEAL(text, NULL);
	*ret_len = len;
	*ret_fd = STEAL(fd, -1);
	return 0;
}

/* The start of a small file that the kernel writes at once, terminated. Returns its length. */
static ssize_t read_small(int dir, const char *name, char *buf, size_t size)
{
	CLEANUP(sys_close_cleanup) int fd = sys_openat(dir, name, O_RDONLY | O_CLOEXEC, 0);
	ssize_t n;

	if (fd < 0)
		return fd;
	n = sys_read(fd, buf, size - 1);
	if (n >= 0)
		buf[n] = '\0';
	return n;
}

int procfs_comm(int dir, char ret_comm[PROCFS_COMM_SIZE])
{
	char comm[128];
	ssize_t n = read_small(dir, "comm", comm, sizeof(comm));

	if (n < 0)
		return gone((int)n);
	if (n == 0 || comm[n - 1] != '\n')
		return -EBADMSG;
	/* Those of kernel threads are longer (fs/proc/array.c, proc_task_name()). */
	n = (ssize_t)min_u64((uint64_t)n, PROCFS_COMM_SIZE) - 1;
	memcpy(ret_comm, comm, (size_t)n);
	ret_comm[n] = '\0';
	return 0;
}

/* include/linux/sched.h; proc_pid_stat(5) points to them. */
#define PF_EXITING 0x00000004UL
#define PF_KTHREAD 0x00200000UL

int procfs_state(int dir)
{
	char stat[1024], state;
	unsigned long flags;
	const char *name_end;
	ssize_t n = read_small(dir, "stat", stat, sizeof(stat));

	if (n < 0)
		return gone((int)n);
	/* "PID (comm) state ppid pgrp session tty tpgid flags": comm may hold anything, ')' too. */
	name_end = strrchr(stat, ')');
	if (!name_end || sscanf(name_end + 1, " %c %*d %*d %*d %*d %*d %lu", &state, &flags) != 2)
		return -EBADMSG;
	if (state == 'Z' || state == 'X' || flags & PF_EXITING)
		return -ESRCH;
	return flags & PF_KTHREAD ? -ENXIO : 0;
}

/* Linux 6.18 has 22 entries at most. */
#define AUXV_MAX 64

uint64_t procfs_auxv(int dir, uint64_t type)
{
	CLEANUP(sys_close_cleanup) int fd = sys_openat(dir, "auxv", O_RDONLY | O_CLOEXEC, 0);
	unsigned long vector[2 * AUXV_MAX] = { 0 };
	ssize_t n = fd < 0 ? fd : sys_read(fd, vector, sizeof(vector));

	for (size_t i = 0; n > 0 && i + 1 < (size_t)n / sizeof(*vector); i += 2)
		if (vector[i] == type)
			return vector[i + 1];
	return 0;
}

/* A number from 1, or 0. */
static pid_t parse_number(const char *name)
{
	char *end;
	long number;

	if (*name < '1' || *name > '9')
		return 0;
	errno = 0;
	number = strtol(name, &end, 10);
	return errno || *end || number > INT_MAX ? 0 : (pid_t)number;
}

int procfs_each(int dir, int (*fn)(pid_t pid, void *arg), void *arg)
{
	struct directory directory = { .fd = dir };
	const char *name;
	int r;

	while ((r = directory_next(&directory, &name)) > 0) {
		pid_t number = parse_number(name);

		r = number ? fn(number, arg) : 0;
		if (r)
			return r;
	}
	return errors_only(r, -EIO, ERRORS_PROCESS_EACH);
}
