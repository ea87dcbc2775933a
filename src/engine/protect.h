/* SPDX-License-Identifier: MIT */
/* mprotect(2), and not what a seccomp filter answers in its place. Freestanding. */
#ifndef MEMSEAL_ENGINE_PROTECT_H
#define MEMSEAL_ENGINE_PROTECT_H

#include <stdint.h>

#include "base/util.h"

/*
 * Gives whole pages the protection, as mprotect(2) does with its errors; -EOPNOTSUPP: a filter
 * answers for it and does nothing. Any thread.
 */
int protect_pages(uint64_t start, uint64_t len, int prot) MUST_CHECK;

#endif
