/* SPDX-License-Identifier: MIT */
/* Replaces the calling process by a program that has the agent in its environment. */
#include <errno.h>
#include <memseal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/errors.h"
#include "base/sys.h"
#include "launch/executable.h"
#include "launch/new-code.h"
#include "launch/program.h"

#define PRELOAD "LD_PRELOAD="
#define OPTIONS AGENT_OPTIONS_VARIABLE "="

static void free_string(char **string)
{
	free(*string);
}

static void free_vector(char ***vector)
{
	free(*vector);
}

static bool is_variable(const char *entry, const char *assignment)
{
	return strncmp(entry, assignment, strlen(assignment)) == 0;
}

static size_t vector_len(char *const *vector)
{
	size_t len = 0;

	while (vector[len])
		len++;
	return len;
}

static const char *find_value(char *const *envp, const char *assignment)
{
	for (; *envp; envp++)
		if (is_variable(*envp, assignment))
			return *envp + strlen(assignment);
	return NULL;
}

/* Is the agent first in the list already, because this program was started sealed itself? */
static bool starts_with_agent(const char *list, const char *agent)
{
	size_t len = strlen(agent);

	return strncmp(list, agent, len) == 0 &&
	       (!list[len] || list[len] == ':' || list[len] == ' ');
}

/* The agent before whatever was to be preloaded anyway. */
static int preload_entry(const struct memseal_program *program, char *const *envp, char **ret)
{
	const char *before = find_value(envp, PRELOAD);
	int len;

	if (before && starts_with_agent(before, program->agent))
		len = asprintf(ret, PRELOAD "%s", before);
	else
		len = asprintf(ret, PRELOAD "%s%s%s", program->agent, before && *before ? ":" : "",
			before ? before : "");
	return len < 0 ? -ENOMEM : 0;
}

/* The caller's environment with the two variables set, in the place of their old values. */
static int build_environment(char *const *envp, char *preload, char *options, char ***ret)
{
	char **env = malloc((vector_len(envp) + 3) * sizeof(*env));
	size_t n = 0;

	if (!env)
		return -ENOMEM;
	for (; *envp; envp++)
		if (!is_variable(*envp, PRELOAD) && !is_variable(*envp, OPTIONS))
			env[n++] = *envp;
	env[n++] = preload;
	if (options)
		env[n++] = options;
	env[n] = NULL;
	*ret = env;
	return 0;
}

/* A script without #!: /bin/sh PATH ARG... */
static int exec_shell(const struct memseal_program *program, char *const *argv, char *const *envp)
{
	static char shell[] = EXECUTABLE_SHELL;
	size_t len = vector_len(argv);
	CLEANUP(free_vector) char **args = malloc((len + 3) * sizeof(*args));

	if (!args)
		return -ENOMEM;
	args[0] = shell;
	args[1] = (char *)program->path;
	memcpy(args + 2, len ? argv + 1 : argv, (len ? len : 1) * sizeof(*args));
	return sys_execve(shell, args, envp);
}

static int exec_program(const struct memseal_program *program, char *const *argv, char *const *envp)
{
	return program->shell ? exec_shell(program, argv, envp)
			      : sys_execve(program->path, argv, envp);
}

/* It needs new code, or that cannot be refused, and it is to be started all the same. */
static bool allows_new_code(enum memseal_refusal refusal)
{
	return refusal == MEMSEAL_REFUSAL_NEW_CODE || refusal == MEMSEAL_REFUSAL_NO_CODE_GUARD;
}

static int launch(const struct memseal_program *program, char *const *argv, char *const *envp)
{
	char entry[sizeof(OPTIONS) + AGENT_OPTIONS_TEXT_MAX] = OPTIONS,
				     *text = entry + strlen(OPTIONS);
	struct agent_options options = program->options, earlier = { .strict = false };
	CLEANUP(free_string) char *preload = NULL;
	CLEANUP(free_vector) char **env = NULL;
	int r;

	agent_options_read(&earlier, envp);
	agent_options_inherit(&options, &earlier);
	if (options.no_new_code && !allows_new_code(program->refusal)) {
		r = new_code_refuse(options.filter);
		if (r < 0)
			return r;
	}
	if (!program->inherit)
		return exec_program(program, argv, envp);
	r = preload_entry(program, envp, &preload);
	agent_options_write(&options, text);
	if (r == 0)
		r = build_environment(envp, preload, *text ? entry : NULL, &env);
	return r < 0 ? r : exec_program(program, argv, env);
}

EXPORT int memseal_program_exec(
	const struct memseal_program *program, char *const argv[], char *const envp[])
{
	if (program->refusal != MEMSEAL_REFUSAL_NONE && !program->options.allow_unsealed)
		return -EOPNOTSUPP;
	return errors_only(launch(program, argv, envp), -EIO, ERRORS_PROGRAM_EXEC);
}
