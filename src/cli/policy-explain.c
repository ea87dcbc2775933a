/* SPDX-License-Identifier: MIT */
/* memseal policy explain: which rule decides for a program, and what that comes to. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/policy.h"
#include "cli/report.h"
#include "cli/table.h"
#include "machine/policy-files.h"
#include "machine/policy-path.h"
#include "machine/policy-text.h"

enum {
	COL_PROGRAM,
	COL_PATH,
	COL_ACTION,
	COL_INHERITED,
	COL_RULE,
	COL_FILE,
	COL_LINE,
	COL_NOTE,
	COLUMNS
};

static const struct table_column columns[COLUMNS] = {
	[COL_PROGRAM] = { "PROGRAM", 0, "as it was given" },
	[COL_PATH] = { "PATH", 0, "what is executed, without symbolic links" },
	[COL_ACTION] = { "ACTION", 0, "off, or seal and its options; children" },
	[COL_INHERITED] = { "INHERITED", 0, "only if a program that the rule matches executed it" },
	[COL_RULE] = { "RULE", 0, "the pattern of the rule that decides" },
	[COL_FILE] = { "FILE", 0, "where it is written" },
	[COL_LINE] = { "LINE", TABLE_RIGHT, "and in which line" },
	[COL_NOTE] = { "NOTE", 0, "what else is to be known" },
};

static const struct option long_options[] = {
	{ "root", required_argument, NULL, OPT_ROOT },
	TABLE_LONG_OPTIONS,
	{ 0 },
};

int print_policy_help(void)
{
	printf("Usage: memseal policy check [--root=DIR] [--json] [FILE|DIR...]\n"
	       "       memseal policy explain [options] PROGRAM...\n\n"
	       "Checks the policy of the machine-wide mode, in %s,\n"
	       "or says what applies to a program and which line decided.\n\n"
	       "A rule is a line: PATTERN WORD[,WORD...]. The words:\n"
	       " %-12s seal, without further options; so is what no rule matches\n"
	       " %-12s leave the program alone\n"
	       " %-12s the rule is also for what the program executes\n",
		POLICY_DIR, "seal", "off", "children");
#define WORD_HELP(member, name, stays, help)     \
	if (strcmp(name, "allow-unsealed") != 0) \
		printf(" %-12s seal; %s\n", name, help);
	AGENT_SWITCHES(WORD_HELP)
	printf("\nOptions:\n"
	       "     --root DIR        of the machine whose root is DIR\n");
	table_help(columns, COLUMNS);
	return STATUS_FINE;
}

/* The loader takes the agent, but neither the program's user nor what executed it has a say. */
static bool is_privileged(enum memseal_refusal refusal)
{
	return refusal == MEMSEAL_REFUSAL_SETID || refusal == MEMSEAL_REFUSAL_FILE_CAPS;
}

static const char *target_note(const struct policy_target *target)
{
	if (target->refusal == MEMSEAL_REFUSAL_SETID)
		return "set-user-ID or set-group-ID: options from the environment and rules of "
		       "what executes it do not count";
	if (target->refusal == MEMSEAL_REFUSAL_FILE_CAPS)
		return "has file capabilities: options from the environment and rules of what "
		       "executes it do not count";
	if (target->refusal == MEMSEAL_REFUSAL_STATIC)
		return "statically linked: the preload does not reach it";
	if (target->refusal != MEMSEAL_REFUSAL_NONE)
		return memseal_refusal_text(target->refusal);
	if (target->kind == EXECUTABLE_SCRIPT)
		return "a script: its interpreter decides";
	return target->kind == EXECUTABLE_TEXT ? "a script without #!: the shell decides" : NULL;
}

/* What agent/policy-ask.c can know of who executed a program. */
#define REACH                                                                                   \
	"children: what runs below a process of such a program, up to 32 parents away; not if " \
	"that process executed it in its own place, if one between them has ended, or if it "   \
	"may not look at its parent"

static void add_rule(struct table *table, const struct policy_rule *rule, bool inherited)
{
	char action[POLICY_ACTION_MAX];

	policy_action(rule, action);
	table_text(table, COL_ACTION, action);
	table_flag(table, COL_INHERITED, inherited);
	table_text(table, COL_RULE, rule->pattern);
	table_text(table, COL_FILE, rule->file);
	table_number(table, COL_LINE, rule->line);
}

static void add_row(struct table *table, const char *name, const struct policy_target *target)
{
	table_row(table);
	table_text(table, COL_PROGRAM, name);
	table_text(table, COL_PATH, target->path);
}

static void add_program(struct table *table, const struct policy *policy, const char *name,
	const struct policy_target *target)
{
	uint32_t rule = policy_decide(policy, target->path, (const char *const[]){ NULL });
	const char *note = target_note(target);

	add_row(table, name, target);
	if (rule == POLICY_NO_RULE) {
		table_text(table, COL_ACTION, "seal");
		table_flag(table, COL_INHERITED, false);
		note = note ? note : "no rule matches";
	} else {
		add_rule(table, &policy->rules[rule], false);
		note = note || !policy->rules[rule].children ? note : REACH;
	}
	if (note)
		table_text(table, COL_NOTE, note);
	for (uint32_t i = 0; i < policy->count && i < rule && !is_privileged(target->refusal);
		i++) {
		if (!policy->rules[i].children)
			continue;
		add_row(table, name, target);
		add_rule(table, &policy->rules[i], true);
		table_text(table, COL_NOTE, REACH);
	}
}

static const char *why_not(int error)
{
	switch (error) {
	case -ENOENT:
		return "not found";
	case -EACCES:
		return "not executable, or no permission to look";
	case -ENOEXEC:
		return "cannot be executed: damaged";
	case -ELOOP:
		return "too many interpreters or symbolic links";
	default:
		return strerror(-error);
	}
}

static int explain_all(
	struct table *table, const struct policy *policy, const char *root, char **names)
{
	const char *path_list = getenv("PATH");
	int status = STATUS_FINE;

	for (; *names; names++) {
		struct policy_target target;
		int r = policy_target(
			root, *names, path_list ? path_list : "/usr/bin:/bin", &target);

		if (r == 0) {
			add_program(table, policy, *names, &target);
			continue;
		}
		complain("%s: %s", quote(*names).text, why_not(r));
		status = STATUS_FAILURE;
	}
	table_print(table);
	return status;
}

static int explain(const char *root, char **names, const struct table_options *options)
{
	CLEANUP(policy_free) struct policy policy = { 0 };
	struct table *table = table_new("programs", columns, COLUMNS, options);

	if (policy_read(&policy, root, 0) < 0)
		die(STATUS_FAILURE, "out of memory");
	if (!policy.errors)
		return explain_all(table, &policy, root, names);
	table_free(table);
	print_findings(&policy, stderr);
	complain("the policy has errors and is not used: correct them");
	return STATUS_FAILURE;
}

int policy_explain(int argc, char **argv)
{
	struct table_options options = { 0 };
	const char *root = "/";
	int c;

	while ((c = next_option(argc, argv, TABLE_SHORT_OPTIONS, long_options)) != -1) {
		if (c == 'h')
			return print_policy_help();
		if (c == 'V')
			return print_version();
		if (c == OPT_ROOT)
			root = optarg;
		table_option(&options, c);
	}
	if (optind == argc)
		die(STATUS_USAGE, "no program given: see memseal policy --help");
	return explain(root, argv + optind, &options);
}
