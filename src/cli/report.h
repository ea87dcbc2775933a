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

#include <sys/types.h>

#include "cli/message.h"

enum status {
	STATUS_FINE = 0,
	STATUS_FINDINGS = 1,
	STATUS_USAGE = 2,
	STATUS_UNSUPPORTED = 3, /* this machine cannot do it */
	STATUS_FAILURE = 4,
};

int cmd_attach(int argc, char **argv);
int cmd_audit(int argc, char **argv);
int cmd_disable(int argc, char **argv);
int cmd_doctor(int argc, char **argv);
int cmd_enable(int argc, char **argv);
int cmd_map(int argc, char **argv);
int cmd_policy(int argc, char **argv);
int cmd_status(int argc, char **argv);

/* Prints "memseal 1.2.3". */
int print_version(void);

/* A process ID as the user wrote it; dies with STATUS_USAGE if it is none. */
pid_t parse_pid(const char *text);

/*
 * Why memseal_process_open() failed with a negative errno, and the remedy if there is one;
 * -ETIMEDOUT: it was given up, -ECHILD: the child that called it died.
 */
const char *open_error_text(int error);

/* The exit status that goes with it. */
enum status open_error_status(int error);

#endif
