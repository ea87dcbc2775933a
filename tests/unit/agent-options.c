/* SPDX-License-Identifier: MIT */
/* The options of the agent as text: what is written is read again, and nothing else is. */
#include "base/agent-options.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct agent_options read_text(const char *text)
{
	struct agent_options options = { .strict = false };
	char before[] = "MEMSEAL_AGENTS=strict", behind[] = "MEMSEAL_AGENT=strict";
	char variable[256];
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
	agent_options_write(&options, text);
	ck_assert_uint_eq(strlen(text), AGENT_OPTIONS_TEXT_MAX - 2);
	read = read_text(text);
	ck_assert_mem_eq(&read, &options, sizeof(read));
}
END_TEST

START_TEST(what_allows_more_does_not_stay)
{
	struct agent_options options = { .no_dlopen = true }, earlier = { .strict = false };

	AGENT_OPTIONS(SET_EARLIER)
	agent_options_inherit(&options, &earlier);
	ck_assert(options.strict && options.data && options.no_new_code && options.no_dlopen);
	ck_assert(!options.allow_unsealed && !options.filter);
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
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
