/* SPDX-License-Identifier: MIT */
/*
 * System call numbers from the headers of the system that the tests are built on. The headers of
 * two interfaces define the same macros, so each has a file of its own that includes
 * numbers-list.h.
 */
#ifndef MEMSEAL_TESTS_BPF_NUMBERS_H
#define MEMSEAL_TESTS_BPF_NUMBERS_H

#include "model.h"

/* Digits, or something else for a call that the headers do not know. */
extern const char *const numbers_x86_64[NAMES];
extern const char *const numbers_i386[NAMES];
extern const char *const numbers_generic[NAMES];

#endif
