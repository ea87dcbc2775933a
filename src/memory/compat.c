/* SPDX-License-Identifier: MIT */
/* The interfaces of other systems and of newer C libraries. */
#include <errno.h>
#include <memseal-compat.h>

#include "base/errors.h"
#include "base/sys.h"

/* Where the C library declares it too, this is the same function. */
EXPORT int mseal(void *addr, size_t len, unsigned long flags);

EXPORT int mseal(void *addr, size_t len, unsigned long flags)
{
	int r = sys_mseal((uintptr_t)addr, len, flags);

	if (r < 0) {
		errno = -r;
		return -1;
	}
	return 0;
}

EXPORT int mimmutable(void *addr, size_t len)
{
	int r = errors_only(
		memseal_range(addr, len, MEMSEAL_MAPPING), -EOPNOTSUPP, ERRORS_MIMMUTABLE);

	if (r < 0) {
		errno = -r;
		return -1;
	}
	return 0;
}
