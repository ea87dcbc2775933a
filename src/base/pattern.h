/* SPDX-License-Identifier: MIT */
/* Patterns of file names. Freestanding. */
#ifndef MEMSEAL_BASE_PATTERN_H
#define MEMSEAL_BASE_PATTERN_H

#include "base/util.h"

/*
 * Does the pattern of len characters match all of the path? "*" stands for any characters, those of
 * directories too, and "?" for one. A pattern without a slash is for the last component alone.
 */
bool pattern_matches(const char *pattern, size_t len, const char *path) MUST_CHECK NONNULL(1, 3);

#endif
