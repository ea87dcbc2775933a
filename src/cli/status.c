/* SPDX-License-Identifier: MIT */
/* memseal status: whether the machine-wide mode is on, and whom it has reached. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <memseal.h>

#include "cli/failures.h"
#include "cli/json.h"
#include "cli/look.h"
#include "cli/machine.h"
#include "cli/report.h"
#include "machine/entry.h"
#include "machine/machine.h"
#include "machine/preload.h"

static const struct option long_options[] = {
	{ "help", no_argument, NULL, 'h' },
	{ "json", no_argument, NULL, 'J' },
	{ "version", no_argument, NULL, 'V' },
	{ 0 },
};

static int print_help(void)
{
	printf("Usage: memseal status [OPTION...]\n\n"
	       "Whether every program of the machine is sealed at its start: see memseal enable.\n"
	       "Status 0 if it is on and all is well, else 1.\n\n"
	       "Options:\n"
	       "  -J, --json            JSON\n"
	       "  -h, --help            this text\n"
	       "  -V, --version         the version\n\n"
	       "What could not be sealed is in the log: journalctl -b -t memseal\n");
	return STATUS_FINE;
}

struct state {
	bool on;
	int list;  /* 0, or why it cannot be read */
	int agent; /* as machine_check_agent() */
	enum machine_policy policy;
	bool policy_errors;
	size_t rules;
	unsigned reached, others, unknown; /* processes */
	struct failures failures;
};

static void read_list(struct state *state)
{
	static char list[PRELOAD_MAX];
	bool there;
	ssize_t len = machine_read_preload("", list, sizeof(list), &there);

	state->list = len < 0 ? (int)len : 0;
	state->on = len > 0 && entry_is_in(list, (size_t)len);
}

static void read_policy(struct state *state)
{
	CLEANUP(policy_free) struct policy policy = { 0 };
	union policy_block *blocks;
	long len = machine_read_policy("/", &policy, &blocks);

	state->policy_errors = len < 0;
	state->rules = policy.count;
	state->policy =
		len < 0 ? MACHINE_POLICY_OTHER : machine_compare_policy("", blocks, (size_t)len);
	free(blocks);
}

enum reach { REACH_UNKNOWN, REACH_GONE, REACH_NO, REACH_YES };

struct visit {
	pid_t pid;
	enum reach reach;
};

static bool is_agent(const char *object)
{
	size_t len = strlen(MEMSEAL_MACHINE_PATH);

	/* Of an older version, " (deleted)" stands behind it. */
	return object && strncmp(object, MEMSEAL_MACHINE_PATH, len) == 0 &&
	       (object[len] == '\0' || object[len] == ' ');
}

static void visit(size_t i, void *arg)
{
	struct visit *visit = (struct visit *)arg + i;
	struct memseal_mapping mapping = { .size = sizeof(mapping) };
	struct memseal_process *process;
	int r = memseal_process_open(visit->pid, NULL, &process);

	if (r < 0) {
		visit->reach = r == -ESRCH || r == -ENXIO ? REACH_GONE : REACH_UNKNOWN;
		return;
	}
	visit->reach = REACH_NO;
	while (memseal_process_next_mapping(process, &mapping) > 0)
		if (is_agent(mapping.object))
			visit->reach = REACH_YES;
	memseal_process_close(process);
}

struct visits {
	struct visit *list;
	size_t count, capacity;
};

static int collect(pid_t pid, void *arg)
{
	struct visits *visits = arg;

	if (visits->list && visits->count < visits->capacity)
		visits->list[visits->count].pid = pid;
	visits->count++;
	return 0;
}

/* Of those that come meanwhile, as many as there is room for. */
static void visit_all(struct visits *visits)
{
	if (memseal_process_each(NULL, collect, visits) < 0)
		die(STATUS_FAILURE, "cannot list the processes: is /proc mounted?");
	visits->capacity = visits->count + 64;
	visits->list = look_memory(visits->capacity * sizeof(*visits->list));
	visits->count = 0;
	if (memseal_process_each(NULL, collect, visits) < 0)
		die(STATUS_FAILURE, "cannot list the processes: is /proc mounted?");
	if (visits->count > visits->capacity)
		visits->count = visits->capacity;
}

static void count_processes(struct state *state)
{
	struct visits visits = { .list = NULL };
	enum look *looks;

	visit_all(&visits);
	looks = calloc(visits.count + 1, sizeof(*looks));
	if (!looks)
		die(STATUS_FAILURE, "out of memory");
	look_each(visits.count, visit, visits.list, LOOK_SECONDS, -1, looks);
	for (size_t i = 0; i < visits.count; i++) {
		enum reach reach = looks[i] == LOOK_DONE ? visits.list[i].reach : REACH_UNKNOWN;

		state->reached += reach == REACH_YES;
		state->others += reach == REACH_NO;
		state->unknown += reach == REACH_UNKNOWN;
	}
	free(looks);
}

static const char *policy_text(const struct state *state)
{
	if (state->policy_errors)
		return "errors: memseal policy check";
	switch (state->policy) {
	case MACHINE_POLICY_CURRENT:
		return "as the files say";
	case MACHINE_POLICY_OTHER:
		return "the files say something else: memseal enable";
	case MACHINE_POLICY_DAMAGED:
		return "damaged, and not followed: memseal enable";
	default:
		return state->on ? "none is compiled, every program is sealed: memseal enable"
				 : "not in use";
	}
}

static const char *policy_word(const struct state *state)
{
	static const char *const words[] = {
		[MACHINE_POLICY_NONE] = "none",
		[MACHINE_POLICY_CURRENT] = "current",
		[MACHINE_POLICY_OTHER] = "other",
		[MACHINE_POLICY_DAMAGED] = "damaged",
	};

	return state->policy_errors ? "errors" : words[state->policy];
}

static bool is_well(const struct state *state)
{
	return state->on && state->list == 0 && state->agent == 0 && !state->policy_errors &&
	       state->policy == MACHINE_POLICY_CURRENT;
}

static void print_failures_json(const struct failures *failures)
{
	if (failures->unknown) {
		printf("\"failures\":null,");
		return;
	}
	printf("\"failures\":{\"count\":%u,\"more\":%s,\"last\":[", failures->count,
		failures->more ? "true" : "false");
	for (unsigned i = 0; i < failures->kinds; i++) {
		char *text = json_string(failures->last[i].text);

		if (!text)
			die(STATUS_FAILURE, "out of memory");
		printf("%s{\"text\":%s,\"count\":%u}", i ? "," : "", text, failures->last[i].count);
		free(text);
	}
	printf("]},");
}

static void print_failures(const struct failures *failures)
{
	if (failures->unknown) {
		printf("failures:     unknown: %s\n", failures->unknown);
		return;
	}
	if (failures->count == 0) {
		printf("failures:     none in the log since the machine started\n");
		return;
	}
	printf("failures:     %u%s in the log since the machine started: journalctl -b -t "
	       "memseal\n",
		failures->count, failures->more ? " and more" : "");
	for (unsigned i = 0; i < failures->kinds; i++)
		printf("              %s (%u)\n", quote(failures->last[i].text).text,
			failures->last[i].count);
}

static void print_json(const struct state *state)
{
	printf("{\"enabled\":%s,\"list\":\"%s\",\"agent\":\"%s\",\"policy\":\"%s\",\"rules\":%zu,",
		state->on ? "true" : "false",
		state->list < 0 ? machine_list_text(state->list) : "ok",
		machine_agent_text(state->agent), policy_word(state), state->rules);
	print_failures_json(&state->failures);
	printf("\"processes\":{\"reached\":%u,\"others\":%u,\"unknown\":%u}}\n", state->reached,
		state->others, state->unknown);
}

static void print_text(const struct state *state)
{
	printf("machine-wide: %s\n", state->on ? "on" : "off");
	if (state->list < 0)
		printf("list:         %s: %s\n", MACHINE_PRELOAD, machine_list_text(state->list));
	printf("agent:        %s: %s\n", MEMSEAL_MACHINE_PATH, machine_agent_text(state->agent));
	printf("policy:       %zu %s, %s\n", state->rules, state->rules == 1 ? "rule" : "rules",
		policy_text(state));
	printf("processes:    %u with the agent, %u without", state->reached, state->others);
	if (state->unknown)
		printf(", %u that cannot be looked at", state->unknown);
	putchar('\n');
	if (state->on && state->others)
		printf("              without are those from before, static ones and those in "
		       "containers\n");
	print_failures(&state->failures);
}

int cmd_status(int argc, char **argv)
{
	struct state state = { .on = false };
	bool json = false;
	int c;

	while ((c = next_option(argc, argv, ":hJV", long_options)) != -1) {
		if (c == 'h')
			return print_help();
		if (c == 'V')
			return print_version();
		json |= c == 'J';
	}
	if (optind < argc)
		die(STATUS_USAGE, "%s: takes no arguments", quote(argv[optind]).text);
	read_list(&state);
	state.agent = machine_check_agent("");
	read_policy(&state);
	count_processes(&state);
	failures_read(&state.failures);
	if (json)
		print_json(&state);
	else
		print_text(&state);
	return is_well(&state) ? STATUS_FINE : STATUS_FINDINGS;
}
