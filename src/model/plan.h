/* SPDX-License-Identifier: MIT */
/*
 * What of a process can be sealed. Images give extents: runs of pages with a role. A mapping is cut
 * by them into pieces, each with a reason why it is to be sealed or left. One plan serves the
 * agent, which seals, and the reports, which count. Pure.
 */
#ifndef MEMSEAL_MODEL_PLAN_H
#define MEMSEAL_MODEL_PLAN_H

#include "base/span.h"
#include "model/image.h"
#include "model/maps.h"

enum plan_role {
	PLAN_TEXT,
	PLAN_RODATA,
	PLAN_RELRO,
	PLAN_DATA,
	PLAN_BSS,
	PLAN_NO_ROLE, /* not of an image */
};

struct plan_extent {
	SPAN_MEMBERS; /* run-time addresses, whole pages */
	enum plan_role role;
	unsigned image; /* the caller's number for the image */
};

/* Non-owning; filled by plan_add_image(), sorted by plan_sort(). */
struct plan {
	struct plan_extent *extents;
	size_t count, capacity;
	uint64_t page; /* bytes */
	bool conflict; /* two images claim the same pages: see plan_sort() */
};

/* Why a piece is to be sealed, or is not. The order is that of plan_why_text(). */
enum plan_why {
	PLAN_SEAL,     /* sealable and not sealed */
	PLAN_SEALED,   /* sealed already */
	PLAN_WRITABLE, /* text, read-only data or RELRO whose mapping is writable now */
	PLAN_IS_DATA,  /* writable data of an image */
	PLAN_IS_HEAP,
	PLAN_IS_STACK,
	PLAN_IS_VSYSCALL,
	PLAN_IS_OTHER, /* the program's own memory */
};

struct plan_piece {
	SPAN_MEMBERS;
	enum plan_role role;
	enum plan_why why;
	unsigned image; /* if role is not PLAN_NO_ROLE */
};

/*
 * Adds the extents of an image that is loaded at bias (run-time minus link-time address, modulo
 * 2^64). RELRO wins over the segment that it is part of; of two segments that share a page, the
 * later one wins, because the loader maps it over the other. Headers other than PT_LOAD and
 * PT_GNU_RELRO may hold anything, as loaders do not mind. -ENOSPC: more extents than capacity,
 * nothing added; -ENOEXEC: headers that cannot be (segments out of order or overlapping, addresses
 * that wrap around, a bias that is not a whole page), nothing added.
 */
int plan_add_image(struct plan *plan, const struct image *image, uint64_t bias,
	unsigned number) MUST_CHECK NONNULL(1, 2);

/* Extents an image of phnum program headers can need at most. */
size_t plan_extents_max(uint16_t phnum);

/*
 * To be called after the last plan_add_image() and before the first plan_next_piece(). Where two
 * images claim the same pages, the extent that starts lower keeps them, at one start that of the
 * lower number, and conflict is set: no loader does that.
 */
void plan_sort(struct plan *plan) NONNULL(1);

/*
 * The piece of a mapping that starts at from (at first the mapping's start, then the end of the
 * piece before): true, or false at the mapping's end. Mappings may come in any order. [vdso] and
 * [vvar] are never cut: mseal(2) takes each whole or not at all (EINVAL).
 */
bool plan_next_piece(const struct plan *plan, const struct mapping *mapping, uint64_t from,
	struct plan_piece *ret) NONNULL(1, 2, 4);

/* Is this a part of an image that memseal seals: text, read-only data, RELRO? */
static inline bool plan_role_sealable(enum plan_role role)
{
	return role <= PLAN_RELRO;
}

/* A reason in words, or NULL for PLAN_SEALED. */
const char *plan_why_text(enum plan_why why);

#endif
