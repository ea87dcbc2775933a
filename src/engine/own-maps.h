/* SPDX-License-Identifier: MIT */
/*
 * What is mapped in this process, asked mapping by mapping: by PROCMAP_QUERY on its maps
 * (Linux 6.11), which formats nothing, else from the whole text of that file. It is the thread's
 * own file that is read: that of a process whose first thread has ended is empty. Freestanding.
 */
#ifndef MEMSEAL_ENGINE_OWN_MAPS_H
#define MEMSEAL_ENGINE_OWN_MAPS_H

#include <sys/types.h>

#include "base/scratch.h"
#include "model/maps.h"

struct own_maps {
	int fd;                         /* to ask, or -1 */
	const struct mapping *mappings; /* else all of them, ascending, in scratch memory */
	size_t count;
};

/*
 * -ENOSPC: scratch is too small for the text; -EBADMSG: the text was not understood, each time it
 * was tried; else what openat(2) and read(2) answer.
 */
int own_maps_open(struct scratch *scratch, struct own_maps *ret) MUST_CHECK NONNULL(1, 2);

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
