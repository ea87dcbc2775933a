/* SPDX-License-Identifier: MIT */
#include "agent/seal.h"

#include <errno.h>
#include <sys/mman.h>

#include "agent/libc.h"
#include "agent/namespace.h"
#include "agent/pin.h"
#include "agent/report.h"
#include "agent/state.h"
#include "base/sys.h"
#include "engine/filter-exec.h"
#include "images/images.h"

/*
 * The thread that holds sealing, told by its process: after a fork(2) during sealing the child
 * has the memory of a holder that does not exist there, and takes over.
 */
static pid_t sealing;
static bool again;

static int seal_listed(const struct images_opts *opts)
{
	struct images_result result;
	int r = images_seal(opts, agent.page, &result);

	if (r < 0)
		report_failure(&result, r, opts->settled);
	return r;
}

static int iterate(const void *where, int (*fn)(struct dl_phdr_info *, size_t, void *), void *arg)
{
	(void)where;
	return dl_iterate_phdr(fn, arg);
}

/*
 * pinning: objects can be unloaded here, and dlopen() may be called. It may not before the C
 * library was initialised, because it would do that itself, without the environment. The first
 * time, own is the agent's state.
 */
static int seal_images(bool pinning, struct images_run own)
{
	static struct images_progress progress;
	const struct images_opts opts = {
		.filter = agent.options.filter,
		.settled = own.end != 0,
		.strict = agent.options.strict,
		.data = agent.options.data,
		.pin = pinning ? pin_object : NULL,
		.progress = &progress,
		.iterate = iterate,
		.own = own,
	};

	return seal_listed(&opts);
}

static void seal_namespaces(void)
{
	struct images_opts opts = {
		.filter = agent.options.filter,
		.strict = agent.options.strict,
		.data = agent.options.data,
		.iterate = namespace_iterate,
	};

	for (unsigned i = 0; (opts.where = namespace_get(i)); i++)
		(void)seal_listed(&opts);
}

/* Of error 0, what says it all. */
static int fail(const char *what, int error)
{
	const struct images_result failed = { .failed = what };

	report_failure(&failed, error, true);
	return error ? error : -EOPNOTSUPP;
}

/* The first object is the program: without a bias it is where it was linked to be. */
static int read_bias(struct dl_phdr_info *info, size_t size, void *arg)
{
	(void)size;
	*(uint64_t *)arg = info->dlpi_addr;
	return 1;
}

/*
 * A filter stays after execve(2), and would refuse the loader's calls if the next program had to
 * lie where this one does. memseal run looks at the first program alone.
 */
static int check_layout(void)
{
	uint64_t bias = 0;
	int r;

	dl_iterate_phdr(read_bias, &bias);
	if (bias == 0)
		return fail(
			"linked to a fixed address: a filter there would break what it executes",
			0);
	r = aslr_enabled();
	if (r < 0)
		return fail("cannot find out whether addresses are random", r);
	return r ? 0
		 : fail("addresses are not random: a filter there would break what it executes", 0);
}

/*
 * Nothing of the state changes from here on, and others must not change it either. Objects that are
 * opened meanwhile, to pin them, come to seal_new() and find that this thread is at it.
 */
int seal_all(bool pinning)
{
	const uint64_t state = (uintptr_t)&agent_pages;
	int r = agent.options.filter ? check_layout() : 0;

	if (r < 0)
		return r;
	r = sys_mprotect(state, sizeof(agent_pages), PROT_READ);
	if (r < 0)
		return fail("cannot make the agent's state read-only", r);
	sealing = sys_getpid();
	r = seal_images(
		pinning, (struct images_run){ .start = state, .end = state + sizeof(agent_pages) });
	sealing = 0;
	return r;
}

void seal_new(void)
{
	pid_t self = sys_getpid();

	__atomic_store_n(&again, true, __ATOMIC_SEQ_CST);
	while (__atomic_load_n(&again, __ATOMIC_SEQ_CST)) {
		pid_t holder = __atomic_load_n(&sealing, __ATOMIC_SEQ_CST);

		if (holder == self || !__atomic_compare_exchange_n(&sealing, &holder, self, false,
					      __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
			return;
		__atomic_store_n(&again, false, __ATOMIC_SEQ_CST);
		/* Whatever came through the hook is pinned already. */
		(void)seal_images(agent.glibc && !agent.open, (struct images_run){ 0 });
		seal_namespaces();
		__atomic_store_n(&sealing, 0, __ATOMIC_SEQ_CST);
	}
}
