/* SPDX-License-Identifier: MIT */
/* The walk along a list of directories as PATH is one, as execvp(3) does it. */
#ifndef MEMSEAL_LAUNCH_SEARCH_H
#define MEMSEAL_LAUNCH_SEARCH_H

#include <stddef.h>

#include "base/util.h"

/*
 * Is the program in this directory, whose name is not terminated? 0 ends the search.
 * An empty element of the list is ".", the current directory.
 */
typedef int search_fn(void *arg, const char *dir, size_t len);

/* Returns 0, or -EACCES if that was the answer for a directory, or -ENOENT. */
int search_path(const char *path_list, search_fn *is_there, void *arg) MUST_CHECK NONNULL(1, 2);

#endif
