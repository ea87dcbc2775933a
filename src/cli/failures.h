/* SPDX-License-Identifier: MIT */
/* What the agents of the machine-wide mode have told the log since this machine started. */
#ifndef MEMSEAL_CLI_FAILURES_H
#define MEMSEAL_CLI_FAILURES_H

#include <stdbool.h>

enum { FAILURES_KINDS = 5, FAILURES_MAX = 1000, FAILURES_TEXT = 256 };

struct failure {
	char text[FAILURES_TEXT];
	unsigned count;
};

struct failures {
	const char *unknown;                 /* why the log was not read, or NULL */
	unsigned count;                      /* of messages, the last FAILURES_MAX */
	bool more;                           /* there are, from before those */
	unsigned kinds;                      /* different texts, of */
	struct failure last[FAILURES_KINDS]; /* the ones that came last: there may be others */
};

/*
 * Asks journalctl(1), for at most 5 seconds; on a machine without it, or for another user than
 * root, whom it does not show everything, *ret says so. Any user can write such messages: what they
 * say is to be printed with care.
 */
void failures_read(struct failures *ret);

#endif
