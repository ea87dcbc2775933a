/* SPDX-License-Identifier: MIT */
/*
 * Paging goes on under seals: pages that are locked go out to swap and come back with their bytes.
 * The guest's init has loaded zram; MSEAL in the environment tells whether this kernel has
 * mseal(2).
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <memseal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/swap.h>
#include <unistd.h>

#ifndef MADV_PAGEOUT
#define MADV_PAGEOUT 21 /* Linux 5.4 */
#endif

#define PAGES    64
#define SWAP     "/dev/zram0"
#define SWAP_KIB 65536

static size_t page;

static bool has_mseal(void)
{
	const char *expected = getenv("MSEAL");

	ck_assert(expected != NULL);
	return strcmp(expected, "yes") == 0;
}

static size_t size(void)
{
	return PAGES * page;
}

/* No two pages are the same, and none is of one byte, which zram would not store. */
static unsigned char byte_at(size_t i)
{
	return (unsigned char)(i / page * 31 + i * 7 + i / 256);
}

static void fill(unsigned char *at)
{
	for (size_t i = 0; i < size(); i++)
		at[i] = byte_at(i);
}

static void assert_filled(const unsigned char *at)
{
	for (size_t i = 0; i < size(); i++)
		ck_assert_msg(at[i] == byte_at(i), "byte %zu", i);
}

/* Those that are not are not touched by it, those that are are mapped after it. */
static size_t touch_resident_pages(const unsigned char *at)
{
	unsigned char map[PAGES];
	size_t count = 0;

	ck_assert_int_eq(mincore((void *)(uintptr_t)at, size(), map), 0);
	for (size_t i = 0; i < PAGES; i++) {
		if (!(map[i] & 1))
			continue;
		(void)*(const volatile unsigned char *)(at + i * page);
		count++;
	}
	return count;
}

/* What smaps says of the mapping. That of an arena also has a page before the memory, in use. */
static size_t swapped_pages(const void *at)
{
	const uintptr_t first = (uintptr_t)at, last = first + size();
	FILE *smaps = fopen("/proc/self/smaps", "re");
	unsigned long start, end, kib, sum = 0;
	bool inside = false;
	char line[512];

	ck_assert(smaps != NULL);
	while (fgets(line, sizeof(line), smaps)) {
		if (sscanf(line, "%lx-%lx ", &start, &end) == 2)
			inside = start < last && end > first;
		else if (inside && sscanf(line, "Swap: %lu kB", &kib) == 1)
			sum += kib;
	}
	fclose(smaps);
	return sum * 1024 / page;
}

/*
 * Pages that this processor keeps in lists of its own, or that are still being written, stay at the
 * first attempt; pages that are not in the page tables stay for ever.
 */
static void page_out(void *at)
{
	for (int attempt = 0; attempt < 200 && touch_resident_pages(at); attempt++) {
		ck_assert_int_eq(madvise(at, size(), MADV_PAGEOUT), 0);
		usleep(10000);
	}
	ck_assert_uint_eq(touch_resident_pages(at), 0);
	ck_assert_uint_eq(swapped_pages(at), PAGES);
}

/* Twice: what was swapped in must be able to go again. */
static void assert_pages_come_back(void *at)
{
	for (int i = 0; i < 2; i++) {
		page_out(at);
		assert_filled(at);
		ck_assert_uint_eq(touch_resident_pages(at), PAGES);
	}
}

/* With a page that is not accessible on both sides, so that no neighbour joins its mapping. */
static unsigned char *new_memory(int prot)
{
	unsigned char *at =
		mmap(NULL, size() + 2 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	ck_assert_ptr_ne(at, MAP_FAILED);
	at += page;
	ck_assert_int_eq(mprotect(at, size(), PROT_READ | PROT_WRITE), 0);
	fill(at);
	ck_assert_int_eq(mprotect(at, size(), prot), 0);
	return at;
}

static void seal(void *at, enum memseal_engine engine)
{
	const struct memseal_range range = { at, size(), MEMSEAL_MAPPING };
	const struct memseal_opts opts = { .size = sizeof(opts), .engine = engine };

	if (engine == MEMSEAL_ENGINE_FILTER)
		ck_assert_int_eq(memseal_filter_allow(MEMSEAL_EXEC_REFUSE), 0);
	ck_assert_int_eq(memseal_ranges(&range, 1, &opts, NULL), 0);
	ck_assert_int_eq(munmap(at, size()), -1);
	ck_assert_int_eq(errno, EPERM);
}

START_TEST(test_unsealed)
{
	void *at = new_memory(PROT_READ | PROT_WRITE);

	ck_assert_uint_eq(swapped_pages(at), 0);
	ck_assert_uint_eq(touch_resident_pages(at), PAGES);
	assert_pages_come_back(at);
	ck_assert_int_eq(munmap(at, size()), 0);
}
END_TEST

static const int protections[] = { PROT_READ, PROT_READ | PROT_WRITE };

START_TEST(test_kernel)
{
	void *at = new_memory(protections[_i]);

	if (!has_mseal())
		return;
	seal(at, MEMSEAL_ENGINE_KERNEL);
	assert_pages_come_back(at);
}
END_TEST

START_TEST(test_filter)
{
	void *at = new_memory(protections[_i]);

	seal(at, MEMSEAL_ENGINE_FILTER);
	assert_pages_come_back(at);
}
END_TEST

/* The content lock: shared memory that cannot be written, on top of either engine. */
START_TEST(test_frozen)
{
	struct memseal_arena *arena;
	unsigned char *at;

	if (!has_mseal())
		ck_assert_int_eq(memseal_filter_allow(MEMSEAL_EXEC_REFUSE), 0);
	ck_assert_int_eq(memseal_arena_new(size(), &arena), 0);
	at = memseal_arena_alloc(arena, size(), page);
	ck_assert(at != NULL);
	fill(at);
	ck_assert_int_eq(memseal_arena_freeze(arena), 0);
	assert_pages_come_back(at);
	ck_assert_int_eq(mprotect(at, size(), PROT_READ | PROT_WRITE), -1);
}
END_TEST

static bool write_at(int fd, const void *data, size_t len, off_t at)
{
	return pwrite(fd, data, len, at) == (ssize_t)len;
}

/* As mkswap(8): a version, the last page, and a mark at the end of the first page. */
static bool make_swap(void)
{
	const uint32_t header[2] = { 1, (uint32_t)(SWAP_KIB * 1024ul / page - 1) };
	int fd = open("/sys/block/zram0/disksize", O_WRONLY | O_CLOEXEC);
	bool done = fd >= 0 && dprintf(fd, "%u", SWAP_KIB * 1024u) > 0;

	close(fd);
	fd = open(SWAP, O_WRONLY | O_CLOEXEC);
	done = done && fd >= 0 && write_at(fd, header, sizeof(header), 1024) &&
	       write_at(fd, "SWAPSPACE2", 10, (off_t)page - 10);
	close(fd);
	return done && swapon(SWAP, 0) == 0;
}

START_TEST(test_swap_is_there)
{
	ck_assert_msg(make_swap(), "%s: %s", SWAP, strerrorname_np(errno));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("paging");
	TCase *tcase = tcase_create("paging");
	SRunner *runner = srunner_create(suite);
	int failed;

	page = (size_t)sysconf(_SC_PAGESIZE);
	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, test_swap_is_there); /* the others have it from here on */
	tcase_add_test(tcase, test_unsealed);
	tcase_add_loop_test(tcase, test_kernel, 0, 2);
	tcase_add_loop_test(tcase, test_filter, 0, 2);
	tcase_add_test(tcase, test_frozen);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
