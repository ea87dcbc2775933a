/* SPDX-License-Identifier: MIT */
/* The filter engine on this process: every case has one of its own, since filters stay. */
#include <check.h>
#include <errno.h>
#include <linux/io_uring.h>
#include <memseal.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fault.h"
#include "attack/sys.h"
#include "engine/filter.h"
#include "helpers/memory.h"

#define PAGE  ((size_t)4096)
#define PAGES 16

static char *memory; /* PAGES of it, read-write; the middle third is sealed by seal() */

#define SEALED   (memory + 4 * PAGE)
#define UNSEALED (memory + 12 * PAGE)

static void setup(void)
{
	memory = mmap(
		NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ck_assert_ptr_ne(memory, MAP_FAILED);
	memset(memory, 'x', PAGES * PAGE);
}

static struct bpf_range range_of(const void *addr, size_t len, uint64_t effects)
{
	uint64_t start = (uintptr_t)addr;

	return (struct bpf_range){ start, start + len, effects };
}

static int seal(uint64_t effects, struct filter_report *report)
{
	struct bpf_range range = range_of(SEALED, 4 * PAGE, effects);
	struct bpf_policy policy;

	filter_policy(&policy);
	return filter_install(&policy, &range, 1, report);
}

static void seal_ok(uint64_t effects)
{
	struct filter_report report;

	ck_assert_int_eq(seal(effects, &report), 0);
	ck_assert_uint_eq(report.installed, 1);
	ck_assert_int_eq(report.obstacle, FILTER_NO_OBSTACLE);
}

/* 0 or an errno. */
static int error_of(long r)
{
	return r == -1 ? errno : 0;
}

static int remapped(void *from, size_t old, size_t new, int flags, void *to)
{
	return mremap(from, old, new, flags, to) == MAP_FAILED ? errno : 0;
}

static int mapped_over(void *at, int prot)
{
	return mmap(at, PAGE, prot, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED
		       ? errno
		       : 0;
}

START_TEST(holds_everything)
{
	seal_ok(MEMSEAL_ALL);
	ck_assert_int_eq(error_of(munmap(SEALED, PAGE)), EPERM);
	ck_assert_int_eq(mapped_over(SEALED, PROT_READ), EPERM);
	ck_assert_int_eq(error_of(mprotect(SEALED, PAGE, PROT_READ)), EPERM);
	ck_assert_int_eq(error_of(madvise(SEALED, PAGE, MADV_DONTNEED)), EPERM);
	ck_assert_int_eq(remapped(SEALED, PAGE, PAGE, 3, UNSEALED), EPERM);
	ck_assert_int_eq(remapped(UNSEALED, PAGE, PAGE, 3, SEALED), EPERM);
	ck_assert_int_eq(error_of(syscall(SYS_userfaultfd, 0)), ENOSYS);
	ck_assert_int_eq(error_of(syscall(SYS_io_uring_setup, 1, NULL)), ENOSYS);
	SEALED[0] = 'y'; /* not a change of the mapping */
	ck_assert_int_eq(error_of(mprotect(UNSEALED, PAGE, PROT_READ)), 0);
	ck_assert_int_eq(error_of(madvise(UNSEALED, PAGE, MADV_DONTNEED)), 0);
	ck_assert_int_eq(mapped_over(UNSEALED, PROT_READ), 0);
	ck_assert_int_eq(error_of(munmap(UNSEALED, PAGE)), 0);
}
END_TEST

static void assert_place_is_kept(void)
{
	ck_assert_int_eq(error_of(munmap(SEALED, PAGE)), EPERM);
	ck_assert_int_eq(mapped_over(SEALED, PROT_READ), EPERM);
	ck_assert_int_eq(remapped(SEALED, PAGE, 2 * PAGE, 1, NULL), EPERM);
	ck_assert_int_eq(remapped(SEALED, 2 * PAGE, PAGE, 0, NULL), EPERM);
	ck_assert_int_eq(remapped(SEALED, PAGE, PAGE, 3, UNSEALED), EPERM);
	ck_assert_int_eq(remapped(UNSEALED, PAGE, PAGE, 3, SEALED), EPERM);
}

/* What a JIT needs: the place is fixed, the protection free. */
START_TEST(lets_a_jit_flip)
{
	const int flips = is_slow_machine() ? 5000 : 100000;

	seal_ok(MEMSEAL_NO_UNMAP | MEMSEAL_NO_SHRINK | MEMSEAL_NO_GROW);
	for (int i = 0; i < flips; i++) {
		int prot = PROT_READ | (i % 2 ? PROT_EXEC : PROT_WRITE);

		ck_assert_int_eq(mprotect(SEALED, PAGE, prot), 0);
		if (i % 1000 < 2)
			assert_place_is_kept();
	}
	ck_assert_int_eq(SEALED[0], 'x');
	ck_assert_int_eq(mprotect(UNSEALED, PAGE, PROT_READ | PROT_EXEC), 0);
	ck_assert_int_eq(error_of(munmap(UNSEALED, PAGE)), 0);
}
END_TEST

/* Another filter lets pass only what keeps the mitigations of old kernels off. */
START_TEST(leaves_speculation_alone)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_seccomp, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[1])),
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, SECCOMP_FILTER_FLAG_SPEC_ALLOW, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EDOM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { ARRAY_SIZE(code), code };

	ck_assert_int_eq(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
	ck_assert_int_eq(sys_seccomp(SECCOMP_SET_MODE_FILTER, 0, &program), 0);
	ck_assert_int_eq(sys_seccomp(SECCOMP_SET_MODE_FILTER, 0, &program), -EDOM);
	seal_ok(MEMSEAL_ALL);
	ck_assert_int_eq(error_of(munmap(SEALED, PAGE)), EPERM);
}
END_TEST

/* Read-write to read-only, and never back. */
START_TEST(ratchets_writing)
{
	seal_ok(MEMSEAL_NO_WRITE | MEMSEAL_NO_EXEC);
	ck_assert_int_eq(error_of(mprotect(SEALED, PAGE, PROT_READ)), 0);
	ck_assert_int_eq(error_of(mprotect(SEALED, PAGE, PROT_READ | PROT_WRITE)), EPERM);
	ck_assert_int_eq(error_of(mprotect(SEALED, PAGE, PROT_READ | PROT_EXEC)), EPERM);
	ck_assert_int_eq(mapped_over(SEALED, PROT_READ | PROT_WRITE), EPERM);
	ck_assert_int_eq(error_of(syscall(SYS_personality, READ_IMPLIES_EXEC)), ENOSYS);
	ck_assert_int_eq(error_of(mprotect(UNSEALED, PAGE, PROT_READ)), 0);
	ck_assert_int_eq(error_of(mprotect(UNSEALED, PAGE, PROT_READ | PROT_WRITE)), 0);
	ck_assert_int_eq(error_of(munmap(SEALED, PAGE)), 0);
}
END_TEST

START_TEST(holds_discarding_alone)
{
	seal_ok(MEMSEAL_NO_DISCARD);
	ck_assert_int_eq(error_of(madvise(SEALED, PAGE, MADV_DONTNEED)), EPERM);
	ck_assert_int_eq(error_of(madvise(SEALED, PAGE, MADV_COLD)), 0);
	ck_assert_int_eq(SEALED[0], 'x');
	ck_assert_int_eq(error_of(madvise(UNSEALED, PAGE, MADV_DONTNEED)), 0);
	ck_assert_int_eq(UNSEALED[0], 0);
	ck_assert_int_eq(error_of(mprotect(SEALED, PAGE, PROT_READ)), 0);
}
END_TEST

START_TEST(holds_the_heap)
{
	char *start = sbrk(0), *end;
	struct filter_report report;
	struct bpf_policy policy;
	struct bpf_range range;

	start += -(uintptr_t)start % PAGE;
	ck_assert_int_eq(brk(start + 4 * PAGE), 0);
	range = range_of(start, PAGE, MEMSEAL_NO_UNMAP);
	filter_policy(&policy);
	policy.brk_start = range.start;
	policy.brk_end = range.start + 4 * PAGE;
	ck_assert_int_eq(filter_install(&policy, &range, 1, &report), 0);
	end = (char *)syscall(SYS_brk, start);
	ck_assert_ptr_eq(end, NULL); /* not the new break: refused */
	ck_assert_ptr_eq((char *)syscall(SYS_brk, start + PAGE), start + PAGE);
	ck_assert_ptr_eq((char *)syscall(SYS_brk, start + 2 * PAGE), start + 2 * PAGE);
	*start = 'x';
}
END_TEST

struct other {
	pthread_t thread;
	sem_t ready, go;
	pid_t tid;
	bool own_filter;
	int error;
};

static void *other_thread(void *arg)
{
	struct other *other = arg;
	struct sock_filter allow = { BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW };
	struct sock_fprog fprog = { 1, &allow };

	other->tid = gettid();
	if (other->own_filter) {
		prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
		syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &fprog);
	}
	sem_post(&other->ready);
	sem_wait(&other->go);
	other->error = error_of(munmap(SEALED, PAGE));
	return NULL;
}

static void start(struct other *other)
{
	sem_init(&other->ready, 0, 0);
	sem_init(&other->go, 0, 0);
	ck_assert_int_eq(pthread_create(&other->thread, NULL, other_thread, other), 0);
	sem_wait(&other->ready);
}

static void finish(struct other *other)
{
	sem_post(&other->go);
	pthread_join(other->thread, NULL);
}

START_TEST(holds_for_all_threads)
{
	struct other others[64];

	for (size_t i = 0; i < 64; i++) {
		others[i].own_filter = false;
		start(&others[i]);
	}
	seal_ok(MEMSEAL_MAPPING);
	for (size_t i = 0; i < 64; i++) {
		finish(&others[i]);
		ck_assert_int_eq(others[i].error, EPERM);
	}
}
END_TEST

START_TEST(names_a_thread_with_its_own_filter)
{
	struct other other = { .own_filter = true };
	struct filter_report report;

	start(&other);
	ck_assert_int_eq(seal(MEMSEAL_MAPPING, &report), -ESRCH);
	ck_assert_int_eq(report.obstacle, FILTER_THREAD);
	ck_assert_int_eq(report.tid, other.tid);
	ck_assert_uint_eq(report.installed, 0);
	ck_assert_int_eq(error_of(munmap(SEALED + PAGE, PAGE)), 0);
	finish(&other);
	ck_assert_int_eq(other.error, 0);
}
END_TEST

START_TEST(keeps_privileges_where_it_can)
{
	struct filter_report report;

	ck_assert_int_eq(seal(MEMSEAL_MAPPING, &report), 0);
	ck_assert(!report.no_new_privs);
	ck_assert_int_eq(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), 0);
	ck_assert_int_eq(setuid(65534), 0);
	ck_assert_int_eq(seal(MEMSEAL_ALL, &report), 0);
	ck_assert(report.no_new_privs);
	ck_assert_int_eq(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), 1);
	ck_assert_int_eq(error_of(munmap(SEALED, PAGE)), EPERM);
}
END_TEST

/* 1,250 ranges in two programs; far more in as few as fit below the kernel's limit. */
START_TEST(installs_batches)
{
	static struct bpf_range ranges[8000];
	struct filter_report report;
	struct bpf_policy policy;

	filter_policy(&policy);
	for (size_t i = 0; i < ARRAY_SIZE(ranges); i++)
		ranges[i] = range_of(
			(void *)(uintptr_t)(0x10000000 + i * 4 * PAGE), 2 * PAGE, MEMSEAL_ALL);
	ck_assert_int_eq(filter_install(&policy, ranges, 1250, &report), 0);
	ck_assert_uint_eq(report.installed, 2);
	ck_assert_int_eq(filter_install(&policy, ranges, ARRAY_SIZE(ranges), &report), -ENOMEM);
	ck_assert_uint_ge(report.installed, 1);
}
END_TEST

static int check_one(const void *addr, size_t len, uint64_t effects, enum filter_obstacle *ret)
{
	struct bpf_range range = range_of(addr, len, effects);

	return filter_check(&range, 1, ret);
}

START_TEST(refuses_open_rings)
{
	struct io_uring_params params = { 0 };
	enum filter_obstacle obstacle;
	int ring;
	void *map;

	ck_assert_int_eq(check_one(SEALED, PAGE, MEMSEAL_ALL, &obstacle), 0);
	ring = sys_io_uring_setup(4, &params);
	ck_assert_int_ge(ring, 0);
	ck_assert_int_eq(check_one(SEALED, PAGE, MEMSEAL_ALL, &obstacle), -EBUSY);
	ck_assert_int_eq(obstacle, FILTER_IO_URING);
	ck_assert_int_eq(check_one(SEALED, PAGE, MEMSEAL_MAPPING, &obstacle), 0);
	map = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, ring, IORING_OFF_SQ_RING);
	ck_assert_ptr_ne(map, MAP_FAILED);
	close(ring);
	ck_assert_int_eq(check_one(SEALED, PAGE, MEMSEAL_ALL, &obstacle), -EBUSY);
	munmap(map, PAGE);
	ck_assert_int_eq(check_one(SEALED, PAGE, MEMSEAL_ALL, &obstacle), 0);
	ck_assert_int_eq(obstacle, FILTER_NO_OBSTACLE);
}
END_TEST

START_TEST(refuses_stacks)
{
	enum filter_obstacle obstacle;
	char here;
	char *page = &here - (uintptr_t)&here % PAGE;

	ck_assert_int_eq(check_one(page, PAGE, MEMSEAL_NO_UNMAP, &obstacle), -EFAULT);
	ck_assert_int_eq(obstacle, FILTER_STACK);
}
END_TEST

START_TEST(refuses_read_implies_exec)
{
	enum filter_obstacle obstacle;

	ck_assert_int_ne(personality(READ_IMPLIES_EXEC), -1);
	ck_assert_int_eq(check_one(SEALED, PAGE, MEMSEAL_NO_EXEC, &obstacle), -EPERM);
	ck_assert_int_eq(obstacle, FILTER_READ_IMPLIES_EXEC);
	ck_assert_int_eq(check_one(SEALED, PAGE, MEMSEAL_MAPPING, &obstacle), 0);
}
END_TEST

START_TEST(refuses_parts_of_segments)
{
	enum filter_obstacle obstacle;
	int id = shmget(IPC_PRIVATE, 4 * PAGE, 0600);
	char *segment = shmat(id, NULL, 0);

	ck_assert_ptr_ne(segment, (void *)-1);
	shmctl(id, IPC_RMID, NULL);
	ck_assert_int_eq(check_one(segment + PAGE, PAGE, MEMSEAL_NO_UNMAP, &obstacle), -EINVAL);
	ck_assert_int_eq(obstacle, FILTER_PART_OF_SEGMENT);
	ck_assert_int_eq(check_one(segment, PAGE, MEMSEAL_NO_UNMAP, &obstacle), 0);
	ck_assert_int_eq(check_one(segment + PAGE, PAGE, MEMSEAL_NO_WRITE, &obstacle), 0);
}
END_TEST

/* Whatever call fails, what is reported is true. */
START_TEST(survives_failing_calls)
{
	struct filter_report report;
	enum filter_obstacle obstacle;
	unsigned long calls;

	fault_arm(0, 0);
	ck_assert_int_eq(check_one(SEALED, PAGE, MEMSEAL_ALL, &obstacle), 0);
	calls = fault_count();
	for (unsigned long i = 1; i <= calls; i++) {
		fault_arm(i, EMFILE);
		obstacle = FILTER_NO_OBSTACLE;
		(void)!check_one(SEALED, PAGE, MEMSEAL_ALL, &obstacle);
		ck_assert_int_eq(obstacle, FILTER_NO_OBSTACLE);
	}
	fault_arm(1, ENOMEM);
	ck_assert_int_eq(seal(MEMSEAL_MAPPING, &report), -ENOMEM);
	fault_arm(2, ENOSYS);
	ck_assert_int_eq(seal(MEMSEAL_MAPPING, &report), -EOPNOTSUPP);
	ck_assert_uint_eq(report.installed, 0);
	fault_arm(0, 0);
	ck_assert_int_eq(error_of(mprotect(SEALED, PAGE, PROT_READ)), 0);
	seal_ok(MEMSEAL_MAPPING);
}
END_TEST

static Suite *suite(void)
{
	Suite *suite = suite_create("filter");
	TCase *effects = tcase_create("effects"), *install = tcase_create("install");
	TCase *check = tcase_create("check");

	tcase_add_checked_fixture(effects, setup, NULL);
	tcase_set_timeout(effects, 120);
	tcase_add_test(effects, holds_everything);
	tcase_add_test(effects, lets_a_jit_flip);
	tcase_add_test(effects, leaves_speculation_alone);
	tcase_add_test(effects, ratchets_writing);
	tcase_add_test(effects, holds_discarding_alone);
	tcase_add_test(effects, holds_the_heap);
	suite_add_tcase(suite, effects);

	tcase_add_checked_fixture(install, setup, NULL);
	tcase_set_timeout(install, 60);
	tcase_add_test(install, holds_for_all_threads);
	tcase_add_test(install, names_a_thread_with_its_own_filter);
	tcase_add_test(install, keeps_privileges_where_it_can);
	tcase_add_test(install, installs_batches);
	suite_add_tcase(suite, install);

	tcase_add_checked_fixture(check, setup, NULL);
	tcase_set_timeout(check, 60);
	tcase_add_test(check, refuses_open_rings);
	tcase_add_test(check, refuses_stacks);
	tcase_add_test(check, refuses_read_implies_exec);
	tcase_add_test(check, refuses_parts_of_segments);
	tcase_add_test(check, survives_failing_calls);
	suite_add_tcase(suite, check);
	return suite;
}

int main(void)
{
	SRunner *runner = srunner_create(suite());
	int failed;

	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
