/* SPDX-License-Identifier: MIT */
#include "memory/seal.h"

#include <errno.h>

#include "base/page.h"
#include "engine/filter.h"
#include "engine/kernel.h"

/* For one filter. */
struct batch {
	struct bpf_range *ranges;
	size_t count;
};

/* What the filter engine is to hold and does not hold yet: sealing again costs no other filter. */
static int find_missing(struct scratch *scratch, const struct parts *parts, struct batch *ret)
{
	struct bpf_range *ranges = scratch_alloc(scratch, parts->count * sizeof(*ranges));
	size_t count = 0;

	if (!ranges)
		return -ENOSPC;
	for (const struct part *part = parts->at; part < parts->at + parts->count; part++) {
		uint64_t held = filter_held(part->start, part->end, page_size(), part->filter);

		if (held != part->filter)
			ranges[count++] =
				(struct bpf_range){ part->start, part->end, part->filter };
	}
	*ret = (struct batch){ ranges, count };
	return 0;
}

static int check(const struct batch *batch)
{
	enum filter_obstacle obstacle;

	return filter_check(batch->ranges, batch->count, &obstacle);
}

static int seal_by_filter(const struct batch *batch, pid_t *ret_tid, bool *ret_tried)
{
	struct filter_report report;
	struct bpf_policy policy;
	int r = check(batch);

	if (r < 0)
		return r;
	filter_policy(&policy);
	r = filter_install(&policy, batch->ranges, batch->count, &report);
	*ret_tried = report.installed > 0;
	if (report.obstacle == FILTER_THREAD) {
		*ret_tid = report.tid;
		return -ESRCH;
	}
	/* From here on no io_uring can be opened; another thread may have done so meanwhile. */
	return r < 0 ? r : check(batch);
}

/* The kernel's parts; those that touch are one run to it. */
static int seal_by_kernel(const struct own_maps *maps, const struct parts *parts)
{
	const struct part *part = parts->at, *end = part + parts->count;
	uint64_t start, sealed = 0;
	int r = 0;

	for (; r == 0 && part < end; part++) {
		if (!part->kernel)
			continue;
		start = part->start;
		while (part + 1 < end && part[1].kernel && part[1].start == part->end)
			part++;
		r = kernel_seal(maps, start, part->end, page_size(), &sealed);
	}
	return r;
}

int parts_seal(struct scratch *scratch, const struct own_maps *maps, const struct parts *parts,
	pid_t *ret_tid, bool *ret_tried)
{
	struct batch batch;
	int r = find_missing(scratch, parts, &batch);

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
