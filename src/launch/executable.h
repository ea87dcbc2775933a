/* SPDX-License-Identifier: MIT */
/* One file that is to be executed: what it is, and whether the agent would be loaded into it. */
#ifndef MEMSEAL_LAUNCH_EXECUTABLE_H
#define MEMSEAL_LAUNCH_EXECUTABLE_H

#include <memseal.h>

#include "base/util.h"

enum executable_kind {
	EXECUTABLE_PROGRAM,
	EXECUTABLE_SCRIPT, /* "#!": the interpreter is executed in its place */
	EXECUTABLE_TEXT,   /* no "#!": the shell is */
};

/*
 * A program: whether it is refused, and with *ret_pie whether it is linked to no address. A script:
 * the interpreter's path, into a buffer of PATH_MAX bytes. Returns an enum executable_kind;
 * -ENOEXEC: bytes that nothing here can execute; or why the file cannot be read, but for -EACCES,
 * which is a refusal.
 */
int executable_judge(const char *path, enum memseal_refusal *ret_refusal, bool *ret_pie,
	char *ret_interpreter) MUST_CHECK NONNULL(1, 2, 3, 4);

/* Can this file be loaded as the agent: an ELF shared object of this architecture? */
bool executable_is_agent(const char *path) NONNULL(1);

#endif
