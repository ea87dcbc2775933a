/* SPDX-License-Identifier: MIT */
/*
 * A security module (SELinux, AppArmor, Smack) can ask the loader for secure execution where ids
 * and capabilities do not: by its own policy, which is not to be computed here. So the kernel is
 * asked: a traced child executes the file, and is killed before its first instruction.
 */
#ifndef MEMSEAL_LAUNCH_TRIAL_H
#define MEMSEAL_LAUNCH_TRIAL_H

#include <memseal.h>

#include "base/util.h"

/* Can a process with this label, of /proc/self/attr/current, come under another policy by exec? */
bool trial_wanted(const char *label) MUST_CHECK NONNULL(1);

/*
 * Would this process execute the file in secure execution (AT_SECURE)? 1 or 0; -EPERM: the trial
 * was refused, as by a module that lets nobody trace what the program becomes; or what fork(2),
 * ptrace(2) and reading the child's auxiliary vector answer. No SIGCHLD; nothing of the file runs.
 */
int trial_secure(const char *path) MUST_CHECK NONNULL(1);

/* MEMSEAL_REFUSAL_SECURE if a module has a say here and the trial does not end with 0, or _NONE. */
enum memseal_refusal trial_judge(const char *path) MUST_CHECK NONNULL(1);

#endif
