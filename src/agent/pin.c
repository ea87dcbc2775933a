/* SPDX-License-Identifier: MIT */
#include "agent/pin.h"

#include <dlfcn.h>

#include "agent/libc.h"
#include "agent/state.h"
#include "agent/symbol.h"

/* Older glibc keeps dlopen() in libdl.so, which not every program loads. */
void pin_find(void)
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

bool pin_object(const char *name)
{
	return agent.pin && agent.pin(name, agent.pin_mode);
}
