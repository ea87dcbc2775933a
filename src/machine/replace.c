/* SPDX-License-Identifier: MIT */
#include "machine/replace.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/sys.h"

#define OPEN_FILE (O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY)
#define OPEN_NEW  (O_WRONLY | O_CLOEXEC | O_NOFOLLOW | O_CREAT | O_EXCL)

static int check_file(int fd, size_t size)
{
	struct stat st;
	int r = sys_fstatat(fd, "", &st, AT_EMPTY_PATH);

	if (r < 0)
		return r;
	if (!S_ISREG(st.st_mode))
		return S_ISCHR(st.st_mode) ? -ENODEV : -EINVAL;
	if (st.st_uid != 0 || st.st_mode & (S_IWGRP | S_IWOTH))
		return -EPERM;
	return (uint64_t)st.st_size > size ? -EFBIG : 0;
}

ssize_t replace_read_all(int fd, char *buf, size_t size)
{
	size_t len = 0;
	ssize_t n = 1;

	while (len < size && n != 0) {
		n = sys_read(fd, buf + len, size - len);
		if (n < 0 && n != -EINTR)
			return n;
		len += n > 0 ? (size_t)n : 0;
	}
	return (ssize_t)len;
}

ssize_t replace_read(int dir, const char *name, char *buf, size_t size)
{
	CLEANUP(sys_close_cleanup) int fd = sys_openat(dir, name, OPEN_FILE, 0);
	int r = fd < 0 ? fd : check_file(fd, size);

	return r < 0 ? r : replace_read_all(fd, buf, size);
}

static int write_all(int fd, const char *text, size_t len)
{
	while (len > 0) {
		ssize_t n = sys_write(fd, text, len);

		if (n == 0)
			return -EIO;
		if (n < 0 && n != -EINTR)
			return (int)n;
		text += n > 0 ? n : 0;
		len -= n > 0 ? (size_t)n : 0;
	}
	return 0;
}

/* The umask takes away what others need to read it. */
static int write_new(int dir, const char *name, const char *text, size_t len)
{
	CLEANUP(sys_close_cleanup) int fd = sys_openat(dir, name, OPEN_NEW, 0644);
	int r = fd < 0 ? fd : sys_fchmod(fd, 0644);

	if (r == 0)
		r = write_all(fd, text, len);
	return r == 0 ? sys_fsync(fd) : r;
}

static bool name_beside(const char *name, char ret[static NAME_MAX + 1])
{
	return (size_t)snprintf(ret, NAME_MAX + 1, ".%s.memseal", name) <= NAME_MAX;
}

void replace_clean(int dir, const char *name)
{
	char beside[NAME_MAX + 1];

	if (name_beside(name, beside))
		sys_undo_file(dir, beside);
}

/* What a power failure left of an earlier one goes first. */
int replace_write(int dir, const char *name, const char *text, size_t len)
{
	char beside[NAME_MAX + 1];
	int r;

	if (!name_beside(name, beside))
		return -ENAMETOOLONG;
	r = sys_unlinkat(dir, beside, 0);
	if (r < 0 && r != -ENOENT)
		return r;
	r = write_new(dir, beside, text, len);
	if (r == 0)
		r = sys_renameat(dir, beside, dir, name);
	if (r < 0) {
		sys_undo_file(dir, beside);
		return r;
	}
	return sys_fsync(dir);
}

int replace_remove(int dir, const char *name)
{
	int r = sys_unlinkat(dir, name, 0);

	return r < 0 ? r : sys_fsync(dir);
}
