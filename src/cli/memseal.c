/* SPDX-License-Identifier: MIT */
/*
 * The launcher. `memseal run` is done here, in a small static program, because it is paid for by
 * every program it starts; all other commands are those of memseal-report, which takes this
 * process over.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <memseal.h>

#include "cli/beside.h"
#include "cli/message.h"
#include "cli/run.h"

#define REPORT "memseal-report"

/* In a build tree memseal-report lies beside this program. */
static int exec_report(char **argv)
{
	char path[PATH_MAX];

	if (beside_memseal(REPORT, path, sizeof(path)))
		execv(path, argv);
	execv(MEMSEAL_LIBEXEC_DIR "/" REPORT, argv);
	die(STATUS_RUN_FAILED, "cannot execute %s: %s", MEMSEAL_LIBEXEC_DIR "/" REPORT,
		strerror(errno));
}

int main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "run") == 0)
		return cmd_run(argc - 1, argv + 1);
	return exec_report(argv);
}
