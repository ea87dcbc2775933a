/* SPDX-License-Identifier: MIT */
#ifndef MEMSEAL_LAUNCH_PROGRAM_H
#define MEMSEAL_LAUNCH_PROGRAM_H

#include <limits.h>
#include <memseal.h>

#include "base/agent-options.h"

#define PROGRAM_PATH_MAX PATH_MAX

/* Found by program.c, started by launch.c. */
struct memseal_program {
	char path[PROGRAM_PATH_MAX];   /* what is executed */
	char object[PROGRAM_PATH_MAX]; /* what the refusal is about */
	char agent[PROGRAM_PATH_MAX];
	enum memseal_refusal refusal;
	bool shell;   /* a script without #!: /bin/sh reads it */
	bool inherit; /* the agent is usable and goes into the environment */
	struct agent_options options;
};

#endif
