/* SPDX-License-Identifier: MIT */
/* What the policy of the machine says of this program: see base/policy.h. */
#ifndef MEMSEAL_AGENT_POLICY_ASK_H
#define MEMSEAL_AGENT_POLICY_ASK_H

#include "base/agent-options.h"

enum policy_answer {
	POLICY_SEAL,    /* with the options; also where there is no policy */
	POLICY_LEAVE,   /* the program is left alone */
	POLICY_DAMAGED, /* the file cannot be followed: the program is sealed, without options */
};

/*
 * Adds the options. Reads the compiled policy; /proc only where a rule is for some programs only,
 * and that of its ancestors only where a rule is for what a program executes. Without /proc only
 * rules for all programs are followed.
 */
enum policy_answer policy_ask(struct agent_options *options) MUST_CHECK NONNULL(1);

#endif
