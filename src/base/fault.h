/* SPDX-License-Identifier: MIT */
/*
 * Makes the Nth system call fail, in builds for tests (MEMSEAL_FAULTS). In every other build
 * fault_hits() is a constant and no trace of it is left.
 */
#ifndef MEMSEAL_BASE_FAULT_H
#define MEMSEAL_BASE_FAULT_H

#include <stdbool.h>

#ifdef MEMSEAL_FAULTS

/* From now on, the nth system call (counted from 1) fails once with -error. 0 only counts. */
void fault_arm(unsigned long nth, int error);

/* From now on, fn is called before the nth system call, which may fork there, say; NULL: none. */
void fault_meet(unsigned long nth, void (*fn)(void));

/* How many system calls were made since fault_arm() or fault_meet(). */
unsigned long fault_count(void);

/* Called by sys_call() before every system call; true if it is to fail with *ret. */
bool fault_hits(long *ret);

#else

static inline bool fault_hits(long *ret)
{
	(void)ret;
	return false;
}

#endif
#endif
