/* SPDX-License-Identifier: MIT */
/*
 * What is mapped in this process: asked mapping by mapping, by PROCMAP_QUERY on its maps
 * (Linux 6.11), which formats nothing, or from the text of that file. It is the thread's
 * own file that is read: that of a process whose first thread has ended is empty. Freestanding.
 */
#ifndef MEMSEAL_ENGINE_OWN_MAPS_H
#define MEMSEAL_ENGINE_OWN_MAPS_H

#include <sys/types.h>

#include "base/scratch.h"
#include "model/maps.h"

struct own_maps {
	int fd; /* to ask, or -1 */
	const struct mapping
		*mappings; /* else all, or those wanted, ascending, in scratch memory */
	size_t count;
};

/*
 * -ENOSPC: scratch is too small for the text; -EBADMSG: the text was not understood, each time it
 * was tried; else what openat(2) and read(2) answer.
 */
int own_maps_open(struct scratch *scratch, struct own_maps *ret) MUST_CHECK NONNULL(1, 2);

/* Is a mapping to be kept? They come in ascending order, and perhaps from the start again. */
typedef bool own_maps_wanted_fn(void *arg, const struct mapping *mapping);

/*
 * The mappings that are wanted, from the text of the file, read up to the one that holds last. A
 * line of it costs a fifth of a question: for those who need most of them. As own_maps_open().
 */
int own_maps_read(struct scratch *scratch, own_maps_wanted_fn *wanted, void *arg, uint64_t last,
	struct own_maps *ret) MUST_CHECK NONNULL(1, 2, 5);

/* For CLEANUP(). */
void own_maps_close(struct own_maps *maps) NONNULL(1);

/*
 * The mapping that holds addr, or else the first one behind it: 1; 0 if there is none; or what
 * ioctl(2) answers. Only start, end, offset, device, inode, prot, shared and kind are filled in,
 * and kind is MAPPING_FILE for whatever has an inode.
 */
int own_maps_at(const struct own_maps *maps, uint64_t addr, struct mapping *ret) MUST_CHECK
	NONNULL(1, 3);

/*
 * The whole text of maps or smaps, for those who need names or flags: its length, or as
 * own_maps_open(). maps_next() accepts all of it: text that what other threads mapped meanwhile has
 * torn is read again.
 */
ssize_t own_maps_text(struct scratch *scratch, enum maps_format format,
	const char **ret_text) MUST_CHECK NONNULL(1, 3);

#endif
