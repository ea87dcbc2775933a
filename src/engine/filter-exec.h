/* SPDX-License-Identifier: MIT */
/*
 * A seccomp filter outlives execve(2), the address space does not: what a filter holds must lie
 * where the next program is not likely to be. Freestanding.
 */
#ifndef MEMSEAL_ENGINE_FILTER_EXEC_H
#define MEMSEAL_ENGINE_FILTER_EXEC_H

#include "base/util.h"

/*
 * Does the kernel choose addresses at random for what this process executes? 1 or 0, or what
 * reading /proc/sys answers. Programs that are linked to a fixed address have it nevertheless.
 */
int aslr_enabled(void) MUST_CHECK;

#endif
