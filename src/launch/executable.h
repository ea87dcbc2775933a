/* SPDX-License-Identifier: MIT */
/* One file that is to be executed: what it is, and whether the agent would be loaded into it. */
#ifndef MEMSEAL_LAUNCH_EXECUTABLE_H
#define MEMSEAL_LAUNCH_EXECUTABLE_H

#include <limits.h>
#include <memseal.h>

#include "base/util.h"

enum executable_kind {
	EXECUTABLE_PROGRAM,
	EXECUTABLE_SCRIPT, /* "#!", or registered: the interpreter is executed in its place */
	EXECUTABLE_TEXT,   /* no "#!": the shell is */
};

/* What reads an EXECUTABLE_TEXT. */
#define EXECUTABLE_SHELL "/bin/sh"

struct executable {
	enum memseal_refusal refusal; /* a program: why it cannot be sealed, or _NONE */
	bool pie;                     /* a program: linked to no address */
	bool new_code;                /* a program: memory that is writable and executable */
	uint64_t mapped, writable;    /* a program: bytes of its segments */
	char interpreter[PATH_MAX];   /* otherwise */
};

/*
 * Returns an enum executable_kind; -ENOEXEC: bytes that nothing here can execute; or why the file
 * cannot be read, but for -EACCES, which is a refusal.
 */
int executable_judge(const char *path, struct executable *ret) MUST_CHECK NONNULL(1, 2);

/*
 * Can the loader map this file as the agent in what this process executes? *ret_refusal becomes
 * MEMSEAL_REFUSAL_NONE, _NO_AGENT, _AGENT_UNREADABLE or _AGENT_NOEXEC. 0, -EMFILE, -ENFILE or
 * -ENOMEM.
 */
int executable_judge_agent(const char *path, enum memseal_refusal *ret_refusal) MUST_CHECK
	NONNULL(1, 2);

#endif
