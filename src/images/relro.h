/* SPDX-License-Identifier: MIT */
/*
 * The RELRO repair. RELRO pages are private copies of file pages: MADV_DONTNEED, which a seal does
 * not refuse on a file mapping, drops the copy and brings the unrelocated bytes of the file back.
 * Moved to anonymous memory that is not writable, the same bytes are safe from it: there, a seal
 * refuses discarding advice. The same for text that has relocations. Freestanding.
 */
#ifndef MEMSEAL_IMAGES_RELRO_H
#define MEMSEAL_IMAGES_RELRO_H

#include "base/span.h"
#include "base/util.h"

/*
 * Replaces each span by an anonymous private copy of itself, with its protection, which is never
 * PROT_WRITE. Other threads may read the spans meanwhile; nobody may write to them. On failure the
 * spans before *ret_failed are replaced, that one and those behind it are as they were. filtered:
 * as kernel_filtered().
 *
 * -ENOMEM, and what mremap(2) answers.
 */
int relro_repair(const struct prot_span *spans, size_t count, bool filtered,
	size_t *ret_failed) MUST_CHECK NONNULL(4);

#endif
