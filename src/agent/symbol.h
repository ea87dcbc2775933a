/* SPDX-License-Identifier: MIT */
/* Finds what a loaded object exports, by reading its dynamic symbol table. */
#ifndef MEMSEAL_AGENT_SYMBOL_H
#define MEMSEAL_AGENT_SYMBOL_H

#include "base/util.h"

/*
 * The first definition of a name in the loaded objects, in the loader's order; the object that
 * holds address skip is passed over. NULL if there is none.
 */
void *symbol_find(const char *name, const void *skip) NONNULL(1);

#endif
