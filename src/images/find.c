/* SPDX-License-Identifier: MIT */
#include "images/find.h"

#include <elf.h>
#include <errno.h>

#include "base/page.h"

struct finding {
	const struct images_process *process;
	struct images_found *found;
	bool all;
	const uint64_t *loaded;
};

bool images_first_sealable(const struct images_object *object, uint64_t page, uint64_t *ret)
{
	struct image_segment segment;

	for (unsigned i = 0; i < object->image.phnum; i++) {
		int r = image_load(&object->image, i, &segment);

		if (r < 0)
			return false;
		if (r && !(segment.prot & MAPPING_WRITE)) {
			*ret = page_down(object->bias + segment.vaddr, page);
			return true;
		}
	}
	return false;
}

/*
 * Was the image sealed when it was loaded? A quick look for the agent, which asks at every load. It
 * does not find what an earlier failure left open.
 */
static bool looks_sealed(const struct images_process *process, const struct images_object *object)
{
	uint64_t first;

	return images_first_sealable(object, process->page, &first) &&
	       process->is_sealed(process->context, first);
}

/* Counts images to be looked at, and keeps those there is room for. */
static int collect_image(const struct images_object *object, void *arg)
{
	struct finding *finding = arg;
	struct images_found *found = finding->found;

	if (!finding->all && !(finding->loaded && object->bias == *finding->loaded) &&
		looks_sealed(finding->process, object))
		return 0;
	if (found->image_count < found->image_room)
		found->images[found->image_count] = (struct images_image){ .object = *object };
	found->image_count++;
	return 0;
}

static int plan_images(const struct images_process *process, struct scratch *scratch,
	struct images_found *found, struct images_result *result)
{
	size_t room;

	found->plan.page = process->page;
	found->plan.extents = scratch_rest(scratch, &room);
	found->plan.capacity = room / sizeof(*found->plan.extents);
	for (size_t i = 0; i < found->image_count; i++) {
		struct images_image *image = &found->images[i];
		const struct images_object *object = &image->object;
		int r = object->image.phnum == 0 ? -ENOEXEC
						 : plan_add_image(&found->plan, &object->image,
							   object->bias, (unsigned)i);

		if (r == -ENOSPC)
			return r;
		image->left = r < 0;
		if (r < 0)
			images_refuse(found, result, r, "damaged program headers of", object->name,
				(struct span){ object->bias, object->bias });
	}
	plan_sort(&found->plan);
	room = found->plan.count * sizeof(*found->plan.extents);
	return scratch_alloc(scratch, room) ? 0 : -ENOSPC;
}

int images_look(const struct images_process *process, bool all, const uint64_t *loaded,
	struct scratch *scratch, struct images_found *ret, struct images_result *result)
{
	struct finding finding = { .process = process, .found = ret, .all = all, .loaded = loaded };
	size_t room;
	int r;

	*ret = (struct images_found){ .image_count = 0 };
	ret->images = scratch_rest(scratch, &room);
	ret->image_room = room / sizeof(*ret->images);
	r = process->list(process->context, collect_image, &finding);
	if (r < 0)
		return r;
	if (!scratch_alloc(scratch, ret->image_count * sizeof(*ret->images)))
		return -ENOSPC;
	return plan_images(process, scratch, ret, result);
}

static int add_mapping(struct images_found *found, const struct mapping *mapping)
{
	if (found->mapping_count == found->mapping_room)
		return -ENOSPC;
	found->mappings[found->mapping_count++] = *mapping;
	return 0;
}

static bool is_data(const struct plan_extent *extent)
{
	return extent->role == PLAN_DATA || extent->role == PLAN_BSS;
}

static int collect_image_mappings(
	const struct images_process *process, bool data, struct images_found *found)
{
	struct mapping mapping;
	uint64_t at = 0;
	int r;

	for (size_t i = 0; i < found->plan.count; i++) {
		const struct plan_extent *extent = &found->plan.extents[i];

		if (is_data(extent) && !data)
			continue;
		for (at = max_u64(at, extent->start); at < extent->end; at = mapping.end) {
			r = process->mapping_at(process->context, at, &mapping);
			if (r < 0)
				return r;
			if (r == 0 || mapping.start >= extent->end)
				break;
			if (images_is_system(&mapping)) /* musl's loader does not list [vdso] */
				continue;
			r = add_mapping(found, &mapping);
			if (r < 0)
				return r;
		}
	}
	return 0;
}

/* 1: the mapping at addr, 0: there is none. */
static int ask_at(const struct images_process *process, uint64_t addr, struct mapping *ret)
{
	int r = process->mapping_at(process->context, addr, ret);

	return r > 0 ? ret->start <= addr : r;
}

/*
 * What of its reservation the loader did not use: glibc takes all access from it, and musl leaves
 * it as the segment before. The kernel unmaps it from a program.
 */
static bool is_rest(const struct mapping *mapping, const struct mapping *head)
{
	return mapping->inode != 0 && !mapping->shared && !(mapping->prot & MAPPING_WRITE) &&
	       mapping_same_file(mapping, head);
}

static int find_hole(const struct images_process *process, struct images_found *found,
	struct span hole, size_t i)
{
	const struct plan_extent *extents = found->plan.extents;
	unsigned image = extents[i].image;
	struct mapping head, mapping;
	int r;

	while (i > 0 && extents[i - 1].image == image)
		i--;
	r = ask_at(process, extents[i].start, &head);
	if (r > 0)
		r = ask_at(process, hole.start, &mapping);
	if (r > 0 && is_rest(&mapping, &head))
		found->holes[found->hole_count++] = (struct images_hole){
			.start = hole.start, .end = min_u64(hole.end, mapping.end), .image = image
		};
	return r < 0 ? r : 0;
}

static int find_holes(
	const struct images_process *process, struct scratch *scratch, struct images_found *found)
{
	const struct plan *plan = &found->plan;
	size_t room;
	int r = 0;

	found->holes = scratch_rest(scratch, &room);
	/* Better now than when all has been asked: most extents are one mapping, to be sealed. */
	if (room / (sizeof(*found->holes) + sizeof(*found->mappings)) < plan->count)
		return -ENOSPC;
	for (size_t i = 0; r == 0 && i + 1 < plan->count; i++) {
		const struct plan_extent *extent = &plan->extents[i];
		struct span hole = { extent->end, extent[1].start };

		if (extent->image == extent[1].image && hole.start < hole.end)
			r = find_hole(process, found, hole, i);
	}
	room = found->hole_count * sizeof(*found->holes);
	return r < 0 || scratch_alloc(scratch, room) ? r : -ENOSPC;
}

/* [vdso] is where the kernel said; [vvar] and [vvar_vclock] end where it starts. */
static int collect_system_mappings(const struct images_process *process, struct images_found *found)
{
	uint64_t at = process->vdso;
	struct mapping mapping;
	int r = 0;

	while (at && r == 0) {
		r = process->mapping_at(process->context, at, &mapping);
		if (r <= 0 || mapping.start > at || !images_is_system(&mapping))
			break;
		r = add_mapping(found, &mapping);
		at = mapping.start - 1;
	}
	return r < 0 ? r : 0;
}

bool images_is_wanted(void *arg, const struct mapping *mapping)
{
	struct images_interest *interest = arg;
	const struct plan *plan = interest->plan;
	const struct plan_extent *next;
	size_t i = mapping->start < interest->at ? 0 : interest->next;

	while (i < plan->count && plan->extents[i].end <= mapping->start)
		i++;
	interest->next = i;
	interest->at = mapping->start;
	if (images_is_system(mapping))
		return true;
	if (i == plan->count)
		return false;
	next = &plan->extents[i];
	return next->start < mapping->end || (i > 0 && next[-1].image == next->image);
}

uint64_t images_last(const struct images_process *process, const struct plan *plan)
{
	return plan->count ? max_u64(process->vdso, plan->extents[plan->count - 1].end - 1)
			   : process->vdso;
}

int images_find_mappings(const struct images_process *process, bool data, struct scratch *scratch,
	struct images_found *found)
{
	size_t room;
	int r = find_holes(process, scratch, found);

	if (r < 0)
		return r;
	found->mappings = scratch_rest(scratch, &room);
	found->mapping_room = room / sizeof(*found->mappings);
	r = collect_image_mappings(process, data, found);
	if (r == 0)
		r = collect_system_mappings(process, found);
	if (r < 0)
		return r;
	room = found->mapping_count * sizeof(*found->mappings);
	return scratch_alloc(scratch, room) ? 0 : -ENOSPC;
}
