/* SPDX-License-Identifier: MIT */
/* Unmapping it. */
#include "attack/family.h"

int attack_munmap(const struct attack_target *target, int arg)
{
	struct attack_span span = attack_span_of(target, arg);

	return sys_munmap(span.addr, span.len);
}
