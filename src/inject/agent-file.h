/* SPDX-License-Identifier: MIT */
/* The agent's file, and its way into another process, as a loader would map it there. */
#ifndef MEMSEAL_INJECT_AGENT_FILE_H
#define MEMSEAL_INJECT_AGENT_FILE_H

#include "inject/remote.h"
#include "model/image.h"

#define AGENT_SEGMENTS_MAX 8

struct agent_file {
	int fd;
	uint64_t entry, len; /* by link-time addresses, from 0 */
	unsigned count;
	struct image_segment segments[AGENT_SEGMENTS_MAX];
};

/*
 * -ENOENT, -EACCES and what openat(2) answers; -ENOEXEC: not an agent of this machine.
 */
int agent_file_open(const char *path, struct agent_file *ret) MUST_CHECK NONNULL(1, 2);

/*
 * Hands the descriptor over through a pair of sockets, for the path may lead elsewhere there, maps
 * the segments, and closes what was opened. memory: one page that can be written to meanwhile;
 * pidfd: the process. *ret_error: what a call answered there, or 0. Errors as remote_call().
 */
int agent_file_map(struct remote *remote, const struct agent_file *agent, int pidfd,
	uint64_t memory, uint64_t *ret_base, int *ret_error) MUST_CHECK NONNULL(1, 2, 5, 6);

#endif
