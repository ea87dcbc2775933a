/* SPDX-License-Identifier: MIT */
/* Seals the images of the program that the agent is in. */
#ifndef MEMSEAL_AGENT_SEAL_H
#define MEMSEAL_AGENT_SEAL_H

#include "agent/loader.h"

/* In what state the agent finds the program. */
struct seal_start {
	bool pinning;    /* objects can be unloaded already, and dlopen() may be called */
	bool running;    /* other threads stand still, perhaps with the loader's lock */
	bool settled;    /* if running: RELRO that is still writable stays so */
	bool unfiltered; /* if running: filters of this thread are suspended */
	bool again;      /* if running: the agent was here before, and has sealed its state */
};

/*
 * Seals all that is loaded, and the agent's state, which nobody writes to from here on. A failure
 * is reported: a negative errno. In a program that was started under a filter that refuses
 * mseal(2), nothing is sealed: 1. *ret as of images_seal().
 */
int seal_all(const struct seal_start *start, struct images_result *ret) MUST_CHECK NONNULL(1, 2);

/* Otherwise: makes at least the agent's state read-only, if it is not sealed. */
void seal_nothing(void);

/*
 * Was an object that is open sealed when it was loaded, and with it what it needs? Takes no lock.
 * No is also that it cannot be asked.
 */
bool seal_is_done(const struct link_map *object) MUST_CHECK;

/*
 * Seals what was loaded since the last time, of the objects within the limit, which are known to be
 * complete; NULL: of all, but those that look incomplete. loaded, if not NULL, is one of them, and
 * is looked at even if it seems to be sealed. A failure is reported. Any thread; waits
 * for others that are at it. False, if this is not the last time: the lists have changed.
 */
bool seal_new(const struct link_map *loaded, const struct loader_limit *limit, bool last);

#endif
