/* SPDX-License-Identifier: MIT */
#include "machine/policy.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/pattern.h"

struct policy_string {
	struct policy_string *next;
	char text[];
};

bool policy_is_error(enum policy_problem problem)
{
	return problem < POLICY_SHADOWED;
}

static const char *const texts[] = {
	[POLICY_FINE] = "nothing is wrong",
	[POLICY_CONTROL] = "a control character: end lines with LF alone, and write ? for "
			   "such a character of a name",
	[POLICY_QUOTE] = "quotes: begin and end the whole pattern with \", and write \\\" "
			 "and \\\\ for \" and \\ in it",
	[POLICY_RELATIVE] = "not an absolute path: begin the pattern with /, or write * "
			    "for every program",
	[POLICY_UNRESOLVED] = "no program has such a path: write it without //, /./, /../ "
			      "and without / at the end",
	[POLICY_TOO_LONG] = "longer than 1024 bytes: shorten the pattern with *",
	[POLICY_NO_ACTION] = "no action: write seal, off, or the options to seal with, "
			     "behind the pattern",
	[POLICY_TOO_MANY_WORDS] = "more than a pattern and an action: put commas and no "
				  "blanks between words, quotes around a pattern with blanks",
	[POLICY_UNKNOWN_WORD] = "unknown word: memseal policy --help lists them",
	[POLICY_ALLOW_UNSEALED] = "allow-unsealed has no meaning here: no program is kept "
				  "from starting; leave it out",
	[POLICY_TWICE] = "the same word twice: leave one out",
	[POLICY_CLASH] = "off seals nothing: write either off or how to seal",
	[POLICY_TOO_MANY_RULES] = "more than 4096 rules: use patterns for several programs",
	[POLICY_UNREADABLE] = "cannot be read",
	[POLICY_OWNER] = "does not belong to root: chown it, after a look at what is in it",
	[POLICY_WRITABLE] = "can be changed by others than root: chmod go-w, after a look "
			    "at what is in it",
	[POLICY_NOT_REGULAR] = "not a regular file: remove it or give it another name",
	[POLICY_NOT_DIRECTORY] = "not a directory, or a symbolic link to one: put the "
				 "directory itself there",
	[POLICY_SYMLINK] = "a symbolic link: put the file itself there",
	[POLICY_TOO_LARGE] = "larger than 1 MiB: use patterns for several programs",
	[POLICY_TOO_MANY_FILES] = "more than 256 files: put their rules into fewer",
	[POLICY_SHADOWED] = "never used, an earlier rule matches all of it: move it up or "
			    "remove it",
	[POLICY_LINK] = "never used, the path leads through a symbolic link: write where "
			"it leads to",
};

_Static_assert(ARRAY_SIZE(texts) == POLICY_PROBLEMS, "a text for each");

const char *policy_problem_text(enum policy_problem problem)
{
	return texts[problem];
}

const char *policy_keep(struct policy *policy, const char *text, size_t len)
{
	struct policy_string *string = malloc(sizeof(*string) + len + 1);

	if (!string)
		return NULL;
	memcpy(string->text, text, len);
	string->text[len] = '\0';
	string->next = policy->strings;
	policy->strings = string;
	return string->text;
}

int policy_complain(struct policy *policy, const struct policy_finding *finding)
{
	policy->errors |= policy_is_error(finding->problem);
	if (policy->found == POLICY_FINDINGS_MAX) {
		policy->dropped++;
		return 0;
	}
	if (!policy->findings)
		policy->findings = calloc(POLICY_FINDINGS_MAX, sizeof(*policy->findings));
	if (!policy->findings)
		return -ENOMEM;
	policy->findings[policy->found++] = *finding;
	return 0;
}

/*
 * Does whatever the second pattern matches match the first? Without "?" in the first, it is enough
 * that it matches the text of the second: a star can only stand for a star. Otherwise the second
 * must be plain text. False does not say that there is a difference.
 */
static bool covers(const char *pattern, const char *other)
{
	return (!strchr(pattern, '?') || !strpbrk(other, "*?")) &&
	       pattern_matches(pattern, strlen(pattern), other);
}

static bool leaves_nothing(const struct policy_rule *earlier, const struct policy_rule *rule)
{
	if (policy_rule_is_last(earlier))
		return true;
	return (earlier->children || !rule->children) &&
	       (strcmp(earlier->pattern, rule->pattern) == 0 ||
		       covers(earlier->pattern, rule->pattern));
}

static int look_for_shadow(struct policy *policy, const struct policy_rule *rule)
{
	for (size_t i = 0; i < policy->count; i++) {
		const struct policy_rule *earlier = &policy->rules[i];

		if (leaves_nothing(earlier, rule))
			return policy_complain(policy, &(struct policy_finding){
							       .problem = POLICY_SHADOWED,
							       .file = rule->file,
							       .line = rule->line,
							       .word = rule->pattern,
							       .other_file = earlier->file,
							       .other_line = earlier->line,
						       });
	}
	return 0;
}

static int make_room(struct policy *policy)
{
	size_t capacity = policy->capacity ? 2 * policy->capacity : 16;
	struct policy_rule *rules;

	if (policy->count < policy->capacity)
		return 0;
	rules = realloc(policy->rules, capacity * sizeof(*rules));
	if (!rules)
		return -ENOMEM;
	policy->rules = rules;
	policy->capacity = capacity;
	return 0;
}

int policy_add(struct policy *policy, const struct policy_rule *rule)
{
	int r;

	if (policy->count == POLICY_RULES_MAX)
		return policy_complain(policy, &(struct policy_finding){
						       .problem = POLICY_TOO_MANY_RULES,
						       .file = rule->file,
						       .line = rule->line,
					       });
	r = look_for_shadow(policy, rule);
	if (r == 0)
		r = make_room(policy);
	if (r == 0)
		policy->rules[policy->count++] = *rule;
	return r;
}

static bool decides(const struct policy_rule *rule, const char *path, const char *const *ancestors)
{
	size_t len = strlen(rule->pattern);
	bool matches = pattern_matches(rule->pattern, len, path);

	for (; rule->children && !matches && *ancestors; ancestors++)
		matches = pattern_matches(rule->pattern, len, *ancestors);
	return matches;
}

uint32_t policy_decide(const struct policy *policy, const char *path, const char *const *ancestors)
{
	for (size_t i = 0; i < policy->count; i++)
		if (decides(&policy->rules[i], path, ancestors))
			return (uint32_t)i;
	return POLICY_NO_RULE;
}

void policy_free(struct policy *policy)
{
	while (policy->strings) {
		struct policy_string *next = policy->strings->next;

		free(policy->strings);
		policy->strings = next;
	}
	free(policy->rules);
	free(policy->findings);
	*policy = (struct policy){ 0 };
}
