/* SPDX-License-Identifier: MIT */
/* The log of the machine, without libc. */
#ifndef MEMSEAL_AGENT_LOG_H
#define MEMSEAL_AGENT_LOG_H

#include "agent/message.h"

/*
 * Sends it as a warning to syslog(3)'s socket, where journald or a syslog daemon limits the rate;
 * before there is one, to the kernel's log, if this process may. Never waits. Opens a descriptor,
 * and closes it.
 */
void log_send(const struct message *message) NONNULL(1);

#endif
