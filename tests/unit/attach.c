/* SPDX-License-Identifier: MIT */
/* memseal_process_seal(): with every system call failing once, here and in the other process. */
#include <check.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <memseal.h>

#include "base/fault.h"

/* The agent and the program that notices what is done to it, both of this build. */
#define AGENT  TEST_BUILD "/libmemseal-attach.so"
#define TARGET TEST_BUILD "/tests/attach-target"

static pid_t target;
static FILE *says;
static int tell;

static void start_target(const char *seconds)
{
	int out[2], in[2];
	char line[64];

	ck_assert_int_eq(pipe(out), 0);
	ck_assert_int_eq(pipe(in), 0);
	target = fork();
	ck_assert_int_ge(target, 0);
	if (target == 0) {
		dup2(out[1], 1);
		dup2(in[0], 0);
		close(in[1]);
		close(out[0]);
		execl(TARGET, TARGET, "compute", seconds, "wait", NULL);
		_exit(127);
	}
	close(out[1]);
	close(in[0]);
	tell = in[1];
	says = fdopen(out[0], "r");
	ck_assert_ptr_nonnull(fgets(line, sizeof(line), says));
	ck_assert_str_eq(line, "ready\n");
}

/* It ends by itself, and was right all the time. */
static void end_target(void)
{
	char line[128];
	int status;

	ck_assert_ptr_nonnull(fgets(line, sizeof(line), says));
	ck_assert_msg(strncmp(line, "right:", 6) == 0, "%s", line);
	close(tell);
	ck_assert_int_eq(waitpid(target, &status, 0), target);
	ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "status %x", (unsigned)status);
	fclose(says);
}

static const struct memseal_seal_opts opts = { .size = sizeof(opts), .agent = AGENT };

static int seal(struct memseal_seal_report *ret)
{
	struct memseal_process *process;
	int r = memseal_process_open(target, NULL, &process);

	ck_assert_int_eq(r, 0);
	*ret = (struct memseal_seal_report){ .size = sizeof(*ret) };
	r = memseal_process_seal(process, &opts, ret);
	memseal_process_close(process);
	return r;
}

static enum memseal_state state(void)
{
	struct memseal_coverage coverage = { .size = sizeof(coverage) };
	struct memseal_process *process;

	ck_assert_int_eq(memseal_process_open(target, NULL, &process), 0);
	ck_assert_int_eq(memseal_process_coverage(process, &coverage), 0);
	memseal_process_close(process);
	return coverage.state;
}

START_TEST(seals)
{
	struct memseal_seal_report report;

	start_target("3");
	ck_assert_int_eq(state(), MEMSEAL_STATE_UNSEALED);
	ck_assert_int_eq(seal(&report), 0);
	ck_assert_str_eq(report.reason, "");
	ck_assert_uint_eq(report.threads, 3);
	ck_assert_uint_gt(report.paused, 0);
	ck_assert_uint_gt(report.sealed_bytes, 1000000);
	ck_assert(report.later);
	ck_assert_int_eq(state(), MEMSEAL_STATE_SEALED);
	end_target();
}
END_TEST

/* Those of this process come first, then the child's, and what it has the other one call. */
static const int errors[] = { EPERM, ENOMEM };

/* So many that do not matter in a row: behind the last. */
#define CALLS_BEHIND 40

START_TEST(every_call_fails_once)
{
	const int error = errors[_i];
	struct memseal_seal_report report;
	unsigned failed = 0, in_a_row = 0;

	for (unsigned long nth = 1; in_a_row < CALLS_BEHIND; nth++) {
		struct memseal_process *process;
		int r;

		start_target("0.01");
		ck_assert_int_eq(memseal_process_open(target, NULL, &process), 0);
		report = (struct memseal_seal_report){ .size = sizeof(report) };
		fault_arm(nth, error);
		r = memseal_process_seal(process, &opts, &report);
		fault_arm(0, 0);
		memseal_process_close(process);
		ck_assert_int_le(r, 0);
		failed += r < 0;
		in_a_row = r == 0 ? in_a_row + 1 : 0;
		/* What is reported holds, and the process is well in any case. */
		if (r == 0)
			ck_assert_int_eq(state(), MEMSEAL_STATE_SEALED);
		else
			ck_assert_msg(*report.reason || r == -ENOMEM || r == -EPERM, "call %lu: %d",
				nth, r);
		end_target();
	}
	ck_assert_uint_gt(failed, 20);
}
END_TEST

START_TEST(misuse)
{
	struct memseal_seal_opts future = { .size = sizeof(future) + 8 };
	struct memseal_seal_report report = { .size = 4 };
	struct memseal_process *process;

	ck_assert_int_eq(memseal_process_seal(NULL, NULL, NULL), -EINVAL);
	ck_assert_int_eq(memseal_process_open(getpid(), NULL, &process), 0);
	ck_assert_int_eq(memseal_process_seal(process, NULL, &report), -EINVAL);
	report.size = sizeof(report);
	ck_assert_int_eq(memseal_process_seal(process, &opts, &report), -EINVAL);
	ck_assert_str_eq(report.reason, "a process cannot stop itself");
	(void)future;
	memseal_process_close(process);
}
END_TEST

START_TEST(another_program_meanwhile)
{
	struct memseal_seal_report report = { .size = sizeof(report) };
	struct memseal_process *process;

	start_target("0.01");
	ck_assert_int_eq(memseal_process_open(target, NULL, &process), 0);
	kill(target, SIGKILL);
	ck_assert_int_eq(waitpid(target, NULL, 0), target);
	ck_assert_int_eq(memseal_process_seal(process, &opts, &report), -ESRCH);
	memseal_process_close(process);
	fclose(says);
	close(tell);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("attach");
	TCase *tcase = tcase_create("attach");
	SRunner *runner = srunner_create(suite);

	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, seals);
	tcase_add_test(tcase, misuse);
	tcase_add_test(tcase, another_program_meanwhile);
	tcase_add_loop_test(tcase, every_call_fails_once, 0, sizeof(errors) / sizeof(*errors));
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_ENV);
	return srunner_ntests_failed(runner) ? 1 : 0;
}
