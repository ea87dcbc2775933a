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
	bool left; /* is not to be touched now: another thread is still loading it */
};

struct images_found {
	struct images_image *images;
	size_t image_count, image_room;
	struct plan plan;         /* of all the images, by their index */
	struct mapping *mappings; /* that hold a part of an image, and the kernel's */
	size_t mapping_count, mapping_room;
};

/*
 * The objects to be looked at: all, or those whose first page is not sealed yet; and the plan of
 * them. -ENOSPC: scratch is too small; -ENOEXEC: an image's headers are damaged, and *result says
 * which.
 */
int images_look(const struct images_process *process, bool all, struct scratch *scratch,
	struct images_found *ret, struct images_result *result) MUST_CHECK NONNULL(1, 3, 4, 5);

/* And their mappings: -ENOSPC, or what mapping_at() answers. */
int images_find_mappings(const struct images_process *process, struct scratch *scratch,
	struct images_found *found) MUST_CHECK NONNULL(1, 2, 3);

/* [vdso], [vvar] or [vvar_vclock]: sealed whole or not at all. */
static inline bool images_is_system(const struct mapping *mapping)
{
	return mapping->kind == MAPPING_VDSO || mapping->kind == MAPPING_VVAR;
}

#endif
