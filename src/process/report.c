/* SPDX-License-Identifier: MIT */
#include "base/opts.h"
#include "process/snapshot.h"

/* Writable for ever is not what anybody means by sealed text, read-only data or RELRO. */
static bool counts_as_sealed(const struct mapping *mapping)
{
	return mapping->sealed && !(mapping->prot & MAPPING_WRITE);
}

void proc_count_coverage(struct memseal_process *process)
{
	struct memseal_coverage *coverage = &process->coverage;
	struct plan_piece piece;

	for (size_t i = 0; i < process->count; i++) {
		const struct mapping *m = &process->mappings[i];

		for (uint64_t at = m->start; plan_next_piece(&process->plan, m, at, &piece);
			at = piece.end) {
			if (!plan_role_sealable(piece.role))
				continue;
			coverage->sealable += piece.end - piece.start;
			if (counts_as_sealed(m))
				coverage->sealed += piece.end - piece.start;
		}
	}
}

/* The pieces of a mapping together. */
struct summary {
	uint64_t bytes[PLAN_NO_ROLE + 1]; /* by role */
	enum plan_why why[PLAN_NO_ROLE + 1];
	unsigned image[PLAN_NO_ROLE + 1];
};

static struct summary summarize(const struct plan *plan, const struct mapping *mapping)
{
	struct summary ret = { 0 };
	struct plan_piece piece;

	for (uint64_t at = mapping->start; plan_next_piece(plan, mapping, at, &piece);
		at = piece.end) {
		ret.bytes[piece.role] += piece.end - piece.start;
		ret.why[piece.role] = piece.why;
		ret.image[piece.role] = piece.image;
	}
	return ret;
}

static enum plan_role most_pages(const struct summary *summary)
{
	enum plan_role most = PLAN_TEXT;

	for (unsigned role = PLAN_TEXT + 1; role <= PLAN_NO_ROLE; role++)
		if (summary->bytes[role] > summary->bytes[most])
			most = role;
	return most;
}

static uint64_t sealable(const struct summary *summary, const struct mapping *mapping)
{
	uint64_t ret = 0;

	/* Not scored, because no image holds it, but it can be sealed. */
	if (mapping->kind == MAPPING_VVAR)
		return mapping->end - mapping->start;
	for (unsigned role = 0; role <= PLAN_NO_ROLE; role++)
		if (plan_role_sealable(role))
			ret += summary->bytes[role];
	return ret;
}

static enum memseal_kind kind_of_mapping(const struct mapping *mapping)
{
	static const enum memseal_kind kinds[] = {
		[MAPPING_ANON] = MEMSEAL_KIND_ANON,
		[MAPPING_FILE] = MEMSEAL_KIND_FILE,
		[MAPPING_MEMFD] = MEMSEAL_KIND_MEMFD,
		[MAPPING_SHM] = MEMSEAL_KIND_SHM,
		[MAPPING_HEAP] = MEMSEAL_KIND_HEAP,
		[MAPPING_STACK] = MEMSEAL_KIND_STACK,
		[MAPPING_VDSO] = MEMSEAL_KIND_VDSO,
		[MAPPING_VVAR] = MEMSEAL_KIND_VVAR,
		[MAPPING_VSYSCALL] = MEMSEAL_KIND_VSYSCALL,
		[MAPPING_SPECIAL] = MEMSEAL_KIND_SPECIAL,
	};

	return kinds[mapping->kind];
}

static enum memseal_kind kind_of(const struct summary *summary, const struct mapping *mapping)
{
	static const enum memseal_kind kinds[] = {
		[PLAN_TEXT] = MEMSEAL_KIND_TEXT,
		[PLAN_RODATA] = MEMSEAL_KIND_RODATA,
		[PLAN_RELRO] = MEMSEAL_KIND_RELRO,
		[PLAN_DATA] = MEMSEAL_KIND_DATA,
		[PLAN_BSS] = MEMSEAL_KIND_BSS,
	};
	enum plan_role role = most_pages(summary);

	if (role == PLAN_NO_ROLE || mapping->kind == MAPPING_VDSO)
		return kind_of_mapping(mapping);
	return kinds[role];
}

/* Sealable pages have the word, however few they are. */
static const char *why_not_sealed(const struct summary *summary)
{
	for (unsigned role = 0; role <= PLAN_NO_ROLE; role++)
		if (plan_role_sealable(role) && summary->bytes[role])
			return plan_why_text(summary->why[role]);
	return plan_why_text(summary->why[most_pages(summary)]);
}

/* The name of the file that an image was loaded from: that of its lowest mapping. */
static const char *image_name(const struct memseal_process *process, unsigned image)
{
	const struct plan *plan = &process->plan;
	size_t extent = 0, i = 0;

	while (extent < plan->count && plan->extents[extent].image != image)
		extent++;
	while (extent < plan->count && process->mappings[i].end <= plan->extents[extent].start)
		i++;
	return extent < plan->count ? process->mappings[i].name : "";
}

/* Without a file of its own, memory of an image belongs to the image: bss, and what was copied. */
static const char *object_of(const struct memseal_process *process, const struct mapping *mapping,
	const struct summary *summary)
{
	enum plan_role role = most_pages(summary);
	const char *name = mapping->name;

	if (role != PLAN_NO_ROLE && (!*name || mapping->kind == MAPPING_MEMFD))
		name = image_name(process, summary->image[role]);
	return *name ? name : NULL;
}

static struct memseal_mapping describe(
	const struct memseal_process *process, const struct mapping *m)
{
	struct summary summary = summarize(&process->plan, m);
	bool writable = m->prot & MAPPING_WRITE;
	struct memseal_mapping ret = {
		.start = m->start,
		.end = m->end,
		.sealable = sealable(&summary, m),
		.perm = { m->prot & MAPPING_READ ? 'r' : '-', writable ? 'w' : '-',
			m->prot & MAPPING_EXEC ? 'x' : '-', m->shared ? 's' : 'p' },
		.kind = kind_of(&summary, m),
		.sealed = m->sealed,
		.content_locked = m->sealed && m->shared && !writable && !m->may_write,
		.object = object_of(process, m, &summary),
	};

	if (!m->sealed)
		ret.why = why_not_sealed(&summary);
	else if (ret.sealable && !counts_as_sealed(m))
		ret.why = "sealed while writable";
	return ret;
}

/* What the structs were when version 0.1 was released: up to their last field then. */
#define MAPPING_SIZE_0_1  (offsetof(struct memseal_mapping, why) + sizeof(const char *))
#define COVERAGE_SIZE_0_1 (offsetof(struct memseal_coverage, images) + sizeof(unsigned))

EXPORT int memseal_process_next_mapping(
	struct memseal_process *process, struct memseal_mapping *ret_mapping)
{
	struct memseal_mapping mapping;

	if (!output_valid(ret_mapping, MAPPING_SIZE_0_1))
		return -EINVAL;
	if (process->next == process->count)
		return 0;
	mapping = describe(process, &process->mappings[process->next++]);
	output_write(ret_mapping, &mapping, sizeof(mapping));
	return 1;
}

EXPORT int memseal_process_coverage(
	const struct memseal_process *process, struct memseal_coverage *ret_coverage)
{
	if (!output_valid(ret_coverage, COVERAGE_SIZE_0_1))
		return -EINVAL;
	output_write(ret_coverage, &process->coverage, sizeof(process->coverage));
	return 0;
}

EXPORT const char *memseal_kind_name(enum memseal_kind kind)
{
	static const char *const names[] = {
		[MEMSEAL_KIND_TEXT] = "text",
		[MEMSEAL_KIND_RODATA] = "rodata",
		[MEMSEAL_KIND_RELRO] = "relro",
		[MEMSEAL_KIND_DATA] = "data",
		[MEMSEAL_KIND_BSS] = "bss",
		[MEMSEAL_KIND_HEAP] = "heap",
		[MEMSEAL_KIND_STACK] = "stack",
		[MEMSEAL_KIND_ANON] = "anon",
		[MEMSEAL_KIND_VDSO] = "vdso",
		[MEMSEAL_KIND_VVAR] = "vvar",
		[MEMSEAL_KIND_VSYSCALL] = "vsyscall",
		[MEMSEAL_KIND_FILE] = "file",
		[MEMSEAL_KIND_MEMFD] = "memfd",
		[MEMSEAL_KIND_SHM] = "shm",
		[MEMSEAL_KIND_SPECIAL] = "special",
	};

	return (size_t)kind < ARRAY_SIZE(names) ? names[kind] : "unknown";
}
