/* SPDX-License-Identifier: MIT */
/* What memseal_program_find() makes of its arguments; tests/cli/run.bats starts programs. */
#include <check.h>
#include <errno.h>
#include <memseal.h>
#include <stdlib.h>

/* Unchanged where the call fails. */
#define NONE ((struct memseal_program *)&none)
static char none;

static int find(const char *name, const struct memseal_run_opts *opts)
{
	struct memseal_program *program = NONE;
	int r = memseal_program_find(name, "/bin:/usr/bin", opts, &program);

	ck_assert_int_eq(program == NONE, r != 0);
	if (r == 0)
		memseal_program_free(program);
	return r;
}

START_TEST(takes_the_engines_that_there_are)
{
	struct memseal_run_opts opts = { .size = sizeof(opts) };

	for (int engine = MEMSEAL_ENGINE_AUTO; engine <= MEMSEAL_ENGINE_FILTER; engine++) {
		opts.engine = (enum memseal_engine)engine;
		ck_assert_int_eq(find("sh", &opts), 0);
	}
	opts.engine = (enum memseal_engine)(MEMSEAL_ENGINE_FILTER + 1);
	ck_assert_int_eq(find("sh", &opts), -EINVAL);
	opts.engine = (enum memseal_engine) - 1;
	ck_assert_int_eq(find("sh", &opts), -EINVAL);
}
END_TEST

START_TEST(wants_options_and_a_name)
{
	struct memseal_run_opts opts = { .size = 0 };

	ck_assert_int_eq(find("sh", NULL), 0);
	ck_assert_int_eq(find("sh", &opts), -EINVAL);
	ck_assert_int_eq(find(NULL, NULL), -EINVAL);
	ck_assert_int_eq(find("", NULL), -ENOENT);
	ck_assert_int_eq(find("no-such-program", NULL), -ENOENT);
	ck_assert_int_eq(find("/bin", NULL), -EISDIR);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("program");
	TCase *tcase = tcase_create("find");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_test(tcase, takes_the_engines_that_there_are);
	tcase_add_test(tcase, wants_options_and_a_name);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
