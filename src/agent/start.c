/* SPDX-License-Identifier: MIT */
/* Where the agent begins: its constructor, before main(). */
#include "agent/hook.h"
#include "agent/libc.h"
#include "agent/pin.h"
#include "agent/seal.h"
#include "agent/state.h"
#include "base/sys.h"

/* Exit status of a program that memseal did not let start, as env(1) and others have it. */
#define EXIT_MEMSEAL 125

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
	pin_find();
	usable = agent.glibc && &environ && environ;
	if (usable && !agent.options.no_dlopen)
		(void)hook_install();
	agent.ready = true;
	/* Without a dlopen() so far, all there is was loaded with the program, and stays. */
	r = seal_all(usable && agent.opened);
	if (r < 0 && !agent.options.allow_unsealed)
		sys_exit_group(EXIT_MEMSEAL);
}
