/* SPDX-License-Identifier: MIT */
#include "base/fault.h"

static unsigned long calls;
static unsigned long failing;
static int failure;
static unsigned long meeting;
static void (*met)(void);

void fault_arm(unsigned long nth, int error)
{
	calls = 0;
	failing = nth;
	failure = error;
}

void fault_meet(unsigned long nth, void (*fn)(void))
{
	calls = 0;
	meeting = nth;
	met = fn;
}

unsigned long fault_count(void)
{
	return calls;
}

bool fault_hits(long *ret)
{
	unsigned long nth = __atomic_add_fetch(&calls, 1, __ATOMIC_RELAXED);

	if (met && nth == meeting)
		met();
	if (nth != failing)
		return false;
	*ret = -failure;
	return true;
}
