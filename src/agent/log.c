/* SPDX-License-Identifier: MIT */
#include "agent/log.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/sys.h"

/* A user's process, a warning: RFC 3164. */
static const char priority[] = "<12>";

static const struct sockaddr_un syslog_address = { .sun_family = AF_UNIX, .sun_path = "/dev/log" };

static int send_to_syslog(const char *text, size_t len)
{
	CLEANUP(sys_close_cleanup) int fd = sys_socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return fd;
	return (int)sys_sendto(fd, text, len, MSG_DONTWAIT | MSG_NOSIGNAL, &syslog_address,
		sizeof(syslog_address));
}

static void send_to_kernel(const char *text, size_t len)
{
	CLEANUP(sys_close_cleanup)
	int fd = sys_openat(AT_FDCWD, "/dev/kmsg", O_WRONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0);

	if (fd >= 0)
		(void)!sys_write(fd, text, len);
}

void log_send(const struct message *message)
{
	char text[sizeof(priority) + sizeof(message->text)];
	size_t len = sizeof(priority) - 1;

	for (size_t i = 0; i < len; i++)
		text[i] = priority[i];
	for (size_t i = 0; i < message->len; i++)
		text[len++] = message->text[i];
	/* ENOENT and ECONNREFUSED: nobody is there yet. */
	if (send_to_syslog(text, len) < 0)
		send_to_kernel(text, len);
}
