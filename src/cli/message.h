/* SPDX-License-Identifier: MIT */
/* What all commands say when something is wrong, and how they read their options. */
#ifndef MEMSEAL_CLI_MESSAGE_H
#define MEMSEAL_CLI_MESSAGE_H

#include <getopt.h>

/* The command that messages begin with, and the exit status of errors in its usage. */
void set_title(const char *command, int status);

/* One line on stderr: "memseal COMMAND: ...". */
__attribute__((format(printf, 1, 2))) void complain(const char *fmt, ...);

/* The same, then exits. */
__attribute__((noreturn, format(printf, 2, 3))) void die(int status, const char *fmt, ...);

/* A string from outside as a message may show it: control characters escaped, cut if too long. */
struct quoted {
	char text[128];
};

/* To be used within one expression: complain("no file %s", quote(name).text). */
struct quoted quote(const char *text);

/*
 * getopt_long(3), whose errors become one line and the status of usage errors. shorts must start
 * with ':'.
 */
int next_option(int argc, char **argv, const char *shorts, const struct option *longs);

#endif
