/* SPDX-License-Identifier: MIT */
#ifndef MEMSEAL_CLI_RUN_H
#define MEMSEAL_CLI_RUN_H

/* Beside the program's own statuses: those of env(1), nohup(1) and others. */
enum run_status {
	STATUS_RUN_FAILED = 125,
	STATUS_RUN_CANNOT_INVOKE = 126,
	STATUS_RUN_NOT_FOUND = 127,
};

int cmd_run(int argc, char **argv);

#endif
