/* SPDX-License-Identifier: MIT */
/*
 * What arenas cost: an allocation, a freeze, and reading frozen memory beside plain memory, in
 * order and at random, small and large, with the page sizes that this machine gives to plain memory
 * by itself and with huge pages asked for.
 *
 * Plain and frozen memory are read in turns, each first every other time, so that what else the
 * machine does hits both. Printed are medians of processor time: nanoseconds a read, and the ratio
 * of each turn; and how long freezing took, and the first pass over memory that was just frozen.
 */
#include <errno.h>
#include <memseal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "base/util.h"

#define ROUNDS 31
#define READS  (1 << 18)

#define KIB    ((size_t)1 << 10)
#define MIB    ((size_t)1 << 20)

enum order { IN_ORDER, AT_RANDOM };

static size_t page;
static volatile uint64_t sink;

/* Of this thread: what others do is not measured. */
static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static int by_value(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static double median(double values[ROUNDS])
{
	qsort(values, ROUNDS, sizeof(*values), by_value);
	return values[ROUNDS / 2];
}

static void fail(const char *what, int error)
{
	fprintf(stderr, "%s: %s\n", what, strerror(error < 0 ? -error : error));
	exit(EXIT_FAILURE);
}

/* Nanoseconds a word. */
static double read_in_order(const uint64_t *words, size_t count)
{
	double start = now();
	uint64_t sum = 0;
	size_t passes = count < READS ? READS / count : 1;

	for (size_t pass = 0; pass < passes; pass++)
		for (size_t i = 0; i < count; i++)
			sum += ((const volatile uint64_t *)words)[i];
	sink = sum;
	return (now() - start) / (double)(passes * count);
}

/* Where to go next depends on what was read: caches and TLBs show, other loads do not hide them. */
static double read_at_random(const uint64_t *words, size_t count)
{
	uint64_t state = 1;
	double start = now();

	for (size_t i = 0; i < READS; i++) {
		uint64_t at = (state * UINT64_C(0x9e3779b97f4a7c15) >> 20) % count;

		state += ((const volatile uint64_t *)words)[at] + 1;
	}
	sink = state;
	return (now() - start) / READS;
}

static double read_words(enum order order, const void *mem, size_t size)
{
	const uint64_t *words = mem;
	size_t count = size / sizeof(*words);

	return order == IN_ORDER ? read_in_order(words, count) : read_at_random(words, count);
}

/* As an arena lies: its first page is begun, and what is large is aligned for huge pages. */
static void *new_plain(size_t size, bool huge)
{
	size_t align = size < 2 * MIB ? page : 2 * MIB, room = size + page + align;
	char *mem = mmap(NULL, room, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (mem == MAP_FAILED)
		fail("mmap", ENOMEM);
	mem += align - (uintptr_t)mem % align;
	if (huge)
		(void)madvise(mem, size + page, MADV_HUGEPAGE);
	memset(mem, 1, size + page);
	return mem + page;
}

static void *new_frozen(size_t size, bool huge, double *ret_ns)
{
	struct memseal_arena *arena;
	void *mem;
	int r = memseal_arena_new(size + page, &arena);

	if (r < 0)
		fail("memseal_arena_new", r);
	if (huge)
		(void)madvise(arena, size + page, MADV_HUGEPAGE);
	mem = memseal_arena_alloc(arena, size, page);
	if (!mem)
		fail("memseal_arena_alloc", errno);
	memset(mem, 1, size);
	*ret_ns = now();
	r = memseal_arena_freeze(arena);
	*ret_ns = now() - *ret_ns;
	if (r < 0)
		fail("memseal_arena_freeze", r);
	return mem;
}

static void compare(const char *name, const char *order_name, size_t size, enum order order,
	const void *plain, const void *frozen)
{
	double times[2][ROUNDS], ratios[ROUNDS];
	const void *mem[] = { plain, frozen };

	for (int i = 0; i < 2; i++)
		(void)read_words(order, mem[i], size);
	for (int round = 0; round < ROUNDS; round++) {
		for (int i = 0; i < 2; i++) {
			int which = (i + round) % 2;

			times[which][round] = read_words(order, mem[which], size);
		}
		ratios[round] = times[1][round] / times[0][round];
	}
	printf("%8s  %-9s  %9.2f  %9.2f  %5.3f\n", name, order_name, median(times[0]),
		median(times[1]), median(ratios));
	fflush(stdout);
}

static void compare_reads(const char *name, size_t size, bool huge)
{
	double freeze, first;
	const void *plain = new_plain(size, huge), *frozen = new_frozen(size, huge, &freeze);

	first = read_words(IN_ORDER, frozen, size);
	compare(name, "in order", size, IN_ORDER, plain, frozen);
	compare(name, "at random", size, AT_RANDOM, plain, frozen);
	if (size < MIB)
		return;
	printf("%8s  frozen in %.0f us a MiB, first pass %.2f ns a word\n", name,
		freeze / 1e3 / ((double)size / MIB), first);
}

static void measure_alloc(void)
{
	static const size_t count = 200000;
	double times[ROUNDS];

	for (int round = 0; round < ROUNDS; round++) {
		struct memseal_arena *arena;
		double start;

		if (memseal_arena_new(64 * count, &arena) < 0)
			fail("memseal_arena_new", ENOMEM);
		memset((char *)arena + page, 0, 32 * count); /* pages are not what is measured */
		start = now();
		for (size_t i = 0; i < count; i++)
			sink += (uintptr_t)memseal_arena_alloc(arena, 24, 8);
		times[round] = (now() - start) / (double)count;
		memseal_arena_free(arena);
	}
	printf("allocation: %.1f ns\n", median(times));
}

static void measure_small_freeze(void)
{
	double times[ROUNDS];

	for (int round = 0; round < ROUNDS; round++)
		(void)new_frozen(page, false, &times[round]);
	printf("freezing two pages: %.0f us\n", median(times) / 1e3);
}

int main(void)
{
	page = (size_t)sysconf(_SC_PAGESIZE);
	measure_alloc();
	measure_small_freeze();
	printf("\n%8s  %-9s  %9s  %9s  %5s\n", "memory", "order", "plain ns", "frozen ns", "ratio");
	compare_reads("1 KiB", KIB, false);
	compare_reads("1 MiB", MIB, false);
	compare_reads("256 MiB", 256 * MIB, false);
	puts("with MADV_HUGEPAGE:");
	compare_reads("256 MiB", 256 * MIB, true);
	return EXIT_SUCCESS;
}
