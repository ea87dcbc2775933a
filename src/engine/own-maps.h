/* SPDX-License-Identifier: MIT */
/* What is mapped in this process, read from /proc/self/maps. Freestanding. */
#ifndef MEMSEAL_ENGINE_OWN_MAPS_H
#define MEMSEAL_ENGINE_OWN_MAPS_H

#include "engine/scratch.h"
#include "model/maps.h"

struct own_maps {
	const struct mapping *mappings; /* ascending */
	size_t count;
};

/*
 * Reads and parses into scratch memory, where the result lives. -ENOSPC: scratch is too small;
 * -EBADMSG: the text was not understood; else what openat(2) and read(2) answer.
 */
int own_maps_read(struct scratch *scratch, struct own_maps *ret) MUST_CHECK NONNULL(1, 2);

/* Index of the first mapping that ends behind addr; count if there is none. */
size_t own_maps_find(const struct own_maps *maps, uint64_t addr) NONNULL(1);

#endif
