/* SPDX-License-Identifier: MIT */
#include "memory/seal.h"

#include <errno.h>

#include "base/page.h"
#include "engine/filter.h"
#include "engine/kernel.h"

/* What the filter engine is to hold: all of it, and what it does not hold yet. */
struct batch {
	struct bpf_range *all, *missing;
	size_t count, missing_count;
};

static int make_batch(struct scratch *scratch, const struct parts *parts, struct batch *ret)
{
	const struct part *end = parts->at + parts->count;
	struct batch batch = {
		.all = scratch_alloc(scratch, parts->count * sizeof(*batch.all)),
		.missing = scratch_alloc(scratch, parts->count * sizeof(*batch.missing)),
	};

	if (!batch.all || !batch.missing)
		return -ENOSPC;
	for (const struct part *part = parts->at; part < end; part++) {
		struct bpf_range range = { part->start, part->end, part->filter };

		if (!part->filter)
			continue;
		batch.all[batch.count++] = range;
		if (filter_held(part->start, part->end, page_size(), part->filter) != part->filter)
			batch.missing[batch.missing_count++] = range;
	}
	*ret = batch;
	return 0;
}

/*
 * Sealing again costs no other filter. That a filter is there says nothing about what it does not
 * see: the call that installed it may have failed for that.
 */
static int seal_by_filter(const struct batch *batch, pid_t *ret_tid, bool *ret_tried)
{
	struct filter_report report = { .obstacle = FILTER_NO_OBSTACLE };
	int r = 0;

	if (batch->missing_count < batch->count)
		r = filter_check(batch->all, batch->count, &report.obstacle);
	if (r == 0 && batch->missing_count)
		r = filter_hold(batch->missing, batch->missing_count, &report);
	*ret_tried = report.installed > 0;
	if (r == -ESRCH)
		*ret_tid = report.tid;
	return r;
}

/* The kernel's parts; those that touch are one run to it. */
static int seal_by_kernel(const struct own_maps *maps, const struct parts *parts)
{
	const struct part *part = parts->at, *end = part + parts->count;
	const bool filtered = kernel_filtered();
	uint64_t start, sealed = 0;
	int r = 0;

	for (; r == 0 && part < end; part++) {
		if (!part->kernel)
			continue;
		start = part->start;
		while (part + 1 < end && part[1].kernel && part[1].start == part->end)
			part++;
		r = kernel_seal(maps, start, part->end, page_size(), filtered, &sealed);
	}
	return r;
}

int parts_seal(struct scratch *scratch, const struct own_maps *maps, const struct parts *parts,
	pid_t *ret_tid, bool *ret_tried)
{
	struct batch batch;
	int r = make_batch(scratch, parts, &batch);

	*ret_tried = false;
	if (r == 0 && batch.count)
		r = seal_by_filter(&batch, ret_tid, ret_tried);
	if (r < 0)
		return r;
	*ret_tried = true;
	return seal_by_kernel(maps, parts);
}

static bool page_sealed(const struct part *part, uint64_t at, size_t page)
{
	if (part->kernel && kernel_sealed(at, page) != 1)
		return false;
	return !part->filter || filter_held(at, at + page, page, part->filter) == part->filter;
}

uint64_t parts_sealed(const struct parts *parts)
{
	const struct part *end = parts->at + parts->count;
	size_t page = page_size();
	uint64_t sealed = 0;

	for (const struct part *part = parts->at; part < end; part++)
		for (uint64_t at = part->start; at < part->end; at += page)
			if (page_sealed(part, at, page))
				sealed += page;
	return sealed;
}
