/* SPDX-License-Identifier: MIT */
/* Marked variables of a static program, frozen on this kernel by whatever engine it has. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <memseal-globals.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/sys.h"

static int plain = 1;
static MEMSEAL_RO_AFTER_INIT int number = 2;
static MEMSEAL_RO_AFTER_INIT char zeroes[10000];
static int more_plain = 3;

/* The signal that a store in a child meets, or 0. */
static int store(void *at)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		*(volatile char *)at = *(volatile char *)at;
		_exit(0);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static int write_through_proc(void *at)
{
	int fd = open("/proc/self/mem", O_RDWR | O_CLOEXEC);
	ssize_t n;

	ck_assert_int_ge(fd, 0);
	n = sys_pwrite(fd, at, 1, (uintptr_t)at);
	close(fd);
	return n == 1 ? 0 : (int)n;
}

static void check(void *at, int signal, int error)
{
	ck_assert_int_eq(store(at), signal);
	ck_assert_int_eq(write_through_proc(at), error);
}

START_TEST(marked_variables_are_frozen_and_no_others)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char *start = __start_memseal_ro_after_init;

	number = 42;
	zeroes[9999] = 'z';
	check(&number, 0, 0);
	check(&zeroes[9999], 0, 0);
	if (sys_mseal(0, 0, 0) < 0) {
		ck_assert_int_eq(memseal_globals_freeze(), -EOPNOTSUPP);
		check(&number, 0, 0);
		ck_assert_int_eq(memseal_filter_allow(MEMSEAL_EXEC_REFUSE), 0);
	}
	ck_assert_int_eq(memseal_globals_freeze(), 0);
	ck_assert_int_eq(memseal_globals_freeze(), 0);
	check(&number, SIGSEGV, -EIO);
	check(&zeroes[0], SIGSEGV, -EIO);
	check(&zeroes[9999], SIGSEGV, -EIO);
	check(&plain, 0, 0);
	check(&more_plain, 0, 0);
	ck_assert_int_eq(munmap(start, page), -1);
	ck_assert_int_eq(errno, EPERM);
	ck_assert_int_eq(mprotect(start, page, PROT_READ | PROT_WRITE), -1);
	ck_assert(errno == EPERM || errno == EACCES);
	ck_assert_int_eq(number, 42);
	ck_assert_int_eq(zeroes[9999], 'z');
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("globals");
	TCase *tcase = tcase_create("globals");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, marked_variables_are_frozen_and_no_others);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
