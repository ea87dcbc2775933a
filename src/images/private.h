/* SPDX-License-Identifier: MIT */
/* Pages of private file mappings that this process has a copy of its own of. Freestanding. */
#ifndef MEMSEAL_IMAGES_PRIVATE_H
#define MEMSEAL_IMAGES_PRIVATE_H

#include "base/span.h"
#include "base/util.h"

/* /proc/thread-self/pagemap: a descriptor. -ENOENT: not in this kernel. */
int private_open(void) MUST_CHECK;

/*
 * From the first such page to the last one within the span, or an empty span. What the process does
 * not have in memory, but for swap, is the file's. Or what pread(2) answers.
 */
int private_find(int fd, struct span within, uint64_t page, struct span *ret) MUST_CHECK NONNULL(4);

#endif
