/* SPDX-License-Identifier: MIT */
/* A forked child turning on the copy that it inherited. */
#include "attack/family.h"

static int child_mprotect(const struct attack_target *target, int arg, pid_t victim)
{
	(void)victim;
	return sys_mprotect(target->addr, target->len, arg);
}

static int child_munmap(const struct attack_target *target, int arg, pid_t victim)
{
	(void)victim;
	return attack_munmap(target, arg);
}

static int child_write(const struct attack_target *target, int arg, pid_t victim)
{
	(void)victim;
	return attack_read_into(target, arg);
}

int attack_fork_mprotect(const struct attack_target *target, int arg)
{
	return attack_from_child(target, arg, child_mprotect);
}

int attack_fork_munmap(const struct attack_target *target, int arg)
{
	return attack_from_child(target, arg, child_munmap);
}

int attack_fork_write(const struct attack_target *target, int arg)
{
	return attack_from_child(target, arg, child_write);
}
