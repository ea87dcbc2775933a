/* SPDX-License-Identifier: MIT */
/*
 * Will the agent arrive in what this process executes? A loader that cannot load it, or is told not
 * to, warns at best and starts the program. So all that it depends on is looked at beforehand.
 */
#ifndef MEMSEAL_LAUNCH_ARRIVAL_H
#define MEMSEAL_LAUNCH_ARRIVAL_H

#include "launch/executable.h"

/*
 * Does the kernel tell the loader to be careful (AT_SECURE) whatever the file? So it does if a real
 * id is not the effective one: MEMSEAL_REFUSAL_CALLER_IDS, otherwise MEMSEAL_REFUSAL_NONE.
 */
enum memseal_refusal arrival_judge_caller(void) MUST_CHECK;

/* Do the limits of memory leave room for the agent: MEMSEAL_REFUSAL_NO_ROOM, or _NONE. */
enum memseal_refusal arrival_judge_limits(const struct executable *executable) MUST_CHECK
	NONNULL(1);

/* Can this path stand in LD_PRELOAD, and mean the same wherever the program is? */
bool arrival_preloadable(const char *path) MUST_CHECK NONNULL(1);

#endif
