/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>

#include "process/executable.h"

bool counts_as_sealed(const struct mapping *mapping)
{
	return mapping->sealed && !(mapping->prot & MAPPING_WRITE);
}

static int name_images(struct memseal_process *process)
{
	const struct mapping *m = process->mappings;

	process->image_names = calloc(process->found.images + 1, sizeof(*process->image_names));
	if (!process->image_names)
		return -ENOMEM;
	for (size_t i = 0; i < process->plan.count; i++) {
		const struct plan_extent *extent = &process->plan.extents[i];
		const char **name = &process->image_names[extent->image];

		if (*name)
			continue;
		/* A part of it is mapped, or it would be no image; which need not be the first. */
		*name = "";
		while (m < process->mappings + process->count && m->end <= extent->start)
			m++;
		if (m < process->mappings + process->count)
			*name = m->name;
	}
	return 0;
}

static int index_files(struct memseal_process *process)
{
	struct plan_piece piece;
	int r = 0;

	for (size_t i = 0; i < process->count && !r; i++) {
		const struct mapping *m = &process->mappings[i];

		if (m->shared && (m->prot & MAPPING_WRITE || (m->may_write && !m->sealed)))
			r = file_set_add(&process->written, m);
		if (!r && m->inode && plan_next_piece(&process->plan, m, m->start, &piece) &&
			piece.role != PLAN_NO_ROLE)
			r = file_set_add(&process->image_files, m);
	}
	file_set_sort(&process->written);
	file_set_sort(&process->image_files);
	return r;
}

int snapshot_index(struct memseal_process *process)
{
	int r = name_images(process);

	return r ? r : index_files(process);
}

static void count_piece(struct memseal_process *process, const struct mapping *mapping,
	const struct plan_piece *piece, enum exec_open *worst)
{
	enum exec_open open = exec_open_of(process, mapping, piece->role);
	struct memseal_coverage *coverage = &process->coverage;
	uint64_t bytes = piece->end - piece->start;

	if (plan_role_sealable(piece->role)) {
		coverage->sealable_bytes += bytes;
		if (counts_as_sealed(mapping))
			coverage->sealed_bytes += bytes;
	}
	if (open == EXEC_HELD)
		return;
	coverage->exec_open_bytes += bytes;
	if (open > *worst)
		*worst = open;
}

/* What cannot be right in the headers, or NULL. */
static const char *odd_headers(const struct memseal_process *process)
{
	if (process->found.refused)
		return "ELF headers that are not understood";
	return process->plan.conflict ? "ELF headers that claim the same memory" : NULL;
}

static enum memseal_state state_of(const struct memseal_process *process, enum exec_open worst)
{
	const struct memseal_coverage *coverage = &process->coverage;

	if (!coverage->sealable_bytes)
		return MEMSEAL_STATE_UNKNOWN;
	if (!coverage->sealed_bytes)
		return MEMSEAL_STATE_UNSEALED;
	if (coverage->sealed_bytes < coverage->sealable_bytes || worst > EXEC_GENERATED ||
		odd_headers(process))
		return MEMSEAL_STATE_PARTIAL;
	return MEMSEAL_STATE_SEALED;
}

void snapshot_count_coverage(struct memseal_process *process)
{
	struct memseal_coverage *coverage = &process->coverage;
	enum exec_open worst = EXEC_HELD;
	struct plan_piece piece;

	for (size_t i = 0; i < process->count; i++) {
		const struct mapping *m = &process->mappings[i];

		for (uint64_t at = m->start; plan_next_piece(&process->plan, m, at, &piece);
			at = piece.end)
			count_piece(process, m, &piece, &worst);
	}
	coverage->images = process->found.images;
	coverage->state = state_of(process, worst);
	coverage->why = coverage->sealable_bytes ? odd_headers(process) : "no ELF object found";
	if (!coverage->why)
		coverage->why = exec_open_text(worst);
}
