/* SPDX-License-Identifier: MIT */
#include "base/fault.h"

static unsigned long calls;
static unsigned long failing;
static int failure;

void fault_arm(unsigned long nth, int error)
{
	calls = 0;
	failing = nth;
	failure = error;
}

unsigned long fault_count(void)
{
	return calls;
}

bool fault_hits(long *ret)
{
	if (__atomic_add_fetch(&calls, 1, __ATOMIC_RELAXED) != failing)
		return false;
	*ret = -failure;
	return true;
}
