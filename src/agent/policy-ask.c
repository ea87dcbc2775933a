/* SPDX-License-Identifier: MIT */
#include "agent/policy-ask.h"

#include <sys/auxv.h>

#include "agent/ancestor.h"
#include "agent/libc.h"
#include "agent/program.h"
#include "base/policy.h"
#include "base/sys.h"

/* How far up the programs are looked at that led to this one. */
#define ANCESTORS_MAX 32

/* A set-uid program is not of those who execute it: what they are says nothing of it. */
static int ask_ancestors(const union policy_block *block, const struct policy_reader *reader,
	struct policy_verdict *verdict)
{
	struct ancestor ancestor = ancestor_self();
	int r = 0;

	if (getauxval(AT_SECURE))
		return 0;
	for (int i = 0; r >= 0 && i < ANCESTORS_MAX && policy_asks_ancestors(reader, verdict);
		i++) {
		if (!ancestor_next(&ancestor))
			break;
		if (ancestor.path[0])
			r = policy_block_find(block, ancestor.path, POLICY_ANCESTOR, verdict);
	}
	return r < 0 ? r : 0;
}

static int ask_block(const union policy_block *block, long len, struct policy_reader *reader,
	struct policy_verdict *verdict)
{
	int r = len < 0 ? (int)len : policy_block_check(block, (size_t)len, reader);

	if (r == 0)
		r = policy_block_find(
			block, reader->needs_path ? program_path() : "", POLICY_ITSELF, verdict);
	return r < 0 ? r : ask_ancestors(block, reader, verdict);
}

enum policy_answer policy_ask(struct agent_options *options)
{
	CLEANUP(sys_close_cleanup)
	int fd = sys_openat(AT_FDCWD, POLICY_COMPILED,
		O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, 0);
	struct policy_verdict verdict = { .rule = POLICY_NO_RULE };
	struct policy_reader reader = { .id = 0 };
	union policy_block block;

	if (fd < 0)
		return POLICY_SEAL;
	while (verdict.rule == POLICY_NO_RULE && !reader.last)
		if (ask_block(&block, sys_read(fd, &block, sizeof(block)), &reader, &verdict) < 0)
			return POLICY_DAMAGED;
	if (verdict.rule == POLICY_NO_RULE)
		return POLICY_SEAL;
	if (verdict.off)
		return POLICY_LEAVE;
	agent_options_take(options, verdict.options);
	return POLICY_SEAL;
}
