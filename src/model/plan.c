/* SPDX-License-Identifier: MIT */
#include "model/plan.h"

#include <elf.h>
#include <errno.h>

#include "base/page.h"

/* An image while its extents are added. */
struct adding {
	struct plan *plan;
	uint64_t bias;
	unsigned image;
	size_t first; /* the image's first extent */
	struct span relro;
	/* Where the segment before ends, to the byte: as linked and at run time. */
	uint64_t vaddr_end, end;
};

static int append(struct adding *adding, uint64_t start, uint64_t end, enum plan_role role)
{
	struct plan *plan = adding->plan;

	if (start >= end)
		return 0;
	if (plan->count == plan->capacity)
		return -ENOSPC;
	plan->extents[plan->count++] = (struct plan_extent){ start, end, role, adding->image };
	return 0;
}

/* Appends pages of one segment, cut where RELRO begins and ends. */
static int append_pages(struct adding *adding, uint64_t start, uint64_t end, enum plan_role role)
{
	uint64_t relro_start = min_u64(max_u64(adding->relro.start, start), end);
	uint64_t relro_end = min_u64(max_u64(adding->relro.end, relro_start), end);
	int r;

	r = append(adding, start, relro_start, role);
	if (!r)
		r = append(adding, relro_start, relro_end, PLAN_RELRO);
	if (!r)
		r = append(adding, relro_end, end, role);
	return r;
}

/* Two segments may share a page: the loader maps the later one over it. */
static void cut_at(struct adding *adding, uint64_t start)
{
	struct plan *plan = adding->plan;
	struct plan_extent *last;

	while (plan->count > adding->first) {
		last = &plan->extents[plan->count - 1];
		last->end = min_u64(last->end, start);
		if (last->start < last->end)
			return;
		plan->count--;
	}
}

static int run_time_pages(
	const struct adding *adding, const struct image_segment *segment, struct span *ret)
{
	uint64_t page = adding->plan->page;

	ret->start = page_down(segment->vaddr, page);
	if (page_up_overflows(segment->vaddr + segment->memsz, page, &ret->end))
		return -ENOEXEC;
	ret->start += adding->bias; /* a bias may be negative: modulo 2^64 */
	ret->end += adding->bias;
	return ret->start < ret->end ? 0 : -ENOEXEC;
}

/* The first page that holds no byte of the file. */
static uint64_t bss_start(
	const struct adding *adding, const struct image_segment *segment, const struct span *pages)
{
	uint64_t page = adding->plan->page;
	uint64_t end = segment->vaddr + segment->filesz + adding->bias;

	return segment->filesz ? page_down(end + page - 1, page) : pages->start;
}

/* Segments ascend as linked, and still do where the bias puts them: the image does not wrap. */
static bool advance(struct adding *adding, const struct image_segment *segment)
{
	uint64_t start = segment->vaddr + adding->bias;

	if (segment->vaddr < adding->vaddr_end || start < adding->end)
		return false;
	adding->vaddr_end = segment->vaddr + segment->memsz;
	adding->end = start + segment->memsz;
	return true;
}

static int add_segment(struct adding *adding, const struct image_segment *segment)
{
	struct span pages;
	uint64_t bss;
	int r;

	r = run_time_pages(adding, segment, &pages);
	if (r < 0)
		return r;
	if (!advance(adding, segment))
		return -ENOEXEC;
	cut_at(adding, pages.start);
	if (!(segment->prot & MAPPING_WRITE))
		return append_pages(adding, pages.start, pages.end,
			segment->prot & MAPPING_EXEC ? PLAN_TEXT : PLAN_RODATA);
	bss = bss_start(adding, segment, &pages);
	r = append_pages(adding, pages.start, bss, PLAN_DATA);
	return r ? r : append_pages(adding, bss, pages.end, PLAN_BSS);
}

static int add_segments(struct adding *adding, const struct image *image)
{
	struct image_segment segment;
	int r;

	for (unsigned i = 0; i < image->phnum; i++) {
		r = image_load(image, i, &segment);
		if (r > 0)
			r = add_segment(adding, &segment);
		if (r < 0)
			return r;
	}
	return 0;
}

int plan_add_image(struct plan *plan, const struct image *image, uint64_t bias, unsigned number)
{
	struct adding adding = {
		.plan = plan,
		.bias = bias,
		.image = number,
		.first = plan->count,
	};
	int r;

	if (page_down(bias, plan->page) != bias)
		return -ENOEXEC;
	r = image_relro(image, plan->page, &adding.relro);
	if (r < 0)
		return r;
	adding.relro.start += bias;
	adding.relro.end += bias;
	r = add_segments(&adding, image);
	if (r < 0)
		plan->count = adding.first;
	return r;
}

size_t plan_extents_max(uint16_t phnum)
{
	/* Data and bss for each segment but RELRO's own, which cuts at its start and its end. */
	return 2 * (size_t)phnum;
}

static bool before(const struct plan_extent *a, const struct plan_extent *b)
{
	return a->start != b->start ? a->start < b->start : a->image < b->image;
}

/* Shell's sort: in place, no recursion, and near linear on images that come in order. */
static void sort(struct plan_extent *extents, size_t count)
{
	size_t gap = 1;

	while (gap < count / 3)
		gap = 3 * gap + 1;
	for (; gap; gap /= 3) {
		for (size_t i = gap; i < count; i++) {
			struct plan_extent extent = extents[i];
			size_t j = i;

			for (; j >= gap && before(&extent, &extents[j - gap]); j -= gap)
				extents[j] = extents[j - gap];
			extents[j] = extent;
		}
	}
}

void plan_sort(struct plan *plan)
{
	uint64_t end = 0;
	size_t kept = 0;

	sort(plan->extents, plan->count);
	/* Two images at one address: headers of a foreign process may say so. The lower wins. */
	for (size_t i = 0; i < plan->count; i++) {
		struct plan_extent extent = plan->extents[i];

		plan->conflict |= extent.start < end;
		extent.start = max_u64(extent.start, end);
		if (extent.start >= extent.end)
			continue;
		end = extent.end;
		plan->extents[kept++] = extent;
	}
	plan->count = kept;
}

/* The first extent that ends behind addr, or NULL. */
static const struct plan_extent *find_extent(const struct plan *plan, uint64_t addr)
{
	size_t low = 0, high = plan->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (plan->extents[middle].end > addr)
			high = middle;
		else
			low = middle + 1;
	}
	return low < plan->count ? &plan->extents[low] : NULL;
}

static bool system_mapping(const struct mapping *mapping)
{
	return mapping->kind == MAPPING_VDSO || mapping->kind == MAPPING_VVAR;
}

static enum plan_why why_of(enum plan_role role, const struct mapping *mapping)
{
	if (mapping->sealed)
		return PLAN_SEALED;
	if (mapping->kind == MAPPING_VSYSCALL)
		return PLAN_IS_VSYSCALL;
	if (system_mapping(mapping))
		return PLAN_SEAL;
	if (plan_role_sealable(role))
		return mapping->prot & MAPPING_WRITE ? PLAN_WRITABLE : PLAN_SEAL;
	if (role != PLAN_NO_ROLE)
		return PLAN_IS_DATA;
	if (mapping->kind == MAPPING_HEAP)
		return PLAN_IS_HEAP;
	if (mapping->kind == MAPPING_STACK)
		return PLAN_IS_STACK;
	return PLAN_IS_OTHER;
}

bool plan_next_piece(const struct plan *plan, const struct mapping *mapping, uint64_t from,
	struct plan_piece *ret)
{
	const struct plan_extent *extent;

	if (from < mapping->start || from >= mapping->end)
		return false;
	*ret = (struct plan_piece){ .start = from, .end = mapping->end, .role = PLAN_NO_ROLE };
	extent = find_extent(plan, from);
	if (extent && extent->start <= from) {
		ret->end = min_u64(extent->end, mapping->end);
		ret->role = extent->role;
		ret->image = extent->image;
	} else if (extent) {
		ret->end = min_u64(extent->start, mapping->end);
	}
	if (system_mapping(mapping))
		ret->end = mapping->end;
	ret->why = why_of(ret->role, mapping);
	return true;
}

const char *plan_why_text(enum plan_why why)
{
	switch (why) {
	case PLAN_SEAL:
		return "not sealed";
	case PLAN_SEALED:
		return NULL;
	case PLAN_WRITABLE:
		return "writable";
	case PLAN_IS_DATA:
		return "writable data";
	case PLAN_IS_HEAP:
		return "heap";
	case PLAN_IS_STACK:
		return "stack";
	case PLAN_IS_VSYSCALL:
		return "cannot be sealed";
	case PLAN_IS_OTHER:
		return "not part of an image";
	}
	return NULL;
}
