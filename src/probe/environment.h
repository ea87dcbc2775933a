/* SPDX-License-Identifier: MIT */
/*
 * What runs this process in place of, or on top of, a kernel. None of it is taken from environment
 * variables, which anybody sets.
 */
#ifndef MEMSEAL_PROBE_ENVIRONMENT_H
#define MEMSEAL_PROBE_ENVIRONMENT_H

#include <memseal.h>

enum memseal_support environment_valgrind(void);

/* Makes a system call that no kernel has: a strict seccomp filter may kill for it. */
enum memseal_support environment_rr(void);

enum memseal_support environment_qemu_user(void);
enum memseal_support environment_gvisor(void);

#endif
