/* SPDX-License-Identifier: MIT */
/*
 * Consent to the filter engine, what becomes of exec, what stands in a filter's way, and system
 * calls that fail: nothing is installed without being asked for, nothing is sealed that is not.
 */
#include <linux/io_uring.h>
#include <pthread.h>
#include <semaphore.h>
#include <spawn.h>
#include <sys/personality.h>
#include <sys/shm.h>

#include "base/fault.h"
#include "base/sys.h"
#include "helpers/filter.h"

extern char **environ;

/* Consent. */

START_TEST(policies)
{
	ck_assert_int_eq(memseal_filter_allow((enum memseal_exec)0), -EINVAL);
	ck_assert_int_eq(memseal_filter_allow((enum memseal_exec)3), -EINVAL);
	ck_assert_int_eq(memseal_filter_allow((enum memseal_exec) - 1), -EINVAL);
	ck_assert_int_eq(seal_by(MEMSEAL_ENGINE_AUTO, mem, page, PLACE), -EOPNOTSUPP);
	ck_assert_int_eq(memseal_filter_allow(MEMSEAL_EXEC_ALLOW), 0);
	ck_assert_int_eq(memseal_filter_allow(MEMSEAL_EXEC_ALLOW), 0);
	ck_assert_int_eq(memseal_filter_allow(MEMSEAL_EXEC_REFUSE), -EBUSY);
	ck_assert_int_eq(memseal_filter_allow((enum memseal_exec)3), -EINVAL);
	ck_assert_uint_eq(filters(), 0);
	ck_assert_int_eq(seal_by(MEMSEAL_ENGINE_AUTO, mem, page, PLACE), 0);
	ck_assert_uint_eq(filters(), 1);
}
END_TEST

/* 0 or an errno; in a child, because it may work. */
static int executed(const char *path)
{
	char *argv[] = { (char *)path, NULL };
	pid_t pid = fork();

	if (pid == 0) {
		execv(path, argv);
		_exit(errno);
	}
	return wait_for(pid);
}

static int executed_at(const char *path)
{
	char *argv[] = { (char *)path, NULL };
	pid_t pid = fork();

	if (pid == 0) {
		syscall(SYS_execveat, -100, path, argv, environ, 0);
		_exit(errno);
	}
	return wait_for(pid);
}

static void *execute(void *ret)
{
	*(int *)ret = executed("/bin/true");
	return NULL;
}

START_TEST(exec_is_refused)
{
	char *argv[] = { (char *)"/bin/true", NULL };
	pthread_t thread;
	int error = 0;
	pid_t pid;

	ck_assert_int_eq(executed("/bin/true"), 0);
	ck_assert_int_eq(executed_at("/bin/true"), 0);
	ck_assert_int_eq(memseal_filter_allow(MEMSEAL_EXEC_REFUSE), 0);
	ck_assert_uint_eq(filters(), 1);
	ck_assert_int_eq(executed("/bin/true"), EPERM);
	ck_assert_int_eq(executed_at("/bin/true"), EPERM);
	ck_assert_int_eq(posix_spawn(&pid, "/bin/true", NULL, NULL, argv, environ), EPERM);
	ck_assert_int_eq(pthread_create(&thread, NULL, execute, &error), 0);
	pthread_join(thread, NULL);
	ck_assert_int_eq(error, EPERM);
	ck_assert_int_eq(memseal_filter_allow(MEMSEAL_EXEC_REFUSE), 0);
	ck_assert_uint_eq(filters(), 1);
	ck_assert_int_eq(memseal_filter_allow(MEMSEAL_EXEC_ALLOW), -EBUSY);
	ck_assert_int_eq(seal_by(MEMSEAL_ENGINE_AUTO, mem, page, PLACE), 0);
	ck_assert_int_eq(error_of(munmap(mem, page)), EPERM);
	ck_assert_int_eq(error_of(munmap(mem + page, page)), 0);
}
END_TEST

/* Threads that were there before are refused as well. */
static sem_t go;

static void *execute_later(void *ret)
{
	sem_wait(&go);
	return execute(ret);
}

START_TEST(exec_is_refused_to_all_threads)
{
	pthread_t thread;
	int error = 0;

	sem_init(&go, 0, 0);
	ck_assert_int_eq(pthread_create(&thread, NULL, execute_later, &error), 0);
	ck_assert_int_eq(memseal_filter_allow(MEMSEAL_EXEC_REFUSE), 0);
	sem_post(&go);
	pthread_join(thread, NULL);
	ck_assert_int_eq(error, EPERM);
}
END_TEST

START_TEST(exec_is_allowed)
{
	consent();
	ck_assert_int_eq(seal_by(MEMSEAL_ENGINE_FILTER, mem, 16 * page, MEMSEAL_ALL), 0);
	ck_assert_int_eq(executed("/bin/true"), 0);
	ck_assert_int_eq(executed_at("/bin/true"), 0);
}
END_TEST

/* Addresses that are the same in every program. */
START_TEST(exec_needs_random_addresses)
{
	ck_assert_int_ne(personality(ADDR_NO_RANDOMIZE), -1);
	ck_assert_int_eq(memseal_filter_allow(MEMSEAL_EXEC_ALLOW), -ENOEXEC);
	ck_assert_int_eq(seal_by(MEMSEAL_ENGINE_AUTO, mem, page, PLACE), -EOPNOTSUPP);
	ck_assert_int_ne(personality(0), -1);
	ck_assert_int_eq(memseal_filter_allow(MEMSEAL_EXEC_ALLOW), 0);
}
END_TEST

/* The question is refused, and /proc has the answer. */
START_TEST(a_locked_personality_is_known)
{
	lock_personality(0);
	ck_assert_int_eq(personality(0xffffffff), -1);
	ck_assert_int_eq(memseal_filter_allow(MEMSEAL_EXEC_ALLOW), 0);
	ck_assert_int_eq(seal_by(MEMSEAL_ENGINE_FILTER, mem, page, MEMSEAL_NO_EXEC), 0);
	ck_assert_int_eq(mprotect(mem, page, PROT_READ | PROT_EXEC), -1);
	ck_assert_int_eq(errno, EPERM);
}
END_TEST

static const struct {
	unsigned long persona;
	int allow, seal;
} personalities[] = {
	{ ADDR_NO_RANDOMIZE, -ENOEXEC, -EOPNOTSUPP },
	{ READ_IMPLIES_EXEC, 0, -EPERM },
};

START_TEST(a_locked_personality_that_matters)
{
	ck_assert_int_ge(personality(personalities[_i].persona), 0);
	lock_personality((unsigned)personalities[_i].persona);
	ck_assert_int_eq(personality(0xffffffff), -1);
	ck_assert_int_eq(memseal_filter_allow(MEMSEAL_EXEC_ALLOW), personalities[_i].allow);
	ck_assert_int_eq(
		seal_by(MEMSEAL_ENGINE_FILTER, mem, page, MEMSEAL_NO_EXEC), personalities[_i].seal);
}
END_TEST

START_TEST(exec_needs_to_know)
{
	deny(SYS_openat, EACCES);
	ck_assert_int_eq(memseal_filter_allow(MEMSEAL_EXEC_ALLOW), -ENOEXEC);
	ck_assert_int_eq(memseal_filter_allow(MEMSEAL_EXEC_REFUSE), 0);
}
END_TEST

START_TEST(children_inherit_consent)
{
	pid_t pid;

	consent();
	pid = fork();
	if (pid == 0)
		_exit(seal_by(MEMSEAL_ENGINE_AUTO, mem, page, PLACE) == 0 &&
					error_of(munmap(mem, page)) == EPERM
				? 0
				: 1);
	ck_assert_int_eq(wait_for(pid), 0);
	ck_assert_uint_eq(filters(), 0);
	ck_assert_int_eq(error_of(munmap(mem, page)), 0);
}
END_TEST

/* What stands in the way: nothing is installed. */

static void assert_nothing_installed(void)
{
	ck_assert_int_eq(prctl(PR_GET_SECCOMP, 0, 0, 0, 0), 0);
	ck_assert_int_eq(error_of(mprotect(mem, page, READ_WRITE)), 0);
	ck_assert_int_eq(remapped(mem, page, page, 0, NULL), 0);
}

START_TEST(open_rings)
{
	struct io_uring_params params = { 0 };
	int ring;

	consent();
	ring = (int)syscall(SYS_io_uring_setup, 4, &params);
	ck_assert_int_ge(ring, 0);
	ck_assert_int_eq(seal_by(MEMSEAL_ENGINE_AUTO, mem, page, MEMSEAL_NO_DISCARD), -EBUSY);
	ck_assert_int_eq(seal_by(MEMSEAL_ENGINE_FILTER, mem, page, MEMSEAL_ALL), -EBUSY);
	assert_nothing_installed();
	ck_assert_int_eq(seal_by(MEMSEAL_ENGINE_AUTO, mem + page, page, PLACE), 0);
	close(ring);
	ck_assert_int_eq(seal_by(MEMSEAL_ENGINE_AUTO, mem, page, MEMSEAL_NO_DISCARD), 0);
	ck_assert_int_eq(error_of(syscall(SYS_io_uring_setup, 4, &params)), ENOSYS);
}
END_TEST

START_TEST(parts_of_segments)
{
	int id = shmget(IPC_PRIVATE, 4 * page, 0600);
	char *segment = shmat(id, NULL, 0);

	consent();
	ck_assert_ptr_ne(segment, (void *)-1);
	shmctl(id, IPC_RMID, NULL);
	ck_assert_int_eq(seal_by(MEMSEAL_ENGINE_AUTO, segment + page, page, PLACE), -EINVAL);
	assert_nothing_installed();
	ck_assert_int_eq(seal_by(MEMSEAL_ENGINE_AUTO, segment, 4 * page, PLACE), 0);
	ck_assert_int_eq(error_of(shmdt(segment)), EPERM);
}
END_TEST

START_TEST(read_implies_exec)
{
	consent();
	ck_assert_int_ne(personality(READ_IMPLIES_EXEC), -1);
	ck_assert_int_eq(seal_by(MEMSEAL_ENGINE_AUTO, mem, page, MEMSEAL_NO_EXEC), -EPERM);
	assert_nothing_installed();
	ck_assert_int_eq(seal_by(MEMSEAL_ENGINE_AUTO, mem, page, ANY_PROT), 0);
}
END_TEST

START_TEST(heap_and_stacks)
{
	char *heap = sbrk((intptr_t)(4 * page)), here;

	consent();
	heap += -(uintptr_t)heap % page;
	ck_assert_int_eq(seal_by(MEMSEAL_ENGINE_AUTO, heap, page, MEMSEAL_NO_UNMAP), -EFAULT);
	ck_assert_int_eq(seal_by(MEMSEAL_ENGINE_AUTO, &here - (uintptr_t)&here % page, page,
				 MEMSEAL_NO_UNMAP),
		-EFAULT);
	assert_nothing_installed();
	ck_assert_int_eq(seal_by(MEMSEAL_ENGINE_AUTO, mem, page, MEMSEAL_NO_UNMAP), 0);
}
END_TEST

START_TEST(no_seccomp)
{
	/* deny() uses prctl(2), the library seccomp(2). */
	consent();
	deny(SYS_seccomp, ENOSYS);
	ck_assert_int_eq(seal_by(MEMSEAL_ENGINE_AUTO, mem, page, PLACE), -EOPNOTSUPP);
	ck_assert_int_eq(seal_by(MEMSEAL_ENGINE_AUTO, mem, page, MEMSEAL_ALL), -EOPNOTSUPP);
	ck_assert_uint_eq(smaps_sealed(mem, page), 0);
	ck_assert_int_eq(error_of(munmap(mem, page)), 0);
	ck_assert_int_eq(seal_by(MEMSEAL_ENGINE_AUTO, mem + page, page, MEMSEAL_MAPPING), 0);
}
END_TEST

/* A thread with a filter of its own. */
struct other {
	pthread_t thread;
	sem_t ready, go;
	pid_t tid;
};

static void *with_filter(void *arg)
{
	struct other *other = arg;

	other->tid = gettid();
	deny(SYS_uselib, EACCES);
	sem_post(&other->ready);
	sem_wait(&other->go);
	return NULL;
}

static void start(struct other *other)
{
	sem_init(&other->ready, 0, 0);
	sem_init(&other->go, 0, 0);
	ck_assert_int_eq(pthread_create(&other->thread, NULL, with_filter, other), 0);
	sem_wait(&other->ready);
}

static void finish(struct other *other)
{
	sem_post(&other->go);
	pthread_join(other->thread, NULL);
}

START_TEST(thread_with_a_filter)
{
	struct memseal_range range = { mem, page, _i ? MEMSEAL_ALL : PLACE };
	struct other other = { .tid = 0 };
	pid_t tid = -1;
	struct memseal_opts opts = { .size = sizeof(opts), .ret_tid = &tid };
	size_t sealed = 1;

	consent();
	start(&other);
	ck_assert_int_eq(memseal_ranges(&range, 1, &opts, &sealed), -ESRCH);
	ck_assert_uint_eq(sealed, 0);
	ck_assert_int_eq(tid, other.tid);
	assert_nothing_installed();
	ck_assert_uint_eq(smaps_sealed(mem, page), 0);
	finish(&other);
	tid = -1;
	ck_assert_int_eq(memseal_ranges(&range, 1, &opts, &sealed), 0);
	ck_assert_uint_eq(sealed, page);
	ck_assert_int_eq(tid, -1);
}
END_TEST

/*
 * clone(2) can share memory without making a thread: seccomp(2) does not reach such a process, and
 * nothing shows it to one that has threads. It is a gap of the filter engine, if it exists before.
 */
struct outsider {
	char *memory;
	int go, answer;
};

static int unmaps(void *arg)
{
	struct outsider *outsider = arg;

	while (!__atomic_load_n(&outsider->go, __ATOMIC_ACQUIRE))
		;
	outsider->answer = sys_munmap((uintptr_t)outsider->memory, page);
	/* Or whoever maps something next gets the place, and can never give it up: a sanitizer
	 * does. */
	if (outsider->answer == 0)
		mmap(outsider->memory, page, PROT_READ, MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS, -1,
			0);
	return 0;
}

static pid_t share_memory_with(struct outsider *outsider)
{
	static _Alignas(16) char stack[64 * 1024];
	pid_t pid = clone(unmaps, stack + sizeof(stack), CLONE_VM | SIGCHLD, outsider);

	ck_assert_int_gt(pid, 0);
	return pid;
}

static const struct {
	enum memseal_engine engine;
	bool before;
	int answer;
} outsiders[] = {
	{ MEMSEAL_ENGINE_FILTER, true, 0 }, /* the gap */
	{ MEMSEAL_ENGINE_FILTER, false, -EPERM },
	{ MEMSEAL_ENGINE_KERNEL, true, -EPERM },
	{ MEMSEAL_ENGINE_KERNEL, false, -EPERM },
};

START_TEST(process_that_shares_memory)
{
	struct outsider outsider = { .memory = mem };
	pid_t pid = 0;

	consent();
	if (outsiders[_i].before)
		pid = share_memory_with(&outsider);
	ck_assert_int_eq(seal_by(outsiders[_i].engine, mem, page, MEMSEAL_MAPPING), 0);
	if (!outsiders[_i].before)
		pid = share_memory_with(&outsider);
	__atomic_store_n(&outsider.go, 1, __ATOMIC_RELEASE);
	ck_assert_int_eq(wait_for(pid), 0);
	ck_assert_int_eq(outsider.answer, outsiders[_i].answer);
}
END_TEST

START_TEST(thread_with_a_filter_and_exec)
{
	struct other other = { .tid = 0 };

	start(&other);
	ck_assert_int_eq(memseal_filter_allow(MEMSEAL_EXEC_REFUSE), -ESRCH);
	ck_assert_int_eq(executed("/bin/true"), 0);
	ck_assert_int_eq(seal_by(MEMSEAL_ENGINE_FILTER, mem, page, PLACE), -EOPNOTSUPP);
	finish(&other);
	ck_assert_int_eq(memseal_filter_allow(MEMSEAL_EXEC_REFUSE), 0);
	ck_assert_int_eq(executed("/bin/true"), EPERM);
}
END_TEST

/* System calls that fail, each in turn, in children: the last one meets no fault. */

#define MOST 1000

/* Not EPERM: it is what a seal answers, and no kernel says so once and then no longer. */
static const int errors[] = { ENOMEM, EINTR, ENOSYS, EAGAIN, EINVAL, EACCES };

/* Whoever holds it. Changes nothing but the bytes, which are not looked at afterwards. */
static uint64_t really_held(char *at)
{
	uint64_t held = 0;

	if (remapped(at, page, page, 0, NULL) == EPERM)
		held |= MEMSEAL_NO_UNMAP;
	if (error_of(madvise(at, page, MADV_DONTNEED)) == EPERM)
		held |= MEMSEAL_NO_DISCARD;
	if (error_of(mprotect(at, page, READ_WRITE)) == EPERM)
		held |= MEMSEAL_NO_WRITE;
	return held;
}

/* Bytes of the ranges below that have all their effects. */
static size_t really_sealed(void)
{
	uint64_t all = MEMSEAL_NO_UNMAP | MEMSEAL_NO_DISCARD | MEMSEAL_NO_WRITE;
	size_t sealed = 0;

	sealed += really_held(mem) == MEMSEAL_NO_UNMAP ? page : 0;
	for (size_t i = 2; i < 4; i++)
		if (really_held(mem + i * page) == all)
			sealed += page;
	return sealed;
}

static int seal_some(size_t *ret_sealed)
{
	struct memseal_range ranges[] = {
		{ mem + 2 * page, 2 * page, MEMSEAL_ALL },
		{ mem, page, MEMSEAL_NO_UNMAP },
	};

	return memseal_ranges(ranges, 2, NULL, ret_sealed);
}

/* True if the nth call was made at all, so that there may be another. */
static bool seal_with_fault(unsigned long nth, int error)
{
	size_t sealed = SIZE_MAX;
	unsigned long made;
	int r;

	consent();
	fault_arm(nth, error);
	r = seal_some(&sealed);
	made = fault_count();
	fault_arm(0, 0);
	ck_assert_int_le(r, 0);
	ck_assert_uint_le(sealed, really_sealed());
	if (r == 0)
		ck_assert_uint_eq(sealed, 3 * page);
	ck_assert_int_eq(error_of(munmap(mem + 5 * page, page)), 0);
	ck_assert_int_eq(seal_some(&sealed), 0);
	ck_assert_uint_eq(sealed, 3 * page);
	ck_assert_uint_eq(really_sealed(), 3 * page);
	return made >= nth;
}

/* What is not yet refused after a failure is allowed, and consent was not given. */
static bool allow_with_fault(enum memseal_exec exec, unsigned long nth, int error)
{
	unsigned long made;
	int r;

	fault_arm(nth, error);
	r = memseal_filter_allow(exec);
	made = fault_count();
	fault_arm(0, 0);
	ck_assert_int_le(r, 0);
	if (r < 0) {
		ck_assert_int_eq(seal_by(MEMSEAL_ENGINE_FILTER, mem, page, PLACE), -EOPNOTSUPP);
		ck_assert_int_eq(executed("/bin/true"), 0);
	}
	ck_assert_int_eq(memseal_filter_allow(exec), 0);
	ck_assert_int_eq(executed("/bin/true"), exec == MEMSEAL_EXEC_REFUSE ? EPERM : 0);
	ck_assert_int_eq(seal_by(MEMSEAL_ENGINE_FILTER, mem, page, PLACE), 0);
	return made >= nth;
}

static bool refuse_with_fault(unsigned long nth, int error)
{
	return allow_with_fault(MEMSEAL_EXEC_REFUSE, nth, error);
}

static bool random_with_fault(unsigned long nth, int error)
{
	return allow_with_fault(MEMSEAL_EXEC_ALLOW, nth, error);
}

/*
 * A query may fail, or see less than there is; never more. Not EINVAL: to a query it means that the
 * kernel was reached.
 */
static bool query_with_fault(unsigned long nth, int error)
{
	struct memseal_status status = { .size = sizeof(status) };
	uint64_t held = MEMSEAL_NO_UNMAP | MEMSEAL_NO_SHRINK | MEMSEAL_NO_WRITE;
	unsigned long made = 0;

	if (error == EINVAL)
		return nth < 3;
	consent();
	ck_assert_int_eq(
		seal_by(MEMSEAL_ENGINE_FILTER, mem, 2 * page, MEMSEAL_NO_UNMAP | MEMSEAL_NO_WRITE),
		0);
	ck_assert_int_eq(seal_by(MEMSEAL_ENGINE_FILTER, mem + 2 * page, page, MEMSEAL_NO_WRITE), 0);
	for (size_t i = 0; i < 3; i++) {
		fault_arm(nth, error);
		(void)!memseal_query(mem + i * page, page, &status);
		made = fault_count();
		fault_arm(0, 0);
		ck_assert_uint_eq(status.sealed_bytes, 0);
		ck_assert_uint_eq(status.filter & ~held, 0);
		if (i == 2)
			ck_assert_uint_eq(status.filter & ~MEMSEAL_NO_WRITE, 0);
		status = (struct memseal_status){ .size = sizeof(status) };
	}
	return made >= nth;
}

static bool (*const with_fault[])(unsigned long, int) = { seal_with_fault, refuse_with_fault,
	random_with_fault, query_with_fault };

START_TEST(every_call_fails_once)
{
	int error = errors[_i % 6];

	for (unsigned long nth = 1; nth < MOST; nth++) {
		pid_t pid = fork();
		int status;

		if (pid == 0)
			_exit(with_fault[_i / 6](nth, error) ? 0 : 42);
		status = wait_for(pid);
		ck_assert_msg(status == 0 || status == 42, "call %lu failing with %d: %d", nth,
			error, status);
		if (status == 42) {
			ck_assert_uint_gt(nth, 1);
			return;
		}
	}
	ck_abort_msg("%d system calls and more", MOST);
}
END_TEST

static Suite *filter_consent_suite(void)
{
	Suite *suite = suite_create("filter-consent");
	TCase *tc = tcase_create("consent"), *faults = tcase_create("faults");

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_set_timeout(tc, 30);
	tcase_add_test(tc, policies);
	tcase_add_test(tc, exec_is_refused);
	tcase_add_test(tc, exec_is_refused_to_all_threads);
	tcase_add_test(tc, exec_is_allowed);
	tcase_add_test(tc, exec_needs_random_addresses);
	tcase_add_test(tc, exec_needs_to_know);
	tcase_add_test(tc, a_locked_personality_is_known);
	tcase_add_loop_test(tc, a_locked_personality_that_matters, 0, 2);
	tcase_add_test(tc, children_inherit_consent);
	tcase_add_test(tc, open_rings);
	tcase_add_test(tc, parts_of_segments);
	tcase_add_test(tc, read_implies_exec);
	tcase_add_test(tc, heap_and_stacks);
	tcase_add_test(tc, no_seccomp);
	tcase_add_loop_test(tc, thread_with_a_filter, 0, 2);
	tcase_add_loop_test(tc, process_that_shares_memory, 0, 4);
	tcase_add_test(tc, thread_with_a_filter_and_exec);
	suite_add_tcase(suite, tc);

	tcase_add_checked_fixture(faults, setup, NULL);
	tcase_set_timeout(faults, 120);
	tcase_add_loop_test(faults, every_call_fails_once, 0, 4 * 6);
	suite_add_tcase(suite, faults);
	return suite;
}

int main(void)
{
	SRunner *runner = srunner_create(filter_consent_suite());
	int failed;

	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
