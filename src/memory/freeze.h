/* SPDX-License-Identifier: MIT */
/* The content lock and a mapping lock on top of it: pages that stay what they are, for ever. */
#ifndef MEMSEAL_MEMORY_FREEZE_H
#define MEMSEAL_MEMORY_FREEZE_H

#include "base/util.h"

/*
 * Freezes writable pages; prot is what they get, PROT_READ or with PROT_EXEC. Readers in other
 * threads see the same bytes all the time; a writer is killed (SIGSEGV) from the beginning on. On
 * failure the pages are private, readable and writable, with the bytes they had, but for
 * -ENOTRECOVERABLE: they are frozen, and hold; yet they may be discarded by an io_uring that
 * another thread has opened meanwhile.
 *
 * As content_lock(); -EOPNOTSUPP also if no engine can hold them; -ESRCH, -EBUSY, -EPERM: as
 * memseal_ranges().
 */
int freeze_pages(uint64_t start, uint64_t end, int prot) MUST_CHECK;

#endif
