/* SPDX-License-Identifier: MIT */
/* The processes that led to this one, from /proc. */
#ifndef MEMSEAL_AGENT_ANCESTOR_H
#define MEMSEAL_AGENT_ANCESTOR_H

#include "base/util.h"

struct ancestor {
	unsigned pid;   /* 0: this process */
	char path[512]; /* of its program; "": it cannot be known, or is too long */
};

static inline struct ancestor ancestor_self(void)
{
	return (struct ancestor){ .pid = 0 };
}

/*
 * Goes on to the parent. False: there is none in this PID namespace, or it cannot be known. A
 * process whose parent has ended is one of its reaper, which is mostly the first process.
 */
bool ancestor_next(struct ancestor *ancestor) MUST_CHECK NONNULL(1);

#endif
