/* SPDX-License-Identifier: MIT */
/* What the commands about the policy share. */
#ifndef MEMSEAL_CLI_POLICY_H
#define MEMSEAL_CLI_POLICY_H

#include <stdio.h>

#include "machine/policy.h"

/* Letters of options are characters. */
enum { OPT_ROOT = 256 };

/* One line a finding, "FILE:LINE: error: ...", with what must not reach a terminal escaped. */
void print_findings(const struct policy *policy, FILE *to);

int print_policy_help(void);

/* memseal policy explain; argv[0] is a name. */
int policy_explain(int argc, char **argv);

#endif
