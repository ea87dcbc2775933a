/* SPDX-License-Identifier: MIT */
/* memseal_map(): what it maps is sealed, and what it cannot seal is not mapped. */
#include <errno.h>

#include <memseal.h>

#include "helpers/memory.h"

static size_t page;

static void setup(void)
{
	page = page_size();
}

static void assert_refused(size_t len, int prot, uint64_t effects, int error)
{
	size_t before = smaps_count(NULL, SIZE_MAX).mapped;

	errno = 0;
	ck_assert_ptr_null(memseal_map(len, prot, effects));
	ck_assert_int_eq(errno, error);
	ck_assert_uint_eq(smaps_count(NULL, SIZE_MAX).mapped, before);
}

START_TEST(is_sealed)
{
	char *p = memseal_map(3 * page - 1, READ_WRITE, MEMSEAL_MAPPING);

	ck_assert_ptr_nonnull(p);
	ck_assert_uint_eq(smaps_sealed(p, 3 * page), 3 * page);
	p[0] = p[3 * page - 1] = 'x';
	ck_assert_int_eq(munmap(p, page), -1);
	ck_assert_int_eq(errno, EPERM);
	ck_assert_int_eq(mprotect(p, page, PROT_READ), -1);
	ck_assert_int_eq(errno, EPERM);
}
END_TEST

static const int prots[] = { PROT_NONE, PROT_READ, PROT_READ | PROT_EXEC };

START_TEST(not_writable_holds_everything)
{
	char *p = memseal_map(page, prots[_i], MEMSEAL_ALL);

	ck_assert_ptr_nonnull(p);
	ck_assert_uint_eq(smaps_sealed(p, page), page);
	ck_assert_int_eq(madvise(p, page, MADV_DONTNEED), -1);
	ck_assert_int_eq(errno, EPERM);
}
END_TEST

START_TEST(refusals)
{
	assert_refused(0, READ_WRITE, MEMSEAL_MAPPING, EINVAL);
	assert_refused(page, READ_WRITE, 0, EINVAL);
	assert_refused(page, READ_WRITE, UINT64_C(1) << 40, EINVAL);
	assert_refused(page, READ_WRITE, MEMSEAL_NO_UNMAP, EOPNOTSUPP);
	assert_refused(page, READ_WRITE, MEMSEAL_ALL, EOPNOTSUPP);
	assert_refused(SIZE_MAX / 2, PROT_NONE, MEMSEAL_MAPPING, ENOMEM);
	assert_refused(SIZE_MAX, PROT_NONE, MEMSEAL_MAPPING, ENOMEM);
}
END_TEST

static const struct {
	long call;
	int error, answer;
} filters[] = {
	{ SYS_mseal, EPERM, EPERM },
	{ SYS_mseal, ENOSYS, EOPNOTSUPP },
	{ SYS_mremap, EPERM, EOPNOTSUPP },
};

START_TEST(filtered)
{
	deny(filters[_i].call, filters[_i].error);
	assert_refused(page, READ_WRITE, MEMSEAL_MAPPING, filters[_i].answer);
}
END_TEST

static Suite *map_suite(void)
{
	Suite *suite = suite_create("map");
	TCase *tc = tcase_create("map");

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_test(tc, is_sealed);
	tcase_add_loop_test(tc, not_writable_holds_everything, 0, 3);
	tcase_add_test(tc, refusals);
	tcase_add_loop_test(tc, filtered, 0, 3);
	suite_add_tcase(suite, tc);
	return suite;
}

int main(void)
{
	SRunner *runner = srunner_create(map_suite());
	int failed;

	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
