/* SPDX-License-Identifier: MIT */
#include "memory/parts.h"

#include <errno.h>
#include <stdlib.h>

#include "base/page.h"
#include "engine/filter.h"
#include "engine/kernel.h"

#define EFFECTS 8 /* bits of MEMSEAL_ALL */
_Static_assert(MEMSEAL_ALL == (UINT64_C(1) << EFFECTS) - 1, "one count for each");

/* Where a range begins or ends. */
struct edge {
	uint64_t at, effects;
	int step; /* 1 or -1 */
};

/* How many ranges have each effect at the place that was reached. */
struct sweep {
	size_t counts[EFFECTS];
};

static int by_place(const void *a, const void *b)
{
	const struct edge *x = a, *y = b;

	return (x->at > y->at) - (x->at < y->at);
}

static void step(struct sweep *sweep, const struct edge *edge)
{
	for (unsigned i = 0; i < EFFECTS; i++)
		if (edge->effects >> i & 1)
			sweep->counts[i] += (size_t)edge->step;
}

static uint64_t effects_here(const struct sweep *sweep)
{
	uint64_t effects = 0;

	for (unsigned i = 0; i < EFFECTS; i++)
		if (sweep->counts[i])
			effects |= UINT64_C(1) << i;
	return effects;
}

static bool continues(const struct part *part, const struct part *last)
{
	return last->end == part->start && last->effects == part->effects &&
	       last->filter == part->filter && last->kernel == part->kernel;
}

/* Appends a part, or makes the last one longer. */
static void append(struct part *parts, size_t *count, const struct part *part)
{
	if (*count && continues(part, &parts[*count - 1]))
		parts[*count - 1].end = part->end;
	else
		parts[(*count)++] = *part;
}

static struct edge *sorted_edges(struct scratch *scratch, const struct part *ranges, size_t count)
{
	struct edge *edges = scratch_alloc(scratch, 2 * count * sizeof(*edges));

	for (size_t i = 0; edges && i < count; i++) {
		edges[2 * i] = (struct edge){ ranges[i].start, ranges[i].effects, 1 };
		edges[2 * i + 1] = (struct edge){ ranges[i].end, ranges[i].effects, -1 };
	}
	if (edges)
		qsort(edges, 2 * count, sizeof(*edges), by_place);
	return edges;
}

int parts_make(struct scratch *scratch, const struct part *ranges, size_t count, struct parts *ret)
{
	struct edge *edges = sorted_edges(scratch, ranges, count);
	struct part *parts = scratch_alloc(scratch, 2 * count * sizeof(*parts));
	struct sweep sweep = { .counts = { 0 } };
	size_t found = 0;

	if (!edges || !parts)
		return -ENOSPC;
	for (size_t i = 0; i + 1 < 2 * count; i++) {
		struct part part = { .start = edges[i].at, .end = edges[i + 1].at };

		step(&sweep, &edges[i]);
		part.effects = effects_here(&sweep);
		if (part.effects && part.start < part.end)
			append(parts, &found, &part);
	}
	*ret = (struct parts){ parts, found };
	return 0;
}

/* A filter that holds everything already may well refuse mseal(2), and leaves nothing to add. */
static bool filter_suffices(const struct engines *engines, const struct part *part)
{
	return engines->filter &&
	       filter_held(part->start, part->end, page_size(), part->effects) == part->effects;
}

/* mseal(2) is all or nothing: it must never hold more than was asked for. */
static int choose(const struct engines *engines, const struct mapping *mapping, struct part *part)
{
	part->kernel = engines->kernel && (part->effects & MEMSEAL_MAPPING) == MEMSEAL_MAPPING &&
		       !filter_suffices(engines, part);
	part->filter = part->effects;
	if (part->kernel)
		part->filter &= ~kernel_effects(mapping);
	return part->filter && !engines->filter ? -EOPNOTSUPP : 0;
}

/* Parts in the rest of the scratch memory. */
struct list {
	struct parts parts;
	size_t room;
};

static int assign(const struct own_maps *maps, const struct engines *engines,
	const struct part *part, struct list *list)
{
	struct part piece = *part;
	struct mapping mapping;

	for (uint64_t at = part->start; at < part->end; at = piece.end) {
		int r = own_maps_at(maps, at, &mapping);

		if (r <= 0 || mapping.start > at)
			return r < 0 ? r : -ENOMEM;
		piece.start = at;
		piece.end = min_u64(part->end, mapping.end);
		r = choose(engines, &mapping, &piece);
		if (r < 0)
			return r;
		if (list->parts.count == list->room)
			return -ENOSPC;
		append(list->parts.at, &list->parts.count, &piece);
	}
	return 0;
}

int parts_assign(struct scratch *scratch, const struct own_maps *maps,
	const struct engines *engines, struct parts *parts)
{
	struct list list = { .room = 0 };
	int r = 0;

	list.parts.at = scratch_rest(scratch, &list.room);
	list.room /= sizeof(*list.parts.at);
	for (size_t i = 0; r == 0 && i < parts->count; i++)
		r = assign(maps, engines, &parts->at[i], &list);
	if (r < 0)
		return r;
	if (!scratch_alloc(scratch, list.parts.count * sizeof(*list.parts.at)))
		return -ENOSPC;
	*parts = list.parts;
	return 0;
}

uint64_t parts_size(const struct parts *parts)
{
	uint64_t size = 0;

	for (size_t i = 0; i < parts->count; i++)
		size += span_len(parts->at[i].span);
	return size;
}
