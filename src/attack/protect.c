/* SPDX-License-Identifier: MIT */
/* Changing its protection. */
#include <sys/mman.h>

#include "attack/family.h"

int attack_mprotect(const struct attack_target *target, int arg)
{
	return sys_mprotect(target->addr, target->len, arg);
}

int attack_mprotect_part(const struct attack_target *target, int arg)
{
	return sys_mprotect(target->watched, target->page, arg);
}

int attack_pkey_mprotect(const struct attack_target *target, int arg)
{
	int pkey = arg ? sys_pkey_alloc(0, 0) : -1;

	if (arg && pkey < 0)
		return attack_untried(pkey);
	return sys_pkey_mprotect(target->addr, target->len, PROT_READ | PROT_WRITE, pkey);
}
