/* SPDX-License-Identifier: MIT */
/* memseal attach: programs that run already. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <memseal.h>

#include "cli/beside.h"
#include "cli/look.h"
#include "cli/pids.h"
#include "cli/report.h"
#include "cli/table.h"

#define AGENT "libmemseal-attach.so"

enum {
	COL_PID,
	COL_COMM,
	COL_RESULT,
	COL_BEFORE,
	COL_AFTER,
	COL_PAUSE_US,
	COL_THREADS,
	COL_LATER,
	COL_WHY,
	COLUMNS,
};

static const struct table_column columns[COLUMNS] = {
	[COL_PID] = { "PID", TABLE_RIGHT, "process ID" },
	[COL_COMM] = { "COMM", 0, "name" },
	[COL_RESULT] = { "RESULT", 0, "sealed, partial, already, possible or refused" },
	[COL_BEFORE] = { "BEFORE", TABLE_RIGHT, "sealed in per cent of sealable, rounded down" },
	[COL_AFTER] = { "AFTER", TABLE_RIGHT, "the same afterwards, looked at anew" },
	[COL_PAUSE_US] = { "PAUSE_US", TABLE_RIGHT, "how long its threads stood still, us" },
	[COL_THREADS] = { "THREADS", TABLE_RIGHT, "how many" },
	[COL_LATER] = { "LATER", 0, "what it loads from now on is sealed, too" },
	[COL_WHY] = { "WHY", 0, "what was refused, failed or was left open" },
};

enum { OPT_ALL = 256, OPT_DATA, OPT_DRY_RUN, OPT_FORCE, OPT_NO_DLOPEN, OPT_STRICT };

static const struct option long_options[] = {
	TABLE_LONG_OPTIONS,
	{ "all", no_argument, NULL, OPT_ALL },
	{ "data", no_argument, NULL, OPT_DATA },
	{ "dry-run", no_argument, NULL, OPT_DRY_RUN },
	{ "force", no_argument, NULL, OPT_FORCE },
	{ "no-dlopen", no_argument, NULL, OPT_NO_DLOPEN },
	{ "strict", no_argument, NULL, OPT_STRICT },
	{ 0 },
};

static int print_help(void)
{
	printf("Usage: memseal attach [OPTION...] PID...\n"
	       "       memseal attach [OPTION...] --all\n\n"
	       "Seals programs that run already, and what they load from now on, as memseal run\n"
	       "does at the start. Each stands still for some milliseconds.\n\n"
	       "Options:\n"
	       "     --all             every process that this user may trace\n"
	       "     --data            writable data keeps its place and protection\n"
	       "     --dry-run         say what would be done, and do nothing\n"
	       "     --force           the first process, too\n"
	       "     --no-dlopen       leave objects alone that are loaded later\n"
	       "     --strict          lock the bytes too: not even /proc/PID/mem changes them\n");
	table_help(columns, COLUMNS);
	printf("\nExit status: 0 if each is sealed or has the agent, 1 if not, 2 usage,\n"
	       "3 not on this machine, 4 failure. See memseal-attach(1).\n");
	return STATUS_FINE;
}

struct attach {
	struct memseal_seal_opts opts;
	struct table *table;
	bool all;
	bool findings;
	bool failed; /* a process that was named is none */
};

/* What a child found out about a process and did with it. */
struct finding {
	const struct attach *attach;
	pid_t pid;
	int error;   /* of memseal_process_open() before */
	int answer;  /* of memseal_process_seal() */
	int recheck; /* of memseal_process_open() afterwards */
	struct memseal_coverage before, after;
	struct memseal_seal_report report;
	char comm[MEMSEAL_NAME_SIZE];
};

static int look(pid_t pid, struct memseal_coverage *ret, struct memseal_process **ret_process)
{
	int r = memseal_process_open(pid, NULL, ret_process);

	if (r < 0)
		return r;
	ret->size = sizeof(*ret);
	return memseal_process_coverage(*ret_process, ret);
}

/* What is in the way is a matter of moments, for the most part; the snapshot may be too old. */
#define TRIES  5
#define NAP_US 20000

static int try_to_seal(struct finding *finding)
{
	struct memseal_coverage now;
	struct memseal_process *process;
	int r = look(finding->pid, &now, &process);

	if (r < 0)
		return r;
	if (!finding->before.size)
		finding->before = now;
	memcpy(finding->comm, memseal_process_comm(process), sizeof(finding->comm));
	finding->report.size = sizeof(finding->report);
	finding->answer = memseal_process_seal(process, &finding->attach->opts, &finding->report);
	memseal_process_close(process);
	return 0;
}

/* Afterwards from outside, and not as the agent says. */
static void attach_to(size_t i, void *arg)
{
	struct finding *finding = (struct finding *)arg + i;
	struct memseal_process *process;

	for (int tries = 0; tries < TRIES; tries++) {
		finding->error = try_to_seal(finding);
		if (finding->error < 0 || finding->answer != -EBUSY ||
			finding->attach->opts.dry_run)
			break;
		usleep(NAP_US);
	}
	if (finding->error < 0)
		return;
	finding->recheck = look(finding->pid, &finding->after, &process);
	if (finding->recheck == 0)
		memseal_process_close(process);
}

static void add_share(struct attach *attach, size_t column, const struct memseal_coverage *coverage)
{
	if (coverage->sealable_bytes && coverage->state != MEMSEAL_STATE_UNKNOWN)
		table_tenths(attach->table, column, coverage_share(coverage, 1000));
}

static void set_result(
	struct attach *attach, const char *result, const char *color, const char *why, bool finding)
{
	table_text(attach->table, COL_RESULT, result);
	table_color(attach->table, COL_RESULT, color);
	table_text(attach->table, COL_WHY, why);
	attach->findings |= finding;
}

static const char *reason_of(const struct finding *finding)
{
	return *finding->report.reason ? finding->report.reason : strerror(-finding->answer);
}

static void add_result(struct attach *attach, const struct finding *finding)
{
	bool sealed = finding->recheck == 0 && finding->after.state == MEMSEAL_STATE_SEALED;
	bool better =
		finding->recheck == 0 && finding->after.sealed_bytes > finding->before.sealed_bytes;

	if (finding->answer == -EALREADY)
		set_result(attach, "already", sealed ? "green" : "yellow", reason_of(finding),
			!sealed || attach->opts.strict || attach->opts.data);
	else if (finding->answer < 0 && !better)
		set_result(attach, "refused", "red", reason_of(finding), true);
	else if (attach->opts.dry_run)
		set_result(attach, "possible", "green", NULL, false);
	else if (sealed && finding->answer == 0)
		set_result(attach, "sealed", "green",
			*finding->report.reason ? finding->report.reason : NULL, false);
	else
		set_result(attach, "partial", "yellow",
			finding->answer < 0       ? reason_of(finding)
			: finding->recheck < 0    ? open_error_text(finding->recheck)
			: *finding->report.reason ? finding->report.reason
						  : finding->after.why,
			true);
}

static void add_row(struct attach *attach, const struct finding *finding)
{
	table_row(attach->table);
	table_number(attach->table, COL_PID, (uint64_t)finding->pid);
	table_text(attach->table, COL_COMM, finding->comm);
	add_share(attach, COL_BEFORE, &finding->before);
	if (finding->recheck == 0 && !attach->opts.dry_run)
		add_share(attach, COL_AFTER, &finding->after);
	if (finding->report.paused) {
		table_number(attach->table, COL_PAUSE_US, finding->report.paused / 1000);
		table_number(attach->table, COL_THREADS, finding->report.threads);
		table_flag(attach->table, COL_LATER, finding->report.later);
	}
	add_result(attach, finding);
}

/* What was not even looked at. With --all, kernel threads and what has ended are no rows. */
static void add_failure(struct attach *attach, pid_t pid, int error)
{
	char comm[MEMSEAL_NAME_SIZE] = "";

	if (error == -ENOENT || error == -EOPNOTSUPP)
		die(open_error_status(error), "%s", open_error_text(error));
	if (error == -ESRCH || error == -ENXIO) {
		if (attach->all)
			return;
		complain("%d: %s", pid, open_error_text(error));
		attach->failed = true;
		return;
	}
	table_row(attach->table);
	table_number(attach->table, COL_PID, (uint64_t)pid);
	if (memseal_process_name(pid, NULL, comm) == 0)
		table_text(attach->table, COL_COMM, comm);
	set_result(attach, "refused", "red", open_error_text(error), true);
}

static void add_finding(struct attach *attach, const struct finding *finding, enum look state)
{
	int error = state == LOOK_LATE ? -ETIMEDOUT : state == LOOK_LOST ? -ECHILD : finding->error;

	if (error < 0)
		add_failure(attach, finding->pid, error);
	else
		add_row(attach, finding);
}

/* Upper ends of the classes of pauses, in us; the last holds the rest. */
static const unsigned long classes[] = { 500, 1000, 2000, 5000, 10000, 20000, ULONG_MAX };
#define CLASSES (sizeof(classes) / sizeof(*classes))

/* On a terminal as well as in a file, but not amid data. */
static void print_pauses(const struct finding *findings, size_t n)
{
	unsigned long counts[CLASSES] = { 0 }, all = 0;

	for (size_t i = 0; i < n; i++) {
		unsigned long us = (unsigned long)(findings[i].report.paused / 1000);
		size_t class = 0;

		if (!findings[i].report.paused)
			continue;
		while (us > classes[class])
			class ++;
		counts[class]++;
		all++;
	}
	if (all < 2)
		return;
	printf("\nPauses:\n");
	for (size_t i = 0; i < CLASSES; i++) {
		if (classes[i] == ULONG_MAX)
			printf("  above  %6lu us  %lu\n", classes[i - 1], counts[i]);
		else
			printf("  up to  %6lu us  %lu\n", classes[i], counts[i]);
	}
}

static void attach_to_all(
	struct attach *attach, const struct pids *pids, const struct table_options *options)
{
	struct finding *findings = look_memory(pids->count * sizeof(*findings));
	enum look *looks = calloc(pids->count + 1, sizeof(*looks));

	if (!looks)
		die(STATUS_FAILURE, "out of memory");
	for (size_t i = 0; i < pids->count; i++) {
		findings[i].attach = attach;
		findings[i].pid = pids->pid[i];
	}
	look_each(pids->count, attach_to, findings, LOOK_SECONDS_AT_WORK, -1, looks);
	for (size_t i = 0; i < pids->count; i++)
		add_finding(attach, &findings[i], looks[i]);
	free(looks);
	table_print(attach->table);
	if (!options->json && !options->noheadings)
		print_pauses(findings, pids->count);
}

static void drop_self(struct pids *pids)
{
	size_t kept = 0;

	for (size_t i = 0; i < pids->count; i++)
		if (pids->pid[i] != getpid())
			pids->pid[kept++] = pids->pid[i];
	pids->count = kept;
}

static void take_option(struct attach *attach, struct table_options *options, int c)
{
	attach->all |= c == OPT_ALL;
	attach->opts.data |= c == OPT_DATA;
	attach->opts.dry_run |= c == OPT_DRY_RUN;
	attach->opts.init |= c == OPT_FORCE;
	attach->opts.no_dlopen |= c == OPT_NO_DLOPEN;
	attach->opts.strict |= c == OPT_STRICT;
	(void)table_option(options, c);
}

int cmd_attach(int argc, char **argv)
{
	struct table_options options = { 0 };
	struct attach attach = { .opts.size = sizeof(attach.opts) };
	struct pids pids = { 0 };
	char agent[PATH_MAX];
	int c;

	while ((c = next_option(argc, argv, TABLE_SHORT_OPTIONS, long_options)) != -1) {
		if (c == 'h')
			return print_help();
		if (c == 'V')
			return print_version();
		take_option(&attach, &options, c);
	}
	if (attach.all == (optind < argc))
		die(STATUS_USAGE, "name processes, or give --all");
	if (beside_memseal(AGENT, agent, sizeof(agent)))
		attach.opts.agent = agent;
	for (int i = optind; i < argc; i++)
		pids_add(&pids, parse_pid(argv[i]));
	attach.table = table_new("attached", columns, COLUMNS, &options);
	if (attach.all)
		pids_add_all(&pids);
	drop_self(&pids);
	attach_to_all(&attach, &pids, &options);
	free(pids.pid);
	if (attach.failed)
		return STATUS_FAILURE;
	return attach.findings ? STATUS_FINDINGS : STATUS_FINE;
}
