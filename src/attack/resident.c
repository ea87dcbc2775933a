/* SPDX-License-Identifier: MIT */
/* Where its pages lie, and whether they stay there. */
#include <sys/mman.h>

#include "attack/family.h"

/* include/uapi/linux/mempolicy.h */
#define MPOL_BIND 2

int attack_mlock(const struct attack_target *target, int arg)
{
	(void)arg;
	return sys_mlock(target->watched, target->page);
}

int attack_munlock(const struct attack_target *target, int arg)
{
	int r = attack_mlock(target, arg);

	return r < 0 ? attack_untried(r) : sys_munlock(target->watched, target->page);
}

int attack_mbind(const struct attack_target *target, int arg)
{
	(void)arg;
	return sys_mbind(target->watched, target->page, MPOL_BIND, 1, 0);
}

int attack_move_pages(const struct attack_target *target, int arg)
{
	int status = 0;

	(void)arg;
	return sys_move_page(target->watched, 0, &status);
}

int attack_msync(const struct attack_target *target, int arg)
{
	return sys_msync(target->watched, target->page, arg);
}
