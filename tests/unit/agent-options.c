/* SPDX-License-Identifier: MIT */
/* The options of the agent as text: what is written is read again, and nothing else is. */
#include "base/agent-options.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct agent_options read_text(const char *text)
{
	struct agent_options options = { .strict = false };
	char before[] = "MEMSEAL_AGENTS=strict", behind[] = "MEMSEAL_AGENT=strict";
	char variable[2300];
	char *environment[] = { before, variable, behind, NULL };

	snprintf(variable, sizeof(variable), "MEMSEAL_AGENT=%s", text);
	agent_options_read(&options, environment);
	return options;
}

static bool none(struct agent_options options)
{
	static const struct agent_options empty;

	return memcmp(&options, &empty, sizeof(empty)) == 0;
}

#define CHECK_ALONE(member_, name, stays, help)                           \
	{                                                                 \
		struct agent_options options = { .member_ = true }, read; \
                                                                          \
		agent_options_write(&options, text);                      \
		ck_assert_str_eq(text, name);                             \
		read = read_text(text);                                   \
		ck_assert(read.member_);                                  \
		read.member_ = false;                                     \
		ck_assert(none(read));                                    \
	}

START_TEST(every_option_alone)
{
	char text[AGENT_OPTIONS_TEXT_MAX];

	AGENT_OPTIONS(CHECK_ALONE)
}
END_TEST

#define SET(member_, name, stays, help)         options.member_ = true;

#define SET_EARLIER(member_, name, stays, help) earlier.member_ = true;

START_TEST(all_options_and_none)
{
	struct agent_options options = { .strict = false }, read;
	char text[AGENT_OPTIONS_TEXT_MAX];

	agent_options_write(&options, text);
	ck_assert_str_eq(text, "");
	AGENT_OPTIONS(SET)
	memset(options.except, 'x', sizeof(options.except) - 1);
	agent_options_write(&options, text);
	ck_assert_uint_eq(strlen(text), AGENT_OPTIONS_TEXT_MAX - 1);
	read = read_text(text);
	ck_assert_mem_eq(&read, &options, sizeof(read));
}
END_TEST

START_TEST(what_allows_more_does_not_stay)
{
	struct agent_options options = { .no_dlopen = true }, earlier = { .strict = false };

	AGENT_OPTIONS(SET_EARLIER)
	ck_assert_int_eq(agent_options_except(&earlier, "*"), 0);
	agent_options_inherit(&options, &earlier);
	ck_assert(options.strict && options.data && options.no_new_code && options.no_dlopen);
	ck_assert(!options.allow_unsealed && !options.filter && !*options.except);
	options = (struct agent_options){ .strict = false };
	earlier = options;
	agent_options_inherit(&options, &earlier);
	ck_assert(none(options));
}
END_TEST

START_TEST(what_is_not_known_is_passed_over)
{
	struct agent_options options = { .data = true };

	ck_assert(none(read_text("")));
	ck_assert(none(read_text(",,stric,strictly,Strict,strict=1, strict,strict ")));
	ck_assert(read_text("new,strict,newer").strict);
	ck_assert(read_text(",strict").strict);
	agent_options_read(&options, NULL);
	ck_assert(options.data);
}
END_TEST

static bool excepts(const char *pattern, const char *path)
{
	struct agent_options options = { .strict = false };

	ck_assert_int_eq(agent_options_except(&options, pattern), 0);
	return agent_options_excepts(&options, path);
}

START_TEST(a_pattern_is_for_the_path_or_for_the_last_component)
{
	ck_assert(excepts("libm.so.6", "/usr/lib/libm.so.6"));
	ck_assert(excepts("libm.so*", "/usr/lib/libm.so.6"));
	ck_assert(excepts("*m.so.?", "libm.so.6"));
	ck_assert(excepts("*", "/usr/lib/libm.so.6"));
	ck_assert(excepts("/usr/*.so.6", "/usr/lib/libm.so.6"));
	ck_assert(excepts("*/libm*6*", "/usr/lib/libm.so.6"));
	ck_assert(excepts("a*b*c*d", "aXXbXbXcXcXXd"));
	ck_assert(!excepts("libm.so", "/usr/lib/libm.so.6"));
	ck_assert(!excepts("ibm.so.6", "/usr/lib/libm.so.6"));
	ck_assert(!excepts("lib*", "/usr/libx/m.so"));
	ck_assert(!excepts("/libm.so.6", "/usr/lib/libm.so.6"));
	ck_assert(!excepts("libm.so.??", "/usr/lib/libm.so.6"));
	ck_assert(!excepts("LIBM.so.6", "/usr/lib/libm.so.6"));
	ck_assert(!excepts("a*b*c*d", "aXXbXcXbXdX"));
	ck_assert(!excepts("?", ""));
}
END_TEST

START_TEST(patterns_that_cannot_be_are_refused)
{
	struct agent_options options = { .strict = false }, before;
	char longest[AGENT_EXCEPT_MAX + 1];

	memset(longest, '?', sizeof(longest));
	longest[AGENT_EXCEPT_MAX] = '\0';
	ck_assert_int_eq(agent_options_except(&options, ""), -EINVAL);
	ck_assert_int_eq(agent_options_except(&options, "a:b"), -EINVAL);
	ck_assert_int_eq(agent_options_except(&options, "a,strict"), -EINVAL);
	ck_assert_int_eq(agent_options_except(&options, longest), -ENAMETOOLONG);
	ck_assert(none(options));
	longest[AGENT_EXCEPT_MAX - 3] = '\0';
	ck_assert_int_eq(agent_options_except(&options, longest), 0);
	before = options;
	ck_assert_int_eq(agent_options_except(&options, "ab"), -ENAMETOOLONG);
	ck_assert_mem_eq(&options, &before, sizeof(before));
	ck_assert_int_eq(agent_options_except(&options, "a"), 0);
	ck_assert(agent_options_excepts(&options, "a"));
}
END_TEST

START_TEST(empty_patterns_match_nothing)
{
	const char *const texts[] = {
		"except=", "except=:", "except=::,except=:", "except=a:", "except=:a", "except"
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		struct agent_options options = read_text(texts[i]);

		ck_assert(!agent_options_excepts(&options, ""));
		ck_assert(!agent_options_excepts(&options, "/usr/lib/b"));
		ck_assert_int_eq(agent_options_excepts(&options, "/a"), strchr(texts[i], 'a') != 0);
	}
}
END_TEST

/* Whatever the variable has: what was read of it is what the next program reads. */
START_TEST(any_text_is_read_and_written_alike)
{
	static const char pieces[][8] = { "except=", "strict", "data", ",", ":", "*", "?", "/", "a",
		"=" };
	char text[AGENT_OPTIONS_TEXT_MAX], again[AGENT_OPTIONS_TEXT_MAX];
	unsigned seed = 1;

	for (int i = 0; i < 20000; i++) {
		char random[2200] = "";
		size_t count = (size_t)rand_r(&seed) % (i % 100 ? 12 : 300);
		struct agent_options options, read;

		while (count-- > 0)
			strncat(random,
				pieces[(unsigned)rand_r(&seed) %
					(sizeof(pieces) / sizeof(*pieces))],
				7);
		options = read_text(random);
		agent_options_write(&options, text);
		read = read_text(text);
		agent_options_write(&read, again);
		ck_assert_str_eq(again, text);
		(void)!agent_options_excepts(&options, "/a/aa=");
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("agent-options");
	TCase *tcase = tcase_create("text");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_test(tcase, every_option_alone);
	tcase_add_test(tcase, all_options_and_none);
	tcase_add_test(tcase, what_is_not_known_is_passed_over);
	tcase_add_test(tcase, what_allows_more_does_not_stay);
	tcase_add_test(tcase, a_pattern_is_for_the_path_or_for_the_last_component);
	tcase_add_test(tcase, patterns_that_cannot_be_are_refused);
	tcase_add_test(tcase, empty_patterns_match_nothing);
	tcase_add_test(tcase, any_text_is_read_and_written_alike);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
