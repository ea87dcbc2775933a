/* SPDX-License-Identifier: MIT */
#include "process/file-set.h"

#include <errno.h>
#include <stdlib.h>

int file_set_add(struct file_set *set, const struct mapping *mapping)
{
	size_t capacity = set->capacity ? 2 * set->capacity : 32;
	const struct mapping **grown;

	/* Mappings of one file often follow one another. */
	if (!mapping->inode ||
		(set->count && mapping_same_file(set->files[set->count - 1], mapping)))
		return 0;
	if (set->count == set->capacity) {
		grown = reallocarray(set->files, capacity, sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		set->files = grown;
		set->capacity = capacity;
	}
	set->files[set->count++] = mapping;
	return 0;
}

static int compare(const void *left, const void *right)
{
	const struct mapping *a = *(const struct mapping *const *)left;
	const struct mapping *b = *(const struct mapping *const *)right;

	if (a->inode != b->inode)
		return a->inode < b->inode ? -1 : 1;
	if (a->dev_major != b->dev_major)
		return a->dev_major < b->dev_major ? -1 : 1;
	return (a->dev_minor > b->dev_minor) - (a->dev_minor < b->dev_minor);
}

void file_set_sort(struct file_set *set)
{
	if (set->count)
		qsort(set->files, set->count, sizeof(*set->files), compare);
}

bool file_set_has(const struct file_set *set, const struct mapping *mapping)
{
	return set->count &&
	       bsearch(&mapping, set->files, set->count, sizeof(*set->files), compare);
}

void file_set_free(struct file_set *set)
{
	free(set->files);
}
