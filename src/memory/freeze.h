/* SPDX-License-Identifier: MIT */
/* The content lock and a mapping lock on top of it: pages that stay what they are, for ever. */
#ifndef MEMSEAL_MEMORY_FREEZE_H
#define MEMSEAL_MEMORY_FREEZE_H

#include "base/util.h"

/*
 * Freezes writable pages; prot is what they get, PROT_READ or with PROT_EXEC. Readers in other
 * threads see the same bytes all the time; a writer is killed (SIGSEGV) from the beginning on. 0:
 * the kernel, asked afterwards, refuses to make them writable, and to change them at all. On
 * failure the pages are private, readable and writable, with the bytes they had, but for
 * -ENOTRECOVERABLE: then they can be read at best, and nothing is promised of them.
 *
 * As content_lock(); -EOPNOTSUPP also if no engine can hold them; -ESRCH, -EBUSY, -EPERM: as
 * memseal_ranges(). Public functions close the set: base/errors.h.
 */
int freeze_pages(uint64_t start, uint64_t end, int prot) MUST_CHECK;

/*
 * Are these pages, on which a freeze was begun once, frozen? 1 or 0, or what reading /proc/self
 * answers: it is asked if the kernel's refusals do not tell. Pages that are not frozen, nor locked
 * in part, are readable and writable afterwards, and were read-only for a moment: no question to
 * ask about others.
 */
int freeze_holds(uint64_t start, uint64_t end, int prot) MUST_CHECK;

#endif
