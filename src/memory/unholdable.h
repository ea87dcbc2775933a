/* SPDX-License-Identifier: MIT */
/*
 * Memory that no engine can hold as it is, because nobody needs a call to change it: a page fault
 * makes a mapping grow, and the kernel drops pages when memory is short.
 */
#ifndef MEMSEAL_MEMORY_UNHOLDABLE_H
#define MEMSEAL_MEMORY_UNHOLDABLE_H

#include "memory/parts.h"

/* Must unholdable() be asked about this mapping? MEMSEAL_NO_DISCARD: yes, unless it is shared. */
bool unholdable_suspected(const struct mapping *mapping, uint64_t effects) NONNULL(1);

/*
 * 0 if engines can hold the effects of all parts; else -EOPNOTSUPP: a mapping with MEMSEAL_NO_GROW
 * has MAP_GROWSDOWN, or one with MEMSEAL_NO_DISCARD is MAP_DROPPABLE. Pages with
 * MEMSEAL_NO_DISCARD that were given to MADV_FREE are taken back first; -EOPNOTSUPP or -ENOMEM if
 * that cannot be done. And what reading smaps, and opening files in /proc/self, answers.
 *
 * Reads all of smaps: some 10 us a mapping, and 40 ms a GiB in use.
 */
int unholdable(const struct parts *parts) MUST_CHECK NONNULL(1);

#endif
