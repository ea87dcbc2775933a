/* SPDX-License-Identifier: MIT */
#include "agent/auxv.h"

#include <sys/auxv.h>

#include "agent/libc.h"
#include "agent/state.h"
#include "base/sys.h"

unsigned long getauxval(unsigned long type)
{
	for (size_t i = 0; i < AGENT_AUXV_MAX && agent.auxv[i].a_type != AT_NULL; i++)
		if (agent.auxv[i].a_type == type)
			return agent.auxv[i].a_un.a_val;
	return 0;
}

/*
 * musl passes nothing: what is in those registers then does not look like a vector of arguments
 * with the environment behind it.
 */
static bool is_passed(int argc, char **argv, char **envp)
{
	return argc >= 0 && argv && argv + argc + 1 == envp;
}

/* Where variables were removed, more than one NULL ends the environment. */
static const ElfW(auxv_t) * find_vector(char **envp)
{
	while (*envp)
		envp++;
	while (!*envp)
		envp++;
	return (const void *)envp;
}

static void copy_vector(const ElfW(auxv_t) * from)
{
	for (size_t i = 0; i < AGENT_AUXV_MAX - 1 && from[i].a_type != AT_NULL; i++)
		agent.auxv[i] = from[i];
}

static void read_vector(void)
{
	CLEANUP(sys_close_cleanup)
	int fd = sys_openat(AT_FDCWD, "/proc/thread-self/auxv", O_RDONLY | O_CLOEXEC, 0);
	ElfW(auxv_t) vector[AGENT_AUXV_MAX] = { 0 };

	if (fd >= 0 && sys_read(fd, vector, sizeof(vector) - sizeof(*vector)) > 0)
		copy_vector(vector);
}

char **auxv_read(int argc, char **argv, char **envp)
{
	bool passed = is_passed(argc, argv, envp);

	if (passed)
		copy_vector(find_vector(envp));
	if (getauxval(AT_PAGESZ) == 0)
		read_vector();
	if (passed)
		return envp;
	return &environ ? environ : NULL;
}
