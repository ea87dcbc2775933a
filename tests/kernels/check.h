/* SPDX-License-Identifier: MIT */
/*
 * What the tests use of Check, for guests whose architecture has no such library here: the same
 * sources, each case in a process of its own, linked statically.
 */
#ifndef TESTS_KERNELS_CHECK_H
#define TESTS_KERNELS_CHECK_H

#include <stdint.h>
#include <string.h>

struct check_test {
	const char *name;
	void (*fn)(int i);
};

typedef struct check_case TCase;
typedef struct check_suite Suite;
typedef struct check_suite SRunner;

#define CK_ENV 0

#define START_TEST(test)                                                    \
	static void test##_run(int _i);                                     \
	static const struct check_test test##_test = { #test, test##_run }; \
	static const struct check_test *const test = &test##_test;          \
	static void test##_run(int _i __attribute__((unused)))
#define END_TEST

Suite *suite_create(const char *name);
void suite_add_tcase(Suite *suite, TCase *tcase);
TCase *tcase_create(const char *name);
void tcase_set_timeout(TCase *tcase, double seconds);
void tcase_add_checked_fixture(TCase *tcase, void (*setup)(void), void (*teardown)(void));
void check_add(TCase *tcase, const struct check_test *test, int from, int to);
SRunner *srunner_create(Suite *suite);
void srunner_run_all(SRunner *runner, int mode);
int srunner_ntests_failed(SRunner *runner);
void srunner_free(SRunner *runner);

#define tcase_add_test(tcase, test)                check_add(tcase, test, 0, 1)
#define tcase_add_loop_test(tcase, test, from, to) check_add(tcase, test, from, to)

/* Ends the case, and tells why. */
__attribute__((noreturn, format(printf, 3, 4))) void check_fail(
	const char *file, int line, const char *format, ...);

#define ck_abort_msg(...) check_fail(__FILE__, __LINE__, __VA_ARGS__)
#define ck_assert_msg(condition, ...)              \
	do {                                       \
		if (!(condition))                  \
			ck_abort_msg(__VA_ARGS__); \
	} while (0)
#define ck_assert(condition) ck_assert_msg(condition, "%s", #condition)

#define CHECK_COMPARE(type, format, a, op, b)                                                     \
	do {                                                                                      \
		type check_a_ = (a);                                                              \
		type check_b_ = (b);                                                              \
		ck_assert_msg(check_a_ op check_b_, "%s " #op " %s: " format ", " format, #a, #b, \
			check_a_, check_b_);                                                      \
	} while (0)

#define ck_assert_int_eq(a, b)   CHECK_COMPARE(intmax_t, "%jd", a, ==, b)
#define ck_assert_int_ne(a, b)   CHECK_COMPARE(intmax_t, "%jd", a, !=, b)
#define ck_assert_int_ge(a, b)   CHECK_COMPARE(intmax_t, "%jd", a, >=, b)
#define ck_assert_int_gt(a, b)   CHECK_COMPARE(intmax_t, "%jd", a, >, b)
#define ck_assert_int_lt(a, b)   CHECK_COMPARE(intmax_t, "%jd", a, <, b)
#define ck_assert_uint_eq(a, b)  CHECK_COMPARE(uintmax_t, "%ju", a, ==, b)
#define ck_assert_uint_ne(a, b)  CHECK_COMPARE(uintmax_t, "%ju", a, !=, b)
#define ck_assert_uint_ge(a, b)  CHECK_COMPARE(uintmax_t, "%ju", a, >=, b)
#define ck_assert_uint_gt(a, b)  CHECK_COMPARE(uintmax_t, "%ju", a, >, b)
#define ck_assert_uint_le(a, b)  CHECK_COMPARE(uintmax_t, "%ju", a, <=, b)
#define ck_assert_uint_lt(a, b)  CHECK_COMPARE(uintmax_t, "%ju", a, <, b)
#define ck_assert_ptr_eq(a, b)   CHECK_COMPARE(const volatile void *, "%p", a, ==, b)
#define ck_assert_ptr_ne(a, b)   CHECK_COMPARE(const volatile void *, "%p", a, !=, b)
#define ck_assert_ptr_nonnull(a) ck_assert_ptr_ne(a, NULL)
#define ck_assert_ptr_null(a)    ck_assert_ptr_eq(a, NULL)

#define ck_assert_str_eq(a, b)                                                                 \
	do {                                                                                   \
		const char *check_a_ = (a), *check_b_ = (b);                                   \
		ck_assert_msg(strcmp(check_a_, check_b_) == 0, "\"%s\", not \"%s\"", check_a_, \
			check_b_);                                                             \
	} while (0)

#endif
