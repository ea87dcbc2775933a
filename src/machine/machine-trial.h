/* SPDX-License-Identifier: MIT */
/* Programs of this machine as they will be in the machine-wide mode, before it is switched on. */
#ifndef MEMSEAL_MACHINE_MACHINE_TRIAL_H
#define MEMSEAL_MACHINE_MACHINE_TRIAL_H

#include <sys/types.h>

#include "base/policy.h"
#include "base/util.h"

struct machine_trial {
	unsigned tried;      /* programs */
	const char *program; /* that did something else, or NULL */
	const char *what;    /* it did or was, or what could not be done */
};

/*
 * Runs programs as they are, and once more in a mount namespace of their own that has the agent in
 * its preload list by this name, and the policy: status and output must be the same, and
 * is_sealed() true of one of them without the policy. Among them are set-uid programs as an
 * unprivileged user, one under a filter that kills for mseal(2), one without /proc and one without
 * an environment; of what is not installed none. Changes nothing outside. MACHINE_PRELOAD must be
 * there.
 *
 * 0 if all is as it should be; -EOPNOTSUPP: a program does or is something else; or a negative
 * errno: it could not be tried. The process must have no other threads.
 */
int machine_trial(const char *entry, const union policy_block *blocks, size_t len,
	bool (*is_sealed)(pid_t pid), struct machine_trial *ret) MUST_CHECK NONNULL(1, 2, 4, 5);

#endif
