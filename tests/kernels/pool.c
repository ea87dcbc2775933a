/* SPDX-License-Identifier: MIT */
/*
 * A pool on this kernel, whichever it is: what holds of it, what attacks come to, and what a child
 * has of it. MSEAL in the environment is what this kernel is known to answer to mseal(2).
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <memseal.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "attack/sys.h"

#define SLOT  64
#define SLOTS 200

#ifndef MADV_DONTNEED_LOCKED
#define MADV_DONTNEED_LOCKED 24 /* Linux 5.18 */
#endif

#define ALWAYS                                                               \
	(MEMSEAL_POOL_LOCKED | MEMSEAL_POOL_NO_DUMP | MEMSEAL_POOL_NO_FORK | \
		MEMSEAL_POOL_GUARDED | MEMSEAL_POOL_NO_DISCARD)

static struct memseal_pool *pool;
static unsigned char *slot;
static char *at; /* the page that the slot is in */
static size_t page;

static bool has_mseal(void)
{
	const char *expected = getenv("MSEAL");

	return expected && !strcmp(expected, "yes");
}

static bool has_secret(void)
{
	int fd = sys_memfd_secret(O_CLOEXEC);
	bool has = fd >= 0 && sys_ftruncate(fd, page) == 0 &&
		   !sys_failed(sys_mmap(0, page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));

	sys_close_cleanup(&fd);
	return has;
}

static void setup(void)
{
	page = (size_t)sysconf(_SC_PAGESIZE);
	ck_assert_int_eq(memseal_pool_new(SLOT, SLOTS, &pool), 0);
	slot = memseal_pool_get(pool);
	ck_assert_ptr_nonnull(slot);
	memset(slot, 'x', SLOT);
	at = (char *)((uintptr_t)slot & -page);
}

static void setup_filter(void)
{
	ck_assert_int_eq(memseal_filter_allow(MEMSEAL_EXEC_REFUSE), 0);
	setup();
}

static uint64_t holds(void)
{
	struct memseal_pool_status status = { .size = sizeof(status) };

	ck_assert_int_eq(memseal_pool_status(pool, &status), 0);
	ck_assert_uint_eq(status.slots, SLOTS);
	ck_assert_uint_eq(status.used, 1);
	ck_assert_uint_ge(status.locked_bytes, SLOT * SLOTS);
	return status.holds;
}

static void assert_whole(void)
{
	for (size_t i = 0; i < SLOT; i++)
		ck_assert_int_eq(slot[i], 'x');
	memseal_pool_put(pool, slot);
	for (size_t i = 0; i < SLOT; i++)
		ck_assert_int_eq(*(volatile unsigned char *)(slot + i), 0);
	for (size_t i = 0; i < SLOTS; i++)
		ck_assert_ptr_nonnull(memseal_pool_get(pool));
	ck_assert_ptr_null(memseal_pool_get(pool));
	ck_assert_int_eq(errno, ENOMEM);
}

START_TEST(test_holds)
{
	uint64_t expected = ALWAYS | (has_secret() ? MEMSEAL_POOL_SECRET : 0) |
			    (has_mseal() ? MEMSEAL_POOL_SEALED : 0);

	ck_assert_uint_eq(holds(), expected);
	assert_whole();
}
END_TEST

START_TEST(test_sealed)
{
	bool filter = !has_mseal() && holds() & MEMSEAL_POOL_SEALED;
	bool sealed = has_mseal() || filter;

	ck_assert_int_eq(sys_munmap((uintptr_t)pool, page), sealed ? -EPERM : 0);
	ck_assert_int_eq(sys_mprotect((uintptr_t)at, page, PROT_READ), sealed ? -EPERM : 0);
	ck_assert_int_eq(sys_munmap((uintptr_t)at, page), sealed ? -EPERM : 0);
	if (sealed)
		assert_whole();
}
END_TEST

START_TEST(test_filter)
{
	ck_assert(holds() & MEMSEAL_POOL_SEALED);
	ck_assert_int_eq(sys_munmap((uintptr_t)at, page), -EPERM);
	ck_assert_int_eq(sys_mprotect((uintptr_t)at, page, PROT_READ), -EPERM);
	ck_assert_int_eq(sys_mprotect((uintptr_t)pool, page, PROT_READ | PROT_WRITE), -EPERM);
	assert_whole();
}
END_TEST

static const int advice[] = { MADV_DONTNEED, MADV_DONTNEED_LOCKED, MADV_FREE, MADV_REMOVE,
	MADV_PAGEOUT };

/* As it is, and when it is no longer locked. */
START_TEST(test_discard)
{
	if (_i >= (int)ARRAY_SIZE(advice))
		(void)sys_munlock((uintptr_t)at, page);
	(void)sys_madvise((uintptr_t)at, page, advice[_i % (int)ARRAY_SIZE(advice)]);
	assert_whole();
}
END_TEST

START_TEST(test_proc_mem)
{
	int fd = sys_openat(AT_FDCWD, "/proc/self/mem", O_RDWR, 0);
	char byte = 0;

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(sys_pread(fd, &byte, 1, (uintptr_t)slot), has_secret() ? -EIO : 1);
	ck_assert_int_eq(byte, has_secret() ? 0 : 'x');
	assert_whole();
}
END_TEST

static int in_child(int what)
{
	signal(SIGSEGV, SIG_DFL);
	switch (what) {
	case 0:
		return slot[0];
	case 1:
		return memseal_pool_get(pool) ? 1 : errno;
	default:
		memseal_pool_put(pool, slot);
		return 0;
	}
}

static const int child_says[] = { SIGSEGV, ENXIO << 8, 0 };

START_TEST(test_child)
{
	pid_t pid = fork();
	int status = -1;

	if (pid == 0)
		_exit(in_child(_i));
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status & 0xff7f, child_says[_i]); /* without that of a core */
	assert_whole();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("pool");
	TCase *tcase = tcase_create("pool"), *filter = tcase_create("filter");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tcase, setup, NULL);
	tcase_add_test(tcase, test_holds);
	tcase_add_test(tcase, test_sealed);
	tcase_add_loop_test(tcase, test_discard, 0, 2 * (int)ARRAY_SIZE(advice));
	tcase_add_test(tcase, test_proc_mem);
	tcase_add_loop_test(tcase, test_child, 0, (int)ARRAY_SIZE(child_says));
	suite_add_tcase(suite, tcase);
	tcase_add_checked_fixture(filter, setup_filter, NULL);
	tcase_add_test(filter, test_filter);
	suite_add_tcase(suite, filter);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
