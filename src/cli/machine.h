/* SPDX-License-Identifier: MIT */
/* What the commands about the machine-wide mode share. */
#ifndef MEMSEAL_CLI_MACHINE_H
#define MEMSEAL_CLI_MACHINE_H

#include "machine/policy.h"

/* What is wrong with the agent's file, for an answer of machine_check_agent(), and the remedy. */
const char *machine_agent_text(int error);

/* The same of the preload list, for an error of machine_read_preload() or machine_switch(). */
const char *machine_list_text(int error);

/*
 * The policy from its files, compiled: its length, 0 if it has no rules; -EINVAL: it has errors,
 * which are among its
 * findings; -ENOMEM, -E2BIG. The blocks are free()d by the caller.
 */
long machine_read_policy(
	const char *root, struct policy *policy, union policy_block **ret_blocks) MUST_CHECK;

#endif
