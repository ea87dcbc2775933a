/* SPDX-License-Identifier: MIT */
/* Which program this is. */
#ifndef MEMSEAL_AGENT_PROGRAM_H
#define MEMSEAL_AGENT_PROGRAM_H

#include "base/util.h"

/*
 * The path of the program's file, as the kernel has it; "" if there is no /proc, or if it is too
 * long. Not AT_EXECFN, which is a script's, and whatever a user called it. Kept in the agent's
 * state: the first call is before that is sealed.
 */
const char *program_path(void);

#endif
