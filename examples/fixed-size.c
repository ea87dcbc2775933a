/* SPDX-License-Identifier: MIT */
/* A mapping that mremap(2) can neither grow, nor shrink, nor move. */
#include <errno.h>
#include <memseal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static int surprises;

static const char *answer(int error)
{
	if (error == 0)
		return "allowed";
	return error == EPERM ? "refused (EPERM)" : strerror(error);
}

static void report(const char *what, int failed, int expected)
{
	int error = failed ? errno : 0;

	printf("  %s: %s\n", what, answer(error));
	surprises += error != expected;
}

/* Four pages; behind them is room to grow into. */
static char *map_four(size_t page)
{
	char *mem =
		mmap(NULL, 8 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (mem == MAP_FAILED || munmap(mem + 4 * page, 4 * page) < 0) {
		perror("mmap");
		exit(1);
	}
	return mem;
}

static void attack(char *mem, size_t page, int expected)
{
	size_t size = 4 * page;
	void *moved;

	report("grow to 5 pages", mremap(mem, size, 5 * page, 0) == MAP_FAILED, expected);
	if (!expected)
		size = 5 * page;
	report("shrink to 3 pages", mremap(mem, size, 3 * page, 0) == MAP_FAILED, expected);
	if (!expected)
		size = 3 * page;
	moved = mremap(mem, size, 64 * page, MREMAP_MAYMOVE);
	report("move it to where there is more room", moved == MAP_FAILED, expected);
}

static void seal(char *mem, size_t size)
{
	int r = memseal_range(mem, size, MEMSEAL_MAPPING);

	/* No mseal(2) here. A filter can do it, once the program agrees to what that costs. */
	if (r == -EOPNOTSUPP) {
		puts("this kernel has no mseal(2): a filter is used");
		r = memseal_filter_allow(MEMSEAL_EXEC_REFUSE);
		if (r == 0)
			r = memseal_range(mem, size, MEMSEAL_MAPPING);
	}
	if (r < 0) {
		fprintf(stderr, "cannot be sealed: %s\n", strerror(-r));
		exit(1);
	}
}

int main(void)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	struct memseal_status status = { .size = sizeof(status) };
	char *mem;

	puts("four pages that are not sealed:");
	attack(map_four(page), page, 0);

	mem = map_four(page);
	seal(mem, 4 * page);
	puts("four sealed pages:");
	attack(mem, page, EPERM);
	mem[4 * page - 1] = 'x';
	if (memseal_query(mem, 4 * page, &status) < 0)
		return 1;
	printf("still %zu pages, and writable to the last byte\n", status.bytes / page);
	return surprises ? 1 : 0;
}
