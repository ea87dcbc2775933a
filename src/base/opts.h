/* SPDX-License-Identifier: MIT */
/* Structs of the API that can grow: their first member is a size_t, the caller's sizeof. */
#ifndef MEMSEAL_BASE_OPTS_H
#define MEMSEAL_BASE_OPTS_H

#include <errno.h>

#include "base/util.h"

/*
 * Copies the caller's options, NULL for defaults, into the struct of this version, whose size is
 * given: what an older caller does not have is zero. -EINVAL: no room for the size itself, or bytes
 * behind the known ones that are not zero, from a newer caller that wants what is not known here.
 */
MUST_CHECK NONNULL(1) static inline int opts_read(void *ret, size_t size, const void *caller)
{
	size_t theirs, common;

	__builtin_memset(ret, 0, size);
	if (!caller)
		return 0;
	__builtin_memcpy(&theirs, caller, sizeof(theirs));
	if (theirs < sizeof(theirs))
		return -EINVAL;
	for (size_t i = size; i < theirs; i++)
		if (((const unsigned char *)caller)[i] != 0)
			return -EINVAL;
	common = theirs < size ? theirs : size;
	__builtin_memcpy(ret, caller, common);
	return 0;
}

/* Is this an output struct at least as large as its first version, whose size is oldest? */
MUST_CHECK static inline bool output_valid(const void *caller, size_t oldest)
{
	size_t theirs;

	if (!caller)
		return false;
	__builtin_memcpy(&theirs, caller, sizeof(theirs));
	return theirs >= oldest;
}

/*
 * Fills the caller's output struct, whose size is set, from the one of this version: a shorter one,
 * of an older caller, as far as it goes; the tail of a longer one with zeroes.
 */
NONNULL(1, 2) static inline void output_write(void *caller, const void *found, size_t size)
{
	size_t theirs;

	__builtin_memcpy(&theirs, caller, sizeof(theirs));
	__builtin_memcpy(caller, found, theirs < size ? theirs : size);
	__builtin_memcpy(caller, &theirs, sizeof(theirs));
	if (theirs > size)
		__builtin_memset((char *)caller + size, 0, theirs - size);
}

#endif
