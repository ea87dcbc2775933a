/* SPDX-License-Identifier: MIT */
#include "engine/personality.h"

#include <errno.h>

#include "base/sys.h"

#define QUERY 0xffffffff

/* Lower case and eight digits: fs/proc/base.c, proc_pid_personality(). */
static int parse_hex(const char *text, ssize_t len)
{
	unsigned value = 0;

	for (ssize_t i = 0; i < len && text[i] != '\n'; i++) {
		char c = text[i];
		bool digit = c >= '0' && c <= '9';

		if (!digit && (c < 'a' || c > 'f'))
			return -EBADMSG;
		value = value << 4 | (unsigned)(digit ? c - '0' : c - 'a' + 10);
	}
	return len > 0 ? (int)(value & 0x7fffffff) : -EBADMSG;
}

int personality_get(void)
{
	CLEANUP(sys_close_cleanup) int fd = -1;
	int persona = sys_personality(QUERY);
	char text[16];
	ssize_t n;

	if (persona >= 0)
		return persona;
	fd = sys_openat(AT_FDCWD, "/proc/thread-self/personality", O_RDONLY | O_CLOEXEC, 0);
	n = fd < 0 ? fd : sys_read(fd, text, sizeof(text));
	return n < 0 ? (int)n : parse_hex(text, n);
}
