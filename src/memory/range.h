/* SPDX-License-Identifier: MIT */
#ifndef MEMSEAL_MEMORY_RANGE_H
#define MEMSEAL_MEMORY_RANGE_H

#include "base/span.h"
#include "base/util.h"

/* A caller's range as whole pages; -EINVAL: addr is not page aligned, len is 0 or wraps. */
int range_pages(const void *addr, size_t len, struct span *ret) MUST_CHECK NONNULL(3);

/*
 * As memseal_range(), for private anonymous memory that the caller has just mapped, and that nobody
 * else has used yet: no questions about the state of its pages.
 */
int range_seal_new(void *addr, size_t len, uint64_t effects) MUST_CHECK NONNULL(1);

#endif
