/* SPDX-License-Identifier: MIT */
/* What finding, planning and sealing images hand to one another. Freestanding. */
#ifndef MEMSEAL_IMAGES_TYPES_H
#define MEMSEAL_IMAGES_TYPES_H

#include <sys/types.h>

#include "base/span.h"
#include "base/util.h"
#include "model/image.h"
#include "model/maps.h"

/* A loaded ELF object, as its loader lists it. */
struct images_object {
	const char *name; /* as the loader has it; empty: the program */
	uint64_t bias;
	struct image image;
};

typedef int images_object_fn(const struct images_object *object, void *arg);

/*
 * Where images are looked for. The callbacks are all that finding and planning know of the process,
 * so that it need not be this one.
 */
struct images_process {
	/* Calls fn for each object until it answers something else than 0, and answers that. */
	int (*list)(void *context, images_object_fn *fn, void *arg);
	/* Is the page at addr sealed? */
	bool (*is_sealed)(void *context, uint64_t addr);
	/* As own_maps_at(). */
	int (*mapping_at)(void *context, uint64_t addr, struct mapping *ret);
	/* As private_find(). */
	int (*find_private)(void *context, struct span within, struct span *ret);
	void *context;
	uint64_t page; /* bytes */
	uint64_t vdso; /* address of [vdso], or 0 */
};

/* Whole pages. */
struct images_run {
	SPAN_MEMBERS;
	bool data; /* the program may write there, and discard */
};

/* Whole pages within one mapping whose bytes are to be locked. */
struct images_piece {
	SPAN_MEMBERS;
	int prot; /* that they get: PROT_READ, or the mapping's */
	const struct mapping
		*file;    /* a mapping whose bytes may be the file's; NULL: they are not */
	const char *name; /* of the image, as the loader has it */
};

struct images_result {
	uint64_t sealed; /* bytes that this call sealed; RELRO, holes, [vdso] and [vvar] included */
	/* On failure, what could not be done where: static text, and addresses or 0. */
	const char *failed;
	const char *object; /* behind that text, the image's name as the loader has it, or NULL */
	SPAN_MEMBERS;
	bool unlocked;    /* only bytes could not be locked: without strict, all may be sealed */
	unsigned loading; /* images that another thread is loading just now, and that are left to it
			   */
	pid_t thread;     /* that stands in the way of a filter, or 0 */
};

/* Notes what failed, and where; returns error. */
static inline int images_fail(
	struct images_result *result, int error, const char *what, struct span where)
{
	result->failed = what;
	result->span = where;
	return error;
}

#endif
