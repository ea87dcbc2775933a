/* SPDX-License-Identifier: MIT */
/* The processes that a command is about. */
#ifndef MEMSEAL_CLI_PIDS_H
#define MEMSEAL_CLI_PIDS_H

#include <stddef.h>
#include <sys/types.h>

struct memseal_coverage;

struct pids {
	pid_t *pid; /* to be freed */
	size_t count, capacity;
};

/* Both end the program if that cannot be. */
void pids_add(struct pids *pids, pid_t pid);
/* All of the system, in ascending order. */
void pids_add_all(struct pids *pids);

/* What is sealed of what can be, in units of 1/scale, rounded down. */
unsigned long coverage_share(const struct memseal_coverage *coverage, unsigned scale);

#endif
