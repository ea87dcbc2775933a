/* SPDX-License-Identifier: MIT */
/* Options come from the environment, and messages go to the user's terminal. */
#include "agent/door.h"

#include <sys/auxv.h>

#include "agent/libc.h"
#include "agent/state.h"

bool door_enter(char *const *environment)
{
	message_find_target(&agent.target);
	/* A set-uid program has its user's environment, and the agent from /etc/ld.so.preload. */
	if (!getauxval(AT_SECURE))
		agent_options_read(&agent.options, environment);
	return true;
}

void door_tell(struct message *message)
{
	message_send(message, &agent.target);
}
