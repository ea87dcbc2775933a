/* SPDX-License-Identifier: MIT */
#include "memory/range.h"

#include <errno.h>
#include <memseal.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/auxv.h>

#include "base/options.h"
#include "engine/kernel.h"
#include "engine/own-maps.h"

size_t memory_page(void)
{
	return getauxval(AT_PAGESZ);
}

int range_pages(const void *addr, size_t len, struct page_range *ret)
{
	uint64_t start = (uintptr_t)addr, page = memory_page(), size, end;

	if (start != page_down(start, page) || len == 0)
		return -EINVAL;
	if (page_up_overflows(len, page, &size) || add_overflows(start, size, &end))
		return -EINVAL;
	*ret = (struct page_range){ .start = start, .end = end };
	return 0;
}

/* What memseal_ranges() works on. */
struct request {
	const struct memseal_range *ranges;
	size_t count;
	uint64_t sealed;
};

static int check_effects(uint64_t effects)
{
	if (effects == 0 || (effects & ~MEMSEAL_ALL))
		return -EINVAL;
	/* All or nothing: less than MEMSEAL_MAPPING would hold more than was asked for. */
	return (effects & MEMSEAL_MAPPING) == MEMSEAL_MAPPING ? 0 : -EOPNOTSUPP;
}

static int check_arguments(const struct request *request)
{
	struct page_range pages;

	for (size_t i = 0; i < request->count; i++) {
		const struct memseal_range *range = &request->ranges[i];
		int r = range_pages(range->addr, range->len, &pages);

		if (r == 0)
			r = check_effects(range->effects);
		if (r < 0)
			return r;
	}
	return 0;
}

/*
 * The stack that this runs on. The kernel names the main thread's alone; the C library knows those
 * that it made; of any other, one made for makecontext(3) say, at least the page in use is known.
 */
static struct page_range own_stack(const struct own_maps *maps)
{
	uint64_t here = (uintptr_t)__builtin_frame_address(0), page = memory_page();
	struct page_range stack = { .start = page_down(here, page) };
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
		stack = (struct page_range){ (uintptr_t)start, (uintptr_t)start + size };
	pthread_attr_destroy(&attributes);
	return stack;
}

/* mseal(2) takes these whole or not at all. */
static bool cuts_system_mapping(const struct page_range *pages, const struct mapping *mapping)
{
	if (mapping->kind != MAPPING_VDSO && mapping->kind != MAPPING_VVAR)
		return false;
	return mapping->start < pages->start || mapping->end > pages->end;
}

static int check_mapping(
	const struct page_range *pages, const struct mapping *mapping, uint64_t effects)
{
	if (mapping->kind == MAPPING_HEAP || mapping->kind == MAPPING_STACK)
		return -EFAULT;
	if (mapping->kind == MAPPING_VSYSCALL)
		return -ENOMEM;
	if (cuts_system_mapping(pages, mapping))
		return -EINVAL;
	return effects & ~kernel_effects(mapping) ? -EOPNOTSUPP : 0;
}

static int check_memory(
	const struct own_maps *maps, const struct page_range *pages, uint64_t effects)
{
	struct mapping mapping;
	int r = 0;

	for (uint64_t at = pages->start; r == 0 && at < pages->end; at = mapping.end) {
		r = own_maps_at(maps, at, &mapping);
		if (r <= 0 || mapping.start > at)
			return r < 0 ? r : -ENOMEM;
		r = check_mapping(pages, &mapping, effects);
	}
	return r;
}

/* Checks every range, and copies them to spans. */
static int check_ranges(
	const struct own_maps *maps, const struct request *request, struct page_range *spans)
{
	struct page_range stack = own_stack(maps);
	int r = 0;

	for (size_t i = 0; r == 0 && i < request->count; i++) {
		const struct memseal_range *range = &request->ranges[i];

		r = range_pages(range->addr, range->len, &spans[i]);
		if (r == 0 && spans[i].start < stack.end && stack.start < spans[i].end)
			r = -EFAULT;
		if (r == 0)
			r = check_memory(maps, &spans[i], range->effects);
	}
	return r;
}

static int by_start(const void *a, const void *b)
{
	const struct page_range *x = a, *y = b;

	return (x->start > y->start) - (x->start < y->start);
}

/* Ranges may overlap: each page is to be sealed once, and counted once. Returns how many remain. */
static size_t merge_spans(struct page_range *spans, size_t count)
{
	size_t last = 0;

	qsort(spans, count, sizeof(*spans), by_start);
	for (size_t i = 1; i < count; i++) {
		if (spans[i].start <= spans[last].end)
			spans[last].end = max_u64(spans[last].end, spans[i].end);
		else
			spans[++last] = spans[i];
	}
	return last + 1;
}

/* Seals up to the first failure, and counts what is sealed behind it. */
static int seal_spans(
	const struct own_maps *maps, const struct page_range *spans, size_t count, uint64_t *sealed)
{
	size_t page = memory_page();
	int r = 0;

	for (const struct page_range *span = spans; span < spans + count; span++) {
		if (r == 0)
			r = kernel_seal(maps, span->start, span->end, page, sealed);
		else
			*sealed += kernel_count_sealed(maps, span->start, span->end, page);
	}
	return r;
}

static int seal_job(struct scratch *scratch, void *arg)
{
	struct request *request = arg;
	struct page_range *spans = scratch_alloc(scratch, request->count * sizeof(*spans));
	CLEANUP(own_maps_close) struct own_maps maps = { .fd = -1 };
	int r;

	if (!spans)
		return -ENOSPC;
	r = kernel_sealed_works(scratch->base, memory_page());
	if (r == 0)
		r = own_maps_open(scratch, &maps);
	if (r == 0)
		r = check_ranges(&maps, request, spans);
	if (r < 0)
		return r;
	return seal_spans(&maps, spans, merge_spans(spans, request->count), &request->sealed);
}

EXPORT int memseal_ranges(const struct memseal_range *ranges, size_t n,
	const struct memseal_opts *opts, size_t *ret_sealed)
{
	struct request request = { .ranges = ranges, .count = n };
	struct memseal_opts options;
	int r = options_read(&options, sizeof(options), opts);

	if (r == 0 && n > 0 && !ranges)
		r = -EINVAL;
	if (r == 0 && (unsigned)options.engine > MEMSEAL_ENGINE_KERNEL)
		r = -EOPNOTSUPP;
	if (r == 0)
		r = check_arguments(&request);
	if (r == 0 && n > 0)
		r = scratch_run(seal_job, &request);
	if (ret_sealed)
		*ret_sealed = request.sealed;
	return r == -ENOSYS ? -EOPNOTSUPP : r;
}

EXPORT int memseal_range(void *addr, size_t len, uint64_t effects)
{
	struct memseal_range range = { .addr = addr, .len = len, .effects = effects };

	return memseal_ranges(&range, 1, NULL, NULL);
}
