/* SPDX-License-Identifier: MIT */
#ifndef MEMSEAL_MEMORY_CODE_ROOM_H
#define MEMSEAL_MEMORY_CODE_ROOM_H

#include "base/util.h"

/* Mappings that publishing leaves to others: the stack of a thread takes two. */
#define CODE_ROOM_LEFT 128

/*
 * Each piece of code that is published in a region with one view is a mapping of its own for ever,
 * and the kernel limits these (vm.max_map_count): 0 if that many are left after one more, else
 * -ENOMEM. Tried, on so many mappings, and not each time.
 */
int code_room_check(void) MUST_CHECK;

#endif
