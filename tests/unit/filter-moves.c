/* SPDX-License-Identifier: MIT */
/*
 * mremap(2) cuts off more than its arguments say: where the sum of old address and new length
 * wraps, before the kernel finds that there is no such old range, and where lengths are rounded up
 * to huge pages. Which kernels cut is tried without a filter; that a filter keeps the memory, on
 * all.
 */
#include <check.h>
#include <errno.h>
#include <memseal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/sys.h"
#include "engine/filter.h"

/* Beyond a static program and its heap, with free room behind it. */
#if __SIZEOF_LONG__ == 8
#define PLACE  0x100000000ul
#define TARGET 0x200000000ul
#else
#define PLACE  0x10000000ul
#define TARGET 0x20000000ul
#endif
#define PAGES 4

static size_t page;

static void map_at(unsigned long at, size_t len, int prot)
{
	long r = sys_mmap(at, len, prot,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);

	ck_assert_int_eq(r == (long)at, 1);
}

static void setup(void)
{
	page = (size_t)sysconf(_SC_PAGESIZE);
	map_at(PLACE, PAGES * page, PROT_READ | PROT_WRITE);
}

static bool mapped(unsigned long addr)
{
	return msync((void *)addr, page, MS_ASYNC) == 0;
}

/* Where the old range of a move begins. */
enum from {
	FROM_NOTHING, /* the last page of all, where nothing is */
	FROM_PAGE,    /* one that is mapped */
	FROMS,
};

/* Moves a range that wraps: its new length reaches PLACE, its old length one page more. */
static long cut_place(enum from from)
{
	unsigned long addr = -page, new_len;

	if (from == FROM_PAGE)
		addr = (unsigned long)sys_mmap(
			0, page, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	new_len = PLACE - addr;
	if (new_len < TARGET * 4) { /* nothing that matters is unmapped as the target */
		map_at(TARGET, new_len, PROT_NONE);
		ck_assert_int_eq(munmap((void *)TARGET, new_len), 0);
	}
	return sys_mremap(addr, new_len + page, new_len, MREMAP_MAYMOVE | MREMAP_FIXED, TARGET);
}

/* Linux 5.16 moves huge pages, and looks at the old address before it cuts anything. */
static bool since_5_16(void)
{
	unsigned major, minor;
	struct utsname name;

	ck_assert_int_eq(uname(&name), 0);
	ck_assert_int_eq(sscanf(name.release, "%u.%u", &major, &minor), 2);
	return major > 5 || (major == 5 && minor >= 16);
}

/* On 64-bit kernels, the sum of an address and a length that there can be does not wrap. */
static bool kernel_cuts(enum from from)
{
	return from == FROM_NOTHING ? !since_5_16() : sizeof(long) == 4;
}

START_TEST(cuts_where_a_sum_wraps)
{
	(void)cut_place((enum from)_i);
	ck_assert_int_eq(mapped(PLACE), !kernel_cuts((enum from)_i));
	ck_assert_int_eq(mapped(PLACE + page), 1);
}
END_TEST

static void seal(unsigned long start, uint64_t effects)
{
	struct bpf_range range = { start, start + page, effects };
	struct filter_report report;
	struct bpf_policy policy;

	filter_policy(&policy);
	ck_assert_int_eq(filter_install(&policy, &range, 1, &report), 0);
}

static const uint64_t effects[] = { MEMSEAL_NO_UNMAP, MEMSEAL_NO_SHRINK };

START_TEST(is_kept_where_a_sum_wraps)
{
	seal(PLACE, effects[_i % 2]);
	ck_assert_int_eq(cut_place((enum from)_i / 2), -EPERM);
	ck_assert_int_eq(mapped(PLACE), 1);
}
END_TEST

/* What is not sealed still moves, and gets shorter as it does. */
START_TEST(others_move)
{
	seal(PLACE, MEMSEAL_ALL);
	ck_assert_int_eq(sys_mremap(PLACE + page, 3 * page, page, MREMAP_MAYMOVE | MREMAP_FIXED,
				 TARGET) == (long)TARGET,
		1);
	ck_assert_int_eq(mapped(TARGET), 1);
	ck_assert_int_eq(mapped(PLACE + page), 0);
	ck_assert_int_eq(mapped(PLACE), 1);
}
END_TEST

/* Two huge pages, and a small one behind them, in the place of a third. */

static size_t huge;

static bool read_huge_size(void)
{
	FILE *file = fopen("/proc/meminfo", "re");
	unsigned long kib = 2048;
	char line[256];
	bool found = false;

	ck_assert_ptr_nonnull(file);
	while (!found && fgets(line, sizeof(line), file))
		found = sscanf(line, "Hugepagesize: %lu kB", &kib) == 1;
	fclose(file);
	huge = kib * 1024;
	return found;
}

/* Kernels without huge pages get small ones, of which nothing more is cut. None is ever touched. */
static unsigned long map_huge(bool *ret_are_huge)
{
	bool found = read_huge_size();
	unsigned long at = TARGET + huge;
	int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE;

	if (found)
		flags |= MAP_HUGETLB;
	ck_assert_int_eq(
		sys_mmap(at, 2 * huge, PROT_READ | PROT_WRITE, flags, -1, 0) == (long)at, 1);
	map_at(at + 2 * huge + 2 * page, page, PROT_READ | PROT_WRITE);
	*ret_are_huge = found;
	return at;
}

static long cut_huge(unsigned long at, int flags)
{
	return sys_mremap(at, 2 * huge + page, 2 * huge, flags, at + 8 * huge);
}

static const int ways[] = { 0, MREMAP_MAYMOVE | MREMAP_FIXED };

START_TEST(cuts_whole_huge_pages)
{
	bool are_huge;
	unsigned long at = map_huge(&are_huge);

	(void)cut_huge(at, ways[_i]);
	ck_assert_int_eq(mapped(at + 2 * huge + 2 * page), !(are_huge && since_5_16()));
}
END_TEST

START_TEST(is_kept_behind_huge_pages)
{
	bool are_huge;
	unsigned long at = map_huge(&are_huge);

	seal(at + 2 * huge + 2 * page, effects[_i % 2]);
	ck_assert_int_eq(cut_huge(at, ways[_i / 2]), -EPERM);
	ck_assert_int_eq(mapped(at + 2 * huge + 2 * page), 1);
	/* Before the seal, whole huge pages may go. */
	ck_assert_int_eq(sys_mremap(at, 2 * huge, huge, 0, 0) == (long)at, 1);
	ck_assert_int_eq(mapped(at + huge), 0);
}
END_TEST

static void add_tests(TCase *tcase)
{
	tcase_add_checked_fixture(tcase, setup, NULL);
	tcase_add_loop_test(tcase, cuts_where_a_sum_wraps, 0, FROMS);
	tcase_add_loop_test(tcase, is_kept_where_a_sum_wraps, 0, 2 * FROMS);
	tcase_add_test(tcase, others_move);
	tcase_add_loop_test(tcase, cuts_whole_huge_pages, 0, ARRAY_SIZE(ways));
	tcase_add_loop_test(tcase, is_kept_behind_huge_pages, 0, 2 * ARRAY_SIZE(ways));
}

int main(void)
{
	Suite *suite = suite_create("filter-moves");
	TCase *tcase = tcase_create("filter-moves");
	SRunner *runner = srunner_create(suite);
	int failed;

	add_tests(tcase);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
