/* SPDX-License-Identifier: MIT */
/*
 * What memseal_probe() leaves behind, which is nothing: signals, children, descriptors, mappings,
 * seals; from many threads, with structs of other versions, and with any system call failing.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <memseal.h>

#include "base/fault.h"
#include "probe/probe.h"
#include "probe-helpers.h"

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED true
#elif defined(__has_feature)
#define SANITIZED __has_feature(address_sanitizer)
#else
#define SANITIZED false
#endif

static atomic_int handled;

static void handle(int sig)
{
	(void)sig;
	handled++;
}

static void handle_fork(void)
{
	handled++;
}

static void set_handler(int sig, void (*handler)(int), int flags)
{
	struct sigaction action = { .sa_handler = handler, .sa_flags = flags };

	ck_assert_int_eq(sigaction(sig, &action, NULL), 0);
}

START_TEST(handlers_do_not_run)
{
	struct memseal_features before = probed();

	set_handler(SIGCHLD, handle, 0);
	ck_assert_int_eq(pthread_atfork(handle_fork, handle_fork, handle_fork), 0);
	for (int i = 0; i < 20; i++) {
		struct memseal_features found = probed();

		assert_same(&found, &before);
	}
	ck_assert_int_eq(handled, 0);
}
END_TEST

static atomic_int *shared_count;

static void count_shared(int sig)
{
	(void)sig;
	++*shared_count;
}

/* A sandbox that emulates calls in a handler of SIGSYS must not do it in the child. */
START_TEST(handlers_of_sigsys_do_not_run_either)
{
	shared_count = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ck_assert_ptr_ne(shared_count, MAP_FAILED);
	set_handler(SIGSYS, count_shared, 0);
	filter(NR_mseal, SECCOMP_RET_TRAP);
	ck_assert_int_eq(probed().mseal, MEMSEAL_SUPPORT_FILTERED);
	ck_assert_int_eq(*shared_count, 0);
	syscall(NR_mseal, 0, 0, 0);
	ck_assert_int_eq(*shared_count, 1);
}
END_TEST

START_TEST(ignored_sigchld_changes_nothing)
{
	struct memseal_features before = probed(), found;

	set_handler(SIGCHLD, SIG_IGN, 0);
	found = probed();
	assert_same(&found, &before);
	set_handler(SIGCHLD, SIG_DFL, SA_NOCLDWAIT);
	found = probed();
	assert_same(&found, &before);
}
END_TEST

START_TEST(signal_mask_stays)
{
	sigset_t set, after;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	ck_assert_int_eq(sigprocmask(SIG_SETMASK, &set, NULL), 0);
	probed();
	ck_assert_int_eq(sigprocmask(SIG_SETMASK, NULL, &after), 0);
	for (int sig = 1; sig < NSIG; sig++)
		ck_assert_int_eq(sigismember(&after, sig), sig == SIGUSR1);
}
END_TEST

struct left {
	char maps[1 << 16];
	unsigned shared, sealed, fds;
	bool children;
};

static void read_whole(const char *path, char *buf, size_t size)
{
	size_t len = 0;
	ssize_t n;
	int fd = open(path, O_RDONLY);

	ck_assert_int_ge(fd, 0);
	while ((n = read(fd, buf + len, size - 1 - len)) > 0)
		len += (size_t)n;
	ck_assert_int_eq(n, 0);
	ck_assert_uint_lt(len, size - 1);
	buf[len] = '\0';
	close(fd);
}

static unsigned count_fds(void)
{
	unsigned ret = 0;

	for (int fd = 0; fd < 1024; fd++)
		ret += fcntl(fd, F_GETFD) >= 0;
	return ret;
}

static unsigned count(const char *text, const char *word)
{
	unsigned ret = 0;

	for (const char *at = text; (at = strstr(at, word)); at++)
		ret++;
	return ret;
}

static void look(struct left *ret)
{
	static char smaps[1 << 18];

	read_whole("/proc/self/maps", ret->maps, sizeof(ret->maps));
	read_whole("/proc/self/smaps", smaps, sizeof(smaps));
	ret->shared = count(ret->maps, "/dev/zero");
	ret->sealed = count(smaps, " sl");
	ret->fds = count_fds();
	ret->children = waitpid(-1, NULL, __WALL | WNOHANG) >= 0 || errno != ECHILD;
}

static void assert_nothing_left(const struct left *before)
{
	static struct left after;

	look(&after);
	/* The sanitizer maps memory of its own now and then. */
	if (!SANITIZED)
		ck_assert(strcmp(after.maps, before->maps) == 0);
	ck_assert_uint_eq(after.shared, before->shared);
	ck_assert_uint_eq(after.sealed, before->sealed);
	ck_assert_uint_eq(after.fds, before->fds);
	ck_assert(!after.children);
}

START_TEST(nothing_is_left_after_a_thousand_probes)
{
	static struct left before;
	struct memseal_features first = probed();

	look(&before);
	for (int i = 0; i < 1000; i++) {
		struct memseal_features found = probed();

		assert_same(&found, &first);
	}
	assert_nothing_left(&before);
}
END_TEST

START_TEST(nothing_is_left_where_a_filter_kills)
{
	static struct left before;

	filter(NR_mseal, SECCOMP_RET_KILL_PROCESS);
	filter(NR_memfd_create, SECCOMP_RET_KILL_PROCESS);
	probed();
	look(&before);
	for (int i = 0; i < 20; i++)
		probed();
	assert_nothing_left(&before);
}
END_TEST

static struct memseal_features first_found;
static atomic_bool done;

static void *probe_often(void *arg)
{
	(void)arg;
	for (int i = 0; i < 50; i++) {
		struct memseal_features found = probed();

		assert_same(&found, &first_found);
	}
	return NULL;
}

/* Takes the children of the others away. */
static void *reap_often(void *arg)
{
	(void)arg;
	while (!done)
		if (waitpid(-1, NULL, __WALL) < 0)
			usleep(100);
	return NULL;
}

START_TEST(threads_may_probe_at_once)
{
	pthread_t threads[8], reaper;
	static struct left left;

	first_found = probed();
	if (_i == 1)
		ck_assert_int_eq(pthread_create(&reaper, NULL, reap_often, NULL), 0);
	for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, probe_often, NULL), 0);
	for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
		ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
	done = true;
	if (_i == 1)
		ck_assert_int_eq(pthread_join(reaper, NULL), 0);
	look(&left);
	ck_assert(!left.children);
}
END_TEST

/* The struct. */

START_TEST(size_must_be_that_of_a_version)
{
	struct memseal_features found, untouched;
	size_t first = FEATURES_END;

	memset(&found, 0xaa, sizeof(found));
	untouched = found;
	ck_assert_int_eq(memseal_probe(NULL), -EINVAL);
	found.size = untouched.size = 0;
	ck_assert_int_eq(memseal_probe(&found), -EINVAL);
	assert_same(&found, &untouched);
	found.size = untouched.size = first - 1;
	ck_assert_int_eq(memseal_probe(&found), -EINVAL);
	assert_same(&found, &untouched);
	found.size = first;
	ck_assert_int_eq(memseal_probe(&found), 0);
	ck_assert_uint_eq(found.size, first);
	ck_assert_int_eq(found.proc, MEMSEAL_SUPPORT_YES);
}
END_TEST

START_TEST(tail_of_a_longer_struct_is_zeroed)
{
	struct {
		struct memseal_features features;
		char tail[32], behind[8];
	} found;
	static const char zeroes[sizeof(found.tail)];

	memset(&found, 0xaa, sizeof(found));
	found.features.size = sizeof(found) - sizeof(found.behind);
	ck_assert_int_eq(memseal_probe(&found.features), 0);
	ck_assert_uint_eq(found.features.size, sizeof(found) - sizeof(found.behind));
	ck_assert_int_eq(found.features.proc, MEMSEAL_SUPPORT_YES);
	ck_assert_mem_eq(found.tail, zeroes, sizeof(zeroes));
	ck_assert_mem_eq(found.behind, "\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa", 8);
}
END_TEST

/* Failing system calls. */

/* More than all of the calls that the parent and the child make. */
#define CALLS_AT_MOST 150

static const int failures[] = { EPERM, EACCES, ENOSYS, ENOMEM, EAGAIN, EINVAL, EMFILE, EFAULT,
	EIO };

static int as_int(const struct memseal_features *features, size_t i)
{
	return ((const int *)(const void *)&features->mseal)[i];
}

/* No answer is better than it was without the failure; true if one is worse. */
static bool assert_not_better(
	const struct memseal_features *found, const struct memseal_features *truth)
{
	size_t answers = (offsetof(struct memseal_features, ptrace_scope) -
				 offsetof(struct memseal_features, mseal)) /
			 sizeof(int);

	for (size_t i = 0; i < answers; i++)
		if (as_int(found, i) == MEMSEAL_SUPPORT_YES)
			ck_assert_int_eq(as_int(truth, i), MEMSEAL_SUPPORT_YES);
	if (found->max_map_count >= 0)
		ck_assert_int_eq(found->max_map_count, truth->max_map_count);
	if (found->ptrace_scope >= 0)
		ck_assert_int_eq(found->ptrace_scope, truth->ptrace_scope);
	return memcmp(found, truth, FEATURES_END) != 0;
}

START_TEST(any_call_may_fail)
{
	struct memseal_features truth = probed();
	static struct left before;
	unsigned changed = 0, failed = 0;

	look(&before);
	for (unsigned long n = 1; n <= CALLS_AT_MOST; n++) {
		struct memseal_features found = { .size = sizeof(found) };
		int ret;

		fault_arm(n, failures[_i]);
		ret = memseal_probe(&found);
		ck_assert(ret == 0 || ret == -ENOMEM || ret == -EAGAIN);
		if (ret < 0)
			failed++;
		else
			changed += assert_not_better(&found, &truth);
		assert_nothing_left(&before);
		if (n == CALLS_AT_MOST)
			assert_same(&found, &truth);
	}
	fault_arm(0, 0);
	/* The first call maps the page for the answers. */
	ck_assert_uint_ge(failed, 1);
	ck_assert_uint_ge(changed, 15);
}
END_TEST

START_TEST(quick_attempt_may_fail)
{
	for (unsigned long n = 1; n <= 10; n++)
		for (size_t i = 0; i < ARRAY_SIZE(failures); i++) {
			enum memseal_support found;

			fault_arm(n, failures[i]);
			found = probe_mseal_quick();
			/* The fifth call is the one that shows the seal: EPERM is what is wanted.
			 */
			if (n < 5)
				ck_assert_int_ne(found, MEMSEAL_SUPPORT_YES);
			else if (n > 5)
				ck_assert_int_eq(found, MEMSEAL_SUPPORT_YES);
		}
}
END_TEST

static void add_traces(Suite *suite)
{
	TCase *traces = add_case(suite, "left behind");

	tcase_add_test(traces, handlers_do_not_run);
	tcase_add_test(traces, handlers_of_sigsys_do_not_run_either);
	tcase_add_test(traces, ignored_sigchld_changes_nothing);
	tcase_add_test(traces, signal_mask_stays);
	tcase_add_test(traces, nothing_is_left_after_a_thousand_probes);
	tcase_add_test(traces, nothing_is_left_where_a_filter_kills);
	tcase_add_loop_test(traces, threads_may_probe_at_once, 0, 2);
}

static void add_failures(Suite *suite)
{
	TCase *failing = add_case(suite, "failures");

	tcase_add_test(failing, size_must_be_that_of_a_version);
	tcase_add_test(failing, tail_of_a_longer_struct_is_zeroed);
	tcase_add_loop_test(failing, any_call_may_fail, 0, ARRAY_SIZE(failures));
	tcase_add_test(failing, quick_attempt_may_fail);
}

int main(void)
{
	Suite *suite = suite_create("probe-traces");

	add_traces(suite);
	add_failures(suite);
	return run_suite(suite);
}
