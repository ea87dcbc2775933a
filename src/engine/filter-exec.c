/* SPDX-License-Identifier: MIT */
#include "engine/filter-exec.h"

#include <sys/personality.h>

#include "base/sys.h"

#define RANDOMIZE "/proc/sys/kernel/randomize_va_space"

int aslr_enabled(void)
{
	CLEANUP(sys_close_cleanup) int fd = -1;
	int persona = sys_personality(0xffffffff);
	char value;
	ssize_t n;

	if (persona < 0 || persona & ADDR_NO_RANDOMIZE)
		return persona < 0 ? persona : 0;
	fd = sys_openat(AT_FDCWD, RANDOMIZE, O_RDONLY | O_CLOEXEC, 0);
	if (fd < 0)
		return fd;
	n = sys_read(fd, &value, 1);
	if (n <= 0)
		return n < 0 ? (int)n : -EBADMSG;
	return value != '0';
}
