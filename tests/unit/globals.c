/* SPDX-License-Identifier: MIT */
/*
 * Marked global variables: set, frozen, and what becomes of attempts to change them, beside
 * variables that are not marked.
 */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>

#include <memseal-globals.h>

#include "base/page.h"
#include "base/fault.h"
#include "helpers/images.h"
#include "helpers/limits.h"

struct entry {
	const char *name;
	int (*call)(int);
};

static int twice(int x)
{
	return 2 * x;
}

static int thrice(int x)
{
	return 3 * x;
}

/* Neighbours of all kinds, in the order of the source and so, as a rule, in that of the file. */
int plain_data = 1;
static char plain_zeroes[100];

MEMSEAL_RO_AFTER_INIT int number = 41;
static MEMSEAL_RO_AFTER_INIT char zeroes[20000];
static MEMSEAL_RO_AFTER_INIT struct entry table[] = { { "twice", twice }, { "none", NULL } };
MEMSEAL_RO_AFTER_INIT int *address = &plain_data;
static MEMSEAL_RO_AFTER_INIT long aligned __attribute__((aligned(512)));

int plain_more = 2;

static size_t page;
static char *start, *end; /* of the pages that are to be frozen */
static char *marked_end;

static void setup(void)
{
	page = page_size();
	start = __start_memseal_ro_after_init;
	marked_end = __stop_memseal_ro_after_init;
	end = (char *)(((uintptr_t)marked_end + page - 1) & -page);
}

static int *counter(void)
{
	static MEMSEAL_RO_AFTER_INIT int count = 7;

	return &count;
}

static void set_all(void)
{
	number++;
	memset(zeroes, 'z', sizeof(zeroes));
	table[1] = (struct entry){ "thrice", thrice };
	aligned = 512;
	++*counter();
}

static void check_all(void)
{
	ck_assert_int_eq(number, 42);
	for (size_t i = 0; i < sizeof(zeroes); i++)
		ck_assert_int_eq(zeroes[i], 'z');
	ck_assert_str_eq(table[0].name, "twice");
	ck_assert_int_eq(table[0].call(4), 8);
	ck_assert_int_eq(table[1].call(4), 12);
	ck_assert_ptr_eq(address, &plain_data);
	ck_assert_int_eq(aligned, 512);
	ck_assert_int_eq(*counter(), 8);
}

/* The status of a child that stores a byte: 0, or 128 and a signal. */
static int store(volatile void *at)
{
	pid_t pid = fork();

	if (pid == 0) {
		signal(SIGSEGV, SIG_DFL); /* sanitizers have a handler */
		*(volatile char *)at = *(volatile char *)at;
		_exit(0);
	}
	return wait_for(pid);
}

static int write_through_proc(const void *at)
{
	int fd = open("/proc/self/mem", O_RDWR | O_CLOEXEC);
	ssize_t n;

	ck_assert_int_ge(fd, 0);
	n = pwrite(fd, at, 1, (off_t)(uintptr_t)at);
	close(fd);
	return n == 1 ? 0 : -errno;
}

static const struct {
	void *at;
	size_t size;
} marked[] = {
	{ &number, sizeof(number) },
	{ zeroes, sizeof(zeroes) },
	{ table, sizeof(table) },
	{ &address, sizeof(address) },
	{ &aligned, sizeof(aligned) },
};
#define MARKED (sizeof(marked) / sizeof(marked[0]))

static void check_open(void)
{
	for (size_t i = 0; i < MARKED; i++) {
		ck_assert_int_eq(store(marked[i].at), 0);
		ck_assert_int_eq(write_through_proc(marked[i].at), 0);
	}
	ck_assert_int_eq(store(counter()), 0);
	ck_assert_uint_eq(smaps_sealed(start, (size_t)(end - start)), 0);
}

static void check_frozen(void)
{
	for (size_t i = 0; i < MARKED; i++) {
		char *last = (char *)marked[i].at + marked[i].size - 1;

		ck_assert_int_eq(store(marked[i].at), 128 + SIGSEGV);
		ck_assert_int_eq(store(last), 128 + SIGSEGV);
		ck_assert_int_eq(write_through_proc(marked[i].at), -EIO);
		ck_assert_int_eq(write_through_proc(last), -EIO);
	}
	ck_assert_int_eq(store(counter()), 128 + SIGSEGV);
	ck_assert_uint_eq(smaps_sealed(start, (size_t)(end - start)), (size_t)(end - start));
}

static int plain_static;

static void check_plain(void)
{
	void *const plain[] = { &plain_data, plain_zeroes, &plain_more, &plain_static, &page,
		&start };

	for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++) {
		ck_assert_int_eq(store(plain[i]), 0);
		ck_assert_int_eq(write_through_proc(plain[i]), 0);
	}
	ck_assert_uint_eq(smaps_sealed(start - page, page), 0);
	ck_assert_uint_eq(smaps_sealed(end, page), 0);
}

START_TEST(marked_variables_are_frozen_and_no_others)
{
	unsigned fds = count_fds();

	set_all();
	check_open();
	check_plain();
	ck_assert_int_eq(memseal_globals_freeze(), 0);
	check_all();
	check_frozen();
	check_plain();
	ck_assert_uint_eq(count_fds(), fds);
	ck_assert_int_eq(memseal_globals_freeze(), 0);
	check_frozen();
}
END_TEST

START_TEST(mappings_stay)
{
	size_t len = (size_t)(end - start);

	set_all();
	ck_assert_int_eq(mprotect(start, len, PROT_READ), 0);
	ck_assert_int_eq(mprotect(start, len, READ_WRITE), 0);
	ck_assert_int_eq(memseal_globals_freeze(), 0);
	ck_assert_int_eq(mprotect(start, len, READ_WRITE), -1);
	ck_assert(errno == EACCES || errno == EPERM); /* Linux 6.10 asks for the seal first */
	ck_assert_int_eq(munmap(start, len), -1);
	ck_assert_int_eq(errno, EPERM);
	ck_assert_ptr_eq(
		mmap(start, page, READ_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0),
		MAP_FAILED);
	ck_assert_int_eq(errno, EPERM);
	ck_assert_int_eq(madvise(start, len, MADV_DONTNEED), 0); /* harmless: it is shared */
	check_all();
}
END_TEST

static bool stop;

static void *read_all(void *arg)
{
	const volatile char *bytes = zeroes;

	while (!__atomic_load_n(&stop, __ATOMIC_ACQUIRE))
		for (size_t i = 0; i < sizeof(zeroes); i += 61)
			if (bytes[i] != 'z' || *(volatile int *)&number != 42)
				return zeroes;
	return arg;
}

START_TEST(readers_see_the_same_bytes)
{
	pthread_t threads[8];
	void *wrong;

	set_all();
	for (unsigned i = 0; i < 8; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, read_all, NULL), 0);
	usleep(1000);
	ck_assert_int_eq(memseal_globals_freeze(), 0);
	usleep(1000);
	__atomic_store_n(&stop, true, __ATOMIC_RELEASE);
	for (unsigned i = 0; i < 8; i++) {
		ck_assert_int_eq(pthread_join(threads[i], &wrong), 0);
		ck_assert_ptr_null(wrong);
	}
}
END_TEST

static void *freeze_too(void *arg)
{
	(void)arg;
	while (!__atomic_load_n(&stop, __ATOMIC_ACQUIRE))
		;
	return memseal_globals_freeze() == 0 ? NULL : zeroes;
}

START_TEST(several_threads_freeze)
{
	pthread_t threads[8];
	void *wrong;

	set_all();
	for (unsigned i = 0; i < 8; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, freeze_too, NULL), 0);
	__atomic_store_n(&stop, true, __ATOMIC_RELEASE);
	for (unsigned i = 0; i < 8; i++) {
		ck_assert_int_eq(pthread_join(threads[i], &wrong), 0);
		ck_assert_ptr_null(wrong);
	}
	check_frozen();
}
END_TEST

START_TEST(a_forked_child_keeps_its_copy)
{
	int go[2];
	char byte;
	pid_t pid;

	set_all();
	ck_assert_int_eq(pipe(go), 0);
	pid = fork();
	if (pid == 0) {
		(void)!read(go[0], &byte, 1);
		number = 43; /* after the parent's freeze */
		_exit(memseal_globals_freeze() == 0 && store(&number) == 128 + SIGSEGV &&
					number == 43
				? 0
				: 1);
	}
	ck_assert_int_eq(memseal_globals_freeze(), 0);
	ck_assert_int_eq(write(go[1], "g", 1), 1);
	ck_assert_int_eq(wait_for(pid), 0);
	check_all();
	pid = fork();
	if (pid == 0)
		_exit(memseal_globals_freeze() == 0 ? 0 : 1);
	ck_assert_int_eq(wait_for(pid), 0);
}
END_TEST

/* In a child for each: every system call fails once; the memory is as before, or frozen. */
static bool try_with_fault(unsigned long nth, int error)
{
	unsigned fds = count_fds();
	unsigned long made;
	int r;

	set_all();
	fault_arm(nth, error);
	r = memseal_globals_freeze();
	made = fault_count();
	fault_arm(0, 0);
	ck_assert_uint_eq(count_fds(), fds);
	ck_assert_int_le(r, 0);
	check_all();
	if (r < 0) {
		check_open();
		ck_assert_int_eq(memseal_globals_freeze(), 0);
	}
	check_frozen();
	check_all();
	check_plain();
	return made >= nth;
}

static const int errors[] = { ENOMEM, EINVAL, EACCES, ENOSYS, EINTR };

START_TEST(each_call_may_fail)
{
	if (is_slow_machine() && errors[_i] != errors[0])
		return;
	for (unsigned long nth = 1; nth < 1000; nth++) {
		pid_t pid = fork();
		int status;

		if (pid == 0)
			_exit(try_with_fault(nth, errors[_i]) ? 0 : 42);
		status = wait_for(pid);
		ck_assert_msg(status == 0 || status == 42, "call %lu failing with %d: %d", nth,
			errors[_i], status);
		if (status == 42) {
			ck_assert_uint_gt(nth, 10);
			return;
		}
	}
	ck_abort();
}
END_TEST

START_TEST(file_size_limit_is_an_error)
{
	int r;

	set_all();
	limit_file_size(page);
	r = memseal_globals_freeze();
	limit_file_size(RLIM_INFINITY);
	ck_assert_int_eq(r, -EFBIG);
	check_open();
	ck_assert_int_eq(memseal_globals_freeze(), 0);
	check_frozen();
}
END_TEST

/* As what keeps the data of a program in its place does. */
START_TEST(data_that_is_sealed_cannot_be_frozen)
{
	size_t len = (size_t)(end - start);

	set_all();
	ck_assert_uint_gt(len, 2 * page);
	if (_i)
		ck_assert_int_eq(memseal_range(start + page, page, MEMSEAL_MAPPING), 0);
	else
		ck_assert_int_eq(memseal_range(start, len, MEMSEAL_MAPPING), 0);
	ck_assert_int_eq(memseal_globals_freeze(), -EPERM);
	ck_assert_int_eq(memseal_globals_freeze(), -EPERM);
	for (size_t i = 0; i < MARKED; i++)
		ck_assert_int_eq(store(marked[i].at), 0);
	check_all();
}
END_TEST

START_TEST(no_engine_is_an_error)
{
	set_all();
	deny(SYS_mseal, ENOSYS);
	ck_assert_int_eq(memseal_globals_freeze(), -EOPNOTSUPP);
	check_open();
	ck_assert_int_eq(memseal_filter_allow(MEMSEAL_EXEC_REFUSE), 0);
	ck_assert_int_eq(memseal_globals_freeze(), 0);
	for (size_t i = 0; i < MARKED; i++) {
		ck_assert_int_eq(store(marked[i].at), 128 + SIGSEGV);
		ck_assert_int_eq(write_through_proc(marked[i].at), -EIO);
	}
	ck_assert_int_eq(munmap(start, page), -1);
	ck_assert_int_eq(errno, EPERM);
	ck_assert_int_eq(memseal_globals_freeze(), 0);
	check_all();
}
END_TEST

/* As without /proc: then Linux 6.7 is needed; and before 6.12, or behind a filter, nobody can tell
 * what was frozen before. */
START_TEST(no_proc_is_needed)
{
	int again;

	set_all();
	deny(SYS_openat, ENOENT);
	ck_assert_int_eq(memseal_globals_freeze(), 0);
	ck_assert_int_eq(store(zeroes), 128 + SIGSEGV);
	ck_assert_int_eq(store(&number), 128 + SIGSEGV);
	again = memseal_globals_freeze();
	ck_assert(again == 0 || again == -EPERM);
	ck_assert_int_eq(store(&number), 128 + SIGSEGV);
	ck_assert_int_eq(store(&plain_data), 0);
	check_all();
}
END_TEST

START_TEST(no_memfd_is_an_error)
{
	deny(SYS_memfd_create, ENOSYS);
	ck_assert_int_eq(memseal_globals_freeze(), -EOPNOTSUPP);
	check_open();
}
END_TEST

START_TEST(self_seals_before_or_after)
{
	struct images_count images;

	set_all();
	if (_i)
		ck_assert_int_eq(memseal_self(NULL), 0);
	check_open();
	ck_assert_int_eq(memseal_globals_freeze(), 0);
	check_frozen();
	ck_assert_int_eq(memseal_self(NULL), 0);
	check_frozen();
	check_plain();
	check_all();
	images = count_images(NULL);
	ck_assert_uint_gt(images.sealable, 0);
	ck_assert_uint_eq(images.sealed, images.sealable);
}
END_TEST

START_TEST(other_processes_see_it)
{
	struct memseal_process *process;
	struct memseal_coverage coverage = { .size = sizeof(coverage) };
	struct memseal_mapping mapping = { .size = sizeof(mapping) };
	bool found = false;

	ck_assert_int_eq(memseal_globals_freeze(), 0);
	ck_assert_int_eq(memseal_self(NULL), 0);
	ck_assert_int_eq(memseal_process_open(getpid(), NULL, &process), 0);
	while (memseal_process_next_mapping(process, &mapping) == 1)
		found |= mapping.start == (uintptr_t)start && mapping.end == (uintptr_t)end &&
			 mapping.content_locked;
	ck_assert(found);
	ck_assert_int_eq(memseal_process_coverage(process, &coverage), 0);
	ck_assert_uint_eq(coverage.sealed_bytes, coverage.sealable_bytes);
	memseal_process_close(process);
}
END_TEST

START_TEST(wrong_bounds_are_refused)
{
	char *mem = map_anon(4, READ_WRITE);
	char *pad_end = __stop_memseal_ro_after_init_end;
	char *text = (char *)((uintptr_t)twice & -page);

	ck_assert_ptr_eq(marked_end, __start_memseal_ro_after_init_end);
	ck_assert_int_eq(memseal_globals_freeze_in(NULL, mem, mem, mem + page), -EINVAL);
	ck_assert_int_eq(memseal_globals_freeze_in(mem, mem, mem, mem + page), -EINVAL);
	ck_assert_int_eq(memseal_globals_freeze_in(mem, mem + 8, mem + 7, mem + page), -EINVAL);
	ck_assert_int_eq(memseal_globals_freeze_in(mem, mem + 8, mem + 8, mem + 8), -EINVAL);
	/* not in an image; in text */
	ck_assert_int_eq(memseal_globals_freeze_in(mem, mem + 8, mem + 8, mem + page), -ENOEXEC);
	ck_assert_int_eq(
		memseal_globals_freeze_in(text, text + 8, text + 8, text + page), -ENOEXEC);
	/* something before, between, behind */
	ck_assert_int_eq(
		memseal_globals_freeze_in(start + 16, marked_end, marked_end, pad_end), -ENOEXEC);
	ck_assert_int_eq(
		memseal_globals_freeze_in(start, marked_end - 1, marked_end, pad_end), -ENOEXEC);
	ck_assert_int_eq(
		memseal_globals_freeze_in(start, marked_end, marked_end, end - 1), -ENOEXEC);
	check_open();
}
END_TEST

int main(void)
{
	TCase *cases = tcase_create("globals");
	Suite *suite = suite_create("globals");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(cases, setup, NULL);
	tcase_set_timeout(cases, 120);
	tcase_add_test(cases, marked_variables_are_frozen_and_no_others);
	tcase_add_test(cases, mappings_stay);
	tcase_add_test(cases, readers_see_the_same_bytes);
	tcase_add_test(cases, several_threads_freeze);
	tcase_add_test(cases, a_forked_child_keeps_its_copy);
	tcase_add_loop_test(cases, each_call_may_fail, 0, 5);
	tcase_add_test(cases, file_size_limit_is_an_error);
	tcase_add_loop_test(cases, data_that_is_sealed_cannot_be_frozen, 0, 2);
	tcase_add_test(cases, no_engine_is_an_error);
	tcase_add_test(cases, no_proc_is_needed);
	tcase_add_test(cases, no_memfd_is_an_error);
	tcase_add_loop_test(cases, self_seals_before_or_after, 0, 2);
	tcase_add_test(cases, other_processes_see_it);
	tcase_add_test(cases, wrong_bounds_are_refused);
	suite_add_tcase(suite, cases);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
