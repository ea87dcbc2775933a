/* SPDX-License-Identifier: MIT */
#include "cli/failures.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* Newest first, and one more than we count; what it has to say of itself does not matter. */
#define COMMAND                                                                    \
	"exec timeout 5 journalctl -b -t memseal -q -r -o cat --no-pager -n 1001 " \
	"2>/dev/null </dev/null"

_Static_assert(FAILURES_MAX == 1000, "COMMAND");

static void add(struct failures *failures, const char *text)
{
	unsigned i = 0;

	if (failures->count == FAILURES_MAX) {
		failures->more = true;
		return;
	}
	failures->count++;
	while (i < failures->kinds && i < FAILURES_KINDS &&
		strcmp(failures->last[i].text, text) != 0)
		i++;
	if (i == FAILURES_KINDS)
		return;
	if (i == failures->kinds) {
		snprintf(failures->last[i].text, FAILURES_TEXT, "%s", text);
		failures->kinds++;
	}
	failures->last[i].count++;
}

/* Of a long line, what there is room for. */
static void read_lines(FILE *journal, struct failures *failures)
{
	char line[FAILURES_TEXT];
	bool inside = false;

	while (fgets(line, sizeof(line), journal)) {
		size_t len = strcspn(line, "\n");
		bool ends = line[len] == '\n';

		line[len] = '\0';
		if (!inside)
			add(failures, line);
		inside = !ends;
	}
}

static const char *why_unknown(int status)
{
	if (!WIFEXITED(status))
		return "journalctl died";
	switch (WEXITSTATUS(status)) {
	case 0:
		return NULL;
	case 124:
		return "journalctl takes more than 5 seconds";
	case 127:
		return "no journalctl here: see the log of this system";
	default:
		return "journalctl cannot read it";
	}
}

void failures_read(struct failures *ret)
{
	FILE *journal;

	memset(ret, 0, sizeof(*ret));
	if (geteuid() != 0) {
		ret->unknown = "needs root";
		return;
	}
	journal = popen(COMMAND, "re");
	if (!journal) {
		ret->unknown = "cannot start journalctl";
		return;
	}
	read_lines(journal, ret);
	ret->unknown = why_unknown(pclose(journal));
}
