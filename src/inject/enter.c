/* SPDX-License-Identifier: MIT */
#include "inject/enter.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>

#include "base/attach.h"
#include "base/sys.h"
#include "inject/judge.h"
#include "inject/place.h"
#include "inject/remote.h"
#include "inject/tracee.h"

/* In the process: the request, a page for the descriptor's way there, and the agent's stack. */
#define MEMORY_LEN     ((uint64_t)128 << 10)
#define MEMORY_MESSAGE 4096
_Static_assert(sizeof(struct attach_request) <= MEMORY_MESSAGE, "the request has one page");

/* include/uapi/linux/pidfd.h, Linux 6.9: of a thread. */
#define PIDFD_THREAD O_EXCL

struct work {
	struct remote remote;
	struct attach_request request;
	struct entering *entering;
	struct tracee tracee;
	struct span spare; /* see place_find_spare() */
	uint64_t memory;
	int pidfd;
	bool confined; /* it has a seccomp filter, which is suspended meanwhile */
};

static int fail(struct work *work, int error, const char *text)
{
	char *reason = work->entering->report.reason;

	if (!*reason)
		snprintf(reason, sizeof(work->entering->report.reason), "%s", text);
	return error;
}

/* What went wrong on the way, and not in the process. */
static int fail_on_the_way(struct work *work, int error)
{
	switch (error) {
	case -ESRCH:
		return fail(work, error, "it has ended");
	case -EFAULT:
		return fail(work, error, "what it was to do there ended with a signal");
	case -EOPNOTSUPP:
		return fail(work, error, "it has a shadow stack");
	case -ECANCELED:
		return fail(work, -ETIMEDOUT, "it went on before it could be asked");
	default:
		return fail(work, error, "ptrace(2) fails");
	}
}

static int open_all(struct work *work)
{
	const struct memseal_process *process = work->entering->process;

	work->remote.mem = sys_openat(process->live, "mem", O_RDWR | O_CLOEXEC, 0);
	if (work->remote.mem < 0)
		return fail(work, judge_refused(process), judge_refused_text(process));
	if (snapshot_is_current(process) < 0)
		return fail(work, -ESRCH, "it has ended, or executes another program");
	if (place_find_gadgets(process, work->remote.mem, &work->remote.gadgets) == 0)
		return 0;
	if (snapshot_is_current(process) < 0)
		return fail_on_the_way(work, -ESRCH);
	return fail(work, -EOPNOTSUPP,
		"its code has no way back from a signal handler, for the case that memseal is "
		"killed meanwhile");
}

static int stop(struct work *work)
{
	const struct memseal_process *process = work->entering->process;
	int r;

	work->tracee = (struct tracee){
		.pid = process->pid, .dir = process->dir, .options = PTRACE_O_TRACESYSGOOD
	};
	work->spare = place_find_spare(process, work->remote.mem);
	work->confined = judge_is_confined(process);
	work->tracee.confined = work->confined;
	if (work->confined)
		work->tracee.options |= PTRACE_O_SUSPEND_SECCOMP;
	r = tracee_stop(&work->tracee);
	if (r == -EPERM && work->confined && !work->tracee.interrupted)
		return fail(work, r, "it has a seccomp filter: that takes CAP_SYS_ADMIN");
	if (r == -EPERM)
		return fail(work, judge_refused(process), judge_refused_text(process));
	if (r == -ENOEXEC)
		return fail(work, -EOPNOTSUPP, "it runs 32-bit code");
	if (r == -EBUSY)
		return fail(work, r, "a thread does not stop: it waits for a device or a file");
	return r < 0 ? fail_on_the_way(work, r) : 0;
}

/* The first that is fit: the main thread, if it is. */
static struct tracee_thread *find_thread(struct work *work, bool on_stack)
{
	for (size_t i = 0; i < work->tracee.count; i++) {
		struct tracee_thread *thread = &work->tracee.threads[i];

		if (thread->stopped && (!on_stack || place_is_stack(work->entering->process,
							     cpu_stack(&thread->registers))))
			return thread;
	}
	return NULL;
}

/* The least that the net takes, with vector registers of 256 bits in use. */
#define SPARE_MIN 1400

/* One that is on a stack where there is room below, or any, if there is room elsewhere. */
static int choose_thread(struct work *work)
{
	struct tracee_thread *thread = find_thread(work, true);

	if (!thread && span_len(work->spare) >= SPARE_MIN) {
		thread = find_thread(work, false);
		work->remote.spare = work->spare;
	}
	if (!thread) {
		work->entering->again = true;
		return fail(work, -EBUSY, "no thread is on a stack where it can be entered");
	}
	/* It has got one since it was looked at: the agent's calls may be its death. */
	if (!work->confined && judge_is_thread_confined(work->entering->process, thread->tid)) {
		work->entering->again = true;
		return fail(work, -EBUSY, "a thread is just installing a seccomp filter");
	}
	work->remote.thread = thread;
	work->remote.pid = work->tracee.pid;
	work->pidfd = sys_pidfd_open(thread->tid, PIDFD_THREAD);
	if (work->pidfd < 0)
		return fail_on_the_way(work, work->pidfd);
	return cpu_abort_sequence(thread->tid, work->remote.mem, &thread->registers);
}

static int call(struct work *work, long *ret, long nr, uint64_t a, uint64_t b, uint64_t c,
	uint64_t d, uint64_t e)
{
	const uint64_t args[6] = { a, b, c, d, e, 0 };
	int r = remote_call(&work->remote, ret, nr, args);

	return r < 0 ? fail_on_the_way(work, r) : 0;
}

static int answered(struct work *work, int error)
{
	if (error == -EMFILE || error == -ENFILE)
		return fail(work, error, "it has no free file descriptor");
	if (error == -ENOMEM)
		return fail(work, error, "it has no memory left within its limits");
	if (error == -EACCES)
		return fail(work, -EPERM, "it may not map the agent");
	return fail(work, error, "it was refused a system call");
}

static int map_memory(struct work *work)
{
	long at;
	int r = call(work, &at, NR_mmap, 0, MEMORY_LEN, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, (uint64_t)-1);

	if (r < 0)
		return r;
	if (sys_failed(at))
		return answered(work, (int)at);
	work->memory = (uint64_t)at;
	return 0;
}

static void unmap(struct work *work, uint64_t at, uint64_t len)
{
	long ignored;

	if (at)
		(void)!call(work, &ignored, NR_munmap, at, len, 0, 0, 0);
}

static int read_request(struct work *work)
{
	return remote_read(&work->remote, work->memory, &work->request, sizeof(work->request));
}

/* Memory that is gone: the thread waited in vain, gave it back, and went on. */
static int is_done(void *arg)
{
	struct work *work = arg;
	int r = read_request(work);

	if (r < 0)
		return r == -EFAULT ? -ECANCELED : r;
	return work->request.done;
}

/* A second is what a program takes to start, on any machine that is not broken. */
static int run_agent(struct work *work, uint64_t base)
{
	const struct agent_file *agent = &work->entering->agent;
	int r;

	work->request = (struct attach_request){
		.resume = work->remote.net.resume,
		.memory = work->memory,
		.memory_len = MEMORY_LEN,
		.size = sizeof(work->request),
		.options = work->entering->options,
		.settled = work->entering->settled,
		.suspended = work->confined,
	};
	r = remote_write(&work->remote, work->memory, &work->request, sizeof(work->request));
	if (r == 0)
		r = remote_run(&work->remote, base + agent->entry, work->memory,
			work->memory + MEMORY_LEN, is_done, work);
	return r < 0 ? fail_on_the_way(work, r) : 0;
}

/* The agent has said what it did. */
static int take_answer(struct work *work)
{
	struct memseal_seal_report *report = &work->entering->report;
	const struct attach_request *request = &work->request;
	size_t len = strnlen(request->text, sizeof(request->text) - 1);

	report->sealed_bytes += request->sealed;
	report->later = request->hooked;
	snprintf(report->reason, sizeof(report->reason), "%.*s", (int)len, request->text);
	if (request->result == -ENOSYS)
		return fail(work, -EOPNOTSUPP, "this kernel has no mseal(2)");
	if (request->result > 0)
		return fail(work, -EPERM, "a seccomp filter refuses mseal(2)");
	if (request->result == -EOPNOTSUPP)
		return fail(work, -EOPNOTSUPP,
			"it may not read its own /proc/self/auxv, as a process that has given up "
			"root's privileges");
	if (request->result == -EALREADY)
		return fail(work, -EALREADY, "it has the agent already, with fewer options");
	if (request->result == 0 && request->loading) {
		work->entering->again = true;
		return fail(work, -EBUSY, "it is just loading an object, which is left open");
	}
	return request->result;
}

static int map_agent(struct work *work)
{
	struct entering *entering = work->entering;
	int error, r = agent_file_map(&work->remote, &entering->agent, work->pidfd,
			   work->memory + MEMORY_MESSAGE, &entering->base, &error);

	if (r < 0)
		return fail_on_the_way(work, r);
	return error < 0 ? answered(work, error) : 0;
}

/* The agent has sealed nothing, and nothing leads to it. */
static bool is_in_vain(const struct work *work)
{
	return work->request.done && work->request.result < 0 && !work->request.hooked &&
	       !work->request.sealed;
}

static int map_and_run(struct work *work)
{
	struct entering *entering = work->entering;
	bool new = !entering->base;
	int r = new ? map_agent(work) : 0;

	if (r == 0)
		r = run_agent(work, entering->base);
	if (r < 0)
		return r;
	if (new &&is_in_vain(work)) {
		unmap(work, entering->base, entering->agent.len);
		entering->base = 0;
	}
	return take_answer(work);
}

static int work_inside(struct work *work)
{
	int left, r = remote_enter(&work->remote);

	if (r < 0)
		return fail_on_the_way(work, r);
	r = map_memory(work);
	if (r == 0)
		r = map_and_run(work);
	if (r == -ETIMEDOUT || r == -ESRCH)
		return r; /* the thread finds back alone, or is none any more */
	unmap(work, work->memory, MEMORY_LEN);
	left = remote_leave(&work->remote);
	return r == 0 && left < 0 ? fail_on_the_way(work, left) : r;
}

static int work_stopped(struct work *work)
{
	int r;

	/* Only now nobody can execute another program any more. */
	if (snapshot_is_current(work->entering->process) < 0)
		return fail(work, -ESRCH, "it has ended, or executes another program");
	r = choose_thread(work);
	return r < 0 ? r : work_inside(work);
}

int enter(struct entering *entering)
{
	long at = sys_mmap(
		0, sizeof(struct work), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct work *work = (void *)at;
	int r;

	*entering->report.reason = '\0';
	if (sys_failed(at)) {
		snprintf(entering->report.reason, sizeof(entering->report.reason),
			"no memory for the process that traces it");
		return (int)at;
	}
	work->entering = entering;
	r = open_all(work);
	if (r < 0 || entering->dry_run)
		return r;
	r = stop(work);
	if (r == 0)
		r = work_stopped(work);
	entering->report.threads = (unsigned)work->tracee.count;
	tracee_release(&work->tracee);
	if (work->tracee.interrupted)
		entering->report.paused = tracee_now() - work->tracee.since;
	return r;
}
