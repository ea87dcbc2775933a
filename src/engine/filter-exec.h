/* SPDX-License-Identifier: MIT */
/*
 * A seccomp filter outlives execve(2), the address space does not: what a filter holds must lie
 * where the next program is not likely to be. Freestanding.
 */
#ifndef MEMSEAL_ENGINE_FILTER_EXEC_H
#define MEMSEAL_ENGINE_FILTER_EXEC_H

#include "base/util.h"

/* Why a filter would break the programs that this one executes. */
enum filter_exec {
	FILTER_EXEC_HARMLESS,
	FILTER_EXEC_FIXED,   /* the program is linked to a fixed address, and the next one may be */
	FILTER_EXEC_NO_ASLR, /* the kernel does not choose addresses at random */
	FILTER_EXEC_UNKNOWN, /* that cannot be read: *ret_error of filter_exec() says why */
};

/*
 * For a program of which it is known whether it is position-independent. ret_error may be NULL: a
 * negative errno goes there with FILTER_EXEC_UNKNOWN.
 */
enum filter_exec filter_exec(bool pie, int *ret_error) MUST_CHECK;

#endif
