/* SPDX-License-Identifier: MIT */
#include "agent/seal.h"

#include <errno.h>
#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/prctl.h>

#include "agent/libc.h"
#include "agent/pin.h"
#include "agent/program.h"
#include "agent/report.h"
#include "agent/state.h"
#include "base/scratch.h"
#include "base/sys.h"
#include "engine/filter-count.h"
#include "engine/filter-exec.h"
#include "engine/protect.h"
#include "images/images.h"

/*
 * agent_mutable.holder is the thread that seals, or 0. One at a time, but only so that two do not
 * do the same work and complain of one another: what is sealed is asked of the kernel. So whoever
 * writes to this word does not switch sealing off: a holder that is not there, or takes longer than
 * this, is passed by.
 */
#define WAIT_TRIES 500 /* of 2 ms */

/* Where the agent begins; from the linker. */
extern const char __ehdr_start[] __attribute__((visibility("hidden")));

static bool is_running(uint32_t thread)
{
	return thread != 0 && sys_tgkill(sys_getpid(), (pid_t)thread, 0) == 0;
}

static void take(void)
{
	static const long pause[2] = { 0, 2000000 };
	uint32_t self = (uint32_t)sys_gettid();

	for (int i = 0; i < WAIT_TRIES; i++) {
		uint32_t other = 0;

		if (__atomic_compare_exchange_n(&agent_mutable.holder, &other, self, false,
			    __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
			return;
		if (other == self || !is_running(other))
			break;
		(void)sys_futex(&agent_mutable.holder, FUTEX_WAIT_PRIVATE, other, pause);
	}
	__atomic_store_n(&agent_mutable.holder, self, __ATOMIC_SEQ_CST);
}

static void give(void)
{
	__atomic_store_n(&agent_mutable.holder, 0, __ATOMIC_SEQ_CST);
	(void)sys_futex(&agent_mutable.holder, FUTEX_WAKE_PRIVATE, 1, NULL);
}

/*
 * What mseal(2) answers under the filters of this thread, one of which may kill for it. A child in
 * the same memory asks in its stead, with all signals blocked: then a SIGSYS is not handled, but
 * ends it. False: no child can be made.
 */
static bool ask_by_child(volatile int *ret_answer)
{
	const uint64_t all = ~(uint64_t)0;
	uint64_t old;
	pid_t child = sys_sigprocmask(SIG_BLOCK, &all, &old);

	if (child < 0)
		return false;
	*ret_answer = -EPERM;
	child = sys_vfork();
	if (child == 0) {
		*ret_answer = sys_mseal(0, 0, 0);
		sys_exit_group(0);
	}
	if (child > 0)
		(void)sys_reap(child);
	sys_undo_sigmask(&old);
	return child > 0;
}

/*
 * Is the program started under a filter that refuses mseal(2)? One that refuses to make a child,
 * and kills for mseal(2) besides, ends the program here: it cannot be told from one that lets it be
 * sealed.
 */
static bool starts_confined(void)
{
	volatile int answer = 0;

	if (agent.options.filter || agent.confined == 0)
		return false;
	agent.filters = filter_count();
	if (!ask_by_child(&answer))
		answer = sys_mseal(0, 0, 0);
	agent.refused = answer < 0;
	return agent.refused;
}

/* The filters of the start answer as they did then; more than that may be those of a sandbox. */
static bool is_confined(void)
{
	volatile int answer;

	if (agent.options.filter || report_confinement() == 0)
		return false;
	if (agent.confined > 0 && agent.filters > 0 && filter_count() == agent.filters)
		return agent.refused;
	return !ask_by_child(&answer) || answer < 0;
}

static int fail(const char *what, int error)
{
	const struct images_result failed = { .failed = what };

	report_failure(&failed, error, true);
	return error ? error : -EOPNOTSUPP;
}

/*
 * A filter stays after execve(2), and would refuse the loader's calls if the next program had to
 * lie where this one does. memseal run looks at the first program alone.
 */
static int check_layout(void)
{
	int error = 0;

	switch (filter_exec(loader_program_bias() != 0, &error)) {
	case FILTER_EXEC_HARMLESS:
		return 0;
	case FILTER_EXEC_FIXED:
		return fail(
			"linked to a fixed address: a filter there would break what it executes",
			0);
	case FILTER_EXEC_NO_ASLR:
		return fail(
			"addresses are not random: a filter there would break what it executes", 0);
	default:
		return fail("cannot find out whether addresses are random", error);
	}
}

/* The agent and the loader, which decide what is sealed later, are never left out. */
static bool is_excepted(const struct images_object *object)
{
	const char *name = object->name && *object->name ? object->name : program_path();

	return object->bias != (uintptr_t)__ehdr_start && object->bias != agent.loader.bias &&
	       agent_options_excepts(&agent.options, name);
}

static const struct images_opts *common(struct images_opts *opts, images_iterate_fn *list)
{
	opts->filter = agent.options.filter;
	opts->strict = agent.options.strict;
	opts->data = agent.options.data;
	opts->iterate = list;
	opts->excepted = *agent.options.except ? is_excepted : NULL;
	return opts;
}

/* The same object fails at every open: it is told once. The table only saves repetitions. */
static bool was_told(const struct images_result *result)
{
	uint64_t mark = result->start | result->unlocked;
	uint64_t *entry = &agent_mutable.told[((result->start >> 12) ^ result->unlocked) %
					      ARRAY_SIZE(agent_mutable.told)];

	if (!result->start)
		return false;
	return __atomic_exchange_n(entry, mark, __ATOMIC_RELAXED) == mark;
}

/* Bytes that cannot be locked are not told at every open either. */
static int seal(struct images_opts *opts, images_iterate_fn *list, struct images_result *ret)
{
	int r = images_seal(common(opts, list), agent.page, ret);

	if (r == 0 || !ret->unlocked || !agent.options.allow_unsealed)
		return r;
	if (!was_told(ret))
		report_failure(ret, r, opts->all);
	opts->strict = false;
	return images_seal(opts, agent.page, ret);
}

/* Runs of pages with the loader's list of objects; in ascending order, it is one. */
#define LIST_ROOM 8

/* Of the main thread, for about five images: some 1 KiB each. */
#define START_STACK 6144

int seal_all(const struct seal_start *start, struct images_result *ret)
{
	struct images_opts opts = {
		.all = true,
		.fresh = !start->running,
		.stack = START_STACK,
		.settled = !start->running || start->settled,
		.pin = start->pinning ? pin_object : NULL,
		.own = start->again ? (struct span){ 0, 0 } : agent_pages(),
	};
	struct images_run list[LIST_ROOM];
	/* memseal run has asked before: this filter came later, and is one that a user wants. */
	bool confined = !start->unfiltered && starts_confined();
	int r = agent.options.filter ? check_layout() : 0;

	*ret = (struct images_result){ .sealed = 0 };
	if (*agent.options.except && !start->again)
		(void)program_path(); /* before the state is sealed */
	if (r < 0)
		return r;
	if (!agent.loader.dynamic && !loader_absent())
		return fail("cannot find the dynamic loader in memory", 0);
	if (confined)
		return 1;
	if (agent.options.data && agent.glibc && !agent.opened && !start->running) {
		opts.more = list;
		opts.more_count = loader_list_pages(list, LIST_ROOM);
	}
	r = seal(&opts, start->running ? loader_list_stopped : loader_list, ret);
	if (r < 0)
		report_failure(ret, r, true);
	return r;
}

void seal_nothing(void)
{
	struct span own = agent_pages();

	(void)sys_mprotect(own.start, span_len(own), PROT_READ);
}

bool seal_is_done(const struct link_map *object)
{
	struct dl_phdr_info info;

	if (!object || (!agent.options.filter && report_confinement() != 0))
		return false;
	loader_describe(object, &info);
	return images_sealed(&info, agent.page, agent.options.filter);
}

bool seal_new(const struct link_map *loaded, const struct loader_limit *limit, bool last)
{
	const uint64_t bias = loaded ? loaded->l_addr : 0;
	struct images_opts opts = {
		.loaded = loaded ? &bias : NULL,
		.settled = limit != NULL,
		.stack = SCRATCH_SMALL,
		/* Whatever came through the hook is pinned already. */
		.pin = agent.glibc && !agent.open ? pin_object : NULL,
		.where = limit,
	};
	struct images_result result;
	int r;

	if (is_confined())
		return true;
	take();
	r = seal(&opts, loader_list, &result);
	give();
	if (r == -EAGAIN && !last)
		return false;
	if (r < 0 && !was_told(&result))
		report_failure(&result, r, false);
	return true;
}
