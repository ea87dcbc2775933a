/* SPDX-License-Identifier: MIT */
/*
 * What a tracer and the agent that it has put into another process tell each other: the tracer
 * fills the request, in memory of that process, and has a thread of it enter the agent. Both are of
 * one build. Freestanding.
 */
#ifndef MEMSEAL_BASE_ATTACH_H
#define MEMSEAL_BASE_ATTACH_H

#include "base/agent-options.h"

#define ATTACH_TEXT_MAX 512

/* How long the agent waits for the tracer when it is done. */
#define ATTACH_WAIT_SECONDS 1

struct attach_request {
	/*
	 * How the thread goes on when the agent is done: the address of a struct ucontext for
	 * rt_sigreturn(2). The tracer need not come back. First, for the entry is in assembly.
	 */
	uint64_t resume;
	/* The memory that the request and the stack are in, which the thread gives back before. */
	uint64_t memory, memory_len;
	uint64_t size; /* of this struct: another build's differs, most likely */
	struct agent_options options;
	/*
	 * The program was started long ago: RELRO that is writable now stays so, if it is that of
	 * the loader, or of a static program.
	 */
	bool settled;
	/* The tracer has suspended the seccomp filters of the thread meanwhile. */
	bool suspended;

	/* The answers. */
	bool done;
	bool hooked;      /* what is loaded later is sealed, too */
	int result;       /* 0, or a negative errno: something is not sealed */
	uint64_t sealed;  /* bytes */
	unsigned loading; /* objects that a thread is loading just now, and that are left open */
	char text[ATTACH_TEXT_MAX]; /* what failed, terminated; "": nothing */
};

#endif
