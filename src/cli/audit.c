/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <memseal.h>

#include "cli/look.h"
#include "cli/pids.h"
#include "cli/report.h"
#include "cli/table.h"

enum {
	COL_PID,
	COL_COMM,
	COL_STATE,
	COL_COVERAGE,
	COL_SEALABLE,
	COL_SEALED,
	COL_EXEC_OPEN,
	COL_IMAGES,
	COL_WHY,
	COL_OPEN,
	COLUMNS,
};

static const struct table_column columns[COLUMNS] = {
	[COL_PID] = { "PID", TABLE_RIGHT, "process ID" },
	[COL_COMM] = { "COMM", 0, "name" },
	[COL_STATE] = { "STATE", 0, "sealed, partial, unsealed or unknown" },
	[COL_COVERAGE] = { "COVERAGE", TABLE_RIGHT,
		"sealed in per cent of sealable, rounded down" },
	[COL_SEALABLE] = { "SEALABLE", TABLE_RIGHT, "size of text, read-only data and RELRO" },
	[COL_SEALED] = { "SEALED", TABLE_RIGHT, "size of what of them is sealed" },
	[COL_EXEC_OPEN] = { "EXEC_OPEN", TABLE_RIGHT,
		"size of executable memory that is not sealed text" },
	[COL_IMAGES] = { "IMAGES", TABLE_RIGHT, "number of ELF objects loaded" },
	[COL_WHY] = { "WHY", 0, "why the state is unknown, or what else is executable" },
	[COL_OPEN] = { "OPEN", TABLE_RIGHT | TABLE_EXTRA, "size of what of them is not sealed" },
};

struct audit {
	struct table *table;
	bool whole_system;
	bool limited;
	uint64_t limit; /* 1/1000 per cent */
	bool below;     /* a process has less, or could not be looked at */
	bool failed;    /* a process that was named is none */
};

#define OPTION_FAIL_UNDER 256

static const struct option long_options[] = {
	TABLE_LONG_OPTIONS,
	{ "fail-under", required_argument, NULL, OPTION_FAIL_UNDER },
	{ 0 },
};

static int print_help(void)
{
	printf("Usage: memseal audit [options] [PID...]\n\n"
	       "How much of what can be sealed is, one row a process; of all if none is named.\n\n"
	       "Options:\n"
	       "     --fail-under PCT  status 1 if the coverage of a process is below, or "
	       "unknown;\n"
	       "                       with 100 also if its state is not sealed\n");
	table_help(columns, COLUMNS);
	return STATUS_FINE;
}

static void add_state(struct audit *audit, const char *state, const char *color)
{
	table_text(audit->table, COL_STATE, state);
	table_color(audit->table, COL_STATE, color);
}

static void add_unknown(struct audit *audit, pid_t pid, const char *comm, const char *why)
{
	table_row(audit->table);
	table_number(audit->table, COL_PID, (uint64_t)pid);
	table_text(audit->table, COL_COMM, comm);
	add_state(audit, "unknown", "yellow");
	table_text(audit->table, COL_WHY, why);
	audit->below = true;
}

static const char *state_color(enum memseal_state state)
{
	switch (state) {
	case MEMSEAL_STATE_SEALED:
		return "green";
	case MEMSEAL_STATE_UNSEALED:
		return "red";
	default:
		return "yellow";
	}
}

static bool is_below(const struct audit *audit, const struct memseal_coverage *coverage)
{
	const unsigned all = 100 * 1000;

	return coverage_share(coverage, all) < audit->limit ||
	       (audit->limit == all && coverage->state != MEMSEAL_STATE_SEALED);
}

static void add_coverage(
	struct audit *audit, pid_t pid, const char *comm, const struct memseal_coverage *coverage)
{
	table_row(audit->table);
	table_number(audit->table, COL_PID, (uint64_t)pid);
	table_text(audit->table, COL_COMM, comm);
	add_state(audit, memseal_state_name(coverage->state), state_color(coverage->state));
	table_tenths(audit->table, COL_COVERAGE, coverage_share(coverage, 1000));
	table_size(audit->table, COL_SEALABLE, coverage->sealable_bytes);
	table_size(audit->table, COL_SEALED, coverage->sealed_bytes);
	table_size(audit->table, COL_EXEC_OPEN, coverage->exec_open_bytes);
	table_size(audit->table, COL_OPEN, coverage->sealable_bytes - coverage->sealed_bytes);
	table_number(audit->table, COL_IMAGES, coverage->images);
	table_text(audit->table, COL_WHY, coverage->why);
	audit->below |= is_below(audit, coverage);
}

/* A process that cannot be looked at is a row, one that is none an error if it was named. */
static void add_failure(struct audit *audit, pid_t pid, int error)
{
	char comm[MEMSEAL_NAME_SIZE];
	int r = 0;

	if (error == -ENOENT || error == -EOPNOTSUPP)
		die(open_error_status(error), "%s", open_error_text(error));
	if (error != -ESRCH && error != -ENXIO)
		r = memseal_process_name(pid, NULL, comm);
	if (error == -ESRCH || error == -ENXIO || r == -ESRCH) {
		if (audit->whole_system)
			return;
		complain("%d: %s", pid, open_error_text(error == -ENXIO ? error : -ESRCH));
		audit->failed = true;
		return;
	}
	add_unknown(audit, pid, r < 0 ? NULL : comm, open_error_text(error));
}

/* What a child found out about a process. */
struct finding {
	pid_t pid;
	int error; /* of memseal_process_open() */
	struct memseal_coverage coverage;
	char comm[MEMSEAL_NAME_SIZE];
};

static void look_at(size_t i, void *arg)
{
	struct finding *finding = (struct finding *)arg + i;
	struct memseal_process *process;

	finding->error = memseal_process_open(finding->pid, NULL, &process);
	if (finding->error < 0)
		return;
	finding->coverage.size = sizeof(finding->coverage);
	finding->error = memseal_process_coverage(process, &finding->coverage);
	memcpy(finding->comm, memseal_process_comm(process), sizeof(finding->comm));
	memseal_process_close(process);
}

static void add_finding(struct audit *audit, const struct finding *finding, enum look look)
{
	int error = look == LOOK_LATE ? -ETIMEDOUT : look == LOOK_LOST ? -ECHILD : finding->error;

	if (error < 0)
		add_failure(audit, finding->pid, error);
	else if (finding->coverage.state == MEMSEAL_STATE_UNKNOWN)
		add_unknown(audit, finding->pid, finding->comm, finding->coverage.why);
	else
		add_coverage(audit, finding->pid, finding->comm, &finding->coverage);
}

static void add_processes(struct audit *audit, const pid_t *pids, size_t n)
{
	struct finding *findings = look_memory(n * sizeof(*findings));
	enum look *looks = calloc(n + 1, sizeof(*looks));

	if (!looks)
		die(STATUS_FAILURE, "out of memory");
	for (size_t i = 0; i < n; i++)
		findings[i].pid = pids[i];
	look_each(n, look_at, findings, LOOK_SECONDS, -1, looks);
	for (size_t i = 0; i < n; i++)
		add_finding(audit, &findings[i], looks[i]);
	free(looks);
}

/* "99.5" to 99500. By hand, because what strtod(3) takes depends on the locale. */
static uint64_t parse_percent(const char *text)
{
	unsigned long value, unit = 100;
	char *end = (char *)text;

	value = *text >= '0' && *text <= '9' ? strtoul(text, &end, 10) : ULONG_MAX;
	value = value > 100 ? ULONG_MAX : value * 1000;
	if (*end == '.')
		for (end++; *end >= '0' && *end <= '9' && unit; end++, unit /= 10)
			value += unit * (unsigned long)(*end - '0');
	if (*end || value > 100 * 1000)
		die(STATUS_USAGE, "%s is not a percentage: give a number from 0 to 100",
			quote(text).text);
	return value;
}

int cmd_audit(int argc, char **argv)
{
	struct table_options options = { 0 };
	struct audit audit = { 0 };
	struct pids pids = { 0 };
	int c;

	while ((c = next_option(argc, argv, TABLE_SHORT_OPTIONS, long_options)) != -1) {
		if (c == 'h')
			return print_help();
		if (c == 'V')
			return print_version();
		if (c == OPTION_FAIL_UNDER) {
			audit.limited = true;
			audit.limit = parse_percent(optarg);
		} else {
			table_option(&options, c);
		}
	}
	audit.whole_system = optind == argc;
	/* All of them, before the first is looked at. */
	for (int i = optind; i < argc; i++)
		pids_add(&pids, parse_pid(argv[i]));
	audit.table = table_new("processes", columns, COLUMNS, &options);
	if (audit.whole_system)
		pids_add_all(&pids);
	add_processes(&audit, pids.pid, pids.count);
	free(pids.pid);
	table_print(audit.table);
	if (audit.failed)
		return STATUS_FAILURE;
	return audit.limited && audit.below ? STATUS_FINDINGS : STATUS_FINE;
}
