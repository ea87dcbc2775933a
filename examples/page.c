/* SPDX-License-Identifier: MIT */
/*
 * A page that nobody can make writable again: first the attempts on a page that is not sealed, then
 * the same ones on it sealed.
 */
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

/* Prints what became of an attempt; expected is the error that it should have failed with, or 0. */
static void report(const char *what, int failed, int expected)
{
	int error = failed ? errno : 0;

	printf("  %s: %s\n", what, answer(error));
	surprises += error != expected;
}

static void attack(char *page, size_t size, int expected)
{
	report("make it writable", mprotect(page, size, PROT_READ | PROT_WRITE), expected);
	report("make it read-only again", mprotect(page, size, PROT_READ), expected);
	report("unmap it", munmap(page, size), expected);
}

static char *map_text(size_t size)
{
	char *page = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (page == MAP_FAILED) {
		perror("mmap");
		exit(1);
	}
	strcpy(page, "what was decided at the start");
	mprotect(page, size, PROT_READ);
	return page;
}

static void seal(char *page, size_t size)
{
	int r = memseal_range(page, size, MEMSEAL_ALL);

	/* No mseal(2) here. A filter can do it, once the program agrees to what that costs. */
	if (r == -EOPNOTSUPP) {
		puts("this kernel has no mseal(2): a filter is used");
		r = memseal_filter_allow(MEMSEAL_EXEC_REFUSE);
		if (r == 0)
			r = memseal_range(page, size, MEMSEAL_ALL);
	}
	if (r < 0) {
		fprintf(stderr, "cannot be sealed: %s\n", strerror(-r));
		exit(1);
	}
}

int main(void)
{
	size_t size = (size_t)sysconf(_SC_PAGESIZE);
	char *page;

	puts("a page that is not sealed:");
	attack(map_text(size), size, 0);

	page = map_text(size);
	seal(page, size);
	puts("a sealed page:");
	attack(page, size, EPERM);
	printf("it says: %s\n", page);
	return surprises ? 1 : 0;
}
