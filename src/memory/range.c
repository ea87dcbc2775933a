/* SPDX-License-Identifier: MIT */
#include "memory/range.h"

#include <errno.h>
#include <memseal.h>
#include <pthread.h>
#include <sys/auxv.h>

#include "base/errors.h"
#include "base/opts.h"
#include "base/page.h"
#include "base/sys.h"
#include "engine/kernel.h"
#include "memory/consent.h"
#include "memory/seal.h"
#include "memory/unholdable.h"

int range_pages(const void *addr, size_t len, struct span *ret)
{
	uint64_t start = (uintptr_t)addr, page = page_size(), size, end;

	if (start != page_down(start, page) || len == 0)
		return -EINVAL;
	if (page_up_overflows(len, page, &size) || add_overflows(start, size, &end))
		return -EINVAL;
	*ret = (struct span){ .start = start, .end = end };
	return 0;
}

/* What memseal_ranges() works on. */
struct request {
	const struct memseal_range *ranges;
	size_t count;
	struct memseal_opts opts;
	struct engines engines;
	bool new; /* see range_seal_new() */
	uint64_t sealed;
	pid_t tid;
};

/* Whether mseal(2) is there; it has nothing to do here, and the filter engine does not mind. */
static bool kernel_seals(void)
{
	return sys_mseal(0, 0, 0) == 0;
}

static int choose_engines(struct request *request)
{
	bool consent = consent_given();

	switch (request->opts.engine) {
	case MEMSEAL_ENGINE_AUTO:
		request->engines = (struct engines){ !consent || kernel_seals(), consent };
		return 0;
	case MEMSEAL_ENGINE_KERNEL:
		request->engines = (struct engines){ .kernel = true };
		return 0;
	case MEMSEAL_ENGINE_FILTER:
		request->engines = (struct engines){ .filter = consent };
		return consent ? 0 : -EOPNOTSUPP;
	}
	return -EOPNOTSUPP;
}

static int check_effects(uint64_t effects, const struct engines *engines)
{
	if (effects == 0 || (effects & ~MEMSEAL_ALL))
		return -EINVAL;
	/* mseal(2) is all or nothing: it would hold more than was asked for. */
	if (!engines->filter && (effects & MEMSEAL_MAPPING) != MEMSEAL_MAPPING)
		return -EOPNOTSUPP;
	return 0;
}

/* The ranges, whose addresses, lengths and effects are right. */
static int read_ranges(struct scratch *scratch, const struct request *request, struct part **ret)
{
	struct part *parts = scratch_alloc(scratch, request->count * sizeof(*parts));

	for (size_t i = 0; parts && i < request->count; i++) {
		const struct memseal_range *range = &request->ranges[i];
		int r = range_pages(range->addr, range->len, &parts[i].span);

		if (r == 0)
			r = check_effects(range->effects, &request->engines);
		if (r < 0)
			return r;
		parts[i].effects = range->effects;
	}
	*ret = parts;
	return parts ? 0 : -ENOSPC;
}

/*
 * The stack that this runs on. The kernel names the main thread's alone; the C library knows those
 * that it made; of any other, one made for makecontext(3) say, at least the page in use is known.
 */
static struct span own_stack(const struct own_maps *maps)
{
	uint64_t here = (uintptr_t)__builtin_frame_address(0), page = page_size();
	struct span stack = { .start = page_down(here, page) };
	pthread_attr_t attributes;
	struct mapping mapping;
	size_t size;
	void *start;

	stack.end = stack.start + page;
	if (own_maps_at(maps, here, &mapping) == 1 && mapping.kind == MAPPING_STACK)
		return stack;
	if (pthread_getattr_np(pthread_self(), &attributes) != 0)
		return stack;
	if (pthread_attr_getstack(&attributes, &start, &size) == 0 &&
		here - (uintptr_t)start < size)
		stack = (struct span){ (uintptr_t)start, (uintptr_t)start + size };
	pthread_attr_destroy(&attributes);
	return stack;
}

/* mseal(2) takes these whole or not at all. */
static bool cuts_system_mapping(const struct span *pages, const struct mapping *mapping)
{
	if (mapping->kind != MAPPING_VDSO && mapping->kind != MAPPING_VVAR)
		return false;
	return mapping->start < pages->start || mapping->end > pages->end;
}

static int check_mapping(const struct span *pages, const struct mapping *mapping)
{
	if (mapping->kind == MAPPING_HEAP || mapping->kind == MAPPING_STACK)
		return -EFAULT;
	if (mapping->kind == MAPPING_VSYSCALL)
		return -ENOMEM;
	return cuts_system_mapping(pages, mapping) ? -EINVAL : 0;
}

static int check_memory(const struct own_maps *maps, const struct part *range, bool *suspected)
{
	struct mapping mapping;
	int r = 0;

	for (uint64_t at = range->start; r == 0 && at < range->end; at = mapping.end) {
		r = own_maps_at(maps, at, &mapping);
		if (r <= 0 || mapping.start > at)
			return r < 0 ? r : -ENOMEM;
		r = check_mapping(&range->span, &mapping);
		if (r == 0 && !*suspected)
			*suspected = unholdable_suspected(&mapping, range->effects);
	}
	return r;
}

/* A hole says more than the stack behind it. */
static int check_ranges(
	const struct own_maps *maps, const struct part *ranges, size_t count, bool *suspected)
{
	struct span stack = own_stack(maps);
	int r = 0;

	for (size_t i = 0; r == 0 && i < count; i++) {
		r = check_memory(maps, &ranges[i], suspected);
		if (r == 0 && span_overlaps(ranges[i].span, stack))
			r = -EFAULT;
	}
	return r;
}

static int seal_job(struct scratch *scratch, void *arg)
{
	CLEANUP(own_maps_close) struct own_maps maps = { .fd = -1 };
	struct request *request = arg;
	struct parts parts = { .count = 0 };
	struct part *ranges = NULL;
	bool tried = false, suspected = request->new;
	int r = read_ranges(scratch, request, &ranges);

	if (r == 0)
		r = kernel_sealed_works(page_size());
	if (r == 0)
		r = own_maps_open(scratch, &maps);
	if (r == 0)
		r = check_ranges(&maps, ranges, request->count, &suspected);
	if (r == 0)
		r = parts_make(scratch, ranges, request->count, &parts);
	if (r == 0 && suspected && !request->new)
		r = unholdable(&parts);
	if (r == 0)
		r = parts_assign(scratch, &maps, &request->engines, &parts);
	if (r == 0)
		r = parts_seal(scratch, &maps, &parts, &request->tid, &tried);
	request->sealed = r == 0 ? parts_size(&parts) : tried ? parts_sealed(&parts) : 0;
	return r;
}

static int seal(struct request *request)
{
	int r = choose_engines(request);

	return r == 0 && request->count ? scratch_run(SCRATCH_SMALL, seal_job, request) : r;
}

EXPORT int memseal_ranges(const struct memseal_range *ranges, size_t n,
	const struct memseal_opts *opts, size_t *ret_sealed)
{
	struct request request = { .ranges = ranges, .count = n };
	int r = opts_read(&request.opts, sizeof(request.opts), opts);

	if (r == 0 && n > 0 && !ranges)
		r = -EINVAL;
	if (r == 0)
		r = seal(&request);
	if (ret_sealed)
		*ret_sealed = request.sealed;
	if (r == -ESRCH && request.opts.ret_tid)
		*request.opts.ret_tid = request.tid;
	return errors_only(r, -EOPNOTSUPP, ERRORS_RANGES);
}

EXPORT int memseal_range(void *addr, size_t len, uint64_t effects)
{
	struct memseal_range range = { .addr = addr, .len = len, .effects = effects };

	return memseal_ranges(&range, 1, NULL, NULL);
}

int range_seal_new(void *addr, size_t len, uint64_t effects)
{
	struct memseal_range range = { .addr = addr, .len = len, .effects = effects };
	struct request request = { .ranges = &range, .count = 1, .new = true };

	return seal(&request);
}
