/* SPDX-License-Identifier: MIT */
/* memseal policy: what programs get in the machine-wide mode. */
#include "cli/policy.h"

#include <stdlib.h>
#include <string.h>

#include "cli/json.h"
#include "cli/report.h"
#include "machine/policy-files.h"
#include "machine/policy-path.h"

static const struct option long_options[] = {
	{ "help", no_argument, NULL, 'h' },
	{ "json", no_argument, NULL, 'J' },
	{ "root", required_argument, NULL, OPT_ROOT },
	{ "version", no_argument, NULL, 'V' },
	{ 0 },
};

/* As it is where it can be, for editors and scripts: FILE:LINE. */
static void print_escaped(const char *text, FILE *to)
{
	for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
		if (*p < 0x20 || *p >= 0x7f)
			fprintf(to, "\\x%02x", *p);
		else
			putc(*p, to);
	}
}

static const char *severity(const struct policy_finding *finding)
{
	return policy_is_error(finding->problem) ? "error" : "warning";
}

static void print_finding(const struct policy_finding *finding, FILE *to)
{
	print_escaped(finding->file, to);
	if (finding->line)
		fprintf(to, ":%u", finding->line);
	fprintf(to, ": %s: ", severity(finding));
	if (finding->word)
		fprintf(to, "%s: ", quote(finding->word).text);
	fputs(policy_problem_text(finding->problem), to);
	if (finding->other_file) {
		fputs(" (", to);
		print_escaped(finding->other_file, to);
		fprintf(to, ":%u)", finding->other_line);
	}
	if (finding->error)
		fprintf(to, ": %s", strerror(-finding->error));
	putc('\n', to);
}

void print_findings(const struct policy *policy, FILE *to)
{
	for (size_t i = 0; i < policy->found; i++)
		print_finding(&policy->findings[i], to);
	if (policy->dropped)
		fprintf(to, "and %zu more\n", policy->dropped);
}

/* "key":"value" or "key":null, and what stands behind it. */
static void json_text(const char *key, const char *value, const char *behind)
{
	char *string = value ? json_string(value) : NULL;

	if (value && !string)
		die(STATUS_FAILURE, "out of memory");
	printf("\"%s\":%s%s", key, string ? string : "null", behind);
	free(string);
}

static void json_number(const char *key, unsigned value, const char *behind)
{
	if (value)
		printf("\"%s\":%u%s", key, value, behind);
	else
		printf("\"%s\":null%s", key, behind);
}

/* From "data,strict" to an array of its words. */
static void json_options(const char *options)
{
	fputs(*options ? "\"options\":[\"" : "\"options\":[", stdout);
	for (const char *p = options; *p; p++) {
		if (*p == ',')
			fputs("\",\"", stdout);
		else
			putchar(*p);
	}
	fputs(*options ? "\"]," : "],", stdout);
}

static void json_rule(const struct policy_rule *rule)
{
	putchar('{');
	json_text("file", rule->file, ",");
	json_number("line", rule->line, ",");
	json_text("pattern", rule->pattern, ",");
	json_text("action", rule->off ? "off" : "seal", ",");
	json_options(rule->options);
	printf("\"children\":%s}", rule->children ? "true" : "false");
}

static void json_finding(const struct policy_finding *finding)
{
	putchar('{');
	json_text("file", finding->file, ",");
	json_number("line", finding->line, ",");
	json_text("severity", severity(finding), ",");
	json_text("word", finding->word, ",");
	json_text("text", policy_problem_text(finding->problem), ",");
	json_text("other_file", finding->other_file, ",");
	json_number("other_line", finding->other_line, ",");
	json_text("error", finding->error ? strerror(-finding->error) : NULL, "}");
}

static void print_json(const struct policy *policy)
{
	printf("{\"rules\":[");
	for (size_t i = 0; i < policy->count; i++) {
		fputs(i ? ",\n" : "\n", stdout);
		json_rule(&policy->rules[i]);
	}
	printf("],\n\"findings\":[");
	for (size_t i = 0; i < policy->found; i++) {
		fputs(i ? ",\n" : "\n", stdout);
		json_finding(&policy->findings[i]);
	}
	printf("],\n\"more\":%zu}\n", policy->dropped);
}

static int read_all(struct policy *policy, const char *root, char **paths)
{
	int r = 0;

	if (!*paths)
		r = policy_read(policy, root, 0);
	for (; r == 0 && *paths; paths++)
		r = policy_read_from(policy, *paths);
	return r == 0 ? policy_check_links(policy, root) : r;
}

static int check(const char *root, char **paths, bool json)
{
	CLEANUP(policy_free) struct policy policy = { 0 };

	if (read_all(&policy, root, paths) < 0)
		die(STATUS_FAILURE, "out of memory");
	if (json)
		print_json(&policy);
	else
		print_findings(&policy, stdout);
	if (!json && policy.found == 0)
		printf("%zu %s, nothing is wrong\n", policy.count,
			policy.count == 1 ? "rule" : "rules");
	return policy.found ? STATUS_FINDINGS : STATUS_FINE;
}

static int policy_check(int argc, char **argv)
{
	const char *root = "/";
	bool json = false;
	int c;

	while ((c = next_option(argc, argv, ":hJV", long_options)) != -1) {
		if (c == 'h')
			return print_policy_help();
		if (c == 'V')
			return print_version();
		if (c == OPT_ROOT)
			root = optarg;
		json |= c == 'J';
	}
	return check(root, argv + optind, json);
}

int cmd_policy(int argc, char **argv)
{
	const char *command = argc > 1 ? argv[1] : "";

	if (strcmp(command, "check") == 0)
		return policy_check(argc - 1, argv + 1);
	if (strcmp(command, "explain") == 0)
		return policy_explain(argc - 1, argv + 1);
	if (strcmp(command, "--help") == 0 || strcmp(command, "-h") == 0)
		return print_policy_help();
	if (strcmp(command, "--version") == 0 || strcmp(command, "-V") == 0)
		return print_version();
	if (argc > 1)
		die(STATUS_USAGE, "unknown command %s: check or explain", quote(command).text);
	die(STATUS_USAGE, "no command given: check or explain; see memseal policy --help");
}
