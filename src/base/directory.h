/* SPDX-License-Identifier: MIT */
/* The entries of a directory, without the C library. Freestanding. */
#ifndef MEMSEAL_BASE_DIRECTORY_H
#define MEMSEAL_BASE_DIRECTORY_H

#include <sys/types.h>

#include "base/util.h"

struct directory {
	int fd; /* the caller's, open for reading; everything else is 0 at first */
	size_t at, len;
	_Alignas(uint64_t) char entries[4096]; /* struct linux_dirent64 of the kernel */
};

/*
 * The name of the next entry, "." and ".." among them, valid until the next call: 1; 0 behind the
 * last one; or what getdents64(2) answers.
 */
int directory_next(struct directory *directory, const char **ret_name) MUST_CHECK NONNULL(1, 2);

#endif
