/* SPDX-License-Identifier: MIT */
/* The policy from the files of a machine. */
#ifndef MEMSEAL_MACHINE_POLICY_FILES_H
#define MEMSEAL_MACHINE_POLICY_FILES_H

#include <sys/types.h>

#include "machine/policy.h"

/* Where the files are, below the root. */
#define POLICY_DIR MEMSEAL_CONF_DIR "/policy.d"

/*
 * Reads the files *.conf of POLICY_DIR below root, in the order of the bytes of their names; others
 * and those that begin with a dot are passed over. The root, POLICY_DIR, all directories between
 * and each file must belong to owner, which is 0 but in tests, be writable by nobody else, and be
 * no symbolic links. A POLICY_DIR that is not there is a policy without rules. What is wrong
 * becomes a finding. 0, or -ENOMEM.
 */
int policy_read(struct policy *policy, const char *root, uid_t owner) MUST_CHECK NONNULL(1, 2);

/*
 * The same of one file, whatever its name, or of a directory that may be anywhere and anybody's: to
 * be looked at, not to be used.
 */
int policy_read_from(struct policy *policy, const char *path) MUST_CHECK NONNULL(1, 2);

#endif
