/* SPDX-License-Identifier: MIT */
/* Pages of private file mappings that this process has a copy of its own of. Freestanding. */
#ifndef MEMSEAL_IMAGES_PRIVATE_H
#define MEMSEAL_IMAGES_PRIVATE_H

#include "base/span.h"
#include "base/util.h"

/* What the kernel has said so far: see private_find(). */
#define PRIVATE_SPANS 24

struct private_pages {
	int fd;
	struct span asked;                /* all such pages in here are in spans */
	struct span spans[PRIVATE_SPANS]; /* ascending */
	size_t count;
};

/* Opens /proc/thread-self/pagemap: 0, or what openat(2) answers; -ENOENT: not in this kernel. */
int private_open(struct private_pages *ret) MUST_CHECK NONNULL(1);

/* For CLEANUP(). */
void private_close(struct private_pages *pages) NONNULL(1);

/*
 * From the first such page to the last one within the span, or an empty span. What the process does
 * not have in memory, but for swap, is the file's. ahead: up to where the next questions will be
 * about, for PAGEMAP_SCAN (Linux 6.7) answers many at once. Or what pread(2) answers.
 */
int private_find(struct private_pages *pages, struct span within, uint64_t ahead, uint64_t page,
	struct span *ret) MUST_CHECK NONNULL(1, 5);

#endif
