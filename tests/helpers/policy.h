/* SPDX-License-Identifier: MIT */
/* Looking something up in a compiled policy, as the agent does. */
#ifndef TESTS_HELPERS_POLICY_H
#define TESTS_HELPERS_POLICY_H

#include <errno.h>
#include <string.h>

#include "base/policy.h"

#define ANCESTORS_MAX 3

struct policy_program {
	const char *path;
	const char *ancestors[ANCESTORS_MAX + 1]; /* up to a NULL */
};

static inline int policy_look_through(const union policy_block *block,
	const struct policy_reader *reader, const struct policy_program *program,
	struct policy_verdict *verdict)
{
	int r = policy_block_find(
		block, reader->needs_path ? program->path : "", POLICY_ITSELF, verdict);

	if (!policy_asks_ancestors(reader, verdict))
		return r;
	for (const char *const *path = program->ancestors; r >= 0 && *path; path++)
		r = policy_block_find(block, *path, POLICY_ANCESTOR, verdict);
	return r;
}

/* 0 or -EBADMSG. The verdict's options are in the block. */
static inline int policy_look_up(const char *file, size_t len, const struct policy_program *program,
	union policy_block *block, struct policy_verdict *ret)
{
	struct policy_reader reader = { 0 };

	*ret = (struct policy_verdict){ .rule = POLICY_NO_RULE };
	do {
		size_t n = len < sizeof(*block) ? len : sizeof(*block);
		int r;

		memset(block, 0x55, sizeof(*block));
		if (n > 0)
			memcpy(block, file, n);
		r = policy_block_check(block, n, &reader);
		if (r == 0)
			r = policy_look_through(block, &reader, program, ret);
		if (r < 0)
			return r;
		file += n;
		len -= n;
	} while (ret->rule == POLICY_NO_RULE && !reader.last);
	return 0;
}

#endif
