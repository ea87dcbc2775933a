/* SPDX-License-Identifier: MIT */
/*
 * What the reports share beside tables: exit statuses, errors, options, process IDs.
 *
 * memseal-report runs as "memseal COMMAND ARG...": the launcher, which links little, executes it
 * for everything but `memseal run`. Each command is int cmd_COMMAND(argc, argv) in COMMAND.c, with
 * argv[0] = "memseal COMMAND"; it returns an exit status, and main() checks that stdout was
 * written.
 */
#ifndef MEMSEAL_CLI_REPORT_H
#define MEMSEAL_CLI_REPORT_H

#include <getopt.h>
#include <sys/types.h>

enum status {
	STATUS_FINE = 0,
	STATUS_FINDINGS = 1,
	STATUS_USAGE = 2,
	STATUS_UNSUPPORTED = 3, /* this machine cannot do it */
	STATUS_FAILURE = 4,
};

int cmd_audit(int argc, char **argv);
int cmd_map(int argc, char **argv);

/* One line on stderr: "memseal COMMAND: ...". */
__attribute__((format(printf, 1, 2))) void complain(const char *fmt, ...);

/* The same, then exits. */
__attribute__((noreturn, format(printf, 2, 3))) void die(enum status status, const char *fmt, ...);

/* A string from outside as a message may show it: control characters escaped, cut if too long. */
struct quoted {
	char text[128];
};

/* To be used within one expression: complain("no file %s", quote(name).text). */
struct quoted quote(const char *text);

/*
 * getopt_long(3), whose errors become one line and STATUS_USAGE. shorts must start with ':'.
 */
int next_option(int argc, char **argv, const char *shorts, const struct option *longs);

/* Prints "memseal 1.2.3". */
int print_version(void);

/* A process ID as the user wrote it; dies with STATUS_USAGE if it is none. */
pid_t parse_pid(const char *text);

/* Why memseal_process_open() failed with a negative errno, and the remedy if there is one. */
const char *open_error_text(int error);

#endif
