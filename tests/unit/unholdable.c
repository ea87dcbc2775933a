/* SPDX-License-Identifier: MIT */
/*
 * Memory that the kernel changes by itself: mappings that grow by a page fault, pages that are
 * dropped when memory is short. What is sealed nevertheless keeps its size and its bytes; beside
 * each case stands the same memory, not sealed or sealed by a system call alone.
 */
#include <sched.h>
#include <sys/personality.h>

#include "helpers/filter.h"

#ifndef MAP_DROPPABLE
#define MAP_DROPPABLE 0x08
#endif

#define ANONYMOUS (MAP_PRIVATE | MAP_ANONYMOUS)

static enum memseal_engine engine;

static void use(int i)
{
	engine = i ? MEMSEAL_ENGINE_FILTER : MEMSEAL_ENGINE_KERNEL;
	if (i)
		consent();
}

/* Two pages with much room below them. */
static char *map_growing(int prot)
{
	size_t room = 1024 * page;
	char *at = mmap(NULL, room, PROT_NONE, ANONYMOUS, -1, 0);

	ck_assert_ptr_ne(at, MAP_FAILED);
	ck_assert_int_eq(munmap(at, room - page), 0);
	at += room - 4 * page;
	ck_assert_ptr_eq(
		mmap(at, 2 * page, prot, ANONYMOUS | MAP_GROWSDOWN | MAP_FIXED, -1, 0), at);
	return at;
}

/* It ends the process if the page below cannot be had. */
static void grow(char *at)
{
	((volatile char *)at)[-1] = 'x';
	ck_assert_int_eq(at[-1], 'x');
}

START_TEST(growing_is_refused)
{
	char *at = map_growing(READ_WRITE);

	use(_i);
	ck_assert_int_eq(seal_by(engine, at, 2 * page, MEMSEAL_MAPPING), -EOPNOTSUPP);
	ck_assert_int_eq(seal_by(engine, at + page, page, MEMSEAL_MAPPING), -EOPNOTSUPP);
	ck_assert_int_eq(memseal_range(at, page, MEMSEAL_MAPPING), -EOPNOTSUPP);
	ck_assert_uint_eq(smaps_sealed(at, 2 * page), 0);
	ck_assert_int_eq(error_of(munmap(at + page, page)), 0);
	grow(at);
	ck_assert_int_eq(seal_by(engine, mem, 2 * page, MEMSEAL_MAPPING), 0);
	ck_assert_int_eq(error_of(munmap(mem, page)), EPERM);
}
END_TEST

/* Why: mseal(2) does not mind. */
START_TEST(sealed_memory_grows)
{
	char *at = map_growing(READ_WRITE);

	ck_assert_int_eq(syscall(SYS_mseal, at, 2 * page, 0), 0);
	grow(at);
	ck_assert_uint_eq(smaps_sealed(at - page, 3 * page), 3 * page);
}
END_TEST

/* Only the effect that is not there to be had. */
START_TEST(growing_without_that_effect)
{
	char *at = map_growing(READ_WRITE);

	use(1);
	ck_assert_int_eq(seal_by(engine, at, 2 * page, MEMSEAL_NO_GROW), -EOPNOTSUPP);
	ck_assert_uint_eq(filters(), 0);
	ck_assert_int_eq(seal_by(engine, at, 2 * page, MEMSEAL_MAPPING & ~MEMSEAL_NO_GROW), 0);
	ck_assert_int_eq(error_of(munmap(at + page, page)), EPERM);
	grow(at);
}
END_TEST

/* With a filter that answers the question in the kernel's place. */
START_TEST(growing_behind_a_filter)
{
	char *at = map_growing(READ_WRITE);

	use(1);
	ck_assert_int_eq(seal_by(engine, mem, page, MEMSEAL_MAPPING), 0);
	ck_assert_int_eq(error_of(mprotect(at, page, READ_WRITE | PROT_GROWSDOWN)), ENOSYS);
	ck_assert_int_eq(seal_by(engine, at, page, MEMSEAL_MAPPING), -EOPNOTSUPP);
	ck_assert_int_eq(seal_by(engine, spare, page, MEMSEAL_MAPPING), 0);
}
END_TEST

static bool is_executable(const char *at)
{
	unsigned long start, end;
	FILE *file = fopen("/proc/self/maps", "re");
	char line[8192], perm[8];
	bool found = false;

	ck_assert_ptr_nonnull(file);
	while (fgets(line, sizeof(line), file)) {
		ck_assert_int_eq(sscanf(line, "%lx-%lx %4s", &start, &end, perm), 3);
		if ((uintptr_t)at >= start && (uintptr_t)at < end)
			found = perm[2] == 'x';
	}
	fclose(file);
	return found;
}

/* The question must not change what it asks about. */
START_TEST(growing_keeps_its_protection)
{
	char *at = map_growing(PROT_READ), *code = map_growing(READ_WRITE | PROT_EXEC);

	use(_i);
	ck_assert_int_ne(personality(READ_IMPLIES_EXEC), -1);
	ck_assert_int_eq(seal_by(engine, at, page, MEMSEAL_MAPPING), -EOPNOTSUPP);
	ck_assert(!is_executable(at));
	ck_assert_int_eq(error_of(mprotect(at, page, PROT_READ)), 0);
	ck_assert(is_executable(at)); /* as it would have */
	ck_assert_int_eq(seal_by(engine, code, page, MEMSEAL_MAPPING), -EOPNOTSUPP);
	ck_assert(is_executable(code));
}
END_TEST

/* MADV_PAGEOUT finds pages that this processor has just been given if it has not changed. */
static void stay_on_this_processor(void)
{
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET((size_t)sched_getcpu(), &one);
	ck_assert_int_eq(sched_setaffinity(0, sizeof(one), &one), 0);
}

START_TEST(droppable_is_refused)
{
	char *at = mmap(NULL, 4 * page, READ_WRITE, MAP_DROPPABLE | MAP_ANONYMOUS, -1, 0);

	if (at == MAP_FAILED) {
		ck_assert_int_eq(errno, EINVAL); /* before Linux 6.11 */
		return;
	}
	use(_i);
	stay_on_this_processor();
	at[0] = at[2 * page] = 'x';
	ck_assert_int_eq(mprotect(at, 2 * page, PROT_READ), 0);
	ck_assert_int_eq(seal_by(engine, at, 2 * page, MEMSEAL_ALL), -EOPNOTSUPP);
	ck_assert_int_eq(seal_by(engine, at, 2 * page, MEMSEAL_MAPPING), 0);
	ck_assert_int_eq(madvise(at, page, MADV_PAGEOUT), 0);
	ck_assert_int_eq(at[0], 0);
	ck_assert_int_eq(mprotect(mem, page, PROT_READ), 0);
	ck_assert_int_eq(seal_by(engine, mem, page, MEMSEAL_ALL), 0);
	ck_assert_int_eq(madvise(mem, page, MADV_PAGEOUT), 0);
	ck_assert_int_eq(mem[0], 'x');
}
END_TEST

static bool is_present(char *at)
{
	unsigned char present;

	ck_assert_int_eq(mincore(at, page, &present), 0);
	return present & 1;
}

/* Four pages, of which the third is never touched, are given away. */
static char *give_away(int prot)
{
	char *at = map_anon(4, READ_WRITE);

	at[0] = at[page] = at[3 * page] = 'x';
	ck_assert_int_eq(madvise(at, 4 * page, MADV_FREE), 0);
	ck_assert_int_eq(mprotect(at, 4 * page, prot), 0);
	return at;
}

static const struct {
	int engine, prot;
} freed[] = {
	{ 0, PROT_READ },
	{ 1, PROT_READ },
	{ 1, READ_WRITE },
};

START_TEST(pages_that_were_given_away_are_taken_back)
{
	char *at, *control;

	stay_on_this_processor();
	use(freed[_i].engine);
	control = give_away(freed[_i].prot);
	at = give_away(freed[_i].prot);
	ck_assert_int_eq(seal_by(engine, at, 4 * page, MEMSEAL_ALL), 0);
	ck_assert(!is_present(at + 2 * page));
	ck_assert_int_eq(madvise(control, 4 * page, MADV_PAGEOUT), 0);
	ck_assert_int_eq(madvise(at, 4 * page, MADV_PAGEOUT), 0);
	ck_assert_int_eq(control[0] | control[page] | control[3 * page], 0);
	ck_assert_int_eq(at[0], 'x');
	ck_assert_int_eq(at[page], 'x');
	ck_assert_int_eq(at[2 * page], 0);
	ck_assert_int_eq(at[3 * page], 'x');
}
END_TEST

/* Not those beside the range, which the program does not want to keep. */
START_TEST(others_stay_given_away)
{
	char *at;

	stay_on_this_processor();
	use(freed[_i].engine);
	at = give_away(freed[_i].prot);
	ck_assert_int_eq(seal_by(engine, at, page, MEMSEAL_ALL), 0);
	ck_assert_int_eq(madvise(at, 4 * page, MADV_PAGEOUT), 0);
	ck_assert_int_eq(at[0], 'x');
	ck_assert_int_eq(at[page] | at[3 * page], 0);
}
END_TEST

/* An effect that says nothing about bytes leaves them where they are. */
START_TEST(given_away_without_that_effect)
{
	char *at;

	stay_on_this_processor();
	use(freed[_i].engine);
	at = give_away(freed[_i].prot);
	ck_assert_int_eq(seal_by(engine, at, 4 * page, MEMSEAL_MAPPING), 0);
	ck_assert_int_eq(madvise(at, 4 * page, MADV_PAGEOUT), 0);
	ck_assert_int_eq(at[0] | at[page], 0);
}
END_TEST

/* Where they cannot be taken back, nothing is sealed. */
static const long calls[] = { SYS_mincore, SYS_pwrite64, SYS_pread64 };

START_TEST(pages_that_cannot_be_taken_back)
{
	char *at = give_away(PROT_READ);

	use(0);
	deny(calls[_i], EPERM);
	ck_assert_int_eq(seal_by(engine, at, 4 * page, MEMSEAL_ALL), -EOPNOTSUPP);
	ck_assert_uint_eq(smaps_sealed(at, 4 * page), 0);
	ck_assert_int_eq(mprotect(mem, page, PROT_READ), 0);
	ck_assert_int_eq(seal_by(engine, mem, page, MEMSEAL_ALL), 0);
}
END_TEST

static Suite *unholdable_suite(void)
{
	Suite *suite = suite_create("unholdable");
	TCase *tc = tcase_create("unholdable");
	int states = sizeof(freed) / sizeof(freed[0]);

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_loop_test(tc, growing_is_refused, 0, 2);
	tcase_add_test(tc, sealed_memory_grows);
	tcase_add_test(tc, growing_without_that_effect);
	tcase_add_test(tc, growing_behind_a_filter);
	tcase_add_loop_test(tc, growing_keeps_its_protection, 0, 2);
	tcase_add_loop_test(tc, droppable_is_refused, 0, 2);
	tcase_add_loop_test(tc, pages_that_were_given_away_are_taken_back, 0, states);
	tcase_add_loop_test(tc, others_stay_given_away, 0, states);
	tcase_add_loop_test(tc, given_away_without_that_effect, 0, states);
	tcase_add_loop_test(tc, pages_that_cannot_be_taken_back, 0, 3);
	suite_add_tcase(suite, tc);
	return suite;
}

int main(void)
{
	SRunner *runner = srunner_create(unholdable_suite());
	int failed;

	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
