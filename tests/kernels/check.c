/* SPDX-License-Identifier: MIT */
#include "check.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define TESTS_MAX 64
#define CASES_MAX 8

/* Emulated processors take many times as long as what the tests were given time for. */
#define SLOWNESS 10

struct check_case {
	void (*setup)(void), (*teardown)(void);
	unsigned seconds;
	size_t count;
	struct {
		const struct check_test *test;
		int from, to;
	} tests[TESTS_MAX];
};

struct check_suite {
	const char *name;
	size_t count;
	TCase *cases[CASES_MAX];
	int passed, failed;
};

static void *allocate(size_t size)
{
	void *p = calloc(1, size);

	if (!p)
		abort();
	return p;
}

Suite *suite_create(const char *name)
{
	Suite *suite = allocate(sizeof(*suite));

	suite->name = name;
	return suite;
}

void suite_add_tcase(Suite *suite, TCase *tcase)
{
	if (suite->count == CASES_MAX)
		abort();
	suite->cases[suite->count++] = tcase;
}

TCase *tcase_create(const char *name)
{
	TCase *tcase = allocate(sizeof(*tcase));

	(void)name;
	tcase->seconds = 4 * SLOWNESS;
	return tcase;
}

void tcase_set_timeout(TCase *tcase, double seconds)
{
	tcase->seconds = (unsigned)seconds * SLOWNESS;
}

void tcase_add_checked_fixture(TCase *tcase, void (*setup)(void), void (*teardown)(void))
{
	tcase->setup = setup;
	tcase->teardown = teardown;
}

void check_add(TCase *tcase, const struct check_test *test, int from, int to)
{
	if (tcase->count == TESTS_MAX)
		abort();
	tcase->tests[tcase->count].test = test;
	tcase->tests[tcase->count].from = from;
	tcase->tests[tcase->count++].to = to;
}

SRunner *srunner_create(Suite *suite)
{
	return suite;
}

void check_fail(const char *file, int line, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	printf("# %s:%d: ", file, line);
	vprintf(format, args);
	putchar('\n');
	va_end(args);
	fflush(stdout);
	_exit(1);
}

static void run_child(const TCase *tcase, const struct check_test *test, int i)
{
	(void)setpgid(0, 0);
	alarm(tcase->seconds);
	if (tcase->setup)
		tcase->setup();
	test->fn(i);
	if (tcase->teardown)
		tcase->teardown();
	fflush(stdout);
	_exit(0);
}

static void run_one(SRunner *runner, const TCase *tcase, const struct check_test *test, int i)
{
	int status = -1;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid == 0)
		run_child(tcase, test, i);
	if (pid > 0 && waitpid(pid, &status, 0) == pid)
		(void)kill(-pid, SIGKILL);
	if (status == 0) {
		runner->passed++;
		return;
	}
	runner->failed++;
	printf("# FAILED %s: %s:%d, status %#x\n", runner->name, test->name, i, (unsigned)status);
}

void srunner_run_all(SRunner *runner, int mode)
{
	(void)mode;
	for (size_t c = 0; c < runner->count; c++)
		for (size_t t = 0; t < runner->cases[c]->count; t++)
			for (int i = runner->cases[c]->tests[t].from;
				i < runner->cases[c]->tests[t].to; i++)
				run_one(runner, runner->cases[c], runner->cases[c]->tests[t].test,
					i);
	printf("%s: %d passed, %d failed\n", runner->name, runner->passed, runner->failed);
	fflush(stdout);
}

int srunner_ntests_failed(SRunner *runner)
{
	return runner->failed;
}

void srunner_free(SRunner *runner)
{
	for (size_t c = 0; c < runner->count; c++)
		free(runner->cases[c]);
	free(runner);
}
