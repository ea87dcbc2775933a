/* SPDX-License-Identifier: MIT */
/*
 * All that the agent refers to by name outside of itself, weakly. What it calls it finds by itself:
 * see loader.h. Included ahead of every file that the agent is built from.
 */
#ifndef MEMSEAL_AGENT_LIBC_H
#define MEMSEAL_AGENT_LIBC_H

#ifndef __ASSEMBLER__

#include <link.h>
#include <sys/auxv.h>

/* The environment in musl, which passes no arguments to constructors. */
extern char **environ __attribute__((weak));

/* The loader's list of objects: glibc's, and musl's. */
#pragma weak _r_debug
extern struct r_debug *_dl_debug_addr __attribute__((weak));

#endif
#endif
