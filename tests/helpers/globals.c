/* SPDX-License-Identifier: MIT */
/*
 * Sets marked variables, freezes them, and tries each of them, and variables beside them that are
 * not marked. As a program, with the paths of libraries made of the same source, it has these do it
 * first.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <memseal-globals.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "globals.h"

struct entry {
	const char *name;
	int (*call)(void);
};

static int forty(void)
{
	return 40;
}

static int two(void)
{
	return 2;
}

static int plain = 1;
static int plain_zero;
static int in_between IN_BETWEEN("bbb_between") = 1;

static MEMSEAL_RO_AFTER_INIT struct entry table[] = { { "forty", forty }, { "two", two } };
static MEMSEAL_RO_AFTER_INIT char buffer[9000];
MEMSEAL_RO_AFTER_INIT __attribute__((visibility("hidden"))) int hidden = 5;

#ifdef __cplusplus
struct point {
	int x, y;
	point(int a, int b) : x(a), y(b)
	{
	}
};
static MEMSEAL_RO_AFTER_INIT point constructed(getpid(), 4);
#endif

__attribute__((constructor)) static void construct(void)
{
	hidden++;
}

static sigjmp_buf before_store;

static void on_signal(int signal)
{
	siglongjmp(before_store, signal);
}

/* What the store is met with: 0, or the signal, which would end the program. */
static int store(void *at)
{
	struct sigaction action, old;
	int signal;

	memset(&action, 0, sizeof(action));
	action.sa_handler = on_signal;
	sigaction(SIGSEGV, &action, &old);
	signal = sigsetjmp(before_store, 1);
	if (signal == 0)
		*(volatile char *)at = *(volatile char *)at;
	sigaction(SIGSEGV, &old, NULL);
	return signal;
}

static int write_through_proc(void *at)
{
	int fd = open("/proc/self/mem", O_RDWR | O_CLOEXEC);
	ssize_t n = pwrite(fd, at, 1, (off_t)(uintptr_t)at);
	int error = n == 1 ? 0 : errno;

	close(fd);
	return error;
}

static int check(const struct span *spans, int signal, int error)
{
	int wrong = 0;

	for (; spans->name; spans++) {
		char *last = (char *)spans->at + spans->size - 1;

		if (store(spans->at) == signal && store(last) == signal &&
			write_through_proc(spans->at) == error && write_through_proc(last) == error)
			continue;
		printf("%s is %s\n", spans->name, signal ? "not frozen" : "frozen");
		wrong = 1;
	}
	return wrong;
}

static const struct span marked_here[] = {
	{ "table", table, sizeof(table) },
	{ "buffer", buffer, sizeof(buffer) },
	{ "hidden", &hidden, sizeof(hidden) },
#ifdef __cplusplus
	{ "constructed", &constructed, sizeof(constructed) },
#endif
	{ NULL, NULL, 0 },
};

static const struct span plain_here[] = {
	{ "plain", &plain, sizeof(plain) },
	{ "plain_zero", &plain_zero, sizeof(plain_zero) },
	{ "in_between", &in_between, sizeof(in_between) },
	{ NULL, NULL, 0 },
};

static int check_values(void)
{
	int good = table[0].call() + table[1].call() == 42 && strcmp(table[1].name, "two") == 0 &&
		   buffer[0] == 'b' && buffer[sizeof(buffer) - 1] == 'b' && hidden == 7 &&
		   strcmp((const char *)more_marked()->at, "More text") == 0;

#ifdef __cplusplus
	good = good && constructed.x == getpid() && constructed.y == 4;
#endif
	if (!good)
		puts("a value is wrong");
	return !good;
}

static int check_all(int signal, int error)
{
	return check_values() | check(marked_here, signal, error) |
	       check(more_marked(), signal, error) | check(plain_here, 0, 0) |
	       check(more_plain(), 0, 0);
}

int globals_check(int expected)
{
	int r;

	hidden++;
	memset(buffer, 'b', sizeof(buffer));
	more_set();
	if (check_all(0, 0))
		return 1;
	r = memseal_globals_freeze();
	if (r != expected) {
		printf("freeze: %s\n", strerror(-r));
		return 1;
	}
	if (r < 0)
		return check_all(0, 0);
	return memseal_globals_freeze() != 0 || check_all(SIGSEGV, EIO);
}

#ifndef LIBRARY
#ifdef WITH_DLOPEN
static int check_library(const char *path, int expected)
{
	void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	int (*library_check)(int);

	if (!library) {
		puts(dlerror());
		return 1;
	}
	*(void **)&library_check = dlsym(library, "globals_check");
	return library_check(expected);
}
#else
static int check_library(const char *path, int expected)
{
	return !path || expected;
}
#endif

/* [-e ERROR LIBRARY | LIBRARY]... */
int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		int expected = 0;

		if (strcmp(argv[i], "-e") == 0) {
			expected = -atoi(argv[i + 1]);
			i += 2;
		}
		if (check_library(argv[i], expected))
			return 1;
	}
	if (globals_check(0))
		return 1;
	puts("fine");
	return 0;
}
#endif
