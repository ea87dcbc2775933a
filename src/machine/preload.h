/* SPDX-License-Identifier: MIT */
/*
 * The text of /etc/ld.so.preload: paths between blanks and colons, and comments from "#" on, as
 * elf/rtld.c reads it. Pure.
 */
#ifndef MEMSEAL_MACHINE_PRELOAD_H
#define MEMSEAL_MACHINE_PRELOAD_H

#include "base/util.h"

/* More than this is not taken for a preload list, in bytes. */
#define PRELOAD_MAX 65536

/* Is the path in the list, before any NUL: what stands behind that, the loader does not read? */
bool preload_has(const char *text, size_t len, const char *path) MUST_CHECK NONNULL(1, 3);

/*
 * The list with the path before all others, whose constructors then run first, and the rest as it
 * is. ret_text: room for len + strlen(path) + 1 bytes. Its length.
 */
size_t preload_add(const char *text, size_t len, const char *path, char *ret_text) MUST_CHECK
	NONNULL(1, 3, 4);

/* The list without the path, wherever it stands, and the rest as it is. ret_text: len bytes. */
size_t preload_remove(const char *text, size_t len, const char *path, char *ret_text) MUST_CHECK
	NONNULL(1, 3, 4);

#endif
