/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <memseal.h>
#include <string.h>

#include "base/page.h"
#include "engine/filter.h"
#include "engine/own-maps.h"
#include "memory/pool-memory.h"

struct look {
	const struct pool_memory *memory;
	uint64_t holds, at, locked;
	bool sealed;
};

static bool is_secret(const struct mapping *mapping)
{
	static const char name[] = "/secretmem";

	return mapping->name_len == sizeof(name) - 1 &&
	       memcmp(mapping->name, name, sizeof(name) - 1) == 0;
}

/* The kernel keeps such pages in memory whatever the flag, which Linux 7.2 does not set. */
static bool is_locked(const struct mapping *mapping)
{
	return mapping->locked || is_secret(mapping);
}

/* What holds on a mapping of the body: of every kind, or of this one. */
static uint64_t body_holds(const struct mapping *mapping)
{
	uint64_t holds = MEMSEAL_POOL_GUARDED;

	if (mapping->kind != MAPPING_MEMFD || !mapping->shared)
		return holds;
	holds |= MEMSEAL_POOL_NO_DISCARD;
	if (is_secret(mapping))
		holds |= MEMSEAL_POOL_SECRET | MEMSEAL_POOL_NO_DUMP;
	if (is_locked(mapping))
		holds |= MEMSEAL_POOL_LOCKED;
	if (mapping->no_dump)
		holds |= MEMSEAL_POOL_NO_DUMP;
	if (mapping->no_fork)
		holds |= MEMSEAL_POOL_NO_FORK;
	return holds;
}

static void look_at(struct look *look, const struct mapping *mapping)
{
	const struct pool_memory *memory = look->memory;
	uint64_t start = max_u64(mapping->start, memory->body);
	uint64_t end = min_u64(mapping->end, memory->body_end);

	if (start < end) {
		look->holds &= body_holds(mapping);
		look->locked += is_locked(mapping) ? end - start : 0;
	}
	/* The guards: all before the head that is not body. */
	if ((mapping->start < memory->body || mapping->end > memory->body_end) &&
		mapping->start < memory->head && mapping->prot)
		look->holds &= ~(uint64_t)MEMSEAL_POOL_GUARDED;
	/* The page that children know by its zeroes that they have no slots. */
	if (mapping->start < memory->free && mapping->end > memory->head && !mapping->wiped)
		look->holds &= ~(uint64_t)MEMSEAL_POOL_NO_FORK;
	look->sealed &= mapping->sealed;
}

/* A hole holds nothing. */
static int look_at_all(struct look *look, const char *text, size_t len)
{
	const struct pool_memory *memory = look->memory;
	struct mapping mapping;
	struct maps maps;
	int r;

	maps_init(&maps, text, len, MAPS_SMAPS);
	while ((r = maps_next(&maps, &mapping)) > 0) {
		if (!span_overlaps(mapping.span, (struct span){ memory->start, memory->end }))
			continue;
		if (mapping.start > look->at)
			break;
		look_at(look, &mapping);
		look->at = mapping.end;
	}
	if (r >= 0 && look->at < memory->end) {
		look->holds = 0;
		look->sealed = false;
	}
	return r < 0 ? r : 0;
}

static int look_job(struct scratch *scratch, void *arg)
{
	const char *text = NULL;
	ssize_t len = own_maps_text(scratch, MAPS_SMAPS, &text);

	return len < 0 ? (int)len : look_at_all(arg, text, (size_t)len);
}

static bool filter_seals(const struct pool_memory *memory)
{
	return filter_held(memory->start, memory->end, page_size(), MEMSEAL_MAPPING) ==
	       MEMSEAL_MAPPING;
}

int pool_memory_holds(
	const struct pool_memory *memory, uint64_t made, uint64_t *ret_holds, uint64_t *ret_locked)
{
	struct look look = { .memory = memory, .holds = made, .at = memory->start, .sealed = true };
	int r = scratch_run(0, look_job, &look);

	if (r < 0)
		return r;
	if (look.sealed || filter_seals(memory))
		look.holds |= MEMSEAL_POOL_SEALED;
	*ret_holds = look.holds;
	*ret_locked = look.locked;
	return 0;
}
