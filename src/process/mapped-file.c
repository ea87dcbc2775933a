/* SPDX-License-Identifier: MIT */
#include "process/mapped-file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/sys.h"
#include "base/uapi.h"

/* Where the file is, without opening it. */
static int locate_mapped(int dir, const struct mapping *mapping)
{
	char path[64];

	snprintf(
		path, sizeof(path), "map_files/%" PRIx64 "-%" PRIx64, mapping->start, mapping->end);
	return sys_openat(dir, path, O_PATH | O_CLOEXEC, 0);
}

static int locate_by_name(int dir, const struct mapping *mapping)
{
	char path[PATH_MAX + sizeof("root")] = "root";

	if (mapping->kind != MAPPING_FILE || *mapping->name != '/' ||
		mapping_path(mapping, path + strlen("root"), PATH_MAX) < 0)
		return -EACCES;
	return sys_openat(dir, path, O_PATH | O_NOFOLLOW | O_CLOEXEC, 0);
}

/* Is this the file that is mapped? */
static int check_file(const struct stat *stat, const struct mapping *mapping)
{
	bool device = major(stat->st_dev) == mapping->dev_major &&
		      minor(stat->st_dev) == mapping->dev_minor;
	/* btrfs shows another device in stat(2) than in maps; neither is a real one. */
	bool unnamed = !major(stat->st_dev) && !mapping->dev_major;

	return stat->st_ino == mapping->inode && (device || unnamed) ? 0 : -EACCES;
}

static bool out_of_resources(int error)
{
	return error == -EMFILE || error == -ENFILE || error == -ENOMEM;
}

static int locate(int dir, const struct mapping *mapping)
{
	int fd = locate_mapped(dir, mapping);

	return fd >= 0 || out_of_resources(fd) ? fd : locate_by_name(dir, mapping);
}

int mapped_file_open(int dir, const struct mapping *mapping)
{
	CLEANUP(sys_close_cleanup) int located = locate(dir, mapping);
	struct stat stat;
	char path[32];
	int r;

	if (located < 0)
		return located;
	r = sys_fstatat(located, "", &stat, AT_EMPTY_PATH);
	if (!r)
		r = check_file(&stat, mapping);
	if (r < 0)
		return r;
	if (!S_ISREG(stat.st_mode))
		return -ENODEV;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", located);
	return sys_openat(AT_FDCWD, path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0);
}

int mapped_file_write_sealed(int dir, const struct mapping *mapping)
{
	CLEANUP(sys_close_cleanup) int fd = mapped_file_open(dir, mapping);
	int seals;

	if (fd < 0)
		return out_of_resources(fd) ? fd : 0;
	seals = sys_fcntl(fd, F_GET_SEALS, 0);
	return seals > 0 && seals & F_SEAL_WRITE;
}
