/* SPDX-License-Identifier: MIT */
/* memseal_query(): against smaps, its errors, and what it must not change. */
#include <errno.h>
#include <signal.h>

#include <memseal-compat.h>

#include "helpers/memory.h"

static size_t page;
static char *mem; /* 8 pages, readable and writable */

static void setup(void)
{
	page = page_size();
	mem = map_anon(8, READ_WRITE);
}

static void assert_status(const void *addr, size_t len, size_t size)
{
	struct memseal_status status = { .size = sizeof(status) };

	ck_assert_int_eq(memseal_query(addr, len, &status), 0);
	ck_assert_uint_eq(status.bytes, size);
	ck_assert_uint_eq(status.sealed_bytes, smaps_sealed(addr, size));
	ck_assert_uint_eq(
		status.kernel, status.sealed_bytes == size ? MEMSEAL_MAPPING | MEMSEAL_NO_SEAL : 0);
}

static void assert_refused(const void *addr, size_t len, int error)
{
	struct memseal_status status, before;

	memset(&status, 0x5a, sizeof(status));
	status.size = sizeof(status);
	before = status;
	ck_assert_int_eq(memseal_query(addr, len, &status), error);
	ck_assert_mem_eq(&status, &before, sizeof(status));
}

START_TEST(size_is_checked)
{
	struct memseal_status status = { .size = sizeof(status) - 1, .bytes = 77 };

	ck_assert_int_eq(memseal_query(mem, page, &status), -EINVAL);
	ck_assert_uint_eq(status.bytes, 77);
	status.size = 0;
	ck_assert_int_eq(memseal_query(mem, page, &status), -EINVAL);
	ck_assert_uint_eq(status.bytes, 77);
}
END_TEST

/* Each bit of the number says whether a page is sealed. */
START_TEST(agrees_with_smaps)
{
	for (int bit = 0; bit < 4; bit++)
		if (_i & 1 << bit)
			ck_assert_int_eq(mseal(mem + bit * (int)page, page, 0), 0);
	assert_status(mem, 4 * page, 4 * page);
	for (size_t i = 0; i < 4; i++)
		assert_status(mem + i * page, 1, page);
}
END_TEST

START_TEST(changes_nothing)
{
	struct memseal_status status = { .size = sizeof(status) };

	strcpy(mem, "bytes");
	ck_assert_int_eq(memseal_query(mem, 8 * page, &status), 0);
	ck_assert_uint_eq(smaps_count(mem, 8 * page).mapped, 8 * page);
	ck_assert_str_eq(mem, "bytes");
	ck_assert_int_eq(munmap(mem, 8 * page), 0);
}
END_TEST

/* Sealed by the program itself; memseal_range() would refuse. */
START_TEST(what_grows_is_told)
{
	struct memseal_status status = { .size = sizeof(status) };
	const int flags = MAP_PRIVATE | MAP_ANONYMOUS;
	char *at = mmap(NULL, 4 * page, _i, flags | MAP_GROWSDOWN, -1, 0);

	ck_assert_ptr_ne(at, MAP_FAILED);
	ck_assert_int_eq(mseal(at, 4 * page, 0), 0);
	ck_assert_int_eq(memseal_query(at, 4 * page, &status), 0);
	ck_assert_uint_eq(
		status.kernel, (MEMSEAL_MAPPING | MEMSEAL_NO_SEAL) & ~(uint64_t)MEMSEAL_NO_GROW);
	at = mmap(NULL, 4 * page, _i, flags, -1, 0);
	ck_assert_ptr_ne(at, MAP_FAILED);
	ck_assert_int_eq(mseal(at, 4 * page, 0), 0);
	assert_status(at, 4 * page, 4 * page);
}
END_TEST

START_TEST(arguments)
{
	assert_refused(mem + 1, page, -EINVAL);
	assert_refused(mem, 0, -EINVAL);
	assert_refused(mem, SIZE_MAX, -EINVAL);
	assert_refused((void *)-page, page, -EINVAL);
	assert_refused(NULL, page, -ENOMEM);
	assert_status(mem, 2 * page - 1, 2 * page);
}
END_TEST

START_TEST(holes)
{
	ck_assert_int_eq(munmap(mem + 3 * page, page), 0);
	assert_refused(mem, 8 * page, -ENOMEM);
	assert_refused(mem + 3 * page, page, -ENOMEM);
	assert_status(mem, 3 * page, 3 * page);
}
END_TEST

START_TEST(any_kind_of_memory)
{
	static const char *const names[] = { "[stack]", "[vdso]", "[vvar]" };
	size_t len;
	char *start;

	ck_assert(find_mapping(names[_i], &start, &len));
	assert_status(start, len, len);
	ck_assert_int_eq(mprotect(mem, page, PROT_NONE), 0);
	ck_assert_int_eq(mseal(mem, page, 0), 0);
	assert_status(mem, 2 * page, 2 * page);
}
END_TEST

/* A filter that refuses mremap must not make anything look sealed. */
START_TEST(filtered)
{
	static const int errors[] = { EPERM, ENOSYS, EINVAL, EACCES };

	ck_assert_int_eq(mseal(mem + page, page, 0), 0);
	assert_status(mem, 2 * page, 2 * page);
	deny(SYS_mremap, errors[_i]);
	assert_refused(mem, page, -EOPNOTSUPP);
	assert_refused(mem + page, page, -EOPNOTSUPP);
}
END_TEST

START_TEST(within_a_huge_page)
{
	size_t huge = (size_t)2 << 20;
	char *p = mmap(NULL, huge, READ_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB | MAP_NORESERVE, -1, 0);

	ck_assert_ptr_ne(p, MAP_FAILED);
	assert_refused(p + page, page, -EOPNOTSUPP);
	assert_refused(p, huge, -EOPNOTSUPP);
	assert_status(p, page, page);
}
END_TEST

static volatile int handled;

static void handler(int signal)
{
	struct memseal_status status = { .size = sizeof(status) };

	(void)signal;
	errno = 99;
	handled = memseal_query(mem, page, &status) == 0 && status.sealed_bytes == page &&
		  errno == 99;
}

START_TEST(in_a_signal_handler)
{
	ck_assert_int_eq(mseal(mem, page, 0), 0);
	ck_assert_ptr_ne(signal(SIGUSR1, handler), SIG_ERR);
	raise(SIGUSR1);
	ck_assert_int_eq(handled, 1);
}
END_TEST

static Suite *query_suite(void)
{
	Suite *suite = suite_create("query");
	TCase *tc = tcase_create("query");

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_loop_test(tc, agrees_with_smaps, 0, 16);
	tcase_add_test(tc, size_is_checked);
	tcase_add_loop_test(tc, what_grows_is_told, PROT_NONE, (PROT_READ | PROT_WRITE) + 1);
	tcase_add_test(tc, changes_nothing);
	tcase_add_test(tc, arguments);
	tcase_add_test(tc, holes);
	tcase_add_loop_test(tc, any_kind_of_memory, 0, 3);
	tcase_add_loop_test(tc, filtered, 0, 4);
	tcase_add_test(tc, within_a_huge_page);
	tcase_add_test(tc, in_a_signal_handler);
	suite_add_tcase(suite, tc);
	return suite;
}

int main(void)
{
	SRunner *runner = srunner_create(query_suite());
	int failed;

	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
