/* SPDX-License-Identifier: MIT */
/*
 * Sees every object that glibc loads after the start. dlopen(3), dlmopen(3) and the C library's own
 * loads (NSS, gconv, libgcc_s) all call through one pointer in ld.so's read-only data, which the
 * agent replaces before that data is sealed.
 */
#ifndef MEMSEAL_AGENT_HOOK_H
#define MEMSEAL_AGENT_HOOK_H

#include "base/util.h"

/*
 * Replaces the pointer and proves it: one harmless open must arrive. False, and everything as it
 * was: a glibc whose data is laid out otherwise. Needs glibc; the only thread; before the seals,
 * which make the pages read-only again: else hook_protect() must.
 */
bool hook_install(void);

/* Makes ld.so's read-only data that again, if it is not sealed. */
void hook_protect(void);

/*
 * The same in a program that runs, while all other threads stand still. Nothing can be opened to
 * prove it: false as well for a glibc whose version was not tried. What is loaded stays from here
 * on, without a pin: dlclose(3) does nothing.
 */
bool hook_install_running(void);

#endif
