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

/* The loader's list of objects: glibc's, under a name that its header does not declare; musl's. */
extern const char loader_debug_of_glibc[] __asm__("_r_debug") __attribute__((weak));
extern const void *_dl_debug_addr __attribute__((weak));

#endif
#endif
