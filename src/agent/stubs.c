/* SPDX-License-Identifier: MIT */
/*
 * Where ld.so's open pointer cannot be replaced (musl, an unknown glibc), dlopen() and dlsym() of
 * the agent stand before those of the C library. They do their work first and then jump, with the
 * caller's return address in place: both look at it to find the caller's object. So an object that
 * was just opened is sealed when the program asks for its first symbol.
 */
#include "agent/libc.h"
#include "agent/loader.h"
#include "agent/seal.h"
#include "agent/state.h"

enum stub {
	STUB_DLOPEN,
	STUB_DLSYM,
};

/* From stubs-ARCH.S: what to jump to, or NULL. */
void *stub_target(enum stub which);

static int read_adds(struct dl_phdr_info *info, size_t size, void *arg)
{
	(void)size;
	*(unsigned long long *)arg = info->dlpi_adds;
	return 1;
}

static bool objects_added(void)
{
	unsigned long long adds = 0;

	if (agent.iterate)
		(void)agent.iterate(read_adds, &adds);
	return __atomic_exchange_n(&agent_mutable.objects_seen, adds, __ATOMIC_RELAXED) != adds;
}

void *stub_target(enum stub which)
{
	void *known = which == STUB_DLOPEN ? agent.dlopen : agent.dlsym;

	if (!agent.ready)
		agent.opened |= which == STUB_DLOPEN;
	else if (!agent.options.no_dlopen && !agent.open && objects_added())
		(void)seal_new(NULL, NULL, true);
	/* A constructor that runs before the agent's, or a libdl.so that was loaded later. */
	if (!known)
		known = loader_next(which == STUB_DLOPEN ? "dlopen" : "dlsym");
	return known;
}
