/* SPDX-License-Identifier: MIT */
/* A policy that could not be read in full is an error: it never has fewer rules without a word. */
#include "machine/policy-files.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fault.h"

#define RULES 3

static char root[sizeof("/tmp/memseal-policy-XXXXXX")];
static char dir[256];

/* Each directory of a path below the root. */
static void make_directories(void)
{
	strcpy(root, "/tmp/memseal-policy-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(root));
	ck_assert_int_eq(chmod(root, 0755), 0);
	snprintf(dir, sizeof(dir), "%s%s", root, POLICY_DIR);
	for (char *slash = dir + sizeof(root); *slash; slash++) {
		if (*slash != '/')
			continue;
		*slash = '\0';
		ck_assert_int_eq(mkdir(dir, 0755), 0);
		*slash = '/';
	}
	ck_assert_int_eq(mkdir(dir, 0755), 0);
}

static void write_file(const char *name, const char *text)
{
	char path[300];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	file = fopen(path, "w");
	ck_assert_ptr_nonnull(file);
	ck_assert_int_ge(fputs(text, file), 0);
	ck_assert_int_eq(fclose(file), 0);
	ck_assert_int_eq(chmod(path, 0644), 0);
}

static void setup(void)
{
	make_directories();
	write_file("1.conf", "/a off\n/b strict\n");
	write_file("2.conf", "/c data");
}

static void teardown(void)
{
	char command[64];

	snprintf(command, sizeof(command), "rm -r %s", root);
	ck_assert_int_eq(system(command), 0);
}

START_TEST(the_owner_is_whose_it_should_be)
{
	struct policy policy = { 0 };

	ck_assert_int_eq(policy_read(&policy, root, getuid()), 0);
	ck_assert(!policy.errors && policy.count == RULES && policy.found == 0);
	policy_free(&policy);
	ck_assert_int_eq(policy_read(&policy, root, getuid() + 1), 0);
	ck_assert(policy.errors && policy.count == 0 && policy.found == 1);
	ck_assert_int_eq(policy.findings[0].problem, POLICY_OWNER);
	policy_free(&policy);
}
END_TEST

/* What is complete is right, whichever call failed. */
static void read_with_fault(unsigned long nth, int error)
{
	struct policy policy = { 0 };
	int r;

	fault_arm(nth, error);
	r = policy_read(&policy, root, getuid());
	fault_arm(0, 0);
	ck_assert(r == 0 || r == -ENOMEM);
	if (r == 0 && !policy.errors)
		ck_assert_uint_eq(policy.count, RULES);
	policy_free(&policy);
}

START_TEST(each_system_call_fails_once)
{
	static const int errors[] = { EIO, EACCES, EMFILE, ENOMEM, ELOOP, ENOTDIR, EINTR };
	struct policy policy = { 0 };
	unsigned long calls;

	fault_arm(0, 0);
	ck_assert_int_eq(policy_read(&policy, root, getuid()), 0);
	calls = fault_count();
	policy_free(&policy);
	ck_assert_uint_gt(calls, 15);
	for (unsigned long nth = 1; nth <= calls; nth++)
		for (size_t i = 0; i < ARRAY_SIZE(errors); i++)
			read_with_fault(nth, errors[i]);
}
END_TEST

START_TEST(a_name_that_is_too_long_is_an_error)
{
	static char name[2 * 4096];
	struct policy policy = { 0 };

	for (size_t i = 0; i + 1 < sizeof(name); i++)
		name[i] = i % 2 ? 'x' : '/';
	ck_assert_int_eq(policy_read(&policy, name, getuid()), 0);
	ck_assert(policy.errors && policy.findings[0].error == -ENAMETOOLONG);
	policy_free(&policy);
	ck_assert_int_eq(policy_read_from(&policy, name), 0);
	ck_assert(policy.errors && policy.findings[0].error == -ENAMETOOLONG);
	policy_free(&policy);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("policy-files");
	TCase *tcase = tcase_create("read");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, the_owner_is_whose_it_should_be);
	tcase_add_test(tcase, each_system_call_fails_once);
	tcase_add_test(tcase, a_name_that_is_too_long_is_an_error);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
