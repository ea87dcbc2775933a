/* SPDX-License-Identifier: MIT */
/* The text of a policy file, as memseal-policy.d(5) describes it. Pure but for its memory. */
#ifndef MEMSEAL_MACHINE_POLICY_TEXT_H
#define MEMSEAL_MACHINE_POLICY_TEXT_H

#include "machine/policy.h"

/*
 * Adds the rules of len bytes of text, and a finding for each line that is wrong. file is the name
 * for messages, which is copied. 0 or -ENOMEM.
 */
int policy_parse(struct policy *policy, const char *file, const char *text, size_t len) MUST_CHECK
	NONNULL(1, 2, 3);

/* "off", or "seal" and its options; with "children" behind it: a text of fewer than size bytes. */
#define POLICY_ACTION_MAX (sizeof("seal,,children") + sizeof(struct agent_options_text))
void policy_action(const struct policy_rule *rule, char ret[POLICY_ACTION_MAX]) NONNULL(1, 2);

#endif
