/* SPDX-License-Identifier: MIT */
/* A picture of a process's address space: taken in proc.c, told in mapping.c. */
#ifndef MEMSEAL_PROCESS_SNAPSHOT_H
#define MEMSEAL_PROCESS_SNAPSHOT_H

#include <memseal.h>

#include "model/maps.h"
#include "model/plan.h"

struct memseal_process {
	char comm[MEMSEAL_NAME_SIZE];
	char *text; /* of smaps; the mappings' names point into it, terminated */
	size_t text_len;
	struct mapping *mappings;
	size_t count, capacity, next;
	struct plan plan;
	struct memseal_coverage coverage;
};

/* Adds up the coverage of a picture whose plan is complete. */
void proc_count_coverage(struct memseal_process *process) NONNULL(1);

#endif
