/* SPDX-License-Identifier: MIT */
#include "images/hold.h"

#include <memseal.h>

#include "engine/filter.h"

/*
 * Not MEMSEAL_NO_SEAL: a program that seals itself only adds to this. No RELRO repair either, which
 * makes discarding a matter of mseal(2): the filter refuses it on any memory. On data, it is the
 * program's own affair.
 */
static uint64_t effects(const struct images_run *run)
{
	return run->data ? MEMSEAL_MAPPING : MEMSEAL_MAPPING | MEMSEAL_NO_DISCARD;
}

static const char *reason(enum filter_obstacle obstacle)
{
	switch (obstacle) {
	case FILTER_IO_URING:
		return "an io_uring is open, which can discard memory without a call";
	case FILTER_THREAD:
		return "a thread has a seccomp filter of its own";
	default:
		return "cannot install a seccomp filter";
	}
}

/* Sorted by their start, as struct bpf_batch wants them. They come nearly so. */
static void sort_in(struct bpf_range *ranges, size_t count, const struct images_run *run)
{
	while (count > 0 && ranges[count - 1].start > run->start) {
		ranges[count] = ranges[count - 1];
		count--;
	}
	ranges[count] =
		(struct bpf_range){ .start = run->start, .end = run->end, .effects = effects(run) };
}

int images_filter(const struct images_run *runs, size_t count, struct bpf_range *ranges,
	struct images_result *ret)
{
	struct filter_report report = { .obstacle = FILTER_NO_OBSTACLE };
	int r;

	if (count == 0)
		return 0;
	for (size_t i = 0; i < count; i++)
		sort_in(ranges, i, &runs[i]);
	r = filter_hold(ranges, count, &report);
	if (r < 0) {
		ret->failed = reason(report.obstacle);
		ret->start = ret->end = 0;
		ret->thread = report.tid;
	}
	return r;
}
