/* SPDX-License-Identifier: MIT */
#include "agent/pin.h"

#include <dlfcn.h>

#include "agent/libc.h"
#include "agent/state.h"
#include "agent/loader.h"

/* Older glibc keeps dlopen() in libdl.so, which not every program loads. */
void pin_find(void)
{
	agent.dlopen = loader_next("dlopen");
	agent.dlsym = loader_next("dlsym");
	agent.pin = (dlopen_fn *)loader_libc("dlopen");
	agent.pin_mode = RTLD_LAZY | RTLD_NOLOAD | RTLD_NODELETE;
	if (agent.glibc && !agent.pin) {
		agent.pin = (dlopen_fn *)loader_libc("__libc_dlopen_mode");
		agent.pin_mode |= (int)0x80000000; /* __RTLD_DLOPEN of include/dlfcn.h */
	}
}

bool pin_object(const char *name)
{
	return agent.pin && agent.pin(name, agent.pin_mode);
}
