/* SPDX-License-Identifier: MIT */
/* How the preload list names the agent, so that the loaders of all programs of this machine find
 * it. */
#ifndef MEMSEAL_MACHINE_ENTRY_H
#define MEMSEAL_MACHINE_ENTRY_H

#include "base/util.h"

/*
 * What the list is to say: ENTRY_LIB, or MEMSEAL_MACHINE_PATH if the loader of this architecture
 * does not find the agent by that. Executes it to ask.
 */
const char *entry_text(void) MUST_CHECK;

/*
 * Are there programs of 32 bits below the root, whose loader would complain at each start about an
 * entry that it cannot preload? Executes that loader, which is "/" there.
 */
bool entry_makes_noise(const char *root, const char *entry) MUST_CHECK NONNULL(1, 2);

/* Does the list name the agent, as the loader of this architecture reads it? */
bool entry_is_in(const char *list, size_t len) MUST_CHECK NONNULL(1);

/*
 * What a loader puts for $LIB, to ret, of size bytes: 0; -ENOENT: it cannot be executed here, so
 * neither can programs that need it; -ENODATA: it does not tell (glibc before 2.33).
 */
int entry_loader_lib(const char *loader, char *ret, size_t size) MUST_CHECK NONNULL(1, 2);

#endif
