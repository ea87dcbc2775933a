/* SPDX-License-Identifier: MIT */
#ifndef MEMSEAL_LAUNCH_PROGRAM_H
#define MEMSEAL_LAUNCH_PROGRAM_H

#include <limits.h>
#include <memseal.h>

#define PROGRAM_PATH_MAX PATH_MAX

/* Found by program.c, started by launch.c. */
struct memseal_program {
	char path[PROGRAM_PATH_MAX];   /* what is executed */
	char object[PROGRAM_PATH_MAX]; /* what the refusal is about */
	char agent[PROGRAM_PATH_MAX];
	enum memseal_refusal refusal;
	bool shell;   /* a script without #!: /bin/sh reads it */
	bool inherit; /* the agent is usable and goes into the environment */
	bool no_dlopen, allow_unsealed, strict, data;
	bool filter; /* the filter engine, rather than mseal(2) */
};

#endif
