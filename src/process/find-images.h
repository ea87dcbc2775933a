/* SPDX-License-Identifier: MIT */
/*
 * The images of another process: where ELF headers are in its memory and the segments are mapped as
 * they say. A program that maps an ELF file to read it, as debuggers do, does not make it an image.
 */
#ifndef MEMSEAL_PROCESS_FIND_IMAGES_H
#define MEMSEAL_PROCESS_FIND_IMAGES_H

#include "model/maps.h"
#include "model/plan.h"

struct address_space {
	int dir;                        /* the process, as of procfs_open() */
	const struct mapping *mappings; /* in order */
	size_t count;
};

struct images_found {
	unsigned images;
	unsigned refused; /* mapped as their headers say, which the plan refused */
};

/*
 * Adds every image to plan, whose extents are grown with realloc(3), and counts them. On failure
 * too the extents are the caller's to free.
 * -ESRCH   the process ended or executes another program
 * -EACCES  headers of a mapped file can be read neither in memory nor in the file
 * -E2BIG   too many program headers
 * -ENOMEM, and what openat(2) and pread(2) document
 */
int images_find(const struct address_space *space, struct plan *plan,
	struct images_found *ret_found) MUST_CHECK NONNULL(1, 2, 3);

#endif
