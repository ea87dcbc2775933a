/* SPDX-License-Identifier: MIT */
/*
 * A seccomp filter that answers 0 in the kernel's place, and nothing is sealed: every public
 * function that seals must fail. Beside each, the same without such a filter, which succeeds and
 * holds.
 */
#include <errno.h>
#include <memseal-compat.h>
#include <memseal-globals.h>
#include <memseal.h>

#include "helpers/code.h"
#include "helpers/memory.h"

static MEMSEAL_RO_AFTER_INIT int marked = 1;

static size_t page;

/* What a function gave: its answer, and the memory that it is about. */
struct given {
	int answer;
	char *memory;
};

static struct given by_range(void)
{
	char *memory = map_anon(1, READ_WRITE);

	return (struct given){ memseal_range(memory, page, MEMSEAL_MAPPING), memory };
}

static struct given by_ranges(void)
{
	char *memory = map_anon(3, READ_WRITE);
	struct memseal_range ranges[] = { { memory, page, MEMSEAL_MAPPING },
		{ memory + 2 * page, page, MEMSEAL_MAPPING } };
	size_t sealed = 1;
	int r = memseal_ranges(ranges, 2, NULL, &sealed);

	ck_assert_uint_eq(sealed, r == 0 ? 2 * page : 0);
	return (struct given){ r, memory + 2 * page };
}

static struct given by_map(void)
{
	char *memory = memseal_map(page, PROT_READ, MEMSEAL_MAPPING);

	return (struct given){ memory ? 0 : -errno, memory };
}

static struct given by_mimmutable(void)
{
	char *memory = map_anon(1, PROT_READ);

	return (struct given){ mimmutable(memory, page) < 0 ? -errno : 0, memory };
}

static struct given by_self(void)
{
	return (struct given){ memseal_self(NULL), (char *)((uintptr_t)by_self & -page) };
}

static struct given by_arena(void)
{
	struct memseal_arena *arena;
	char *memory;
	int r;

	ck_assert_int_eq(memseal_arena_new(page, &arena), 0);
	memory = memseal_arena_alloc(arena, 1, 1);
	ck_assert_ptr_nonnull(memory);
	r = memseal_arena_freeze(arena);
	if (r < 0)
		*memory = 'x'; /* as it was */
	return (struct given){ r, (char *)((uintptr_t)memory & -page) };
}

static struct given by_globals(void)
{
	int r = memseal_globals_freeze();

	if (r < 0)
		marked++;
	return (struct given){ r, (char *)((uintptr_t)&marked & -page) };
}

static struct given by_pool(void)
{
	struct memseal_pool_opts opts = { .size = sizeof(opts), .demand = MEMSEAL_POOL_SEALED };
	struct memseal_pool *pool;
	int r = memseal_pool_new_opts(64, 16, &opts, &pool);
	char *memory = r == 0 ? memseal_pool_get(pool) : NULL;

	return (struct given){ r, (char *)((uintptr_t)memory & -page) };
}

static struct given by_code(void)
{
	struct memseal_code_opts opts = { .size = sizeof(opts), .mode = MEMSEAL_CODE_DUAL };
	struct memseal_code *code;
	int r = memseal_code_new_opts(page, &opts, &code);
	char *memory = r == 0 ? memseal_code_alloc(code, CODE_SIZE, 16) : NULL;

	return (struct given){ r, (char *)((uintptr_t)memory & -page) };
}

static struct given by_flipped_code(void)
{
	struct memseal_code_opts opts = { .size = sizeof(opts), .mode = MEMSEAL_CODE_FLIP };
	struct memseal_code *code;
	char *memory;
	int r = memseal_code_new_opts(page, &opts, &code);

	if (r < 0)
		return (struct given){ r, NULL };
	memory = memseal_code_alloc(code, CODE_SIZE, 16);
	ck_assert_ptr_nonnull(memory);
	put_code(memory, 1);
	return (struct given){ memseal_code_publish(code, memory, CODE_SIZE), memory };
}

static struct given (*const functions[])(void) = { by_range, by_ranges, by_map, by_mimmutable,
	by_self, by_arena, by_globals, by_pool, by_code, by_flipped_code };
#define FUNCTIONS ((int)(sizeof(functions) / sizeof(functions[0])))

static void setup(void)
{
	page = page_size();
}

START_TEST(mseal_that_does_nothing_is_found_out)
{
	char *control = map_anon(1, READ_WRITE);
	struct given given;

	deny(SYS_mseal, 0);
	ck_assert_int_eq(syscall(SYS_mseal, control, page, 0), 0);
	ck_assert_int_eq(munmap(control, page), 0);
	given = functions[_i]();
	ck_assert_int_eq(given.answer, -EOPNOTSUPP);
}
END_TEST

/* The control. */
START_TEST(mseal_that_answers_is_believed)
{
	struct given given = functions[_i]();

	ck_assert_int_eq(given.answer, 0);
	ck_assert_int_eq(munmap(given.memory, page), -1);
	ck_assert_int_eq(errno, EPERM);
}
END_TEST

/* Parts that the kernel cannot hold, by the filter engine. */
static struct given by_filter_engine(void)
{
	struct memseal_opts opts = { .size = sizeof(opts), .engine = MEMSEAL_ENGINE_FILTER };
	char *memory = map_anon(1, READ_WRITE);
	struct memseal_range range = { memory, page, MEMSEAL_NO_UNMAP };
	size_t sealed = 1;
	int r = memseal_ranges(&range, 1, &opts, &sealed);

	ck_assert_uint_eq(sealed, r == 0 ? page : 0);
	return (struct given){ r, memory };
}

static struct given by_types(void)
{
	char *memory = map_anon(1, READ_WRITE);

	return (struct given){ mseal_types(memory, page, MM_SEAL_MUNMAP, 0) < 0 ? -errno : 0,
		memory };
}

static struct given by_window(void)
{
	char *memory = memseal_map(page, READ_WRITE, MEMSEAL_RATCHET | MEMSEAL_NO_DISCARD);

	return (struct given){ memory ? 0 : -errno, memory };
}

static struct given (*const filtered[])(
	void) = { by_filter_engine, by_types, by_window, by_arena, by_globals, by_flipped_code };
#define FILTERED ((int)(sizeof(filtered) / sizeof(filtered[0])))

START_TEST(seccomp_that_does_nothing_is_found_out)
{
	struct sock_filter code = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	struct sock_fprog program = { 1, &code };
	struct given given;

	ck_assert_int_eq(memseal_filter_allow(MEMSEAL_EXEC_ALLOW), 0);
	deny(SYS_seccomp, 0);
	ck_assert_int_eq(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program), 0);
	given = filtered[_i]();
	ck_assert_int_eq(given.answer, -EOPNOTSUPP);
}
END_TEST

START_TEST(seccomp_that_answers_is_believed)
{
	struct given given;

	ck_assert_int_eq(memseal_filter_allow(MEMSEAL_EXEC_ALLOW), 0);
	deny(SYS_uselib, 0); /* any other filter */
	given = filtered[_i]();
	ck_assert_int_eq(given.answer, 0);
	ck_assert_int_eq(munmap(given.memory, page), -1);
	ck_assert_int_eq(errno, EPERM);
}
END_TEST

START_TEST(execve_that_is_not_refused_is_found_out)
{
	char *nothing[] = { NULL };

	if (_i)
		deny(SYS_seccomp, 0);
	ck_assert_int_eq(memseal_filter_allow(MEMSEAL_EXEC_REFUSE), _i ? -EOPNOTSUPP : 0);
	ck_assert_int_eq(execve("/nonexistent", nothing, nothing), -1);
	ck_assert_int_eq(errno, _i ? ENOENT : EPERM);
}
END_TEST

/* Held by a filter already, so that the question is answered by that; smaps has the answer. */
START_TEST(behind_a_filter_the_kernel_is_asked_otherwise)
{
	struct memseal_opts opts = { .size = sizeof(opts), .engine = MEMSEAL_ENGINE_FILTER };
	char *memory = map_anon(1, READ_WRITE);
	struct memseal_range range = { memory, page, MEMSEAL_MAPPING };

	ck_assert_int_eq(memseal_filter_allow(MEMSEAL_EXEC_ALLOW), 0);
	ck_assert_int_eq(memseal_ranges(&range, 1, &opts, NULL), 0);
	ck_assert_uint_eq(smaps_sealed(memory, page), 0);
	opts.engine = MEMSEAL_ENGINE_KERNEL;
	if (_i)
		deny(SYS_mseal, 0);
	ck_assert_int_eq(memseal_ranges(&range, 1, &opts, NULL), _i ? -EOPNOTSUPP : 0);
	ck_assert_uint_eq(smaps_sealed(memory, page), _i ? 0 : page);
}
END_TEST

static Suite *answers_suite(void)
{
	Suite *suite = suite_create("answers");
	TCase *tc = tcase_create("kernel");

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_loop_test(tc, mseal_that_does_nothing_is_found_out, 0, FUNCTIONS);
	tcase_add_loop_test(tc, mseal_that_answers_is_believed, 0, FUNCTIONS);
	suite_add_tcase(suite, tc);
	tc = tcase_create("filter");
	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, seccomp_that_does_nothing_is_found_out, 0, FILTERED);
	tcase_add_loop_test(tc, seccomp_that_answers_is_believed, 0, FILTERED);
	tcase_add_loop_test(tc, execve_that_is_not_refused_is_found_out, 0, 2);
	tcase_add_loop_test(tc, behind_a_filter_the_kernel_is_asked_otherwise, 0, 2);
	suite_add_tcase(suite, tc);
	return suite;
}

int main(void)
{
	SRunner *runner = srunner_create(answers_suite());
	int failed;

	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
