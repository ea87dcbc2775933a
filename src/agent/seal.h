/* SPDX-License-Identifier: MIT */
/* Seals the images of the program that the agent is in. */
#ifndef MEMSEAL_AGENT_SEAL_H
#define MEMSEAL_AGENT_SEAL_H

#include "base/util.h"

/*
 * Before main(): seals all that is loaded, and the agent's state, which nobody writes to from here
 * on. pinning: objects can be unloaded already, and dlopen() may be called. A failure is reported:
 * a negative errno.
 */
int seal_all(bool pinning) MUST_CHECK;

/*
 * Seals what was loaded since the last time; a failure is reported, nothing else. Any thread; waits
 * for none: if another is at it, that one does it.
 */
void seal_new(void);

#endif
