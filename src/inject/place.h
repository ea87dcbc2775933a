/* SPDX-License-Identifier: MIT */
/* Where a process can be entered: what its memory has for it. */
#ifndef MEMSEAL_INJECT_PLACE_H
#define MEMSEAL_INJECT_PLACE_H

#include "inject/cpu.h"
#include "process/snapshot.h"

/*
 * Looks for instructions in the code of the process. mem: /proc/PID/mem. -ENOENT: it has none of
 * that kind.
 */
int place_find_gadgets(const struct memseal_process *process, int mem,
	struct cpu_gadgets *ret) MUST_CHECK NONNULL(1, 3);

/*
 * Is the address in the stack of a thread, with room for the net below it? The memory below the
 * stack pointer is nobody's there. It may be somebody's where a program manages stacks of its own,
 * as Go's goroutines have them: so only the main thread's is taken, or one above a guard page.
 */
bool place_is_stack(const struct memseal_process *process, uint64_t at) MUST_CHECK NONNULL(1);

/*
 * Memory that is mapped for the program's data and holds none: what is behind it to the end of the
 * page. mem: /proc/PID/mem. Empty if there is none.
 */
struct span place_find_spare(const struct memseal_process *process, int mem) MUST_CHECK NONNULL(1);

#endif
