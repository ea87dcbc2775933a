/* SPDX-License-Identifier: MIT */
/*
 * Every subject under every disturbance: one system call fails, one is where a fork happens, a
 * limit is low, mappings are nearly used up, another thread is busy. Whatever the library then
 * reports as held is attacked. One case is a subject, an engine and a kind of disturbance.
 */
#include <dlfcn.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <memseal.h>

#include "base/fault.h"
#include "truth/subject.h"

#ifndef SYS_mseal
#define SYS_mseal 462
#endif

#define SECONDS 20 /* that a step may take, on a busy machine */

struct step {
	const struct subject *subject;
	bool filter;
	int arg; /* of the disturbance */
	unsigned long nth;
};

struct disturbance {
	const char *name;
	void (*begin)(const struct step *step); /* before the call that holds */
	void (*end)(const struct step *step);   /* behind it */
	int arg;
	bool each_call; /* tried for each system call of the undisturbed run */
	int most;       /* else for nth below this */
};

/* Written by the children of this program. */
static struct shared {
	unsigned long calls;
	char broken[256];
} * shared;

__attribute__((format(printf, 1, 2))) static void broken(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	if (!shared->broken[0])
		vsnprintf(shared->broken, sizeof(shared->broken), format, args);
	va_end(args);
}

/* One system call fails. */

static void begin_failure(const struct step *step)
{
	fault_arm(step->nth, step->arg);
}

static void end_failure(const struct step *step)
{
	(void)step;
	fault_arm(0, 0);
}

/*
 * Another thread forks in the middle of the call, by fork(3), which may have to wait for the end of
 * it. Its child, where nobody goes on with that call, makes it anew.
 */

static const struct subject *forking;
static pthread_t forker;
static pid_t child = -1;
static volatile bool wanted, forked;

static void attack_held(const struct subject *subject, int answer, const char *when);

static void *fork_when_wanted(void *arg)
{
	(void)arg;
	while (!wanted)
		usleep(100);
	child = fork();
	if (child == 0) {
		alarm(SECONDS);
		attack_held(forking, forking->hold(), "in a child, the call");
		_exit(0);
	}
	forked = true;
	return NULL;
}

static void fork_here(void)
{
	wanted = true;
	for (int i = 0; !forked && i < 200; i++)
		usleep(100);
}

static void begin_fork(const struct step *step)
{
	forking = step->subject;
	pthread_create(&forker, NULL, fork_when_wanted, NULL);
	fault_arm(0, 0);
	fault_meet(step->nth, fork_here);
}

static void end_fork(const struct step *step)
{
	int status = 0;

	(void)step;
	fault_meet(0, NULL);
	wanted = true;
	pthread_join(forker, NULL);
	if (child < 0 || waitpid(child, &status, 0) != child || status != 0)
		broken("the child of a fork ended with %#x", (unsigned)status);
}

/* Limits. nth is what is left, in pages or descriptors. */

static struct rlimit before;

static void begin_limit(const struct step *step)
{
	struct rlimit limit;

	getrlimit((__rlimit_resource_t)step->arg, &before);
	limit = before;
	limit.rlim_cur = step->arg == RLIMIT_NOFILE ? 3 + step->nth : step->nth * 4096;
	setrlimit((__rlimit_resource_t)step->arg, &limit);
	fault_arm(0, 0);
}

static void end_limit(const struct step *step)
{
	setrlimit((__rlimit_resource_t)step->arg, &before);
}

/* Nearly as many mappings as there can be: some 2 * nth more. */

#define STRIPES 70000

static unsigned char *stripes;

static void begin_mappings(const struct step *step)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), i = 0;

	stripes = mmap(NULL, STRIPES * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
		-1, 0);
	while (i < STRIPES && mprotect(stripes + i * page, page, PROT_READ) == 0)
		i += 2;
	for (unsigned long n = 0; n < step->nth && i >= 4; n++, i -= 2)
		(void)mprotect(stripes + (i - 2) * page, page, PROT_NONE);
	fault_arm(0, 0);
}

static void end_mappings(const struct step *step)
{
	(void)step;
	munmap(stripes, STRIPES * (size_t)sysconf(_SC_PAGESIZE));
}

/* Other threads. */

static pthread_t thread;
static volatile bool stop;
static unsigned char *volatile victim;
static __thread sigjmp_buf faulted;

static void leave(int sig)
{
	(void)sig;
	siglongjmp(faulted, 1);
}

/* Until the memory cannot be written any more. */
static void *write_on(void *arg)
{
	(void)arg;
	if (sigsetjmp(faulted, 1) == 0)
		while (!stop && victim)
			*victim = *victim;
	return NULL;
}

static void *load_on(void *arg)
{
	(void)arg;
	while (!stop) {
		void *handle = dlopen(TRUTH_PLUGIN, RTLD_NOW);

		if (handle)
			dlclose(handle);
	}
	return NULL;
}

static void *fork_on(void *arg)
{
	(void)arg;
	while (!stop) {
		pid_t pid = fork();

		if (pid == 0)
			_exit(0);
		if (pid > 0)
			waitpid(pid, NULL, 0);
	}
	return NULL;
}

/* Into whatever is standard input, output or error, which the program has closed. */
static void *log_on(void *arg)
{
	(void)arg;
	while (!stop)
		for (int fd = 0; fd <= 2; fd++)
			(void)!pwrite(fd, "a line of a log\n", 16, 0);
	return NULL;
}

static void *(*const threads[])(void *) = { write_on, load_on, fork_on, log_on };

static void begin_thread(const struct step *step)
{
	if (threads[step->arg] == log_on)
		for (int fd = 0; fd <= 2; fd++)
			close(fd);
	signal(SIGSEGV, leave);
	stop = false;
	pthread_create(&thread, NULL, threads[step->arg], NULL);
	usleep(1000 * (useconds_t)(step->nth % 3));
	fault_arm(0, 0);
}

static void end_thread(const struct step *step)
{
	(void)step;
	stop = true;
	pthread_join(thread, NULL);
	signal(SIGSEGV, SIG_DFL);
}

static const struct disturbance disturbances[] = {
	{ "a system call fails with ENOMEM", begin_failure, end_failure, ENOMEM, true, 0 },
	{ "a system call fails with ENOSYS", begin_failure, end_failure, ENOSYS, true, 0 },
	{ "a system call fails with EACCES", begin_failure, end_failure, EACCES, true, 0 },
	{ "a fork at a system call", begin_fork, end_fork, 0, true, 0 },
	{ "a low RLIMIT_AS", begin_limit, end_limit, RLIMIT_AS, false, 8 },
	{ "a low RLIMIT_DATA", begin_limit, end_limit, RLIMIT_DATA, false, 8 },
	{ "a low RLIMIT_FSIZE", begin_limit, end_limit, RLIMIT_FSIZE, false, 5 },
	{ "a low RLIMIT_NOFILE", begin_limit, end_limit, RLIMIT_NOFILE, false, 5 },
	{ "a low RLIMIT_MEMLOCK", begin_limit, end_limit, RLIMIT_MEMLOCK, false, 4 },
	{ "mappings nearly used up", begin_mappings, end_mappings, 0, false, 7 },
	{ "a thread that writes", begin_thread, end_thread, 0, false, 20 },
	{ "a thread that loads and unloads", begin_thread, end_thread, 1, false, 10 },
	{ "a thread that forks", begin_thread, end_thread, 2, false, 10 },
	{ "a thread that writes to descriptors 0 to 2", begin_thread, end_thread, 3, false, 10 },
};

#define DISTURBANCES (sizeof(disturbances) / sizeof(disturbances[0]))

/* From here on mseal(2) is ENOSYS, and the program has agreed to filters. */
static bool without_mseal(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_mseal, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { sizeof(code) / sizeof(code[0]), code };

	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
	       prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0 &&
	       memseal_filter_allow(MEMSEAL_EXEC_ALLOW) == 0;
}

static void attack_held(const struct subject *subject, int answer, const char *when)
{
	struct promised promised[PROMISED_MAX];
	size_t count = subject->held(answer, promised);

	for (size_t i = 0; i < count; i++) {
		const char *changed =
			promised[i].len ? attack_promised(&promised[i]) : "the report is wrong";

		if (changed)
			broken("%s answered %d: %s", when, answer, changed);
	}
}

/* In a process of its own. */
static void take_step(const struct step *step, const struct disturbance *disturbance)
{
	const struct subject *subject = step->subject;
	int answer, again;

	alarm(SECONDS);
	if ((step->filter && !without_mseal()) || !subject->make()) {
		broken("cannot be set up");
		return;
	}
	if (subject->memory)
		victim = subject->memory();
	disturbance->begin(step);
	answer = subject->hold();
	shared->calls = fault_count();
	disturbance->end(step);
	attack_held(subject, answer, "the call");
	if (answer == 0)
		return;
	if (subject->usable && answer != -ENOTRECOVERABLE && !subject->usable())
		broken("after %d the memory is not as it was", answer);
	again = subject->hold();
	if (answer == -ENOTRECOVERABLE && again != answer && again != 0)
		broken("what could not be recovered is said to be %d", again);
	attack_held(subject, again, "once more, the call");
}

/* True if all is well. */
static bool run_step(const struct step *step, const struct disturbance *disturbance)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		take_step(step, disturbance);
		_exit(0);
	}
	waitpid(pid, &status, 0);
	if (WIFSIGNALED(status) && !shared->broken[0])
		broken("ended by signal %d", WTERMSIG(status));
	return !shared->broken[0];
}

static void run_case(
	unsigned number, const struct step *first, const struct disturbance *disturbance)
{
	struct step step = *first;
	unsigned long last;

	memset(shared, 0, sizeof(*shared));
	step.arg = disturbance->arg;
	step.nth = disturbance->each_call; /* the first call does not count as undisturbed */
	last = (unsigned long)disturbance->most;
	if (disturbance->each_call) {
		const struct disturbance none = { "none", end_failure, end_failure, 0, false, 0 };

		run_step(&step, &none);
		last = shared->calls + 1;
	}
	while (step.nth < last && run_step(&step, disturbance))
		step.nth++;
	printf("%sok %u - %s, %s: %s\n", shared->broken[0] ? "not " : "", number,
		step.subject->name, step.filter ? "filter" : "kernel", disturbance->name);
	if (shared->broken[0])
		printf("# step %lu of %lu: %s\n", step.nth, last, shared->broken);
	fflush(stdout);
}

int main(int argc, char **argv)
{
	const char *only = argc > 1 ? argv[1] : NULL;
	unsigned number = 0;

	shared = mmap(
		NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	for (size_t i = 0; i < subject_count; i++)
		for (int filter = 0; filter <= subjects[i].filter; filter++)
			for (size_t j = 0; j < DISTURBANCES; j++) {
				struct step step = { .subject = &subjects[i], .filter = filter };

				if (!only || strcmp(only, step.subject->name) == 0)
					run_case(++number, &step, &disturbances[j]);
			}
	printf("1..%u\n", number);
	return 0;
}
