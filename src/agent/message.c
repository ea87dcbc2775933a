/* SPDX-License-Identifier: MIT */
#include "agent/message.h"

#include <errno.h>

#include "base/sys.h"

/* A name must leave room for the rest. */
#define MESSAGE_NAME_MAX 140

static void put(struct message *message, char c)
{
	if (message->len < sizeof(message->text) - 1)
		message->text[message->len++] = c;
}

void message_str(struct message *message, const char *s)
{
	for (; *s; s++)
		put(message, *s);
}

void message_name(struct message *message, const char *name)
{
	for (size_t i = 0; *name && i < MESSAGE_NAME_MAX; i++, name++)
		put(message, *name > ' ' && *name < 0x7f ? *name : '?');
}

void message_hex(struct message *message, uint64_t value)
{
	int shift = 60;

	message_str(message, "0x");
	while (shift > 0 && (value >> shift) == 0)
		shift -= 4;
	for (; shift >= 0; shift -= 4)
		put(message, "0123456789abcdef"[(value >> shift) & 15]);
}

void message_decimal(struct message *message, unsigned value)
{
	if (value >= 10)
		message_decimal(message, value / 10);
	put(message, (char)('0' + value % 10));
}

/* The errors that sealing can meet. */
static const struct {
	int error;
	const char *text;
} errors[] = {
	{ EPERM, "refused by a seccomp filter (EPERM)" },
	{ ENOSYS, "a seccomp filter or this kernel knows no mseal(2) (ENOSYS)" },
	{ ENOMEM, "out of memory, of vm.max_map_count or of room for filters (ENOMEM)" },
	{ EINVAL, "the kernel does not take the range (EINVAL)" },
	{ EACCES, "permission denied (EACCES)" },
	{ EFAULT, "not readable (EFAULT)" },
	{ EFBIG, "larger than RLIMIT_FSIZE allows (EFBIG)" },
	{ ENOSPC, "no space left (ENOSPC)" },
	{ ENOENT, "no such file (ENOENT)" },
	{ EMFILE, "too many open files (EMFILE)" },
	{ ENFILE, "too many open files in the system (ENFILE)" },
	{ EBADMSG, "not understood (EBADMSG)" },
	{ EBUSY, "busy (EBUSY)" },
	{ EOPNOTSUPP, "not by this kernel, or refused by a seccomp filter (EOPNOTSUPP)" },
	{ ENOEXEC, "not a valid ELF image (ENOEXEC)" },
};

void message_error(struct message *message, int error)
{
	message_str(message, ": ");
	for (size_t i = 0; i < ARRAY_SIZE(errors); i++) {
		if (errors[i].error == -error) {
			message_str(message, errors[i].text);
			return;
		}
	}
	message_str(message, "error ");
	message_decimal(message, (unsigned)-error);
}

void message_send(struct message *message)
{
	message->text[message->len++] = '\n';
	(void)!sys_write(2, message->text, message->len);
	message->len = 0;
}
