/* SPDX-License-Identifier: MIT */
#include "base/opts.h"
#include "process/executable.h"

/* The pieces of a mapping together. */
struct summary {
	uint64_t bytes[PLAN_NO_ROLE + 1]; /* by role */
	enum plan_why why[PLAN_NO_ROLE + 1];
	unsigned image[PLAN_NO_ROLE + 1];
	enum exec_open open; /* the worst */
	uint64_t open_bytes;
};

static void add_open(struct summary *summary, enum exec_open open, uint64_t bytes)
{
	if (open != EXEC_HELD)
		summary->open_bytes += bytes;
	if (open > summary->open)
		summary->open = open;
}

static struct summary summarize(
	const struct memseal_process *process, const struct mapping *mapping)
{
	struct summary ret = { 0 };
	struct plan_piece piece;

	for (uint64_t at = mapping->start; plan_next_piece(&process->plan, mapping, at, &piece);
		at = piece.end) {
		uint64_t bytes = piece.end - piece.start;

		add_open(&ret, exec_open_of(process, mapping, piece.role), bytes);
		ret.bytes[piece.role] += bytes;
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

/* Sealable pages have the word, however few they are, unless there is worse. */
static const char *why_not_sealed(const struct summary *summary)
{
	if (exec_open_text(summary->open))
		return exec_open_text(summary->open);
	for (unsigned role = 0; role <= PLAN_NO_ROLE; role++)
		if (plan_role_sealable(role) && summary->bytes[role])
			return plan_why_text(summary->why[role]);
	return plan_why_text(summary->why[most_pages(summary)]);
}

/* Without a file of its own, memory of an image belongs to the image: bss, and what was copied. */
static const char *object_of(const struct memseal_process *process, const struct mapping *mapping,
	const struct summary *summary)
{
	enum plan_role role = most_pages(summary);
	const char *name = mapping->name;

	if (role != PLAN_NO_ROLE && (!*name || mapping->kind == MAPPING_MEMFD))
		name = process->image_names[summary->image[role]];
	return *name ? name : NULL;
}

/* Of other memory without a name, and of memfds that cannot be asked, it is not known. */
static bool content_locked(const struct memseal_process *process, const struct mapping *mapping)
{
	if (!mapping->sealed || !mapping->shared || mapping->prot & MAPPING_WRITE ||
		mapping->may_write || written_elsewhere(process, mapping))
		return false;
	return mapping->kind == MAPPING_FILE || mapping->write_sealed;
}

static struct memseal_mapping describe(
	const struct memseal_process *process, const struct mapping *m)
{
	struct summary summary = summarize(process, m);
	bool writable = m->prot & MAPPING_WRITE;
	struct memseal_mapping ret = {
		.start = m->start,
		.end = m->end,
		.sealable_bytes = sealable(&summary, m),
		.perm = { m->prot & MAPPING_READ ? 'r' : '-', writable ? 'w' : '-',
			m->prot & MAPPING_EXEC ? 'x' : '-', m->shared ? 's' : 'p' },
		.kind = kind_of(&summary, m),
		.sealed = m->sealed,
		.content_locked = content_locked(process, m),
		.object = object_of(process, m, &summary),
		.exec_open_bytes = summary.open_bytes,
	};

	if (!m->sealed)
		ret.why = why_not_sealed(&summary);
	else if (ret.sealable_bytes && !counts_as_sealed(m))
		ret.why = "sealed while writable";
	else if (summary.open == EXEC_ALIAS)
		ret.why = exec_open_text(summary.open);
	else if (m->grows)
		ret.why = "sealed, and grows by page faults";
	else if (m->droppable)
		ret.why = "sealed, and the kernel may drop its pages";
	return ret;
}

/* What the structs were when version 0.1 was released: up to their last field then. */
#define MAPPING_SIZE_0_1  (offsetof(struct memseal_mapping, exec_open_bytes) + sizeof(uint64_t))
#define COVERAGE_SIZE_0_1 (offsetof(struct memseal_coverage, why) + sizeof(const char *))

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

EXPORT const char *memseal_state_name(enum memseal_state state)
{
	static const char *const names[] = {
		[MEMSEAL_STATE_UNKNOWN] = "unknown",
		[MEMSEAL_STATE_UNSEALED] = "unsealed",
		[MEMSEAL_STATE_PARTIAL] = "partial",
		[MEMSEAL_STATE_SEALED] = "sealed",
	};

	return (size_t)state < ARRAY_SIZE(names) ? names[state] : "unknown";
}
