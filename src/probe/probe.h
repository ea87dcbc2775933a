/* SPDX-License-Identifier: MIT */
/*
 * What this machine can do. Facts about kernels live here and nowhere else; memseal_probe() in
 * <memseal.h> is the whole of them.
 */
#ifndef MEMSEAL_PROBE_PROBE_H
#define MEMSEAL_PROBE_PROBE_H

#include <memseal.h>

/*
 * Does mseal(2) work here? As memseal_probe() says it, but in this process: about six system calls
 * and no child, one sealed page stays behind, and a filter that kills does kill. For a process that
 * is about to execute another program, which drops the page.
 */
enum memseal_support probe_mseal_quick(void);

/*
 * Does the kernel take seccomp filters that answer with an errno? One system call, and nothing is
 * installed.
 */
enum memseal_support probe_seccomp_quick(void);

#endif
