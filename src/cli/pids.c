/* SPDX-License-Identifier: MIT */
#include "cli/pids.h"

#include <stdlib.h>

#include <memseal.h>

#include "cli/report.h"

void pids_add(struct pids *pids, pid_t pid)
{
	if (pids->count == pids->capacity) {
		pids->capacity = pids->capacity ? 2 * pids->capacity : 256;
		pids->pid = reallocarray(pids->pid, pids->capacity, sizeof(pid));
		if (!pids->pid)
			die(STATUS_FAILURE, "out of memory");
	}
	pids->pid[pids->count++] = pid;
}

static int collect(pid_t pid, void *arg)
{
	pids_add(arg, pid);
	return 0;
}

static int compare_pids(const void *a, const void *b)
{
	pid_t x = *(const pid_t *)a, y = *(const pid_t *)b;

	return (x > y) - (x < y);
}

void pids_add_all(struct pids *pids)
{
	int r = memseal_process_each(NULL, collect, pids);

	if (r < 0)
		die(STATUS_FAILURE, "%s", open_error_text(r));
	qsort(pids->pid, pids->count, sizeof(*pids->pid), compare_pids);
}

unsigned long coverage_share(const struct memseal_coverage *coverage, unsigned scale)
{
	return (unsigned long)((unsigned __int128)coverage->sealed_bytes * scale /
			       coverage->sealable_bytes);
}
