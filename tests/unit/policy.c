/* SPDX-License-Identifier: MIT */
/* The compiled policy against its rules, and against every kind of damage. */
#include "base/policy.h"

#include <check.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "helpers/policy.h"
#include "machine/policy-blocks.h"

#define RULES_MAX  400
#define BLOCKS_MAX 40
#define TEXT_MAX   64

struct policy {
	struct policy_rule rules[RULES_MAX];
	char patterns[RULES_MAX][TEXT_MAX];
	size_t count;
	union policy_block blocks[BLOCKS_MAX];
	size_t len;
};

static unsigned seed;

static unsigned below(unsigned n)
{
	return (unsigned)rand_r(&seed) % n;
}

/* Few characters, so that much matches. */
static void random_text(char *ret, const char *characters, size_t max)
{
	size_t len = below((unsigned)max);

	*ret++ = '/';
	while (len-- > 0)
		*ret++ = characters[below((unsigned)strlen(characters))];
	*ret = '\0';
}

static void compile(struct policy *policy)
{
	long len = policy_compile(policy->rules, policy->count, policy->blocks, BLOCKS_MAX);

	ck_assert_int_gt(len, 0);
	policy->len = (size_t)len;
}

static void add(struct policy *policy, const char *pattern, const char *options)
{
	struct policy_rule *rule = &policy->rules[policy->count];

	rule->pattern = strcpy(policy->patterns[policy->count++], pattern);
	rule->off = strcmp(options, "off") == 0;
	rule->children = false;
	strcpy(rule->options, rule->off ? "" : options);
}

static void add_random(struct policy *policy)
{
	static const char *const options[] = { "", "off", "strict", "data,strict" };
	char pattern[TEXT_MAX];

	random_text(pattern, "ab/*?", 12);
	add(policy, below(60) ? pattern : "*", options[below(ARRAY_SIZE(options))]);
	policy->rules[policy->count - 1].children = below(5) == 0;
}

static struct policy *random_policy(size_t rules)
{
	struct policy *policy = calloc(1, sizeof(*policy));

	ck_assert_ptr_nonnull(policy);
	while (policy->count < rules)
		add_random(policy);
	compile(policy);
	return policy;
}

/* Many rules of which only the last one matches, "/z". */
static struct policy *long_policy(size_t rules)
{
	struct policy *policy = calloc(1, sizeof(*policy));
	char pattern[TEXT_MAX];

	ck_assert_ptr_nonnull(policy);
	for (size_t i = 0; i + 1 < rules; i++) {
		snprintf(pattern, sizeof(pattern), "/usr/lib/somewhere/program-%zu", i);
		add(policy, pattern, i % 2 ? "strict" : "off");
	}
	add(policy, "/z", "data");
	compile(policy);
	return policy;
}

static bool rule_holds(const struct policy_rule *rule, const struct policy_program *program)
{
	bool holds = fnmatch(rule->pattern, program->path, FNM_NOESCAPE) == 0;

	for (const char *const *path = program->ancestors; *path; path++)
		holds |= rule->children && fnmatch(rule->pattern, *path, FNM_NOESCAPE) == 0;
	return holds;
}

static void expect_model(const struct policy *policy, const struct policy_program *program)
{
	union policy_block block;
	struct policy_verdict verdict;
	size_t i = 0;

	while (i < policy->count && !rule_holds(&policy->rules[i], program))
		i++;
	ck_assert_int_eq(
		policy_look_up(policy->blocks->bytes, policy->len, program, &block, &verdict), 0);
	if (i == policy->count) {
		ck_assert_uint_eq(verdict.rule, POLICY_NO_RULE);
		return;
	}
	ck_assert_uint_eq(verdict.rule, i);
	ck_assert(verdict.off == policy->rules[i].off);
	ck_assert(verdict.children == policy->rules[i].children);
	ck_assert_str_eq(verdict.options, policy->rules[i].options);
}

START_TEST(every_lookup_is_that_of_the_rules)
{
	seed = 1;
	for (int i = 0; i < 1000; i++) {
		struct policy *policy = random_policy(below(i % 20 ? 10 : RULES_MAX));
		char texts[1 + ANCESTORS_MAX][TEXT_MAX];

		for (int j = 0; j < 50; j++) {
			struct policy_program program = { texts[0], { NULL } };

			random_text(texts[0], "ab/", 8);
			for (size_t k = below(ANCESTORS_MAX + 1); k > 0; k--) {
				random_text(texts[k], "ab/", 8);
				program.ancestors[k - 1] = texts[k];
			}
			expect_model(policy, &program);
		}
		free(policy);
	}
}
END_TEST

START_TEST(no_rule_no_path)
{
	struct policy *policy = random_policy(0);
	struct policy_reader reader = { 0 };

	ck_assert_uint_eq(policy->len, 64);
	ck_assert_int_eq(policy_block_check(policy->blocks, policy->len, &reader), 0);
	ck_assert(reader.last && !reader.needs_path);
	ck_assert_uint_eq(reader.first_children, POLICY_NO_RULE);
	expect_model(policy, &(struct policy_program){ "/a", { "/b" } });
	free(policy);
}
END_TEST

/* What is behind a rule for everything is not even written. */
START_TEST(a_rule_for_everything_needs_no_path_and_is_the_last)
{
	struct policy *policy = random_policy(0);
	struct policy_reader reader = { 0 };

	add(policy, "*", "strict");
	add(policy, "/a", "off");
	compile(policy);
	ck_assert_int_eq(policy_block_check(policy->blocks, policy->len, &reader), 0);
	ck_assert(!reader.needs_path);
	ck_assert_uint_eq(policy->blocks->header.rules, 1);
	expect_model(policy, &(struct policy_program){ "/a", { NULL } });
	expect_model(policy, &(struct policy_program){ "", { NULL } });
	free(policy);
}
END_TEST

/* The earlier rule decides, whether it is the program's or an ancestor's. */
START_TEST(ancestors_are_asked_if_one_could_decide)
{
	struct policy *policy = random_policy(0);
	struct policy_reader reader = { 0 };
	struct policy_verdict verdict = { .rule = POLICY_NO_RULE };

	add(policy, "/first", "strict");
	add(policy, "/parent", "off");
	policy->rules[1].children = true;
	add(policy, "/second", "data");
	compile(policy);
	ck_assert_int_eq(policy_block_check(policy->blocks, policy->len, &reader), 0);
	ck_assert_uint_eq(reader.first_children, 1);
	ck_assert_int_eq(policy_block_find(policy->blocks, "/second", POLICY_ITSELF, &verdict), 1);
	ck_assert(policy_asks_ancestors(&reader, &verdict));
	ck_assert_int_eq(policy_block_find(policy->blocks, "/first", POLICY_ANCESTOR, &verdict), 0);
	ck_assert_int_eq(
		policy_block_find(policy->blocks, "/parent", POLICY_ANCESTOR, &verdict), 1);
	ck_assert(verdict.rule == 1 && verdict.off && verdict.children);
	ck_assert_int_eq(policy_block_find(policy->blocks, "/first", POLICY_ITSELF, &verdict), 1);
	ck_assert_uint_eq(verdict.rule, 0);
	ck_assert(!policy_asks_ancestors(&reader, &verdict));
	ck_assert_int_eq(
		policy_block_find(policy->blocks, "/parent", POLICY_ANCESTOR, &verdict), 0);
	free(policy);
}
END_TEST

START_TEST(the_options_are_those_of_the_table)
{
	struct policy *policy = random_policy(0);
	struct agent_options options = { .filter = true };
	union policy_block block;
	struct policy_verdict verdict;

	add(policy, "/a", "data,no-dlopen,no-new-code,strict");
	compile(policy);
	ck_assert_int_eq(policy_look_up(policy->blocks->bytes, policy->len,
				 &(struct policy_program){ "/a", { NULL } }, &block, &verdict),
		0);
	agent_options_take(&options, verdict.options);
	ck_assert(options.data && options.no_dlopen && options.no_new_code && options.strict);
	ck_assert(options.filter && !options.allow_unsealed && !*options.except);
	free(policy);
}
END_TEST

START_TEST(some_50_rules_are_one_block)
{
	struct policy *policy = long_policy(50);

	ck_assert_uint_le(policy->len, POLICY_BLOCK_SIZE);
	free(policy);
	policy = long_policy(RULES_MAX);
	ck_assert_uint_gt(policy->len, 4 * POLICY_BLOCK_SIZE);
	expect_model(policy, &(struct policy_program){ "/z", { NULL } });
	expect_model(policy, &(struct policy_program){ "/y", { NULL } });
	for (size_t i = 0; i < RULES_MAX; i++)
		expect_model(
			policy, &(struct policy_program){ policy->rules[i].pattern, { NULL } });
	free(policy);
}
END_TEST

START_TEST(the_same_rules_are_the_same_bytes)
{
	struct policy *a = long_policy(200), *b = long_policy(200);

	ck_assert_uint_eq(a->len, b->len);
	ck_assert_mem_eq(a->blocks, b->blocks, a->len);
	free(a);
	free(b);
}
END_TEST

START_TEST(what_cannot_be_compiled_is_refused)
{
	static char longest[POLICY_PATTERN_MAX + 2];
	struct policy *policy = long_policy(RULES_MAX);
	size_t blocks = (policy->len + POLICY_BLOCK_SIZE - 1) / POLICY_BLOCK_SIZE;

	ck_assert_int_eq(policy_compile(policy->rules, RULES_MAX, policy->blocks, 0), -E2BIG);
	ck_assert_int_eq(
		policy_compile(policy->rules, RULES_MAX, policy->blocks, blocks - 1), -E2BIG);
	ck_assert_int_gt(policy_compile(policy->rules, RULES_MAX, policy->blocks, blocks), 0);
	memset(longest, '/', sizeof(longest) - 1);
	policy->rules[3].pattern = longest;
	ck_assert_int_eq(policy_compile(policy->rules, RULES_MAX, policy->blocks, BLOCKS_MAX),
		-ENAMETOOLONG);
	longest[POLICY_PATTERN_MAX] = '\0';
	compile(policy);
	expect_model(policy, &(struct policy_program){ longest, { NULL } });
	free(policy);
}
END_TEST

static const struct policy_program last = { "/z", { "/y" } };

static int look_up_last(const char *file, size_t len)
{
	union policy_block block;
	struct policy_verdict verdict;
	int r = policy_look_up(file, len, &last, &block, &verdict);

	ck_assert(r < 0 || strcmp(verdict.options, "data") == 0);
	return r;
}

START_TEST(every_flipped_bit_is_found)
{
	static const size_t sizes[] = { 1, 50, 200 };
	struct policy *policy = long_policy(sizes[_i]);
	char *file = policy->blocks->bytes;

	ck_assert_int_eq(look_up_last(file, policy->len), 0);
	for (size_t i = 0; i < policy->len * 8; i++) {
		file[i / 8] ^= (char)(1 << i % 8);
		ck_assert_int_eq(look_up_last(file, policy->len), -EBADMSG);
		file[i / 8] ^= (char)(1 << i % 8);
	}
	ck_assert_int_eq(look_up_last(file, policy->len), 0);
	free(policy);
}
END_TEST

START_TEST(every_other_length_is_found)
{
	struct policy *policy = long_policy(200);
	char *file = malloc(policy->len + POLICY_BLOCK_SIZE);

	ck_assert_ptr_nonnull(file);
	for (size_t len = 0; len < policy->len + POLICY_BLOCK_SIZE; len++) {
		memset(file, 0, policy->len + POLICY_BLOCK_SIZE);
		memcpy(file, policy->blocks, min_u64(len, policy->len));
		ck_assert_int_eq(look_up_last(file, len), len == policy->len ? 0 : -EBADMSG);
	}
	free(file);
	free(policy);
}
END_TEST

/* Damage in a block that is not read is not seen, and does no harm. */
START_TEST(a_match_ends_the_reading)
{
	struct policy *policy = long_policy(200);

	policy->blocks[1].bytes[77] ^= 1;
	expect_model(policy, &(struct policy_program){ policy->rules[0].pattern, { NULL } });
	ck_assert_int_eq(look_up_last(policy->blocks->bytes, policy->len), -EBADMSG);
	free(policy);
}
END_TEST

START_TEST(blocks_of_another_place_or_policy_are_found)
{
	struct policy *policy = long_policy(RULES_MAX), *other = long_policy(RULES_MAX - 1);
	union policy_block first = policy->blocks[0], second = policy->blocks[1];

	policy->blocks[0] = second;
	ck_assert_int_eq(look_up_last(policy->blocks->bytes, policy->len), -EBADMSG);
	policy->blocks[1] = first;
	ck_assert_int_eq(look_up_last(policy->blocks->bytes, policy->len), -EBADMSG);
	policy->blocks[0] = first;
	ck_assert_int_eq(look_up_last(policy->blocks->bytes, policy->len), -EBADMSG);
	policy->blocks[1] = other->blocks[1];
	ck_assert_int_eq(look_up_last(policy->blocks->bytes, policy->len), -EBADMSG);
	policy->blocks[1] = second;
	ck_assert_int_eq(look_up_last(policy->blocks->bytes, policy->len), 0);
	free(policy);
	free(other);
}
END_TEST

/* As if it were right: with the checksum that goes with it. */
START_TEST(other_formats_are_refused)
{
	struct policy *policy = long_policy(2);
	union policy_block *block = policy->blocks;

	block->header.version++;
	block->header.checksum = policy_checksum(block);
	ck_assert_int_eq(look_up_last(block->bytes, policy->len), -EBADMSG);
	block->header.version--;
	block->header.magic = __builtin_bswap32(block->header.magic);
	block->header.checksum = policy_checksum(block);
	ck_assert_int_eq(look_up_last(block->bytes, policy->len), -EBADMSG);
	block->header.magic = __builtin_bswap32(block->header.magic);
	block->header.checksum = policy_checksum(block);
	ck_assert_int_eq(look_up_last(block->bytes, policy->len), 0);
	free(policy);
}
END_TEST

/* On the heap, where AddressSanitizer sees a byte too far. */
static void find_in(const union policy_block *block)
{
	for (int relation = POLICY_ITSELF; relation <= POLICY_ANCESTOR; relation++) {
		struct policy_verdict verdict = { .rule = POLICY_NO_RULE };
		int r = policy_block_find(block, "/aba/b", relation, &verdict);

		ck_assert(r == 0 || r == 1 || r == -EBADMSG);
		ck_assert((r == 1) == (verdict.rule != POLICY_NO_RULE));
		if (r == 1) {
			ck_assert(verdict.options >= block->bytes);
			ck_assert(verdict.options + strlen(verdict.options) < (char *)(block + 1));
		}
	}
}

START_TEST(unchecked_blocks_are_not_read_beyond_their_end)
{
	union policy_block *block = malloc(sizeof(*block));

	ck_assert_ptr_nonnull(block);
	seed = 2;
	for (int i = 0; i < 20000; i++) {
		struct policy *policy = i % 100 ? NULL : random_policy(below(100));

		if (policy)
			*block = policy->blocks[0];
		for (size_t j = below(8); j > 0; j--)
			block->bytes[below(below(2) ? 128 : sizeof(*block))] = (char)below(256);
		if (below(50) == 0)
			for (size_t j = 0; j < sizeof(*block); j++)
				block->bytes[j] = (char)below(256);
		find_in(block);
		(void)!policy_checksum(block);
		free(policy);
	}
	free(block);
}
END_TEST

static TCase *damage_case(void)
{
	TCase *tcase = tcase_create("damage");

	tcase_add_loop_test(tcase, every_flipped_bit_is_found, 0, 3);
	tcase_add_test(tcase, every_other_length_is_found);
	tcase_add_test(tcase, a_match_ends_the_reading);
	tcase_add_test(tcase, blocks_of_another_place_or_policy_are_found);
	tcase_add_test(tcase, other_formats_are_refused);
	tcase_add_test(tcase, unchecked_blocks_are_not_read_beyond_their_end);
	return tcase;
}

static TCase *lookup_case(void)
{
	TCase *tcase = tcase_create("lookup");

	tcase_add_test(tcase, every_lookup_is_that_of_the_rules);
	tcase_add_test(tcase, no_rule_no_path);
	tcase_add_test(tcase, a_rule_for_everything_needs_no_path_and_is_the_last);
	tcase_add_test(tcase, ancestors_are_asked_if_one_could_decide);
	tcase_add_test(tcase, the_options_are_those_of_the_table);
	tcase_add_test(tcase, some_50_rules_are_one_block);
	tcase_add_test(tcase, the_same_rules_are_the_same_bytes);
	tcase_add_test(tcase, what_cannot_be_compiled_is_refused);
	return tcase;
}

int main(void)
{
	Suite *suite = suite_create("policy");
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, lookup_case());
	suite_add_tcase(suite, damage_case());
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
