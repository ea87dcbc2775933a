/* SPDX-License-Identifier: MIT */
/* The two views of a code region that can be changed. */
#ifndef MEMSEAL_MEMORY_CODE_H
#define MEMSEAL_MEMORY_CODE_H

#include "base/util.h"

struct code_views {
	uint64_t exec;  /* readable and executable, never writable */
	uint64_t write; /* the same bytes, readable and writable, never executable */
};

/*
 * Maps a memfd of that many bytes, whole pages, twice, and holds both views. Children get the
 * first alone. -EOPNOTSUPP: there are no such memfds here, or a view of one can be made writable.
 * Otherwise as content_lock() and memseal_ranges(). Nothing is left mapped on failure, unless an
 * engine holds it already.
 */
int code_views_map(size_t len, struct code_views *ret) MUST_CHECK NONNULL(2);

#endif
