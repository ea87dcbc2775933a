/* SPDX-License-Identifier: MIT */
/*
 * The compiled policy: what the agent does in which program, if it is in every program of the
 * machine. It is read at the start of each of them, so that it is a file of blocks that are read
 * and looked through one after the other, with nothing to be built first. Pure, freestanding.
 *
 * Every block but the last has POLICY_BLOCK_SIZE bytes: block n is at n * POLICY_BLOCK_SIZE, and
 * the file ends with the last. One block has room for 80 rules of usual paths. A block is
 *
 *	struct policy_header
 *	header.rules times, in the order of the policy:
 *		struct policy_record
 *		the pattern; no NUL
 *		the options, as agent_options_take() reads them, and a NUL
 *		NULs, so that the next record starts at a multiple of 8 bytes
 *	NULs, so that the length is a multiple of POLICY_LEN_UNIT
 *
 * Numbers are in the byte order of the machine: it compiles the policy for itself, from the same
 * rules always the same bytes.
 *
 *	union policy_block block;
 *	struct policy_reader reader = { 0 };
 *	struct policy_verdict verdict = { .rule = POLICY_NO_RULE };
 *
 *	do {
 *		n = read(fd, block.bytes, sizeof(block.bytes));
 *		if (n < 0 || policy_block_check(&block, n, &reader) < 0)
 *			damaged;
 *		if (reader.needs_path && !path)
 *			path = what /proc/self/exe says;
 *		policy_block_find(&block, path, POLICY_ITSELF, &verdict);
 *		if (policy_asks_ancestors(&reader, &verdict))
 *			for each ancestor:
 *				policy_block_find(&block, its path, POLICY_ANCESTOR, &verdict);
 *	} while (verdict.rule == POLICY_NO_RULE && !reader.last);
 */
#ifndef MEMSEAL_BASE_POLICY_H
#define MEMSEAL_BASE_POLICY_H

#include "base/util.h"

/* Where it is, below the root of a machine. */
#define POLICY_COMPILED    MEMSEAL_CONF_DIR "/policy.compiled"

#define POLICY_BLOCK_SIZE  4096
#define POLICY_LEN_UNIT    32
#define POLICY_MAGIC       0x6c70736d /* "mspl" */
#define POLICY_VERSION     1
#define POLICY_PATTERN_MAX 1024 /* bytes of a pattern */
#define POLICY_NO_RULE     UINT32_MAX

enum policy_header_flags {
	POLICY_NEEDS_PATH = 1 << 0, /* of the policy: it has rules that not every path matches */
};

struct policy_header {
	uint64_t checksum; /* policy_checksum() */
	uint32_t magic;
	uint16_t version;
	uint16_t len;            /* bytes of this block */
	uint64_t id;             /* of the policy: in all of its blocks the same */
	uint16_t number, blocks; /* which of how many */
	uint16_t rules;          /* records of this block */
	uint16_t flags;
	uint32_t first_rule;     /* the number of its first rule; those of the policy start at 0 */
	uint32_t first_children; /* of the policy: its first with children, or POLICY_NO_RULE */
};

enum policy_rule_flags {
	POLICY_OFF = 1 << 0,      /* the program is left alone, and has no options */
	POLICY_CHILDREN = 1 << 1, /* the rule is also for what the program executes */
};

/* Also the unit in which records are counted. */
struct policy_record {
	uint16_t units; /* of the whole record, this struct included */
	uint16_t pattern_len;
	uint16_t flags;
	uint16_t zero;
};

union policy_block {
	struct policy_header header;
	struct policy_record records[POLICY_BLOCK_SIZE / sizeof(struct policy_record)];
	uint64_t words[POLICY_BLOCK_SIZE / sizeof(uint64_t)];
	char bytes[POLICY_BLOCK_SIZE];
};

/* What the blocks so far have said; zero before the first. */
struct policy_reader {
	uint64_t id;
	uint32_t first_children;
	uint16_t number; /* of the next block */
	uint16_t blocks;
	bool last;       /* there is no further block */
	bool needs_path; /* else every path will do, "" too */
};

enum policy_relation {
	POLICY_ITSELF, /* the path is that of the program */
	/*
	 * It is that of a program which, directly or not, executed it. Not to be asked in programs
	 * with AT_SECURE: what a user starts them from must not decide what they get.
	 */
	POLICY_ANCESTOR,
};

struct policy_verdict {
	uint32_t rule; /* POLICY_NO_RULE: none matched, the program is sealed as memseal run does */
	bool off, children;
	const char *options; /* for agent_options_take(); in the block, and valid as long as that */
};

/* Of all that the block's length says, its checksum left out. At most POLICY_BLOCK_SIZE bytes. */
uint64_t policy_checksum(const union policy_block *block) MUST_CHECK NONNULL(1);

/*
 * Is this, of which len bytes were read, the next block of the policy? 0, or -EBADMSG: it is cut
 * off, damaged, not of this policy, not of this format or not the next. The reader is not changed
 * then.
 */
int policy_block_check(const union policy_block *block, size_t len,
	struct policy_reader *reader) MUST_CHECK NONNULL(1, 3);

/*
 * Looks for the first rule for the path that stands before verdict->rule: 1, and the verdict is
 * changed; 0, there is none; -EBADMSG, a record is damaged, which a checked block has none of. It
 * reads nothing outside of the block, whatever is in it.
 *
 * The first rule that matches the program or, if it has "children", one of its ancestors decides.
 * So a block is looked through for the program and for each ancestor with one verdict.
 */
int policy_block_find(const union policy_block *block, const char *path,
	enum policy_relation relation, struct policy_verdict *verdict) MUST_CHECK NONNULL(1, 2, 4);

/* Can an ancestor still change the verdict? If not, it need not be asked who they are. */
static inline bool policy_asks_ancestors(
	const struct policy_reader *reader, const struct policy_verdict *verdict)
{
	return reader->first_children < verdict->rule;
}

#endif
