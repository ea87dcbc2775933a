/* SPDX-License-Identifier: MIT */
/* A set of mapped files, asked by a mapping. */
#ifndef MEMSEAL_PROCESS_FILE_SET_H
#define MEMSEAL_PROCESS_FILE_SET_H

#include "model/maps.h"

/* Zeroed when empty; add, then sort once, then ask. Free with file_set_free(). */
struct file_set {
	const struct mapping **files; /* one for each that was added */
	size_t count, capacity;
};

/* -ENOMEM. The mapping must outlive the set; without a file it is ignored. */
int file_set_add(struct file_set *set, const struct mapping *mapping) MUST_CHECK NONNULL(1, 2);

void file_set_sort(struct file_set *set) NONNULL(1);

/* Is the file of the mapping in the set? */
bool file_set_has(const struct file_set *set, const struct mapping *mapping) NONNULL(1, 2);

void file_set_free(struct file_set *set) NONNULL(1);

#endif
