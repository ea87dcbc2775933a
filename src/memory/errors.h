/* SPDX-License-Identifier: MIT */
#ifndef MEMSEAL_MEMORY_ERRORS_H
#define MEMSEAL_MEMORY_ERRORS_H

#include <errno.h>

/*
 * The answer of many system calls as one of the errors that freezing and regions for code document:
 * a seccomp filter may answer anything.
 */
static inline int documented_error(int r)
{
	switch (-r) {
	case 0:
	case EACCES:
	case EAGAIN:
	case EBADMSG:
	case EBUSY:
	case EFAULT:
	case EFBIG:
	case EIO:
	case EMFILE:
	case ENFILE:
	case ENOENT:
	case ENOMEM:
	case ENOSPC:
	case ENOTRECOVERABLE:
	case EPERM:
	case ESRCH:
		return r;
	default:
		return -EOPNOTSUPP;
	}
}

#endif
