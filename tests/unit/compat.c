/* SPDX-License-Identifier: MIT */
/* mseal() and mimmutable(): -1 and errno, as their systems have them. */
#include <errno.h>

#include <memseal-compat.h>

#include "helpers/memory.h"

static size_t page;
static char *mem; /* 8 pages, readable and writable */

static void setup(void)
{
	page = page_size();
	mem = map_anon(8, READ_WRITE);
}

static void assert_fails(int ret, int error)
{
	int found = errno;

	ck_assert_int_eq(ret, -1);
	ck_assert_int_eq(found, error);
}

START_TEST(mseal_is_the_system_call)
{
	ck_assert_int_eq(mseal(mem, page, 0), 0);
	ck_assert_int_eq(mseal(mem, page, 0), 0);
	ck_assert_uint_eq(smaps_sealed(mem, 8 * page), page);
	ck_assert_int_eq(mseal(mem, 0, 0), 0);
	assert_fails(mseal(mem + 1, page, 0), EINVAL);
	assert_fails(mseal(mem, page, 1), EINVAL);
	assert_fails(mseal(mem, SIZE_MAX, 0), EINVAL);
	assert_fails(mseal(NULL, page, 0), ENOMEM);
	ck_assert_uint_eq(smaps_sealed(mem, 8 * page), page);
}
END_TEST

START_TEST(mseal_filtered)
{
	static const int errors[] = { EPERM, ENOSYS };

	deny(SYS_mseal, errors[_i]);
	assert_fails(mseal(mem, page, 0), errors[_i]);
}
END_TEST

START_TEST(mimmutable_seals)
{
	ck_assert_int_eq(mimmutable(mem, page + 1), 0);
	ck_assert_uint_eq(smaps_sealed(mem, 8 * page), 2 * page);
	assert_fails(munmap(mem, page), EPERM);
	assert_fails(mprotect(mem, page, PROT_READ), EPERM);
	mem[0] = 'x'; /* as on OpenBSD: the bytes stay writable */
	ck_assert_int_eq(munmap(mem + 2 * page, page), 0);
}
END_TEST

START_TEST(mimmutable_refuses)
{
	int local;

	assert_fails(mimmutable(mem + 1, page), EINVAL);
	assert_fails(mimmutable(mem, 0), EINVAL);
	assert_fails(mimmutable(NULL, page), ENOMEM);
	assert_fails(mimmutable((void *)((uintptr_t)&local & ~(page - 1)), page), EFAULT);
	ck_assert_uint_eq(smaps_sealed(mem, 8 * page), 0);
}
END_TEST

START_TEST(mimmutable_filtered)
{
	deny(SYS_mseal, _i ? ENOSYS : EPERM);
	assert_fails(mimmutable(mem, page), _i ? EOPNOTSUPP : EPERM);
}
END_TEST

static Suite *compat_suite(void)
{
	Suite *suite = suite_create("compat");
	TCase *tc = tcase_create("compat");

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_test(tc, mseal_is_the_system_call);
	tcase_add_loop_test(tc, mseal_filtered, 0, 2);
	tcase_add_test(tc, mimmutable_seals);
	tcase_add_test(tc, mimmutable_refuses);
	tcase_add_loop_test(tc, mimmutable_filtered, 0, 2);
	suite_add_tcase(suite, tc);
	return suite;
}

int main(void)
{
	SRunner *runner = srunner_create(compat_suite());
	int failed;

	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
