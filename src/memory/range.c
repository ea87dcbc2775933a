/* SPDX-License-Identifier: MIT */
#include "memory/range.h"

#include <errno.h>
#include <memseal.h>
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

/* What memseal_ranges() works on, while scratch memory holds the process's mappings. */
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

static int check_ranges(const struct request *request)
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

/* The kernel names only the main thread's stack; the calling thread's is where this runs. */
static bool holds_stack(const struct page_range *pages, const struct mapping *mapping)
{
	uint64_t here = (uintptr_t)__builtin_frame_address(0);

	return mapping->kind == MAPPING_STACK || (here >= pages->start && here < pages->end);
}

static int check_memory(
	const struct own_maps *maps, const struct page_range *pages, uint64_t effects)
{
	struct mapping mapping;

	for (uint64_t at = pages->start; at < pages->end; at = mapping.end) {
		int r = own_maps_at(maps, at, &mapping);

		if (r <= 0 || mapping.start > at)
			return r < 0 ? r : -ENOMEM;
		if (mapping.kind == MAPPING_HEAP || holds_stack(pages, &mapping))
			return -EFAULT;
		if (effects & ~kernel_effects(&mapping))
			return -EOPNOTSUPP;
	}
	return 0;
}

static int check_all_memory(const struct own_maps *maps, const struct request *request)
{
	struct page_range pages;
	int r = 0;

	for (size_t i = 0; r == 0 && i < request->count; i++) {
		const struct memseal_range *range = &request->ranges[i];

		r = range_pages(range->addr, range->len, &pages);
		if (r == 0)
			r = check_memory(maps, &pages, range->effects);
	}
	return r;
}

static int seal_all(const struct own_maps *maps, struct request *request)
{
	struct page_range pages;
	int r = 0;

	for (size_t i = 0; r == 0 && i < request->count; i++) {
		const struct memseal_range *range = &request->ranges[i];

		r = range_pages(range->addr, range->len, &pages);
		if (r == 0)
			r = kernel_seal(
				maps, pages.start, pages.end, memory_page(), &request->sealed);
	}
	return r;
}

static int seal_job(struct scratch *scratch, void *arg)
{
	struct request *request = arg;
	CLEANUP(own_maps_close) struct own_maps maps = { .fd = -1 };
	int r = kernel_sealed_works(scratch->base, memory_page());

	if (r == 0)
		r = own_maps_open(scratch, &maps);
	if (r == 0)
		r = check_all_memory(&maps, request);
	return r < 0 ? r : seal_all(&maps, request);
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
		r = check_ranges(&request);
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
