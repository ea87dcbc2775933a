/* SPDX-License-Identifier: MIT */
#include "model/zone.h"

/*
 * Of machines whose programs have more (RISC-V with sv57, before Linux 6.6 or so), the lower part
 * does as well, and filters reach no further: bpf/calls.c.
 */
#define HIGHEST (UINT64_C(1) << 48)

bool zone_find(uint64_t stack, struct span *ret)
{
	uint64_t top = HIGHEST;

	while (top / 2 > stack)
		top /= 2;
	if (top / 8 < ZONE_WINDOW)
		return false;
	*ret = (struct span){ top / 2, top / 8 * 5 };
	return true;
}
