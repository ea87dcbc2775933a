/* SPDX-License-Identifier: MIT */
/*
 * The content lock without a copy: what is mapped privately from a file is mapped once more in its
 * place, shared, through a descriptor that is open for reading alone. Such a mapping can never
 * become writable, and /proc/PID/mem and ptrace(2) do not write to it; no memory is copied, and the
 * page cache stays shared. The file itself can be written as before, by those who may.
 * Freestanding.
 */
#ifndef MEMSEAL_ENGINE_CONTENT_FILE_H
#define MEMSEAL_ENGINE_CONTENT_FILE_H

#include "base/util.h"
#include "model/maps.h"

/* /proc/self/pagemap: what was changed in memory. A descriptor. */
int content_file_pagemap(void) MUST_CHECK;

/* The file behind an image, while parts of it are locked. */
struct content_file {
	int fd;
	uint64_t page;
	bool proven; /* it can be mapped shared */
	/* What pagemap says of so many pages, from one on. */
	int pagemap;
	uint64_t first, count, end;
	uint64_t entries[256];
};

/*
 * Opens the file behind a mapping; end is where the last part of it ends that is to be locked.
 * -ESTALE if the path leads to another file by now, or if the file system does not say (overlayfs
 * of old kernels, btrfs); or what openat(2) answers. *ret can be closed in any case.
 */
int content_file_open(const char *path, const struct mapping *mapping, int pagemap, uint64_t end,
	uint64_t page, struct content_file *ret) MUST_CHECK NONNULL(1, 2, 6);

/* For CLEANUP(). */
void content_file_close(struct content_file *file) NONNULL(1);

/*
 * Locks [start, end), whole pages of a mapping of the file, which get this protection. Threads may
 * read and execute them meanwhile. On failure everything is as it was, and they can be copied.
 *
 * -ESTALE: the process has changed the bytes (breakpoints in code do not count: locked, they would
 * kill, and nobody could remove them); -EINVAL: not a private mapping of a file; and what pread(2)
 * of pagemap and mmap(2) answer.
 */
int content_file_lock(struct content_file *file, const struct mapping *mapping, uint64_t start,
	uint64_t end, int prot) MUST_CHECK NONNULL(1, 2);

#endif
