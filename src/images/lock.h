/* SPDX-License-Identifier: MIT */
/* The content lock for images: their bytes can no longer be written. Freestanding. */
#ifndef MEMSEAL_IMAGES_LOCK_H
#define MEMSEAL_IMAGES_LOCK_H

#include "engine/content.h"
#include "images/types.h"

/*
 * Locks the pieces. Those with a file are mapped from it once more, or else copied, those of an
 * image that stand together to one memfd; what has none is copied to one for all, the last piece
 * first. spans is room for as many as there are pieces.
 *
 * Errors as content_lock(); then *ret says what could not be locked and where, and some pieces may
 * be locked.
 */
int images_content(const struct images_piece *pieces, size_t count, struct prot_span *spans,
	uint64_t page, struct images_result *ret) MUST_CHECK NONNULL(5);

#endif
