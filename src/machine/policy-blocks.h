/* SPDX-License-Identifier: MIT */
/* From rules to the compiled form that base/policy.h describes. Pure. */
#ifndef MEMSEAL_MACHINE_POLICY_BLOCKS_H
#define MEMSEAL_MACHINE_POLICY_BLOCKS_H

#include "base/agent-options.h"
#include "base/policy.h"

struct policy_rule {
	const char *pattern; /* at most POLICY_PATTERN_MAX bytes */
	const char *file;    /* where the rule is written: for messages, not compiled */
	unsigned line;
	bool off, children;
	char options[sizeof(struct agent_options_text)]; /* as agent_options_write() has them */
};

/* Of whatever rules: what a block has room for is at least three of the longest. */
static inline size_t policy_blocks_max(size_t rules)
{
	return rules / 3 + 1;
}

/* Is it for every program, so that what stands behind it has no effect? */
bool policy_rule_is_last(const struct policy_rule *rule) MUST_CHECK NONNULL(1);

/*
 * Compiles count rules into blocks, of which there are capacity. Returns the length of the file;
 * -ENAMETOOLONG: a pattern is too long; -E2BIG: there are not enough blocks, or more than a policy
 * can have. Rules behind the first for every program are left out. The same rules give the same
 * bytes.
 */
long policy_compile(const struct policy_rule *rules, size_t count, union policy_block *ret_blocks,
	size_t capacity) MUST_CHECK NONNULL(3);

#endif
