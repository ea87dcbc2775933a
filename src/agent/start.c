/* SPDX-License-Identifier: MIT */
/* Where the agent begins: its constructor, before main(). */
#include "agent/auxv.h"
#include "agent/door.h"
#include "agent/hook.h"
#include "agent/libc.h"
#include "agent/loader.h"
#include "agent/pin.h"
#include "agent/report.h"
#include "agent/seal.h"
#include "agent/state.h"
#include "base/sys.h"

/* Exit status of a program that memseal did not let start, as env(1) and others have it. */
#define EXIT_MEMSEAL 125

__attribute__((constructor)) static void construct(int argc, char **argv, char **envp)
{
	char **environment = auxv_read(argc, argv, envp);
	struct seal_start start = { .pinning = false };
	struct images_result result;
	bool usable;
	int r;

	agent.page = getauxval(AT_PAGESZ);
	if (agent.page == 0 || agent.page > AGENT_PAGE_MAX)
		agent.page = AGENT_PAGE_MAX;
	agent.confined = report_confinement();
	loader_find();
	pin_find();
	if (!door_enter(environment))
		return;
	usable = agent.glibc && &environ && environ;
	if (usable && !agent.options.no_dlopen)
		(void)hook_install();
	agent.ready = true;
	/* Without a dlopen() so far, all there is was loaded with the program, and stays. */
	start.pinning = usable && agent.opened;
	r = seal_all(&start, &result);
	if (r < 0 && !agent.options.allow_unsealed)
		sys_exit_group(EXIT_MEMSEAL);
	if (r != 0) {
		hook_protect();
		seal_nothing();
	}
}
