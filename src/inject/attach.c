/* SPDX-License-Identifier: MIT */
/* memseal_process_seal(): what is asked, in this process; the work is done by a child: enter.c. */
#include <errno.h>
#include <memseal.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "base/errors.h"
#include "base/opts.h"
#include "base/sys.h"
#include "inject/enter.h"
#include "inject/judge.h"

/* Milliseconds are the rule; a file system that does not answer keeps it for ever. */
#define CHILD_SECONDS 5

static int fail(struct entering *entering, int error, const char *text)
{
	snprintf(entering->report.reason, sizeof(entering->report.reason), "%s", text);
	return error;
}

/* Shared with the child, which writes its report there. */
static struct entering *new_entering(void)
{
	long r = sys_mmap(0, sizeof(struct entering), PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	return sys_failed(r) ? NULL : (void *)r;
}

static void free_entering(struct entering **entering)
{
	if (!*entering)
		return;
	sys_close_cleanup(&(*entering)->agent.fd);
	sys_undo_mmap((uintptr_t)*entering, sizeof(**entering));
}

static bool ends_in_time(pid_t child)
{
	const long limit[2] = { CHILD_SECONDS, 0 };
	CLEANUP(sys_close_cleanup) int pidfd = sys_pidfd_open(child, 0);
	struct pollfd poll = { .fd = pidfd, .events = POLLIN };

	/* Without a descriptor left, as long as it takes. */
	return pidfd < 0 || sys_ppoll(&poll, 1, limit) != 0;
}

/* Killed, the child leaves the process as it was, or sealed: see remote.h. */
static int wait_for_child(struct entering *entering, pid_t child)
{
	bool ended = ends_in_time(child);

	if (!ended)
		(void)sys_tgkill(child, child, SIGKILL);
	(void)sys_reap(child);
	if (entering->answered)
		return entering->answer;
	if (!ended)
		return fail(entering, -ETIMEDOUT, "it takes too long");
	return fail(entering, -EIO, "the process that traces it was killed");
}

static int enter_by_child(struct entering *entering)
{
	pid_t child = sys_fork(0);

	if (child < 0)
		return fail(entering, child == -EAGAIN ? -ENOMEM : child,
			"no process can be made that traces it");
	if (child == 0) {
		entering->answer = enter(entering);
		entering->answered = true;
		sys_exit_group(0);
	}
	return wait_for_child(entering, child);
}

/* A thread may be somewhere else in a moment: in the kernel, say, and not on a stack of its own. */
#define TRIES  20
#define NAP_NS 5000000

static int try_to_enter(struct entering *entering)
{
	const long nap[2] = { 0, NAP_NS };
	int r = -EBUSY;

	for (int i = 0; i < TRIES; i++) {
		entering->again = entering->answered = false;
		r = enter_by_child(entering);
		if (r != -EBUSY || !entering->again)
			break;
		(void)sys_ppoll(NULL, 0, nap);
	}
	return r;
}

static int open_agent(struct entering *entering, const struct memseal_seal_opts *opts)
{
	int r = agent_file_open(opts->agent ? opts->agent : MEMSEAL_ATTACH_PATH, &entering->agent);

	if (r == -ENOEXEC)
		return fail(entering, r, "the agent is not one of this version");
	return r < 0 ? fail(entering, r, "the agent cannot be read") : 0;
}

static int seal(struct entering *entering, const struct memseal_seal_opts *opts)
{
	int r = open_agent(entering, opts);

	if (r == 0)
		r = judge(entering->process, opts->init, entering->agent.fd,
			entering->report.reason, sizeof(entering->report.reason));
	if (r < 0)
		return r;
	entering->base = judge_find_agent(entering->process, entering->agent.fd);
	if (entering->base && !opts->strict && !opts->data &&
		entering->process->coverage.state == MEMSEAL_STATE_SEALED)
		return 0;
	r = judge_start(entering->process);
	if (r < 0)
		return fail(entering, r, "it is just being started, or is stopped in its start");
	entering->settled = r;
	return try_to_enter(entering);
}

EXPORT int memseal_process_seal(struct memseal_process *process,
	const struct memseal_seal_opts *opts, struct memseal_seal_report *ret_report)
{
	CLEANUP(free_entering) struct entering *entering = NULL;
	struct memseal_seal_opts known;
	int r;

	if (!process || opts_read(&known, sizeof(known), opts) < 0 ||
		(ret_report && !output_valid(ret_report, sizeof(*ret_report))))
		return -EINVAL;
	entering = new_entering();
	if (!entering)
		return -ENOMEM;
	entering->agent.fd = -1;
	entering->process = process;
	entering->dry_run = known.dry_run;
	entering->options.strict = known.strict;
	entering->options.data = known.data;
	entering->options.no_dlopen = known.no_dlopen;
	r = seal(entering, &known);
	if (ret_report)
		output_write(ret_report, &entering->report, sizeof(entering->report));
	return errors_only(r, -EIO, ERRORS_PROCESS_SEAL);
}
