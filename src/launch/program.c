/* SPDX-License-Identifier: MIT */
/* Finds the program that a name stands for, as a shell would, and whether it can be sealed. */
#include "launch/program.h"

#include <errno.h>
#include <memseal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/errors.h"
#include "base/opts.h"
#include "base/sys.h"
#include "engine/filter-exec.h"
#include "launch/arrival.h"
#include "launch/new-code.h"
#include "launch/search.h"
#include "launch/trial.h"
#include "probe/probe.h"

/* Where the agent sees what is mapped. */
#define OWN_MAPS "/proc/self/maps"

/* The kernel follows this many #! lines: fs/exec.c, exec_binprm(). */
#define SCRIPT_DEPTH 5

static int copy_path(char *buf, const char *path)
{
	if (strlen(path) >= PROGRAM_PATH_MAX)
		return -ENAMETOOLONG;
	strcpy(buf, path);
	return 0;
}

static int join_path(char *buf, const char *dir, size_t dir_len, const char *name)
{
	size_t name_len = strlen(name);

	if (dir_len + 1 + name_len >= PROGRAM_PATH_MAX)
		return -ENAMETOOLONG;
	memcpy(buf, dir, dir_len);
	buf[dir_len] = '/';
	memcpy(buf + dir_len + 1, name, name_len + 1);
	return 0;
}

static int check_executable(const char *path)
{
	struct stat st;
	int r = sys_fstatat(AT_FDCWD, path, &st, 0);

	if (r < 0)
		return r;
	if (S_ISDIR(st.st_mode))
		return -EISDIR;
	return S_ISREG(st.st_mode) ? sys_faccessat(AT_FDCWD, path, X_OK) : -EACCES;
}

struct search {
	const char *name;
	char *ret_path;
};

static int is_in(void *arg, const char *dir, size_t len)
{
	const struct search *search = arg;
	int r = join_path(search->ret_path, dir, len, search->name);

	return r < 0 ? r : check_executable(search->ret_path);
}

static int find_file(const char *name, const char *path_list, char *ret_path)
{
	struct search search = { name, ret_path };
	int r;

	if (!strchr(name, '/'))
		return search_path(path_list ? path_list : "/bin:/usr/bin", is_in, &search);
	r = copy_path(ret_path, name);
	return r < 0 ? r : check_executable(ret_path);
}

static void refuse(
	struct memseal_program *program, enum memseal_refusal refusal, const char *object)
{
	program->refusal = refusal;
	strcpy(program->object, object);
}

/* Follows #! lines from the program's file to what the kernel will load, and judges that. */
static int judge_file(struct memseal_program *program, struct executable *ret)
{
	char path[PROGRAM_PATH_MAX];

	strcpy(path, program->path);
	for (unsigned depth = 0; depth <= SCRIPT_DEPTH; depth++) {
		int r = executable_judge(path, ret);

		if (r < 0)
			return r;
		if (r == EXECUTABLE_PROGRAM) {
			if (ret->refusal != MEMSEAL_REFUSAL_NONE)
				refuse(program, ret->refusal, path);
			return 0;
		}
		/* No #!: the kernel refuses it, and shells and env(1) read it themselves. */
		if (r == EXECUTABLE_TEXT)
			program->shell = true;
		strcpy(path, ret->interpreter);
		r = check_executable(path);
		if (r < 0)
			return r;
	}
	return -ELOOP;
}

/* May a filter be wherever the agent is, in all the programs to come? */
static enum memseal_refusal judge_filter(bool pie)
{
	switch (filter_exec(pie, NULL)) {
	case FILTER_EXEC_HARMLESS:
		return MEMSEAL_REFUSAL_NONE;
	case FILTER_EXEC_FIXED:
		return MEMSEAL_REFUSAL_NOT_PIE;
	default:
		return MEMSEAL_REFUSAL_NO_ASLR;
	}
}

/*
 * Which engine it will be, and why it cannot. What a filter must not hold does not concern others
 * that the program starts. False: none works here.
 */
static bool judge_engine(struct memseal_program *program, enum memseal_engine engine, bool pie)
{
	enum memseal_support mseal =
		engine == MEMSEAL_ENGINE_FILTER ? MEMSEAL_SUPPORT_NO : probe_mseal_quick();
	enum memseal_refusal refusal;

	if (mseal == MEMSEAL_SUPPORT_YES)
		return true;
	if (engine != MEMSEAL_ENGINE_KERNEL && probe_seccomp_quick() == MEMSEAL_SUPPORT_YES) {
		program->options.filter = true;
		refusal = judge_filter(pie);
		if (refusal != MEMSEAL_REFUSAL_NONE && program->refusal == MEMSEAL_REFUSAL_NONE)
			refuse(program, refusal, program->path);
		return true;
	}
	refusal = mseal == MEMSEAL_SUPPORT_NO ? MEMSEAL_REFUSAL_NO_MSEAL : MEMSEAL_REFUSAL_FILTERED;
	if (engine == MEMSEAL_ENGINE_FILTER)
		refusal = MEMSEAL_REFUSAL_NO_FILTER;
	refuse(program, refusal, program->path);
	return false;
}

/* Where the agent will be loaded, or may not be needed to. */
static int judge_agent(struct memseal_program *program)
{
	enum memseal_refusal refusal = MEMSEAL_REFUSAL_NONE;
	int r = 0;

	if (sys_faccessat(AT_FDCWD, OWN_MAPS, R_OK) < 0) {
		refuse(program, MEMSEAL_REFUSAL_NO_PROC, OWN_MAPS);
		return 0;
	}
	if (arrival_preloadable(program->agent))
		r = executable_judge_agent(program->agent, &refusal);
	else
		refusal = MEMSEAL_REFUSAL_AGENT_PATH;
	program->inherit = r == 0 && refusal == MEMSEAL_REFUSAL_NONE;
	if (r == 0 && refusal != MEMSEAL_REFUSAL_NONE)
		refuse(program, refusal, program->agent);
	return r;
}

static enum memseal_refusal judge_new_code(const struct executable *executable)
{
	if (!new_code_refusable())
		return MEMSEAL_REFUSAL_NO_CODE_GUARD;
	return executable->new_code ? MEMSEAL_REFUSAL_NEW_CODE : MEMSEAL_REFUSAL_NONE;
}

/* What is the same for every file that this process may execute. */
static void judge_process(struct memseal_program *program, const struct executable *executable)
{
	enum memseal_refusal refusal = arrival_judge_caller();

	if (refusal == MEMSEAL_REFUSAL_NONE)
		refusal = arrival_judge_limits(executable);
	if (refusal == MEMSEAL_REFUSAL_NONE && program->options.no_new_code)
		refusal = judge_new_code(executable);
	if (refusal != MEMSEAL_REFUSAL_NONE && program->refusal == MEMSEAL_REFUSAL_NONE)
		refuse(program, refusal, program->path);
}

/* The last to be asked: it costs an execve(2) where security modules have a say. */
static void judge_modules(struct memseal_program *program)
{
	enum memseal_refusal refusal =
		trial_judge(program->shell ? EXECUTABLE_SHELL : program->path);

	if (refusal != MEMSEAL_REFUSAL_NONE)
		refuse(program, refusal, program->path);
}

static bool goes_on(const struct memseal_program *program)
{
	return program->refusal == MEMSEAL_REFUSAL_NONE || program->options.allow_unsealed;
}

static int judge(struct memseal_program *program, enum memseal_engine engine)
{
	struct executable executable;
	int r = judge_file(program, &executable);

	if (r == 0)
		judge_process(program, &executable);
	if (r == 0 && goes_on(program) && judge_engine(program, engine, executable.pie))
		r = judge_agent(program);
	if (r == 0 && program->refusal == MEMSEAL_REFUSAL_NONE)
		judge_modules(program);
	return r;
}

#define TAKE_SWITCH(member, name, stays, help) .member = opts->member,

static struct agent_options agent_options(const struct memseal_run_opts *opts)
{
	return (struct agent_options){ AGENT_SWITCHES(TAKE_SWITCH) };
}

static int except_all(struct agent_options *options, const char *const *patterns)
{
	for (; patterns && *patterns; patterns++)
		if (agent_options_except(options, *patterns) < 0)
			return -EINVAL;
	return 0;
}

static void free_program(struct memseal_program **program)
{
	memseal_program_free(*program);
}

EXPORT int memseal_program_find(const char *name, const char *path_list,
	const struct memseal_run_opts *opts, struct memseal_program **ret_program)
{
	CLEANUP(free_program) struct memseal_program *program = NULL;
	struct memseal_run_opts options;
	int r = opts_read(&options, sizeof(options), opts);

	if (r < 0 || !name || (unsigned)options.engine > MEMSEAL_ENGINE_FILTER)
		return -EINVAL;
	if (!*name)
		return -ENOENT;
	program = calloc(1, sizeof(*program));
	if (!program)
		return -ENOMEM;
	program->options = agent_options(&options);
	r = except_all(&program->options, options.except);
	if (r == 0)
		r = copy_path(program->agent, options.agent ? options.agent : MEMSEAL_AGENT_PATH);
	if (r == 0)
		r = find_file(name, path_list, program->path);
	if (r == 0)
		r = judge(program, options.engine);
	if (r < 0)
		return errors_only(r, -EIO, ERRORS_PROGRAM_FIND);
	*ret_program = STEAL(program, NULL);
	return 0;
}

EXPORT enum memseal_refusal memseal_program_refusal(
	const struct memseal_program *program, const char **ret_object)
{
	if (ret_object)
		*ret_object =
			program->refusal == MEMSEAL_REFUSAL_NONE ? program->path : program->object;
	return program->refusal;
}

EXPORT void memseal_program_free(struct memseal_program *program)
{
	free(program);
}

EXPORT const char *memseal_refusal_text(enum memseal_refusal refusal)
{
	static const char *const texts[] = {
		[MEMSEAL_REFUSAL_NONE] = "can be sealed",
		[MEMSEAL_REFUSAL_STATIC] =
			"statically linked: there is no loader to load the agent",
		[MEMSEAL_REFUSAL_LOADER] =
			"a dynamic loader or shared object: name the program instead",
		[MEMSEAL_REFUSAL_UNKNOWN_LOADER] =
			"its dynamic loader is neither glibc's nor musl's",
		[MEMSEAL_REFUSAL_SETID] =
			"set-user-ID or set-group-ID: the loader ignores the agent",
		[MEMSEAL_REFUSAL_FILE_CAPS] = "has file capabilities: the loader ignores the agent",
		[MEMSEAL_REFUSAL_FOREIGN] = "built for another architecture",
		[MEMSEAL_REFUSAL_UNREADABLE] = "may be executed but not read",
		[MEMSEAL_REFUSAL_NOT_ELF] = "neither an ELF program nor a script",
		[MEMSEAL_REFUSAL_NO_AGENT] = "not a usable agent library: reinstall memseal",
		[MEMSEAL_REFUSAL_NO_MSEAL] =
			"this kernel has no mseal(2): Linux 6.10 or later is needed",
		[MEMSEAL_REFUSAL_NO_PROC] = "cannot be read, and the agent needs it: mount /proc",
		[MEMSEAL_REFUSAL_NO_FILTER] =
			"no seccomp filters here: the kernel lacks them or a filter refuses more",
		[MEMSEAL_REFUSAL_NOT_PIE] =
			"linked to a fixed address: a filter there would break what it executes",
		[MEMSEAL_REFUSAL_NO_ASLR] =
			"addresses are not random: a filter there would break what it executes",
		[MEMSEAL_REFUSAL_CALLER_IDS] =
			"real and effective IDs of the caller differ: the loader ignores the agent",
		[MEMSEAL_REFUSAL_NO_ROOM] =
			"a limit of memory leaves no room for the agent: raise ulimit -v and -d",
		[MEMSEAL_REFUSAL_AGENT_PATH] =
			"the loader cannot take this path: no blank, colon, semicolon or $ in it",
		[MEMSEAL_REFUSAL_AGENT_UNREADABLE] =
			"the agent cannot be read: let others read it and enter its directories",
		[MEMSEAL_REFUSAL_AGENT_NOEXEC] =
			"the agent must not be executed here: is its file system mounted noexec?",
		[MEMSEAL_REFUSAL_SECURE] =
			"a security module may keep the agent out: allow the program",
		[MEMSEAL_REFUSAL_NEW_CODE] =
			"needs memory that is writable and executable: not with --no-new-code",
		[MEMSEAL_REFUSAL_NO_CODE_GUARD] =
			"new code cannot be refused: it takes Linux 6.3, or seccomp filters",
		[MEMSEAL_REFUSAL_FILTERED] = "a seccomp filter refuses mseal(2): allow it there",
	};

	if ((unsigned)refusal >= ARRAY_SIZE(texts))
		return "unknown reason";
	return texts[refusal];
}
