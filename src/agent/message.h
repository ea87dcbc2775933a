/* SPDX-License-Identifier: MIT */
/* One line on standard error, without libc. */
#ifndef MEMSEAL_AGENT_MESSAGE_H
#define MEMSEAL_AGENT_MESSAGE_H

#include "base/util.h"

struct message {
	char text[512];
	size_t len;
};

void message_str(struct message *message, const char *s) NONNULL(1, 2);
/* Text from outside: what is not printable ASCII becomes a question mark. */
void message_name(struct message *message, const char *name) NONNULL(1, 2);

void message_hex(struct message *message, uint64_t value) NONNULL(1);
void message_decimal(struct message *message, unsigned value) NONNULL(1);

/* ": No such file or directory (ENOENT)" for a negative errno. */
void message_error(struct message *message, int error) NONNULL(1);

/* What a file descriptor leads to; zero: nothing that may be written to. */
struct message_target {
	uint64_t inode, born; /* ns since 1970, as far as the file system says */
	uint32_t major, minor, device_major, device_minor;
	uint32_t type; /* of the file, S_IFMT */
	int access;    /* O_ACCMODE, as it was opened */
};

/*
 * What standard error leads to at the start of a program, before any of its code. Not a descriptor
 * that the program's libraries opened (close-on-exec), nor a file that is open for reading as well,
 * as databases are.
 */
void message_find_target(struct message_target *ret) NONNULL(1);

/*
 * Adds the newline and writes it at once to standard error, if that still leads to the target. No
 * signal comes of it: neither SIGPIPE nor SIGXFSZ. Nothing is written if there is no room for it
 * within 0.2 s.
 */
void message_send(struct message *message, const struct message_target *target) NONNULL(1, 2);

#endif
