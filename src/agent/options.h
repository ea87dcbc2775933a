/* SPDX-License-Identifier: MIT */
/* What `memseal run` tells the agent, in the environment variable MEMSEAL_AGENT. */
#ifndef MEMSEAL_AGENT_OPTIONS_H
#define MEMSEAL_AGENT_OPTIONS_H

/*
 * Fills allow_unsealed, no_dlopen, filter, strict and data of the agent's state from a comma
 * separated list. A word that is not known is passed over: it can only be from a newer memseal.
 * environment may be NULL.
 */
void options_read(char *const *environment);

#endif
