/* SPDX-License-Identifier: MIT */
#include "agent/ancestor.h"

#include "base/sys.h"

#define PATH_MAX_LEN sizeof("/proc/4294967295/stat")

static char *append(char *to, const char *text)
{
	while (*text)
		*to++ = *text++;
	*to = '\0';
	return to;
}

static char *append_pid(char *to, unsigned pid)
{
	if (pid >= 10)
		to = append_pid(to, pid / 10);
	*to++ = (char)('0' + pid % 10);
	*to = '\0';
	return to;
}

/* "/proc/PID/NAME" */
static void make_path(char path[PATH_MAX_LEN], unsigned pid, const char *name)
{
	char *to = append(path, "/proc/");

	to = pid ? append_pid(to, pid) : append(to, "self");
	(void)append(to, name);
}

/* "PID (NAME) S PPID ...", with anything in the name; 0: not understood. */
static unsigned read_parent(const char *stat, long len)
{
	unsigned parent = 0;
	long at = len;

	while (at > 0 && stat[at - 1] != ')')
		at--;
	if (at == 0 || len - at < 4)
		return 0;
	for (at += 3; at < len && stat[at] >= '0' && stat[at] <= '9'; at++)
		parent = parent * 10 + (unsigned)(stat[at] - '0');
	return parent;
}

static unsigned find_parent(unsigned pid)
{
	CLEANUP(sys_close_cleanup) int fd = -1;
	char path[PATH_MAX_LEN], stat[128];
	long len;

	make_path(path, pid, "/stat");
	fd = sys_openat(AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0);
	if (fd < 0)
		return 0;
	len = sys_read(fd, stat, sizeof(stat));
	return len < 0 ? 0 : read_parent(stat, len);
}

bool ancestor_next(struct ancestor *ancestor)
{
	char path[PATH_MAX_LEN];
	long len;

	ancestor->pid = find_parent(ancestor->pid);
	if (ancestor->pid == 0)
		return false;
	make_path(path, ancestor->pid, "/exe");
	len = sys_readlinkat(AT_FDCWD, path, ancestor->path, sizeof(ancestor->path));
	if (len < 0 || len == (long)sizeof(ancestor->path))
		len = 0;
	ancestor->path[len] = '\0';
	return true;
}
