/* SPDX-License-Identifier: MIT */
/*
 * Memory that may not become code: this process, all that it executes and all that they start can
 * no longer make executable what was writable, nor map memory that is both.
 */
#ifndef MEMSEAL_LAUNCH_NEW_CODE_H
#define MEMSEAL_LAUNCH_NEW_CODE_H

#include "base/util.h"

/* Can it be refused here? Asks, and changes nothing. */
bool new_code_refusable(void) MUST_CHECK;

/*
 * Has it refused, by PR_SET_MDWE where the kernel has that (6.3), by a filter otherwise or on top,
 * and tries it afterwards. For good, in this thread; after execve(2) there is no other. A filter
 * sets no_new_privs if the process lacks CAP_SYS_ADMIN. Nothing is added if it is refused already.
 * -EOPNOTSUPP: neither works here; -ENOMEM.
 */
int new_code_refuse(bool filter) MUST_CHECK;

#endif
