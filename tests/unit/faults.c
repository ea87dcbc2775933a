/* SPDX-License-Identifier: MIT */
/*
 * Every system call of the library's functions made to fail in turn, each in a child. Whatever is
 * returned: nothing leaks, 0 means that smaps says sealed, what is reported as sealed is, and the
 * next call, with nothing failing, does the rest.
 */
#include <errno.h>
#include <limits.h>

#include <memseal-compat.h>

#include "base/page.h"
#include "base/fault.h"
#include "helpers/images.h"

/* More system calls than any of these makes. */
#define MOST 1000

static size_t page;
static char *mem; /* 16 pages: writable, read-only, a hole, sealed ... */
static void *mapped;

/* What a function under test did. */
struct outcome {
	int ret;
	size_t sealed; /* as it says */
};

struct function {
	const char *name;
	struct outcome (*call)(void);
	size_t (*sealed)(void);   /* what smaps says of what it was to seal */
	size_t (*sealable)(void); /* what it must be after success */
};

static size_t range_len(void)
{
	return 5 * page;
}

static struct outcome call_range(void)
{
	return (struct outcome){ memseal_range(mem, range_len(), MEMSEAL_MAPPING), SIZE_MAX };
}

static size_t range_sealed(void)
{
	return smaps_sealed(mem, range_len());
}

static struct outcome call_ranges(void)
{
	struct memseal_range ranges[] = {
		{ mem + 7 * page, page, MEMSEAL_MAPPING },
		{ mem, 3 * page, MEMSEAL_MAPPING },
		{ mem + 2 * page, 3 * page, MEMSEAL_MAPPING },
		{ mem + 12 * page, 2 * page, MEMSEAL_MAPPING },
	};
	struct outcome outcome = { .sealed = SIZE_MAX };

	outcome.ret = memseal_ranges(ranges, 4, NULL, &outcome.sealed);
	return outcome;
}

static size_t ranges_sealed(void)
{
	return smaps_sealed(mem, 5 * page) + smaps_sealed(mem + 7 * page, page) +
	       smaps_sealed(mem + 12 * page, 2 * page);
}

static size_t ranges_len(void)
{
	return 8 * page;
}

static struct outcome call_query(void)
{
	struct memseal_status status = { .size = sizeof(status), .sealed_bytes = SIZE_MAX };
	struct outcome outcome = { .ret = memseal_query(mem, range_len(), &status) };

	outcome.sealed = status.sealed_bytes;
	return outcome;
}

static size_t query_sealable(void)
{
	return page;
}

static struct outcome call_map(void)
{
	mapped = memseal_map(3 * page, READ_WRITE, MEMSEAL_MAPPING);
	return (struct outcome){ mapped ? 0 : -errno, SIZE_MAX };
}

static size_t map_sealed(void)
{
	return mapped ? smaps_sealed(mapped, 3 * page) : 0;
}

static size_t map_len(void)
{
	return mapped ? 3 * page : 0;
}

static struct outcome call_self(void)
{
	struct outcome outcome = { .sealed = SIZE_MAX };
	struct memseal_self_opts opts = { .size = sizeof(opts), .ret_sealed = &outcome.sealed };

	outcome.ret = memseal_self(&opts);
	return outcome;
}

static size_t self_sealed(void)
{
	return count_images(NULL).sealed;
}

static size_t self_sealable(void)
{
	return count_images(NULL).sealable;
}

static const struct function functions[] = {
	{ "range", call_range, range_sealed, range_len },
	{ "ranges", call_ranges, ranges_sealed, ranges_len },
	{ "query", call_query, range_sealed, query_sealable },
	{ "map", call_map, map_sealed, map_len },
	{ "self", call_self, self_sealed, self_sealable },
};

/* Not EPERM: to mremap(2) it means "sealed", and no kernel says so once and then no longer. */
static const int errors[] = { ENOMEM, EINTR, ENOSYS, EAGAIN, EINVAL, EACCES };

struct kept {
	unsigned fds;
	struct smaps_count all;
};

static struct kept keep(void)
{
	return (struct kept){ count_fds(), smaps_count(NULL, SIZE_MAX) };
}

static void check_kept(const struct kept *before, bool mapping)
{
	struct kept now = keep();
	size_t more = mapping && mapped ? 3 * page : 0;

	ck_assert_uint_eq(now.fds, before->fds);
	/* ASan maps for malloc() as it likes. */
	if (!SANITIZED)
		ck_assert_uint_eq(now.all.mapped, before->all.mapped + more);
	ck_assert_uint_ge(now.all.sealed, before->all.sealed);
}

/* 0 from memseal_ranges() is also what it says when a check failed. */
static void check_reported(
	const struct function *function, const struct outcome *outcome, const struct kept *before)
{
	if (function->call == call_ranges && outcome->sealed != 0)
		ck_assert_uint_eq(outcome->sealed, function->sealed());
	if (function->call == call_query && outcome->ret == 0)
		ck_assert_uint_eq(outcome->sealed, function->sealed());
	if (function->call == call_self)
		ck_assert_uint_eq(
			outcome->sealed, smaps_count(NULL, SIZE_MAX).sealed - before->all.sealed);
}

/* True if the nth call was made at all, so that there may be another. */
static bool try_with_fault(const struct function *function, unsigned long nth, int error)
{
	struct kept before = keep();
	struct outcome outcome;
	unsigned long made;

	fault_arm(nth, error);
	outcome = function->call();
	made = fault_count();
	fault_arm(0, 0);
	check_kept(&before, function->call == call_map);
	check_reported(function, &outcome, &before);
	ck_assert_int_le(outcome.ret, 0);
	if (outcome.ret == 0)
		ck_assert_uint_eq(function->sealed(), function->sealable());
	ck_assert_int_eq(function->call().ret, 0);
	ck_assert_uint_eq(function->sealed(), function->sealable());
	return made >= nth;
}

static void setup(void)
{
	page = page_size();
	mem = map_anon(16, READ_WRITE);
	ck_assert_int_eq(mprotect(mem + 3 * page, page, PROT_READ), 0);
	ck_assert_int_eq(mseal(mem + page, page, 0), 0);
	(void)keep(); /* what stdio allocates once */
}

/* In children: one that crashes is one that failed. The last one meets no fault. */
START_TEST(every_call_fails_once)
{
	const struct function *function = &functions[_i / 6];
	int error = errors[_i % 6];
	unsigned long step = SANITIZED ? 3 : 1; /* the calls between with the next errors */

	for (unsigned long nth = 1 + (unsigned)_i % step; nth < MOST; nth += step) {
		pid_t pid = fork();
		int status;

		if (pid == 0)
			_exit(try_with_fault(function, nth, error) ? 0 : 42);
		status = wait_for(pid);
		ck_assert_msg(status == 0 || status == 42, "%s: call %lu failing with %d: %d",
			function->name, nth, error, status);
		if (status == 42) {
			ck_assert_uint_gt(nth, 3);
			return;
		}
	}
	ck_abort_msg("%s makes %d system calls and more", function->name, MOST);
}
END_TEST

/* by_text: without PROCMAP_QUERY, which Linux has since 6.11, as older kernels do it. */
static TCase *faults_case(const char *name, void (*by_text)(void))
{
	TCase *tc = tcase_create(name);

	tcase_add_checked_fixture(tc, setup, NULL);
	if (by_text)
		tcase_add_checked_fixture(tc, by_text, NULL);
	tcase_set_timeout(tc, 120);
	tcase_add_loop_test(tc, every_call_fails_once, 0, 5 * 6);
	return tc;
}

static Suite *faults_suite(void)
{
	Suite *suite = suite_create("faults");

	suite_add_tcase(suite, faults_case("faults", NULL));
	if (!SANITIZED) /* a thousand children there are slow enough */
		suite_add_tcase(suite, faults_case("faults by text", deny_map_query));
	return suite;
}

int main(void)
{
	SRunner *runner = srunner_create(faults_suite());
	int failed;

	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
