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

/* Adds the newline and writes it at once. */
void message_send(struct message *message) NONNULL(1);

#endif
