/* SPDX-License-Identifier: MIT */
/*
 * All that the agent takes from the program's C library, and only if it is there. Included ahead of
 * every file that the agent is built from, so that those it shares with the library refer to these
 * weakly too.
 */
#ifndef MEMSEAL_AGENT_LIBC_H
#define MEMSEAL_AGENT_LIBC_H

#ifndef __ASSEMBLER__

#include <link.h>
#include <sys/auxv.h>

#pragma weak dl_iterate_phdr
#pragma weak getauxval

/* The environment in musl, which passes no arguments to constructors. */
extern char **environ __attribute__((weak));

/* glibc's alone, in ld.so: its read-only data, and a function whose address stands in it. */
extern const uintptr_t _rtld_global_ro[] __attribute__((weak));
extern void _dl_mcount(void) __attribute__((weak));

#endif
#endif
