/* SPDX-License-Identifier: MIT */
#include "cli/run.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <memseal.h>

#include "base/agent-options.h"
#include "cli/beside.h"
#include "cli/message.h"

#define AGENT                                    "libmemseal-agent.so"

#define OPTION_NUMBER(member, name, stays, help) OPT_##member,
#define OPTION_HELP(member, name, stays, help)   { name, help },
#define OPTION_LONG(member, name, stays, help)   { name, no_argument, NULL, OPT_##member },
#define OPTION_TAKE(member, name, stays, help)   opts.member |= c == OPT_##member;

/* clang-format off */
enum {
	OPT_ENGINE = 256,
	OPT_EXCEPT,
	AGENT_SWITCHES(OPTION_NUMBER)
};

static const struct {
	const char *name, *help;
} switches[] = {
	AGENT_SWITCHES(OPTION_HELP)
};

static const struct option long_options[] = {
	{ "engine", required_argument, NULL, OPT_ENGINE },
	{ "except", required_argument, NULL, OPT_EXCEPT },
	AGENT_SWITCHES(OPTION_LONG)
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ 0 },
};
/* clang-format on */

static int print_help(void)
{
	printf("Usage: memseal run [OPTION...] [--] COMMAND [ARG...]\n\n"
	       "Starts COMMAND with its images sealed before its main(): text, read-only data and\n"
	       "RELRO of the program, its libraries and the loader; what it loads later as well.\n"
	       "Programs that it starts inherit this. What cannot be sealed is not started.\n\n"
	       "Options:\n"
	       "      --engine=ENGINE   what seals: kernel, which is mseal(2), filter, a seccomp\n"
	       "                        filter, or auto, the first that works here; the default\n"
	       "      --except=PATTERN  leave objects alone whose path matches, or whose name if "
	       "the\n"
	       "                        pattern has no slash; can be given more than once\n");
	for (size_t i = 0; i < ARRAY_SIZE(switches); i++)
		printf("      --%-15s %s\n", switches[i].name, switches[i].help);
	printf("  -h, --help            this text\n"
	       "  -V, --version         the version\n\n"
	       "Exit status: 125 if memseal failed or refused, 126 if COMMAND cannot be executed,\n"
	       "127 if it was not found, else that of COMMAND. See memseal-run(1).\n");
	return fflush(stdout) == 0 ? 0 : STATUS_RUN_FAILED;
}

static int print_version(void)
{
	printf("memseal %s\n", memseal_version());
	return fflush(stdout) == 0 ? 0 : STATUS_RUN_FAILED;
}

static int find_status(int error)
{
	if (error == -ENOMEM || error == -EMFILE || error == -ENFILE)
		return STATUS_RUN_FAILED;
	return error == -ENOENT ? STATUS_RUN_NOT_FOUND : STATUS_RUN_CANNOT_INVOKE;
}

/* The agent finds this out in every program that is started, and says so. */
static bool agent_tells(enum memseal_refusal refusal)
{
	return refusal == MEMSEAL_REFUSAL_NOT_PIE || refusal == MEMSEAL_REFUSAL_NO_ASLR;
}

static bool allows_new_code(enum memseal_refusal refusal)
{
	return refusal == MEMSEAL_REFUSAL_NEW_CODE || refusal == MEMSEAL_REFUSAL_NO_CODE_GUARD;
}

/* Says why the program cannot be sealed, and ends here if that was not allowed. */
static void check_refusal(const struct memseal_program *program, bool allow_unsealed)
{
	const char *object;
	enum memseal_refusal refusal = memseal_program_refusal(program, &object);

	if (refusal == MEMSEAL_REFUSAL_NONE)
		return;
	if (!allow_unsealed)
		die(STATUS_RUN_FAILED, "not started: %s: %s (--allow-unsealed starts it unsealed)",
			quote(object).text, memseal_refusal_text(refusal));
	if (!agent_tells(refusal))
		complain("warning: %s: %s: %s",
			allows_new_code(refusal) ? "new code is not refused" : "not sealed",
			quote(object).text, memseal_refusal_text(refusal));
}

static int run(char **argv, struct memseal_run_opts *opts)
{
	struct memseal_program *program;
	char agent[PATH_MAX];
	int r;

	if (beside_memseal(AGENT, agent, sizeof(agent)))
		opts->agent = agent;
	r = memseal_program_find(argv[0], getenv("PATH"), opts, &program);
	if (r < 0)
		die(find_status(r), "%s: %s", quote(argv[0]).text,
			r == -ENOEXEC ? "cannot be executed: damaged" : strerror(-r));
	check_refusal(program, opts->allow_unsealed);
	r = memseal_program_exec(program, argv, environ);
	die(find_status(r), "%s: %s", quote(argv[0]).text, strerror(-r));
}

static enum memseal_engine engine_named(const char *name)
{
	static const char *const names[] = {
		[MEMSEAL_ENGINE_AUTO] = "auto",
		[MEMSEAL_ENGINE_KERNEL] = "kernel",
		[MEMSEAL_ENGINE_FILTER] = "filter",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (strcmp(name, names[i]) == 0)
			return (enum memseal_engine)i;
	die(STATUS_RUN_FAILED, "%s: no engine: auto, kernel or filter", quote(name).text);
}

/* To the end of the list, in which there is room; as memseal_program_find() will judge them. */
static void add_pattern(const char **patterns, const char *pattern)
{
	size_t room = AGENT_EXCEPT_MAX;

	if (!*pattern || pattern[strcspn(pattern, ":,")])
		die(STATUS_RUN_FAILED,
			"--except: %s: empty, or with a comma or a colon, for which ? can stand",
			quote(pattern).text);
	for (; *patterns; patterns++)
		room -= strlen(*patterns) + 1;
	if (strlen(pattern) >= room)
		die(STATUS_RUN_FAILED, "--except: more than %d characters together",
			AGENT_EXCEPT_MAX - 1);
	*patterns = pattern;
}

int cmd_run(int argc, char **argv)
{
	struct memseal_run_opts opts = { .size = sizeof(opts) };
	/* Each takes its NUL as well. */
	static const char *patterns[AGENT_EXCEPT_MAX / 2 + 1];
	int c;

	opts.except = patterns;
	set_title("memseal run", STATUS_RUN_FAILED);
	/* '+': what stands behind the command is the command's. */
	while ((c = next_option(argc, argv, "+:hV", long_options)) != -1) {
		if (c == 'h')
			return print_help();
		if (c == 'V')
			return print_version();
		AGENT_SWITCHES(OPTION_TAKE)
		if (c == OPT_ENGINE)
			opts.engine = engine_named(optarg);
		if (c == OPT_EXCEPT)
			add_pattern(patterns, optarg);
	}
	if (optind == argc)
		die(STATUS_RUN_FAILED, "no command given: see memseal run --help");
	return run(argv + optind, &opts);
}
