/* SPDX-License-Identifier: MIT */
/*
 * Any text as a policy: what is accepted is compiled, and every lookup in the blocks must decide as
 * the rules do. What is written of the rules must be read as the same rules. And any bytes as
 * blocks.
 */
#include <errno.h>

#include "fuzz.h"
#include "helpers/policy.h"
#include "machine/policy-blocks.h"
#include "machine/policy-text.h"
#include "machine/policy.h"

#define TRIES 64

struct text {
	char *at;
	size_t len, capacity;
};

static void append(struct text *text, const char *bytes, size_t len)
{
	if (text->len + len > text->capacity) {
		text->capacity = 2 * (text->len + len);
		text->at = realloc(text->at, text->capacity);
		CHECK(text->at);
	}
	memcpy(text->at + text->len, bytes, len);
	text->len += len;
}

static void check_findings(const struct policy *policy, size_t size)
{
	bool errors = false;

	CHECK(policy->found <= POLICY_FINDINGS_MAX && policy->count <= size);
	for (size_t i = 0; i < policy->found; i++) {
		const struct policy_finding *finding = &policy->findings[i];

		CHECK(finding->line > 0 && finding->line <= size + 1);
		CHECK(strcmp(finding->file, "text") == 0 && *policy_problem_text(finding->problem));
		errors |= policy_is_error(finding->problem);
	}
	CHECK(policy->dropped > 0 || errors == policy->errors);
}

/* A rule as it could have been written, which need not be how it was. */
static void write_rule(struct text *text, const struct policy_rule *rule)
{
	char action[POLICY_ACTION_MAX];

	policy_action(rule, action);
	append(text, "\"", 1);
	for (const char *p = rule->pattern; *p; p++) {
		if (*p == '"' || *p == '\\')
			append(text, "\\", 1);
		append(text, p, 1);
	}
	append(text, "\" ", 2);
	append(text, action, strlen(action));
	append(text, "\n", 1);
}

static void check_written(const struct policy *policy)
{
	struct policy again = { 0 };
	struct text text = { 0 };

	for (size_t i = 0; i < policy->count; i++)
		write_rule(&text, &policy->rules[i]);
	CHECK(policy_parse(&again, "again", text.at ? text.at : "", text.len) == 0);
	CHECK(!again.errors && again.count == policy->count);
	for (size_t i = 0; i < policy->count; i++) {
		const struct policy_rule *a = &policy->rules[i], *b = &again.rules[i];

		CHECK(strcmp(a->pattern, b->pattern) == 0 && strcmp(a->options, b->options) == 0);
		CHECK(a->off == b->off && a->children == b->children && b->line == i + 1);
		CHECK(!a->off || !*a->options);
	}
	policy_free(&again);
	free(text.at);
}

/* A pattern with something in the place of its wildcards, so that much matches. */
static void make_path(const char *pattern, uint8_t choice, char ret[2 * POLICY_PATTERN_MAX + 1])
{
	static const char *const fills[] = { "", "a", "/b", "a/b" };

	for (; *pattern; pattern++) {
		const char *fill = fills[choice % 4];

		if (*pattern == '*')
			while (*fill && (choice & 4 || fill[0] != '/'))
				*ret++ = *fill++;
		else
			*ret++ = *pattern == '?' ? 'c' : *pattern;
		choice = (uint8_t)(choice << 1 | choice >> 7);
	}
	*ret = '\0';
}

/* A rule that is said to be never used never decides. */
static void check_used(const struct policy *policy, const struct policy_rule *rule)
{
	for (size_t i = 0; i < policy->found; i++)
		CHECK(policy->findings[i].problem != POLICY_SHADOWED ||
			policy->findings[i].line != rule->line);
}

static void check_lookup(const struct policy *policy, const union policy_block *blocks, size_t len,
	const struct policy_program *program)
{
	union policy_block block;
	struct policy_verdict verdict;
	uint32_t rule = policy_decide(policy, program->path, program->ancestors);

	CHECK(policy_look_up(blocks->bytes, len, program, &block, &verdict) == 0);
	CHECK(verdict.rule == rule);
	if (rule == POLICY_NO_RULE)
		return;
	CHECK(verdict.off == policy->rules[rule].off);
	CHECK(verdict.children == policy->rules[rule].children);
	CHECK(strcmp(verdict.options, policy->rules[rule].options) == 0);
	check_used(policy, &policy->rules[rule]);
}

static const char *take_path(const struct policy *policy, const uint8_t **data, size_t *size,
	char buf[2 * POLICY_PATTERN_MAX + 1])
{
	uint8_t bytes[2];

	fuzz_take(data, size, bytes, sizeof(bytes));
	if (policy->count == 0 || bytes[0] == 0)
		return "/a";
	make_path(policy->rules[bytes[0] % policy->count].pattern, bytes[1], buf);
	return buf;
}

static void check_lookups(const struct policy *policy, const uint8_t *data, size_t size)
{
	static char paths[3][2 * POLICY_PATTERN_MAX + 1];
	size_t capacity = policy_blocks_max(policy->count);
	union policy_block *blocks = malloc(capacity * sizeof(*blocks));
	long len;

	CHECK(blocks);
	len = policy_compile(policy->rules, policy->count, blocks, capacity);
	CHECK(len > 0 && (size_t)len <= capacity * sizeof(*blocks));
	for (unsigned i = 0; i < TRIES && size > 0; i++) {
		struct policy_program program = { take_path(policy, &data, &size, paths[0]),
			{ 0 } };

		if (i % 2)
			program.ancestors[0] = take_path(policy, &data, &size, paths[1]);
		if (i % 4 == 3)
			program.ancestors[1] = take_path(policy, &data, &size, paths[2]);
		check_lookup(policy, blocks, (size_t)len, &program);
	}
	free(blocks);
}

/* On the heap, where a byte too far is seen; then once more with a right checksum. */
static void check_block(const uint8_t *data, size_t size)
{
	union policy_block *block = calloc(1, sizeof(*block));
	struct policy_reader reader = { 0 };

	CHECK(block);
	memcpy(block->bytes, data, size < sizeof(*block) ? size : sizeof(*block));
	CHECK(policy_block_check(block, size, &reader) == -EBADMSG || size <= sizeof(*block));
	block->header.checksum = policy_checksum(block);
	(void)!policy_block_check(block, size, &reader);
	for (int relation = POLICY_ITSELF; relation <= POLICY_ANCESTOR; relation++) {
		struct policy_verdict verdict = { .rule = POLICY_NO_RULE };
		int r = policy_block_find(block, "/a/b", relation, &verdict);

		CHECK(r == 0 || r == 1 || r == -EBADMSG);
		CHECK((r == 1) == (verdict.rule != POLICY_NO_RULE));
		CHECK(r != 1 || strlen(verdict.options) < sizeof(*block));
	}
	free(block);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct policy policy = { 0 };

	CHECK(policy_parse(&policy, "text", (const char *)data, size) == 0);
	check_findings(&policy, size);
	check_written(&policy);
	check_lookups(&policy, data, size);
	policy_free(&policy);
	check_block(data, size);
	return 0;
}
