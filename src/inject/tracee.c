/* SPDX-License-Identifier: MIT */
#include "inject/tracee.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <time.h>

#include "base/sys.h"
#include "process/procfs.h"

#define NANOSECONDS UINT64_C(1000000000)

/* A thread stops within microseconds, if it has a processor. */
#define STOP_MS    1000
#define SPAWN_MS   2 /* then it is looked whether it waits for a child */
#define SPIN_TRIES 50
#define NAP_NS     50000

uint64_t tracee_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * NANOSECONDS + (uint64_t)now.tv_nsec;
}

static int wait_how(pid_t tid, int how, int *ret_status)
{
	pid_t r;

	do
		r = sys_wait4(tid, ret_status, __WALL | how);
	while (r == -EINTR);
	if (r == 0)
		return -EAGAIN;
	if (r < 0)
		return r == -ECHILD ? -ESRCH : r;
	return WIFSTOPPED(*ret_status) ? 0 : -ESRCH;
}

int tracee_wait(pid_t tid, int *ret_status)
{
	return wait_how(tid, 0, ret_status);
}

/* -ETIMEDOUT: it does not stop within that many ms. */
static int wait_for(pid_t tid, unsigned ms, int *ret_status)
{
	const uint64_t end = tracee_now() + ms * (NANOSECONDS / 1000);
	const struct timespec nap = { .tv_nsec = NAP_NS };
	int r;

	for (unsigned tries = 0;; tries++) {
		r = wait_how(tid, WNOHANG, ret_status);
		if (r != -EAGAIN)
			return r;
		if (tries < SPIN_TRIES)
			sched_yield();
		else if (tracee_now() > end)
			return -ETIMEDOUT;
		else
			nanosleep(&nap, NULL);
	}
}

/* Anonymous memory, and not malloc(3): this may be a child of a process with threads. */
static int make_room(struct tracee *tracee)
{
	size_t room = tracee->room ? 2 * tracee->room : 16;
	long r = sys_mmap(0, room * sizeof(*tracee->threads), PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct tracee_thread *threads = (void *)r;

	if (sys_failed(r))
		return (int)r;
	for (size_t i = 0; i < tracee->count; i++)
		threads[i] = tracee->threads[i];
	sys_undo_mmap((uintptr_t)tracee->threads, tracee->room * sizeof(*tracee->threads));
	tracee->threads = threads;
	tracee->room = room;
	return 0;
}

static bool is_known(const struct tracee *tracee, pid_t tid)
{
	for (size_t i = 0; i < tracee->count; i++)
		if (tracee->threads[i].tid == tid)
			return true;
	return false;
}

static bool has_ended(const struct tracee *tracee, pid_t tid)
{
	CLEANUP(sys_close_cleanup) int dir = -1;
	char path[32];

	snprintf(path, sizeof(path), "task/%d", tid);
	dir = sys_openat(tracee->dir, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
	return dir < 0 || procfs_state(dir) == -ESRCH;
}

static int seize(pid_t tid, void *arg)
{
	struct tracee *tracee = arg;
	long r;

	if (is_known(tracee, tid))
		return 0;
	r = tracee->count == tracee->room ? make_room(tracee) : 0;
	if (r == 0)
		r = sys_ptrace(PTRACE_SEIZE, tid, 0, tracee->options);
	if (r < 0) /* one that has ended, as the first thread may have, is forbidden as well */
		return r == -ESRCH || (r == -EPERM && has_ended(tracee, tid)) ? 0 : (int)r;
	if (!tracee->interrupted)
		tracee->since = tracee_now();
	tracee->interrupted = true;
	tracee->threads[tracee->count++] = (struct tracee_thread){ .tid = tid };
	r = sys_ptrace(PTRACE_INTERRUPT, tid, 0, 0);
	return r < 0 && r != -ESRCH ? (int)r : 0;
}

/* In vfork(2), or clone(2) as posix_spawn(3) calls it, until the child executes a program. */
static bool waits_for_child(const struct tracee *tracee, pid_t tid)
{
	CLEANUP(sys_close_cleanup) int fd = -1;
	char path[64], text[16] = "";

	snprintf(path, sizeof(path), "task/%d/syscall", tid);
	fd = sys_openat(tracee->dir, path, O_RDONLY | O_CLOEXEC, 0);
	if (fd < 0 || sys_read(fd, text, sizeof(text) - 1) <= 0 || *text < '0' || *text > '9')
		return false;
	return cpu_can_spawn(strtol(text, NULL, 10));
}

/*
 * The stop that was asked for. A signal that comes first is delivered: the thread stops then at its
 * handler.
 */
static int wait_for_stop(pid_t tid, unsigned ms)
{
	int status, r = wait_for(tid, ms, &status);

	while (r == 0 && status >> 16 != PTRACE_EVENT_STOP) {
		r = (int)sys_ptrace(PTRACE_CONT, tid, 0, (uint64_t)WSTOPSIG(status));
		if (r == 0)
			r = wait_for(tid, ms, &status);
	}
	return r;
}

static int wait_for_thread(struct tracee *tracee, struct tracee_thread *thread)
{
	int r = wait_for_stop(thread->tid, SPAWN_MS);

	if (r == -ETIMEDOUT && waits_for_child(tracee, thread->tid))
		return 0;
	if (r == -ETIMEDOUT)
		r = wait_for_stop(thread->tid, STOP_MS);
	if (r == -ETIMEDOUT) {
		tracee->stuck = thread->tid;
		return -EBUSY;
	}
	if (r == 0)
		r = cpu_read_registers(thread->tid, &thread->registers);
	/* At once: this process may end, and all go on as they are then. */
	if (r == 0 && cpu_hide_interruption(&thread->registers, tracee->confined))
		r = cpu_write_registers(thread->tid, &thread->registers);
	if (r < 0)
		return r == -ESRCH ? 0 : r;
	thread->stopped = true;
	return 0;
}

static int wait_for_all(struct tracee *tracee, size_t first)
{
	int r = 0;

	for (size_t i = first; r == 0 && i < tracee->count; i++)
		r = wait_for_thread(tracee, &tracee->threads[i]);
	return r;
}

int tracee_stop(struct tracee *tracee)
{
	CLEANUP(sys_close_cleanup)
	int tasks = sys_openat(tracee->dir, "task", O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
	size_t first;
	int r = tasks < 0 ? tasks : 0;

	/* Until a look finds none that is new: only those who run can make others. */
	do {
		first = tracee->count;
		if (r == 0)
			r = procfs_each(tasks, seize, tracee);
		if (r == 0)
			r = wait_for_all(tracee, first);
	} while (r == 0 && tracee->count > first);
	if (r == 0 && tracee->count == 0)
		return -ESRCH;
	return r == -ENOENT ? -ESRCH : r;
}

void tracee_release(struct tracee *tracee)
{
	for (size_t i = 0; i < tracee->count; i++)
		(void)sys_ptrace(PTRACE_DETACH, tracee->threads[i].tid, 0, 0);
	tracee->count = 0;
}
