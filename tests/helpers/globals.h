/* SPDX-License-Identifier: MIT */
/* For tests/api/globals.bats: the same source is C and C++, a program and a shared library. */
#ifndef MEMSEAL_TESTS_HELPERS_GLOBALS_H
#define MEMSEAL_TESTS_HELPERS_GLOBALS_H

#include <stddef.h>

/* An unknown section of its own, so that linkers have something to put in the way. */
#define IN_BETWEEN(name) __attribute__((section(name), used))

struct span {
	const char *name;
	void *at;
	size_t size;
};

#ifdef __cplusplus
extern "C" {
#endif

/* globals.c: a library's check of itself, and the program's; 0 if all is as it should be. */
extern int globals_check(int expected);

#pragma GCC visibility push(hidden)
/* globals-more.c: variables of another object, ending with a name that is NULL. */
extern const struct span *more_marked(void);
extern const struct span *more_plain(void);
extern void more_set(void);
#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
