/* SPDX-License-Identifier: MIT */
/* Enters a process, has the agent run there, and leaves it. */
#ifndef MEMSEAL_INJECT_ENTER_H
#define MEMSEAL_INJECT_ENTER_H

#include <memseal.h>

#include "base/agent-options.h"
#include "inject/agent-file.h"
#include "process/snapshot.h"

struct entering {
	const struct memseal_process *process;
	struct agent_options options;
	struct agent_file agent;
	uint64_t base; /* of the agent in the process, when it is there; or 0 */
	bool dry_run;
	bool settled; /* as judge_start() */

	bool answered;
	int answer;
	bool again; /* -EBUSY: of where threads are, and may be otherwise in a moment */
	struct memseal_seal_report report;
};

/*
 * In a process of its own, without other threads and other tracees, which ends afterwards: the
 * kernel sets free then what was not. The errors are those of memseal_process_seal(), with the
 * reason in the report.
 */
int enter(struct entering *entering) MUST_CHECK NONNULL(1);

#endif
