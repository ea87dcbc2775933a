/* SPDX-License-Identifier: MIT */
#include "machine/policy-blocks.h"

#include <errno.h>
#include <string.h>

#define UNIT sizeof(struct policy_record)

_Static_assert(3 * (UNIT + POLICY_PATTERN_MAX + sizeof(struct agent_options_text) + UNIT) <=
		       POLICY_BLOCK_SIZE - sizeof(struct policy_header),
	"policy_blocks_max()");

struct writer {
	union policy_block *blocks;
	size_t capacity, count;
	size_t used; /* bytes of the last block */
};

bool policy_rule_is_last(const struct policy_rule *rule)
{
	return rule->pattern[strspn(rule->pattern, "*")] == '\0';
}

static size_t round_up(size_t len, size_t unit)
{
	return (len + unit - 1) / unit * unit;
}

static int start_block(struct writer *writer, uint32_t first_rule)
{
	if (writer->count == writer->capacity || writer->count == UINT16_MAX)
		return -E2BIG;
	writer->blocks[writer->count++] = (union policy_block){
		.header.magic = POLICY_MAGIC,
		.header.version = POLICY_VERSION,
		.header.first_rule = first_rule,
	};
	writer->used = sizeof(struct policy_header);
	return 0;
}

static void write_record(
	union policy_block *block, size_t at, const struct policy_rule *rule, size_t len)
{
	size_t pattern = strlen(rule->pattern);
	char *text = block->bytes + at + UNIT;

	block->records[at / UNIT] = (struct policy_record){
		.units = (uint16_t)(len / UNIT),
		.pattern_len = (uint16_t)pattern,
		.flags = (uint16_t)((rule->off ? POLICY_OFF : 0) |
				    (rule->children ? POLICY_CHILDREN : 0)),
	};
	memcpy(text, rule->pattern, pattern);
	memcpy(text + pattern, rule->options, strlen(rule->options));
	block->header.rules++;
}

static int add_rule(struct writer *writer, const struct policy_rule *rule, uint32_t number)
{
	size_t pattern = strlen(rule->pattern), len;

	if (pattern > POLICY_PATTERN_MAX)
		return -ENAMETOOLONG;
	len = round_up(UNIT + pattern + strlen(rule->options) + 1, UNIT);
	if (len > POLICY_BLOCK_SIZE - writer->used) {
		int r = start_block(writer, number);

		if (r < 0)
			return r;
	}
	write_record(&writer->blocks[writer->count - 1], writer->used, rule, len);
	writer->used += len;
	return 0;
}

/* What every block says of the policy, without its checksum. */
static void describe_policy(struct writer *writer, const struct policy_header *policy)
{
	for (size_t i = 0; i < writer->count; i++) {
		struct policy_header *header = &writer->blocks[i].header;

		header->len = POLICY_BLOCK_SIZE;
		header->number = (uint16_t)i;
		header->blocks = (uint16_t)writer->count;
		header->flags = policy->flags;
		header->first_children = policy->first_children;
	}
	writer->blocks[writer->count - 1].header.len =
		(uint16_t)round_up(writer->used, POLICY_LEN_UNIT);
}

/* The policy is known by the sum of its blocks' checksums as they are without it. */
static void sign_blocks(struct writer *writer)
{
	uint64_t id = 0;

	for (size_t i = 0; i < writer->count; i++)
		id = (id << 1 | id >> 63) ^ policy_checksum(&writer->blocks[i]);
	for (size_t i = 0; i < writer->count; i++) {
		union policy_block *block = &writer->blocks[i];

		block->header.id = id;
		block->header.checksum = policy_checksum(block);
	}
}

long policy_compile(const struct policy_rule *rules, size_t count, union policy_block *ret_blocks,
	size_t capacity)
{
	struct policy_header policy = { .first_children = POLICY_NO_RULE };
	struct writer writer = { .blocks = ret_blocks, .capacity = capacity };
	int r = start_block(&writer, 0);

	for (size_t i = 0; r == 0 && i < count; i++) {
		r = add_rule(&writer, &rules[i], (uint32_t)i);
		if (rules[i].children)
			policy.first_children =
				(uint32_t)min_u64(policy.first_children, (uint64_t)i);
		if (policy_rule_is_last(&rules[i]))
			break;
		policy.flags = POLICY_NEEDS_PATH;
	}
	if (r < 0)
		return r;
	describe_policy(&writer, &policy);
	sign_blocks(&writer);
	return (long)((writer.count - 1) * POLICY_BLOCK_SIZE +
		      writer.blocks[writer.count - 1].header.len);
}
