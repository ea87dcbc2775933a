/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cli/look.h"
#include "cli/report.h"

#define WORKERS_MAX 32
#define STILL_MS    300 /* without any processor time: it waits for something */
#define ENDLESS     10  /* times what is allowed */
#define SLOW_MS     50  /* then another worker goes on with the rest */
#define TICK_MS     10
#define NANOSECONDS 1000000

struct item {
	_Atomic(enum look) state;
	_Atomic(uint64_t) started; /* ms */
	_Atomic(pid_t) worker;
	/* The parent's: processor time of the child, ms, at first and when it last grew. */
	uint64_t used_first, used, moved;
};

struct job {
	size_t n;
	void (*fn)(size_t i, void *arg);
	void *arg;
	int keep;
	unsigned late_ms;
	unsigned workers; /* children that have not ended */
	unsigned late;    /* of them, that were given up */
	struct shared {
		atomic_size_t next;
		struct item items[];
	} * shared;
};

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / NANOSECONDS;
}

void *look_memory(size_t size)
{
	void *memory = mmap(
		NULL, size ? size : 1, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		die(STATUS_FAILURE, "out of memory");
	return memory;
}

/* A child that is left behind must not keep a pipe open that somebody reads to its end. */
static void close_all_but(int keep)
{
	unsigned fd = (unsigned)keep;

	if (keep < 0)
		close_range(0, ~0U, 0);
	if (keep > 0)
		close_range(0, fd - 1, 0);
	if (keep >= 0)
		close_range(fd + 1, ~0U, 0);
}

static void work(const struct job *job)
{
	for (;;) {
		size_t i = atomic_fetch_add(&job->shared->next, 1);
		struct item *item;

		if (i >= job->n)
			_exit(0);
		item = &job->shared->items[i];
		item->worker = getpid();
		item->started = now_ms();
		item->state = LOOK_STARTED;
		job->fn(i, job->arg);
		item->state = LOOK_DONE;
	}
}

static void start_worker(struct job *job)
{
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (pid < 0 && job->workers == job->late)
		die(STATUS_FAILURE, "cannot fork: %s", strerror(errno));
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close_all_but(job->keep);
		work(job);
	}
	job->workers += pid > 0;
}

/* A worker ended: if in the middle of something, that is what it died of. */
static void reap(struct job *job)
{
	pid_t pid;

	while ((pid = waitpid(-1, NULL, WNOHANG)) > 0) {
		job->workers--;
		for (size_t i = 0; i < job->n; i++) {
			struct item *item = &job->shared->items[i];

			if (item->worker != pid)
				continue;
			if (item->state == LOOK_STARTED)
				item->state = LOOK_LOST;
			job->late -= item->state == LOOK_LATE;
		}
	}
}

static uint64_t used_ms(pid_t pid)
{
	struct timespec used = { 0 };
	clockid_t clock;

	if (clock_getcpuclockid(pid, &clock) == 0)
		clock_gettime(clock, &used);
	return (uint64_t)used.tv_sec * 1000 + (uint64_t)used.tv_nsec / NANOSECONDS;
}

/*
 * Did it have its time? On a busy machine that is processor time, as long as it gets some; what
 * waits for a file system gets none.
 */
static bool is_late(struct item *item, uint64_t passed, uint64_t late_ms)
{
	uint64_t used = used_ms(item->worker), now = now_ms();

	if (!item->moved)
		item->used_first = used;
	if (!item->moved || used > item->used) {
		item->used = used;
		item->moved = now;
	}
	if (passed < late_ms)
		return false;
	return used - item->used_first >= late_ms || now - item->moved >= STILL_MS ||
	       passed >= ENDLESS * late_ms;
}

/* Gives up what is late. Returns how many are slow. */
static unsigned judge(struct job *job)
{
	size_t claimed = job->shared->next;
	unsigned slow = 0;

	for (size_t i = 0; i < job->n && i < claimed; i++) {
		struct item *item = &job->shared->items[i];
		uint64_t passed = now_ms() - item->started;

		if (item->state != LOOK_STARTED)
			continue;
		slow += passed >= SLOW_MS;
		if (!is_late(item, passed, job->late_ms))
			continue;
		item->state = LOOK_LATE;
		kill(item->worker, SIGKILL); /* which it may not hear until long after */
		job->late++;
	}
	return slow;
}

/* If nobody is left to go on, what is open stays so: a child was killed as it began. */
static bool unfinished(const struct job *job)
{
	bool over = job->shared->next >= job->n && job->workers == job->late;

	for (size_t i = 0; i < job->n; i++) {
		struct item *item = &job->shared->items[i];

		if (item->state >= LOOK_DONE)
			continue;
		if (!over)
			return true;
		item->state = LOOK_LOST;
	}
	return false;
}

static void supervise(struct job *job)
{
	const struct timespec tick = { .tv_nsec = TICK_MS * NANOSECONDS };
	sigset_t set;

	signal(SIGCHLD, SIG_DFL);
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	while (unfinished(job)) {
		unsigned slow = judge(job);

		unsigned active = job->workers - job->late;

		if (slow >= active && active < WORKERS_MAX && job->shared->next < job->n)
			start_worker(job);
		sigtimedwait(&set, NULL, &tick);
		reap(job);
	}
}

void look_each(size_t n, void (*fn)(size_t i, void *arg), void *arg, unsigned seconds, int keep,
	enum look ret[])
{
	struct job job = { .n = n, .fn = fn, .arg = arg, .keep = keep, .late_ms = 1000 * seconds };

	job.shared = look_memory(sizeof(*job.shared) + n * sizeof(job.shared->items[0]));
	supervise(&job);
	for (size_t i = 0; i < n; i++)
		ret[i] = job.shared->items[i].state;
}
