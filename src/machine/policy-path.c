/* SPDX-License-Identifier: MIT */
#include "machine/policy-path.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/sys.h"
#include "base/uapi.h"
#include "launch/search.h"

/* The kernel follows this many #! lines: fs/exec.c, exec_binprm(). */
#define SCRIPT_DEPTH 5

/* What a descriptor stands for, as the kernel names it. */
static int path_of(int fd, char ret[PATH_MAX])
{
	char link[sizeof("/proc/self/fd/") + 12];
	ssize_t n;

	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = sys_readlinkat(AT_FDCWD, link, ret, PATH_MAX);
	if (n < 0)
		return (int)n;
	if (n == PATH_MAX)
		return -ENAMETOOLONG;
	ret[n] = '\0';
	return 0;
}

static int resolve_below(int root, const char *path, char ret[PATH_MAX])
{
	CLEANUP(sys_close_cleanup)
	int fd = sys_openat2(root, path, O_PATH | O_CLOEXEC, RESOLVE_IN_ROOT);
	char top[PATH_MAX];
	size_t len;
	int r = fd < 0 ? fd : path_of(fd, ret);

	if (r == 0)
		r = path_of(root, top);
	if (r < 0)
		return r;
	len = strcmp(top, "/") == 0 ? 0 : strlen(top);
	if (strncmp(ret, top, len) != 0 || ret[len] != '/')
		return ret[len] ? -EXDEV : -EISDIR;
	memmove(ret, ret + len, strlen(ret + len) + 1);
	return 0;
}

/* Without openat2(2), which filters of old containers refuse, as long as it is this machine. */
static int resolve_here(const char *path, char ret[PATH_MAX])
{
	char *resolved = realpath(path, NULL);
	int r = resolved ? 0 : -errno;

	if (r == 0)
		(void)snprintf(ret, PATH_MAX, "%s", resolved);
	free(resolved);
	return r;
}

int policy_resolve(const char *root, const char *path, char ret[PATH_MAX])
{
	CLEANUP(sys_close_cleanup) int fd = -1;

	if (strcmp(root, "/") == 0)
		return resolve_here(path, ret);
	fd = sys_openat(AT_FDCWD, root, O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
	return fd < 0 ? fd : resolve_below(fd, path, ret);
}

/* A pattern up to its first wildcard: all of it, or the directories that are certain. */
static size_t certain_part(const char *pattern)
{
	size_t len = strcspn(pattern, "*?");

	while (pattern[len] && len > 0 && pattern[len] != '/')
		len--;
	return len;
}

static int check_link(struct policy *policy, const char *root, const struct policy_rule *rule)
{
	size_t len = certain_part(rule->pattern);
	struct policy_finding finding = { POLICY_LINK, .file = rule->file, .line = rule->line };
	char part[POLICY_PATTERN_MAX + 1], target[PATH_MAX];

	(void)snprintf(part, sizeof(part), "%.*s", (int)len, rule->pattern);
	if (len == 0 || policy_resolve(root, part, target) < 0 || strcmp(part, target) == 0)
		return 0;
	finding.word = policy_keep(policy, target, strlen(target));
	return finding.word ? policy_complain(policy, &finding) : -ENOMEM;
}

int policy_check_links(struct policy *policy, const char *root)
{
	int r = 0;

	for (size_t i = 0; i < policy->count && r == 0; i++)
		r = check_link(policy, root, &policy->rules[i]);
	return r;
}

/* The file of a path in the other root, as this process finds it. */
static int path_outside(const char *root, const char *path, char ret[PATH_MAX])
{
	const char *top = strcmp(root, "/") == 0 ? "" : root;

	return snprintf(ret, PATH_MAX, "%s%s", top, path) < PATH_MAX ? 0 : -ENAMETOOLONG;
}

/* May anybody execute it? */
static int check_executable(const char *root, const char *path)
{
	char outside[PATH_MAX];
	struct stat st;
	int r = path_outside(root, path, outside);

	if (r == 0)
		r = sys_fstatat(AT_FDCWD, outside, &st, 0);
	if (r == 0 && !(S_ISREG(st.st_mode) && st.st_mode & (S_IXUSR | S_IXGRP | S_IXOTH)))
		r = -EACCES;
	return r;
}

struct search {
	const char *root, *name;
	char *ret; /* PATH_MAX */
};

static int is_in(void *arg, const char *dir, size_t len)
{
	const struct search *search = arg;
	char path[PATH_MAX];
	int r;

	if (snprintf(path, sizeof(path), "%.*s/%s", (int)len, dir, search->name) >= PATH_MAX)
		return -ENAMETOOLONG;
	r = policy_resolve(search->root, path, search->ret);
	return r < 0 ? r : check_executable(search->root, search->ret);
}

static int find_file(const char *root, const char *name, const char *path_list, char ret[PATH_MAX])
{
	struct search search = { root, name, ret };
	int r;

	if (!*name)
		return -ENOENT;
	if (!strchr(name, '/'))
		return search_path(path_list, is_in, &search);
	r = policy_resolve(root, name, ret);
	return r < 0 ? r : check_executable(root, ret);
}

/* Replaces the path by that of its interpreter, if it has one. */
static int judge_step(const char *root, struct policy_target *target)
{
	struct executable executable;
	char outside[PATH_MAX];
	int r = path_outside(root, target->path, outside), kind;

	if (r < 0)
		return r;
	kind = executable_judge(outside, &executable);
	target->refusal = executable.refusal;
	if (kind <= EXECUTABLE_PROGRAM)
		return kind;
	r = policy_resolve(root, executable.interpreter, target->path);
	if (r == 0)
		r = check_executable(root, target->path);
	return r < 0 ? r : kind;
}

int policy_target(
	const char *root, const char *name, const char *path_list, struct policy_target *ret)
{
	int r = find_file(root, name, path_list, ret->file);

	if (r < 0)
		return r;
	strcpy(ret->path, ret->file);
	ret->kind = EXECUTABLE_PROGRAM;
	for (unsigned depth = 0; depth <= SCRIPT_DEPTH; depth++) {
		r = judge_step(root, ret);
		if (r <= EXECUTABLE_PROGRAM)
			return r;
		if (depth == 0)
			ret->kind = (enum executable_kind)r;
	}
	return -ELOOP;
}
