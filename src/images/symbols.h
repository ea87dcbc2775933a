/* SPDX-License-Identifier: MIT */
/* The dynamic symbol table of an object that is loaded in this process. Freestanding. */
#ifndef MEMSEAL_IMAGES_SYMBOLS_H
#define MEMSEAL_IMAGES_SYMBOLS_H

#include <link.h>

#include "base/util.h"

struct symbols {
	uintptr_t bias;
	const ElfW(Sym) * table;
	const char *strings;
	const uint32_t *gnu_hash;  /* or NULL */
	const uint32_t *sysv_hash; /* one of the two is there */
};

/* dynamic: PT_DYNAMIC of the object as loaded, or NULL. False if it has no symbols. */
bool symbols_read(uintptr_t bias, const ElfW(Dyn) * dynamic, struct symbols *ret) MUST_CHECK
	NONNULL(3);

/* Entries of the table. A GNU hash table counts only up to the last that can be found. */
uint32_t symbols_count(const struct symbols *symbols) NONNULL(1);

/* The first definition of a function or an object by that name: its address, or NULL. */
void *symbols_find(const struct symbols *symbols, const char *name) NONNULL(1, 2);

#endif
