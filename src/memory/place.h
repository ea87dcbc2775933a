/* SPDX-License-Identifier: MIT */
/*
 * Where memory lies that memseal allocates itself, and what holds it there: whatever engine the
 * program can have. All of it private to one object: nothing else shares its pages.
 */
#ifndef MEMSEAL_MEMORY_PLACE_H
#define MEMSEAL_MEMORY_PLACE_H

#include "base/util.h"

/* 0 if some engine can hold memory here and now, else -EOPNOTSUPP. Asked before anything changes.
 */
int place_check(void) MUST_CHECK;

/*
 * As mmap(2) with MAP_PRIVATE | MAP_ANONYMOUS or a descriptor and MAP_SHARED, len in whole pages,
 * aligned: the address, or a negative errno, -ENOMEM as a rule. In a program that has consented to
 * filters it lies where no program comes to lie, so that a filter that outlives execve(2) is in
 * nobody's way (engine/window.h).
 */
long place_map(size_t len, size_t align, int prot, int flags, int fd) MUST_CHECK;

/*
 * Holds what was mapped there and not held yet, all of it mappings of this object alone: with
 * MEMSEAL_MAPPING at least, and against discarding where the program has consented to filters. As
 * memseal_ranges().
 */
int place_hold(uint64_t start, uint64_t end) MUST_CHECK;

#endif
