/* SPDX-License-Identifier: MIT */
#include "engine/filter-count.h"

#include <errno.h>

#include "base/sys.h"

int filter_count(void)
{
	static const char key[] = "\nSeccomp_filters:\t";
	CLEANUP(sys_close_cleanup)
	int fd = sys_openat(AT_FDCWD, "/proc/thread-self/status", O_RDONLY | O_CLOEXEC, 0);
	char text[4096];
	ssize_t len = fd < 0 ? fd : sys_read(fd, text, sizeof(text)), at = 0,
		size = sizeof(key) - 1;
	int count = 0;

	if (len < 0)
		return (int)len;
	while (at + size < len && __builtin_memcmp(text + at, key, (size_t)size) != 0)
		at++;
	if (at + size >= len)
		return -EBADMSG;
	for (at += size; at < len && text[at] >= '0' && text[at] <= '9'; at++)
		count = count * 10 + (text[at] - '0');
	return count;
}
