/* SPDX-License-Identifier: MIT */
/*
 * How the agent gets into a program decides what it does there and whom it tells. There are three
 * agents, of the same code but for this: libmemseal-agent.so, which `memseal run` preloads
 * (door-run.c), libmemseal-machine.so, which /etc/ld.so.preload names (door-machine.c), and
 * libmemseal-attach.so, which `memseal attach` maps into a program that runs (door-attach.c).
 */
#ifndef MEMSEAL_AGENT_DOOR_H
#define MEMSEAL_AGENT_DOOR_H

#include "agent/message.h"
#include "base/util.h"

/*
 * Of those that the loader starts. Fills in the agent's options. Once, after loader_find().
 * environment may be NULL. False: the program is to be left alone.
 */
bool door_enter(char *const *environment) MUST_CHECK;

/* Tells of a failure, of which nothing is known in the program. */
void door_tell(struct message *message) NONNULL(1);

#endif
