/* SPDX-License-Identifier: MIT */
#include "engine/filter-exec.h"

#include <errno.h>
#include <sys/personality.h>

#include "base/sys.h"
#include "engine/personality.h"

#define RANDOMIZE "/proc/sys/kernel/randomize_va_space"

/* 1 or 0, or a negative errno. */
static int aslr_enabled(void)
{
	CLEANUP(sys_close_cleanup) int fd = -1;
	int persona = personality_get();
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

enum filter_exec filter_exec(bool pie, int *ret_error)
{
	int r;

	if (!pie)
		return FILTER_EXEC_FIXED;
	r = aslr_enabled();
	if (r < 0) {
		if (ret_error)
			*ret_error = r;
		return FILTER_EXEC_UNKNOWN;
	}
	return r ? FILTER_EXEC_HARMLESS : FILTER_EXEC_NO_ASLR;
}
