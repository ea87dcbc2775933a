/* SPDX-License-Identifier: MIT */
/* Finds the images of a process and the mappings that hold them. Freestanding. */
#ifndef MEMSEAL_IMAGES_FIND_H
#define MEMSEAL_IMAGES_FIND_H

#include "base/scratch.h"
#include "images/types.h"
#include "model/plan.h"

/* An image that may have something to seal. */
struct images_image {
	struct images_object object;
	bool left; /* not to be touched: still being loaded, or not understood */
};

/* Between two segments of an image: the loader keeps it free for nobody. */
struct images_hole {
	SPAN_MEMBERS;
	unsigned image;
};

struct images_found {
	struct images_image *images;
	size_t image_count, image_room;
	struct plan plan;         /* of all the images, by their index */
	struct mapping *mappings; /* that hold a part of an image, and the kernel's */
	size_t mapping_count, mapping_room;
	struct images_hole *holes; /* at most one behind each extent */
	size_t hole_count;
	/* 0, or why an image, or a part of one, cannot be sealed; the others can. */
	int error;
};

/* Notes the first such failure in found->error and *result. */
static inline void images_refuse(struct images_found *found, struct images_result *result,
	int error, const char *what, const char *object, struct span where)
{
	if (found->error)
		return;
	found->error = images_fail(result, error, what, where);
	result->object = object;
}

/*
 * The objects to be looked at: all, or those whose first page is not sealed yet, and the one with
 * the bias of loaded, which may be NULL; and the plan of them. An image whose headers are damaged
 * is left, and told in ret->error (-ENOEXEC) and *result. -ENOSPC: scratch is too small; or what
 * list() answers below 0.
 */
int images_look(const struct images_process *process, bool all, const uint64_t *loaded,
	struct scratch *scratch, struct images_found *ret, struct images_result *result) MUST_CHECK
	NONNULL(1, 4, 5, 6);

/* The first page of an image that a seal would hold. */
bool images_first_sealable(
	const struct images_object *object, uint64_t page, uint64_t *ret) MUST_CHECK NONNULL(1, 3);

/*
 * And their mappings and holes: -ENOSPC, or what mapping_at() answers. data: those of writable data
 * too.
 */
int images_find_mappings(const struct images_process *process, bool data, struct scratch *scratch,
	struct images_found *found) MUST_CHECK NONNULL(1, 3, 4);

/* What images_find_mappings() will ask about: in ascending order, and from the start again. */
struct images_interest {
	const struct plan *plan;
	size_t next; /* the first extent that ends behind `at` */
	uint64_t at;
};

/* Is it in an image, or between its parts, or the kernel's? arg is a struct images_interest. */
bool images_is_wanted(void *arg, const struct mapping *mapping) MUST_CHECK NONNULL(1, 2);

/* The last address that is of interest. */
uint64_t images_last(const struct images_process *process, const struct plan *plan) NONNULL(1, 2);

/* [vdso], [vvar] or [vvar_vclock]: sealed whole or not at all. */
static inline bool images_is_system(const struct mapping *mapping)
{
	return mapping->kind == MAPPING_VDSO || mapping->kind == MAPPING_VVAR;
}

#endif
