/* SPDX-License-Identifier: MIT */
/* Paths as the kernel knows programs by: without symbolic links. */
#ifndef MEMSEAL_MACHINE_POLICY_PATH_H
#define MEMSEAL_MACHINE_POLICY_PATH_H

#include <limits.h>

#include "launch/executable.h"
#include "machine/policy.h"

/*
 * Where a path leads in a machine whose root is the directory root: links are followed as if root
 * were "/". What is returned begins there as well. 0, -ENOENT or why it cannot be told.
 */
int policy_resolve(const char *root, const char *path, char ret[PATH_MAX]) MUST_CHECK
	NONNULL(1, 2, 3);

/* Adds a warning for each rule whose path, as far as it has no wildcards, leads elsewhere. */
int policy_check_links(struct policy *policy, const char *root) MUST_CHECK NONNULL(1, 2);

struct policy_target {
	char file[PATH_MAX];       /* what the name stands for, resolved */
	char path[PATH_MAX];       /* what the kernel executes: the file, or what interprets it */
	enum executable_kind kind; /* of the file */
	enum memseal_refusal refusal; /* of what is executed: see executable_judge() */
};

/*
 * What is executed for a name, as a shell finds it: a path, or a program in a directory of the
 * path_list. 0; -ENOENT, there is none; -EACCES, it is not executable; -ENOEXEC, it is damaged;
 * -ELOOP, too many interpreters; or why it cannot be told.
 */
int policy_target(const char *root, const char *name, const char *path_list,
	struct policy_target *ret) MUST_CHECK NONNULL(1, 2, 3, 4);

#endif
