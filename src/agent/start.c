/* SPDX-License-Identifier: MIT */
#include "agent/state.h"

#include <dlfcn.h>
#include <errno.h>
#include <sys/mman.h>

#include "agent/hook.h"
#include "agent/libc.h"
#include "agent/message.h"
#include "agent/namespace.h"
#include "agent/symbol.h"
#include "base/sys.h"
#include "images/images.h"
#include "engine/filter-exec.h"

union agent_state_pages agent_pages __attribute__((aligned(AGENT_PAGE_MAX)));

/* Exit status of a program that memseal did not let start, as env(1) and others have it. */
#define EXIT_MEMSEAL 125

/* How a failure ends. */
#define NOT_STARTED "; not started (memseal run --allow-unsealed starts it unsealed)"

static void report(const struct images_result *result, int error, bool starting)
{
	const char *program = getauxval ? (const char *)getauxval(AT_EXECFN) : NULL;
	struct message message = { .len = 0 };

	message_str(&message, "memseal: ");
	message_name(&message, program ? program : "program");
	message_str(&message, ": ");
	message_str(&message, result->failed ? result->failed : "cannot seal");
	if (result->object) {
		message_str(&message, *result->object ? " " : " the program");
		message_name(&message, result->object);
	}
	if (result->start) {
		message_str(&message, " at ");
		message_hex(&message, result->start);
	}
	if (result->thread) {
		message_str(&message, ", thread ");
		message_decimal(&message, (unsigned)result->thread);
	}
	if (error)
		message_error(&message, error);
	if (starting && !agent.options.allow_unsealed)
		message_str(&message, NOT_STARTED);
	message_send(&message);
}

static int seal_listed(const struct images_opts *opts)
{
	struct images_result result;
	int r = images_seal(opts, agent.page, &result);

	if (r < 0)
		report(&result, r, opts->settled);
	return r;
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
		.pin = pinning ? agent_pin : NULL,
		.progress = &progress,
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

bool agent_pin(const char *name)
{
	return agent.pin && agent.pin(name, agent.pin_mode);
}

/*
 * The thread that holds sealing, told by its process: after a fork(2) during sealing the child
 * has the memory of a holder that does not exist there, and takes over.
 */
static pid_t sealing;
static bool again;

void agent_seal_new(void)
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

/* Older glibc keeps dlopen() in libdl.so, which not every program loads. */
static void find_libc(void)
{
	agent.glibc = _rtld_global_ro != NULL;
	agent.dlopen = symbol_find("dlopen", &agent_pages);
	agent.dlsym = symbol_find("dlsym", &agent_pages);
	agent.pin = (dlopen_fn *)agent.dlopen;
	agent.pin_mode = RTLD_LAZY | RTLD_NOLOAD | RTLD_NODELETE;
	if (agent.glibc && !agent.pin) {
		agent.pin = (dlopen_fn *)symbol_find("__libc_dlopen_mode", &agent_pages);
		agent.pin_mode |= (int)0x80000000; /* __RTLD_DLOPEN of include/dlfcn.h */
	}
}

/* Of error 0, what says it all. */
static int fail(const char *what, int error)
{
	const struct images_result failed = { .failed = what };

	report(&failed, error, true);
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
 * opened meanwhile, to pin them, come to agent_seal_new() and find that this thread is at it.
 */
static int seal_all(bool pinning)
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

/*
 * glibc passes the program's arguments, musl nothing: what is in those registers then does not look
 * like a vector of arguments with the environment behind it.
 */
static char **find_environment(int argc, char **argv, char **envp)
{
	if (argc >= 0 && argv + argc + 1 == envp)
		return envp;
	return &environ ? environ : NULL;
}

__attribute__((constructor)) static void start(int argc, char **argv, char **envp)
{
	bool usable;
	int r;

	agent.page = getauxval ? getauxval(AT_PAGESZ) : 0;
	if (agent.page == 0 || agent.page > AGENT_PAGE_MAX)
		agent.page = AGENT_PAGE_MAX;
	agent_options_read(&agent.options, find_environment(argc, argv, envp));
	find_libc();
	usable = agent.glibc && &environ && environ;
	if (usable && !agent.options.no_dlopen)
		(void)hook_install();
	agent.ready = true;
	/* Without a dlopen() so far, all there is was loaded with the program, and stays. */
	r = seal_all(usable && agent.opened);
	if (r < 0 && !agent.options.allow_unsealed)
		sys_exit_group(EXIT_MEMSEAL);
}
