/* SPDX-License-Identifier: MIT */
/* What memseal_program_find() makes of its arguments; tests/cli/run.bats starts programs. */
#include <check.h>
#include <errno.h>
#include <memseal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "launch/binfmt.h"
#include "launch/trial.h"

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
	const char *const fine[] = { "libc*", "?", NULL }, *const bad[] = { "libc*", "a:b", NULL };
	struct memseal_run_opts opts = { .size = 0 }, except = { .size = sizeof(except) };

	ck_assert_int_eq(find("sh", NULL), 0);
	except.except = fine;
	ck_assert_int_eq(find("sh", &except), 0);
	except.except = bad;
	ck_assert_int_eq(find("sh", &except), -EINVAL);
	ck_assert_int_eq(find("sh", &opts), -EINVAL);
	ck_assert_int_eq(find(NULL, NULL), -EINVAL);
	ck_assert_int_eq(find("", NULL), -ENOENT);
	ck_assert_int_eq(find("no-such-program", NULL), -ENOENT);
	ck_assert_int_eq(find("/bin", NULL), -EISDIR);
}
END_TEST

/* What a script would leave behind. */
#define TRACE "/tmp/memseal-trial"

START_TEST(tells_secure_execution_without_running_anything)
{
	static const char script[] = "#!/bin/sh\necho ran >" TRACE "\n";
	char path[] = "/tmp/memseal-trial-XXXXXX";
	int fd = mkstemp(path);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, script, sizeof(script) - 1), sizeof(script) - 1);
	ck_assert_int_eq(fchmod(fd, 0755), 0);
	close(fd);
	unlink(TRACE);
	ck_assert_int_eq(trial_secure("/bin/true"), 0);
	ck_assert_int_eq(trial_secure(path), 0);
	ck_assert_int_eq(trial_secure("/no/such/file"), -EPERM);
	ck_assert_int_eq(access(TRACE, F_OK), -1);
	/* The control: it would have. */
	ck_assert_int_eq(system(path), 0);
	ck_assert_int_eq(access(TRACE, F_OK), 0);
	unlink(TRACE);
	unlink(path);
	ck_assert_int_eq(waitpid(-1, NULL, WNOHANG | __WALL), -1);
	ck_assert_int_eq(errno, ECHILD);
}
END_TEST

START_TEST(tells_what_the_kernel_does)
{
	if (getuid() != 0)
		return;
	ck_assert_int_eq(setresuid(65534, 0, 0), 0);
	ck_assert_int_eq(trial_secure("/bin/true"), 1);
}
END_TEST

START_TEST(tries_where_a_module_has_a_say)
{
	ck_assert(!trial_wanted(""));
	ck_assert(!trial_wanted("unconfined"));
	ck_assert(!trial_wanted("unconfined\n"));
	ck_assert(trial_wanted("unconfined_u:unconfined_r:unconfined_t:s0-s0:c0.c1023"));
	ck_assert(trial_wanted("docker-default (enforce)\n"));
	ck_assert(trial_wanted("_"));
	ck_assert(trial_wanted("un"));
}
END_TEST

static const char *const registered[] = {
	"enabled\ninterpreter /i\nflags: PC\noffset 2\nmagic 4d5a\nmask ff0f\n",
	"enabled\ninterpreter /i\nflags: \nextension .exe\n",
};

static bool matches(const char *entry, const char *path, const char *head, size_t len)
{
	struct binfmt ret = { .interpreter = "none" };
	bool found = binfmt_match(entry, path, (const unsigned char *)head, len, &ret);

	ck_assert_str_eq(ret.interpreter, found ? "/i" : "none");
	ck_assert_int_eq(ret.credentials, found && entry == registered[0]);
	return found;
}

START_TEST(reads_registered_formats)
{
	ck_assert(matches(registered[0], "x", "..MZ", 4));
	ck_assert(matches(registered[0], "x", "..M\xfa more", 9));
	ck_assert(!matches(registered[0], "x", "..M\xfb", 4));
	ck_assert(!matches(registered[0], "x", ".MZ.", 4));
	ck_assert(!matches(registered[0], "x", "..M", 3));
	ck_assert(!matches(registered[0], "x", "", 0));
	ck_assert(matches(registered[1], "a/b.exe", "", 0));
	ck_assert(matches(registered[1], "a.b.exe", "", 0));
	ck_assert(!matches(registered[1], "a.exe.b", "", 0));
	ck_assert(!matches(registered[1], "a.ex", "", 0));
	ck_assert(!matches(registered[1], "exe", "", 0));
}
END_TEST

START_TEST(passes_over_formats_that_are_not_understood)
{
	static const char *const entries[] = {
		"",
		"disabled\ninterpreter /i\nflags: \noffset 0\nmagic 41\n",
		"enabled\nflags: \noffset 0\nmagic 41\n",
		"enabled\ninterpreter /i\nflags: \n",
		"enabled\ninterpreter /i\nflags: \noffset 0\n",
		"enabled\ninterpreter /i\nflags: \noffset 0\nmagic 4\n",
		"enabled\ninterpreter /i\nflags: \noffset 0\nmagic 4g\n",
		"enabled\ninterpreter /i\nflags: \noffset 0\nmagic 41\nmask ffff\n",
		"enabled\ninterpreter /i\nflags: \noffset 256\nmagic 00\n",
		"enabled\ninterpreter /i\nflags: \noffset -1\nmagic 41\n",
	};

	for (size_t i = 0; i < ARRAY_SIZE(entries); i++)
		ck_assert(!matches(entries[i], "A", "A", 1));
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
	tcase_add_test(tcase, tells_secure_execution_without_running_anything);
	tcase_add_test(tcase, tells_what_the_kernel_does);
	tcase_add_test(tcase, tries_where_a_module_has_a_say);
	tcase_add_test(tcase, reads_registered_formats);
	tcase_add_test(tcase, passes_over_formats_that_are_not_understood);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
