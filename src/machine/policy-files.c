/* SPDX-License-Identifier: MIT */
#include "machine/policy-files.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/directory.h"
#include "base/sys.h"
#include "machine/policy-text.h"
#include "machine/replace.h"

#define ANYBODY  ((uid_t)-1)
#define SUFFIX   ".conf"

#define OPEN_DIR (O_RDONLY | O_DIRECTORY | O_CLOEXEC)
/* Neither a FIFO nor a device makes this wait. */
#define OPEN_FILE (O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)

/* A file or directory on the way, with its name for messages. */
struct place {
	struct policy *policy;
	uid_t owner;
	char path[PATH_MAX];
};

struct names {
	char *list[POLICY_FILES_MAX];
	size_t count;
};

static int complain(struct place *place, enum policy_problem problem, int error)
{
	struct policy_finding finding = { .problem = problem, .error = error };

	finding.file = policy_keep(place->policy, place->path, strlen(place->path));
	return finding.file ? policy_complain(place->policy, &finding) : -ENOMEM;
}

/* What opening it has to say, if no link is followed. */
static int complain_of_open(struct place *place, int error)
{
	switch (error) {
	case -ELOOP:
		return complain(place, POLICY_SYMLINK, 0);
	case -ENOTDIR:
		return complain(place, POLICY_NOT_DIRECTORY, 0);
	case -ENXIO: /* a socket */
		return complain(place, POLICY_NOT_REGULAR, 0);
	default:
		return complain(place, POLICY_UNREADABLE, error);
	}
}

static enum policy_problem judge_owner(const struct place *place, const struct stat *st)
{
	if (place->owner == ANYBODY)
		return POLICY_FINE;
	if (st->st_uid != place->owner)
		return POLICY_OWNER;
	return st->st_mode & (S_IWGRP | S_IWOTH) ? POLICY_WRITABLE : POLICY_FINE;
}

/* 1: it may be used; 0: it was complained of; or -ENOMEM. */
static int judge(struct place *place, int fd, mode_t type)
{
	enum policy_problem problem = POLICY_FINE;
	struct stat st;
	int r = sys_fstatat(fd, "", &st, AT_EMPTY_PATH);

	if (r < 0)
		return complain(place, POLICY_UNREADABLE, r);
	if ((st.st_mode & S_IFMT) != type)
		problem = POLICY_NOT_REGULAR;
	else if (type == S_IFREG && st.st_size > POLICY_FILE_MAX)
		problem = POLICY_TOO_LARGE;
	else
		problem = judge_owner(place, &st);
	return problem == POLICY_FINE ? 1 : complain(place, problem, 0);
}

static int parse_file(struct place *place, int fd)
{
	char *text = malloc(POLICY_FILE_MAX + 1);
	ssize_t len;
	int r;

	if (!text)
		return -ENOMEM;
	/* It may have grown since its size was asked for. */
	len = replace_read_all(fd, text, POLICY_FILE_MAX + 1);
	if (len < 0)
		r = complain(place, POLICY_UNREADABLE, (int)len);
	else if (len > POLICY_FILE_MAX)
		r = complain(place, POLICY_TOO_LARGE, 0);
	else
		r = policy_parse(place->policy, place->path, text, (size_t)len);
	free(text);
	return r;
}

static int read_file(struct place *place, int dir, const char *name)
{
	CLEANUP(sys_close_cleanup)
	int fd = sys_openat(dir, name, OPEN_FILE | O_NOFOLLOW, 0);
	int r;

	if (fd < 0)
		return complain_of_open(place, fd);
	r = judge(place, fd, S_IFREG);
	return r > 0 ? parse_file(place, fd) : r;
}

static bool is_ours(const char *name)
{
	size_t len = strlen(name);

	return name[0] != '.' && len > strlen(SUFFIX) &&
	       strcmp(name + len - strlen(SUFFIX), SUFFIX) == 0;
}

static void free_names(struct names *names)
{
	while (names->count > 0)
		free(names->list[--names->count]);
}

/* 1, 0: there are more than can be, or -errno. */
static int list_names(int fd, struct names *names)
{
	struct directory directory = { .fd = fd };
	const char *name;
	int r;

	while ((r = directory_next(&directory, &name)) > 0) {
		if (!is_ours(name))
			continue;
		if (names->count == POLICY_FILES_MAX)
			return 0;
		names->list[names->count] = strdup(name);
		if (!names->list[names->count])
			return -ENOMEM;
		names->count++;
	}
	return r < 0 ? r : 1;
}

/* As bytes, whatever the locale. */
static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Appends "/NAME". False: there is no room, and the path stays as it is. */
static bool enter(struct place *place, const char *name)
{
	size_t len = strlen(place->path), room = sizeof(place->path) - len;
	const char *slash = len > 0 && place->path[len - 1] == '/' ? "" : "/";
	bool fits = (size_t)snprintf(place->path + len, room, "%s%s", slash, name) < room;

	if (!fits)
		place->path[len] = '\0';
	return fits;
}

static int read_named(struct place *place, int dir, const char *name)
{
	size_t len = strlen(place->path);
	int r;

	if (!enter(place, name))
		return complain(place, POLICY_UNREADABLE, -ENAMETOOLONG);
	r = read_file(place, dir, name);
	place->path[len] = '\0';
	return r;
}

static int read_directory(struct place *place, int fd)
{
	CLEANUP(free_names) struct names names = { .count = 0 };
	int r = list_names(fd, &names);

	if (r == 0)
		return complain(place, POLICY_TOO_MANY_FILES, 0);
	if (r < 0)
		return r == -ENOMEM ? r : complain(place, POLICY_UNREADABLE, r);
	qsort(names.list, names.count, sizeof(names.list[0]), compare_names);
	for (size_t i = 0; i < names.count && r >= 0; i++)
		r = read_named(place, fd, names.list[i]);
	return r < 0 ? r : 0;
}

/* Goes on from a directory that is open, along the path. */
static int descend(struct place *place, int dir, const char *path)
{
	CLEANUP(sys_close_cleanup) int fd = -1;
	char name[NAME_MAX + 1];
	size_t len;
	int r = judge(place, dir, S_IFDIR);

	if (r <= 0)
		return r;
	path += strspn(path, "/");
	len = strcspn(path, "/");
	if (len == 0)
		return read_directory(place, dir);
	(void)snprintf(name, sizeof(name), "%.*s", (int)len, path);
	if (!enter(place, name))
		return complain(place, POLICY_UNREADABLE, -ENAMETOOLONG);
	fd = sys_openat(dir, name, OPEN_DIR | O_NOFOLLOW, 0);
	if (fd == -ENOENT)
		return 0;
	return fd < 0 ? complain_of_open(place, fd) : descend(place, fd, path + len);
}

int policy_read(struct policy *policy, const char *root, uid_t owner)
{
	struct place place = { .policy = policy, .owner = owner };
	CLEANUP(sys_close_cleanup) int fd = -1;

	if (strlen(root) >= sizeof(place.path))
		return policy_read_from(policy, root);
	strcpy(place.path, root);
	fd = sys_openat(AT_FDCWD, root, OPEN_DIR, 0);
	return fd < 0 ? complain(&place, POLICY_UNREADABLE, fd) : descend(&place, fd, POLICY_DIR);
}

static int read_anything(struct place *place)
{
	CLEANUP(sys_close_cleanup) int fd = sys_openat(AT_FDCWD, place->path, OPEN_FILE, 0);
	struct stat st = { 0 };
	int r;

	if (fd < 0)
		return complain_of_open(place, fd);
	if (sys_fstatat(fd, "", &st, AT_EMPTY_PATH) == 0 && S_ISDIR(st.st_mode))
		return read_directory(place, fd);
	r = judge(place, fd, S_IFREG);
	return r > 0 ? parse_file(place, fd) : r;
}

int policy_read_from(struct policy *policy, const char *path)
{
	struct place place = { .policy = policy, .owner = ANYBODY };

	(void)snprintf(place.path, sizeof(place.path), "%s", path);
	return strlen(path) < sizeof(place.path)
		       ? read_anything(&place)
		       : complain(&place, POLICY_UNREADABLE, -ENAMETOOLONG);
}
