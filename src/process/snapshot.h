/* SPDX-License-Identifier: MIT */
/* A snapshot of a process's address space: taken in snapshot.c, told in report.c. */
#ifndef MEMSEAL_PROCESS_SNAPSHOT_H
#define MEMSEAL_PROCESS_SNAPSHOT_H

#include <memseal.h>
#include <sys/types.h>

#include "model/maps.h"
#include "model/plan.h"
#include "process/file-set.h"
#include "process/find-images.h"

struct memseal_process {
	pid_t pid;
	int dir;   /* /proc/PID */
	int live;  /* the same of a thread that runs: the first may have ended */
	int smaps; /* of the address space: see snapshot_is_current() */
	char comm[MEMSEAL_NAME_SIZE];
	char *text; /* of smaps; the mappings' names point into it, terminated */
	size_t text_len;
	struct mapping *mappings;
	size_t count, capacity, next;
	struct plan plan;
	struct images_found found;
	const char **image_names;    /* by the plan's number of the image: of its lowest mapping */
	struct file_set written;     /* behind shared mappings that are or may become writable */
	struct file_set image_files; /* that images were loaded from */
	struct memseal_coverage coverage;
};

/*
 * Is the address space still there? 0; -EAGAIN: the process has ended, or executes another program.
 */
int snapshot_is_current(const struct memseal_process *process) MUST_CHECK NONNULL(1);

/* Fills image_names and the sets of files when the plan is complete: 0 or -ENOMEM. */
int snapshot_index(struct memseal_process *process) MUST_CHECK NONNULL(1);

/* Then adds up the coverage. */
void snapshot_count_coverage(struct memseal_process *process) NONNULL(1);

/* Writable for ever is not what anybody means by sealed text, read-only data or RELRO. */
bool counts_as_sealed(const struct mapping *mapping) NONNULL(1);

#endif
