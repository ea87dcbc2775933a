/* SPDX-License-Identifier: MIT */
/* base/directory.h: every entry once, more than fit into one getdents64(2), and its errors. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/directory.h"

#define ENTRIES 300 /* of 24 bytes and more: two rounds at least */

static char tree[] = "/tmp/memseal-directory-XXXXXX";

static void setup(void)
{
	ck_assert_ptr_nonnull(mkdtemp(tree));
	for (int i = 0; i < ENTRIES; i++) {
		char path[64];

		snprintf(path, sizeof(path), "%s/%d", tree, i);
		close(open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	}
}

static void teardown(void)
{
	char command[64];

	snprintf(command, sizeof(command), "rm -r %s", tree);
	ck_assert_int_eq(system(command), 0);
}

START_TEST(lists_each_entry_once)
{
	struct directory directory = { .fd = open(tree, O_RDONLY | O_DIRECTORY | O_CLOEXEC) };
	unsigned seen[ENTRIES] = { 0 }, dots = 0;
	const char *name;
	int r;

	while ((r = directory_next(&directory, &name)) > 0) {
		if (name[0] == '.')
			dots++;
		else
			seen[atoi(name)]++;
	}
	ck_assert_int_eq(r, 0);
	ck_assert_uint_eq(dots, 2);
	for (int i = 0; i < ENTRIES; i++)
		ck_assert_uint_eq(seen[i], 1);
	ck_assert_int_eq(directory_next(&directory, &name), 0);
	close(directory.fd);
}
END_TEST

START_TEST(answers_what_the_kernel_answers)
{
	struct directory closed = { .fd = -1 }, file = { .fd = -1 };
	const char *name;
	char path[64];

	ck_assert_int_eq(directory_next(&closed, &name), -EBADF);
	snprintf(path, sizeof(path), "%s/0", tree);
	file.fd = open(path, O_RDONLY | O_CLOEXEC);
	ck_assert_int_ge(file.fd, 0);
	ck_assert_int_eq(directory_next(&file, &name), -ENOTDIR);
	close(file.fd);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("directory");
	TCase *tcase = tcase_create("directory");
	SRunner *runner;
	int failed;

	tcase_add_unchecked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, lists_each_entry_once);
	tcase_add_test(tcase, answers_what_the_kernel_answers);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
