/* SPDX-License-Identifier: MIT */
/*
 * libmemseal-agent.so: loaded into unmodified programs by LD_PRELOAD, it seals their images before
 * main() and what is loaded later. It runs in any program with glibc or musl, so it needs neither:
 * no libc function but those it finds at run time, no TLS, no versioned symbol.
 *
 * Its state is written once, while the only thread is in the agent's constructor, and sealed with
 * the images. It shares its pages with what the loader writes to when it loads the agent, and what
 * changes later has others: a page that is touched, and made read-only, costs more than any call.
 */
#ifndef MEMSEAL_AGENT_STATE_H
#define MEMSEAL_AGENT_STATE_H

#include <link.h>

#include "agent/message.h"
#include "base/agent-options.h"
#include "base/span.h"

/* The largest page of the architectures that memseal knows. */
#if defined(__aarch64__)
#define AGENT_PAGE_MAX 65536
#else
#define AGENT_PAGE_MAX 4096
#endif

/* ld.so's internal dlopen: elf/dl-open.c, _dl_open. Its failures leave by longjmp(3). */
typedef void *loader_open_fn(const char *file, int mode, const void *caller, long namespace,
	int argc, char **argv, char **env);
typedef void *dlopen_fn(const char *file, int mode);

typedef int loader_iterate_fn(int (*fn)(struct dl_phdr_info *, size_t, void *), void *arg);

/* Entries of the auxiliary vector that are kept; Linux 6.18 has 22 at most, and AT_NULL. */
#define AGENT_AUXV_MAX 40

struct agent_state {
	uint64_t page; /* bytes */
	ElfW(auxv_t) auxv[AGENT_AUXV_MAX];

	bool ready;  /* this state is complete; it is sealed with the images */
	bool glibc;  /* objects can be unloaded: they must be pinned */
	bool opened; /* a constructor before the agent's called dlopen() */

	/* seal.c: filters at the start */
	bool refused; /* one of them refuses mseal(2) */
	int filters;  /* how many; or a negative errno */
	int confined; /* PR_GET_SECCOMP; report.c has it too */

	/* pin.c and stubs.c: the C library's own, or NULL */
	int pin_mode;
	dlopen_fn *pin;
	void *dlopen;
	void *dlsym;

	/* hook.c */
	loader_open_fn *open; /* what ld.so's open pointer held; NULL: not replaced */
	bool proven;          /* what opens the program to prove it arrived there */

	/* loader.c */
	bool chained;               /* debug leads to all namespaces: glibc 2.35, others of it */
	const void *debug;          /* its struct r_debug */
	loader_iterate_fn *iterate; /* the C library's own dl_iterate_phdr(3), or NULL */
	struct {
		uintptr_t bias;
		const ElfW(Phdr) * phdrs;
		unsigned phnum;
		const ElfW(Dyn) * dynamic;
	} loader;

	struct message_target target; /* door-run.c: standard error as it was at the start */
	struct agent_options options;
	/* program.c: the program's own file, which has no name in the list */
	bool program_known;
	char program[512];
};

extern struct agent_state agent;

struct attach_request;

#define AGENT_NAMESPACES_MAX 17

/*
 * What changes after the start. Whoever writes to it in order to do harm must not switch sealing
 * off. The rest of its pages is nobody's.
 */
extern struct agent_mutable {
	uint32_t holder;                                    /* seal.c */
	uint64_t told[64];                                  /* seal.c */
	const struct link_map *heads[AGENT_NAMESPACES_MAX]; /* loader.c */
	unsigned long long objects_seen;                    /* stubs.c */
	struct attach_request *waiting;                     /* door-attach.c */
} agent_mutable;

/*
 * The pages of all else that is writable in the agent: its state, and what the loader relocates.
 * The agent has no RELRO, which the loader would make read-only before the agent can write its
 * state.
 */
struct span agent_pages(void);

#endif
