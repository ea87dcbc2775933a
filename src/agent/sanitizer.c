/* SPDX-License-Identifier: MIT */
/*
 * AddressSanitizer as a shared library ends a program in which it is not the first one, because a
 * library before it could take its place in malloc() and the like. The agent does not, and is the
 * first. The runtime asks this function, of whoever has it, before it checks, and before any
 * constructor has run; what the user says in ASAN_OPTIONS goes before.
 */
#include "base/util.h"

EXPORT const char *__asan_default_options(void);

const char *__asan_default_options(void)
{
	return "verify_asan_link_order=0";
}
