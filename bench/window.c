/* SPDX-License-Identifier: MIT */
/*
 * What seals cost by their number: in a window, where all of them share one filter, and with a
 * filter each. Printed are medians of children that took turns, nanoseconds: mapping a page with
 * memseal_map(), sealing it once it was written (in a window, mprotect(2); else nothing is left to
 * do, since mapping it sealed it), and behind all of them, mprotect(2) of memory that nobody
 * sealed.
 */
#include <memseal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define ROUNDS 9
#define LOOPS  2000
#define MOST   10000

static const unsigned numbers[] = { 1, 100, 10000 };

enum place { WINDOW, RANGES, PLACES };

static const char *const place_names[] = { "window", "a filter each" };

struct result {
	double first, map, seal, other; /* ns; first: the first map */
	unsigned made;
};

static size_t page;

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

static int by_value(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static double median(double *values, size_t count)
{
	qsort(values, count, sizeof(*values), by_value);
	return values[count / 2];
}

static void seal(enum place place, unsigned number, struct result *ret)
{
	static double maps[MOST], seals[MOST];
	uint64_t effects = MEMSEAL_RATCHET | (place == WINDOW ? MEMSEAL_NO_DISCARD : 0);
	unsigned made;

	for (made = 0; made < number; made++) {
		double start = now();
		char *at = memseal_map(page, PROT_READ | PROT_WRITE, effects);

		if (!at) /* no more filters */
			break;
		maps[made] = now() - start;
		at[0] = 1;
		start = now();
		mprotect(at, page, PROT_READ);
		seals[made] = now() - start;
	}
	if (!made)
		_exit(1);
	ret->made = made;
	ret->first = maps[0];
	ret->map = median(maps, made);
	ret->seal = median(seals, made);
}

static double measure_other(char *at)
{
	double start = now();

	for (int i = 0; i < LOOPS; i++)
		mprotect(at, page, i & 1 ? PROT_READ : PROT_READ | PROT_WRITE);
	return (now() - start) / LOOPS;
}

static void measure(enum place place, unsigned number, struct result *ret)
{
	char *other = mmap(NULL, page, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	*ret = (struct result){ .made = 0 };
	if (other == MAP_FAILED || memseal_filter_allow(MEMSEAL_EXEC_ALLOW) < 0)
		_exit(1);
	seal(place, number, ret);
	measure_other(other); /* warm */
	ret->other = measure_other(other);
}

static void run(enum place place, unsigned number, struct result *ret)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		measure(place, number, ret);
		_exit(0);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || status) {
		fprintf(stderr, "%u seals could not be measured\n", number);
		exit(EXIT_FAILURE);
	}
}

static double middle(const struct result *results, size_t offset)
{
	double values[ROUNDS];

	for (int i = 0; i < ROUNDS; i++)
		memcpy(&values[i], (const char *)&results[i] + offset, sizeof(values[i]));
	return median(values, ROUNDS);
}

int main(void)
{
	struct result(*results)[ROUNDS] = mmap(NULL, PLACES * sizeof(*results),
		PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	page = (size_t)sysconf(_SC_PAGESIZE);
	if (results == MAP_FAILED)
		return EXIT_FAILURE;
	printf("wanted   made  by               first map    each map        seal  other "
	       "mprotect\n");
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		for (int round = 0; round < ROUNDS; round++)
			for (int place = 0; place < PLACES; place++)
				run((enum place)place, numbers[i], &results[place][round]);
		for (int place = 0; place < PLACES; place++)
			printf("%6u %6u  %-14s %11.0f %11.0f %11.0f %15.0f\n", numbers[i],
				results[place][0].made, place_names[place],
				middle(results[place], offsetof(struct result, first)),
				middle(results[place], offsetof(struct result, map)),
				middle(results[place], offsetof(struct result, seal)),
				middle(results[place], offsetof(struct result, other)));
	}
	return EXIT_SUCCESS;
}
