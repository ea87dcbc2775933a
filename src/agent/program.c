/* SPDX-License-Identifier: MIT */
#include "agent/program.h"

#include "agent/state.h"
#include "base/sys.h"

const char *program_path(void)
{
	long len;

	if (agent.program_known)
		return agent.program;
	len = sys_readlinkat(AT_FDCWD, "/proc/self/exe", agent.program, sizeof(agent.program));
	if (len < 0 || len == (long)sizeof(agent.program))
		len = 0;
	agent.program[len] = '\0';
	agent.program_known = true;
	return agent.program;
}
