/* SPDX-License-Identifier: MIT */
/* For tests of what happens at the limit of file sizes. */
#ifndef MEMSEAL_TESTS_HELPERS_LIMITS_H
#define MEMSEAL_TESTS_HELPERS_LIMITS_H

#include <stdlib.h>
#include <sys/resource.h>

/*
 * Sets the limit; RLIM_INFINITY takes it away again. Nothing may be asserted in between: each of
 * Check's assertions, if it holds too, appends a record to a file of results, and where the limit
 * cuts a record off, the reader ends with "Error in call to get_result". How long that file is
 * depends on how many assertions came before, and so on how many mappings a helper looked at.
 */
static inline void limit_file_size(rlim_t bytes)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_FSIZE, &limit) < 0)
		abort();
	limit.rlim_cur = bytes < limit.rlim_max ? bytes : limit.rlim_max;
	if (setrlimit(RLIMIT_FSIZE, &limit) < 0)
		abort();
}

#endif
