/* SPDX-License-Identifier: MIT */
/*
 * The policy of the machine-wide mode, as the administrator writes it: rules, and what is wrong
 *with them. policy-text.h makes it from text, policy-files.h from the files of a machine, and
 * policy-blocks.h compiles it.
 *
 *	CLEANUP(policy_free) struct policy policy = { 0 };
 *
 *	r = policy_read(&policy, "/", 0);
 *	if (r == 0 && !policy.errors)
 *		len = policy_compile(policy.rules, policy.count, blocks, capacity);
 */
#ifndef MEMSEAL_MACHINE_POLICY_H
#define MEMSEAL_MACHINE_POLICY_H

#include "machine/policy-blocks.h"

/* No more than this is read; what is beyond is an error. */
#define POLICY_FILE_MAX     (1024 * 1024) /* bytes */
#define POLICY_FILES_MAX    256
#define POLICY_RULES_MAX    4096
#define POLICY_FINDINGS_MAX 100 /* further ones are only counted */

enum policy_problem {
	POLICY_FINE = 0,

	/* In a line: errors. */
	POLICY_CONTROL,
	POLICY_QUOTE,
	POLICY_RELATIVE,
	POLICY_UNRESOLVED,
	POLICY_TOO_LONG,
	POLICY_NO_ACTION,
	POLICY_TOO_MANY_WORDS,
	POLICY_UNKNOWN_WORD,
	POLICY_ALLOW_UNSEALED,
	POLICY_TWICE,
	POLICY_CLASH,
	POLICY_TOO_MANY_RULES,

	/* With a file or a directory: errors. */
	POLICY_UNREADABLE, /* see error */
	POLICY_OWNER,
	POLICY_WRITABLE,
	POLICY_NOT_REGULAR,
	POLICY_NOT_DIRECTORY,
	POLICY_SYMLINK,
	POLICY_TOO_LARGE,
	POLICY_TOO_MANY_FILES,

	/* In a line: warnings, the rule has no effect as it is. */
	POLICY_SHADOWED, /* by the rule at other_file and other_line */
	POLICY_LINK,     /* the word is what it leads to */

	POLICY_PROBLEMS
};

struct policy_finding {
	enum policy_problem problem;
	const char *file;
	unsigned line;          /* 0: it is about the file */
	const char *word;       /* what is wrong, or NULL; any bytes */
	const char *other_file; /* or NULL */
	unsigned other_line;
	int error; /* negative errno, or 0 */
};

struct policy {
	struct policy_rule *rules;
	size_t count, capacity;
	struct policy_finding *findings;
	size_t found, dropped; /* kept, and beyond POLICY_FINDINGS_MAX */
	bool errors;           /* one of them is one: the policy is not to be used */
	struct policy_string *strings;
};

/* Is it an error, or a warning? */
bool policy_is_error(enum policy_problem problem) MUST_CHECK;

/* What is wrong and what to do about it, without the particulars. */
const char *policy_problem_text(enum policy_problem problem) MUST_CHECK;

/* A copy of len bytes and a NUL that lives as long as the policy; NULL without memory. */
const char *policy_keep(struct policy *policy, const char *text, size_t len) MUST_CHECK
	NONNULL(1, 2);

/* Adds a finding, or counts it: 0 or -ENOMEM. */
int policy_complain(struct policy *policy, const struct policy_finding *finding) MUST_CHECK
	NONNULL(1, 2);

/*
 * Adds a rule, and a warning if no program is left for it. Beyond POLICY_RULES_MAX it adds an
 * error. 0 or -ENOMEM.
 */
int policy_add(struct policy *policy, const struct policy_rule *rule) MUST_CHECK NONNULL(1, 2);

/*
 * The rule that decides for the path: the first that matches it, or that has "children" and matches
 * one of the ancestors, an array up to a NULL. Its index, or POLICY_NO_RULE.
 */
uint32_t policy_decide(const struct policy *policy, const char *path,
	const char *const *ancestors) MUST_CHECK NONNULL(1, 2, 3);

void policy_free(struct policy *policy) NONNULL(1);

#endif
