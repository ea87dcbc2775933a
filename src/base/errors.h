/* SPDX-License-Identifier: MIT */
/*
 * The errors that public functions document, and no others: any system call may fail with any of
 * them, because a seccomp filter or a file system answers what it likes. Each list is that of the
 * public header; tests/unit/errors.c compares them.
 */
#ifndef MEMSEAL_BASE_ERRORS_H
#define MEMSEAL_BASE_ERRORS_H

#include <errno.h>

#include "base/util.h"

/* Reading files in /proc/self. */
#define ERRORS_PROC_SELF  EACCES, ENOENT, EIO, EMFILE, ENFILE, EBADMSG

#define ERRORS_MIMMUTABLE EINVAL, EFAULT, ENOMEM, EPERM, EOPNOTSUPP, ESRCH, ERRORS_PROC_SELF
#define ERRORS_RANGES     EBUSY, ERRORS_MIMMUTABLE
#define ERRORS_MAP        EINVAL, EOPNOTSUPP, ENOMEM, EPERM, EAGAIN, EBUSY, ESRCH, ERRORS_PROC_SELF
#define ERRORS_QUERY      EINVAL, ENOMEM, EOPNOTSUPP
#define ERRORS_ALLOW      EINVAL, EBUSY, ENOEXEC, ESRCH, EOPNOTSUPP, ENOMEM
#define ERRORS_SELF       EINVAL, EOPNOTSUPP, EPERM, ENOMEM, ENOEXEC, ETXTBSY, EBUSY, ERRORS_PROC_SELF
#define ERRORS_ARENA      EINVAL, EOPNOTSUPP, EAGAIN, ENOMEM
#define ERRORS_FREEZE                                                                            \
	EINVAL, EOPNOTSUPP, EFBIG, EPERM, ESRCH, EBUSY, EFAULT, ENOTRECOVERABLE, EAGAIN, ENOMEM, \
		ENOSPC, ERRORS_PROC_SELF
#define ERRORS_GLOBALS ENOEXEC, ENOTUNIQ, ERRORS_FREEZE
#define ERRORS_CODE \
	EINVAL, EOPNOTSUPP, EPERM, EFBIG, ESRCH, EBUSY, EAGAIN, ENOMEM, ENOSPC, ERRORS_PROC_SELF
#define ERRORS_PUBLISH     ENXIO, EALREADY, ERRORS_FREEZE
#define ERRORS_POOL        EINVAL, EOPNOTSUPP, ENOMEM, EMFILE, ENFILE
#define ERRORS_POOL_STATUS EINVAL, ENXIO, ENOMEM, ERRORS_PROC_SELF
#define ERRORS_PROBE       EINVAL, ENOMEM, EAGAIN
#define ERRORS_PROGRAM_FIND                                                                 \
	EINVAL, ENOENT, EACCES, ENOEXEC, EISDIR, ELOOP, ENOTDIR, ENAMETOOLONG, EIO, ENOMEM, \
		EMFILE, ENFILE
#define ERRORS_PROGRAM_EXEC                                                                     \
	EOPNOTSUPP, ENOMEM, E2BIG, EACCES, EAGAIN, EFAULT, EINVAL, EIO, EISDIR, ELIBBAD, ELOOP, \
		EMFILE, ENAMETOOLONG, ENFILE, ENOENT, ENOEXEC, ENOTDIR, EPERM, ETXTBSY
#define ERRORS_PROCESS_OPEN                                                                      \
	EINVAL, ESRCH, ENXIO, EACCES, EPERM, EAGAIN, E2BIG, EBADMSG, ENOENT, EOPNOTSUPP, ENOMEM, \
		EMFILE, ENFILE, EIO
#define ERRORS_PROCESS_SEAL                                                                     \
	EINVAL, ESRCH, EPERM, EALREADY, EBUSY, EOPNOTSUPP, ENOEXEC, ETXTBSY, EFAULT, ETIMEDOUT, \
		ENOENT, EACCES, ENOMEM, EMFILE, ENFILE, EIO
#define ERRORS_PROCESS_NAME \
	EINVAL, ESRCH, EACCES, EPERM, EBADMSG, EIO, ENOENT, ENOMEM, EMFILE, ENFILE
#define ERRORS_PROCESS_EACH EINVAL, ENOENT, EACCES, EMFILE, ENFILE, EIO

/* r, or the negative errno otherwise if r is one that a list, which ends with 0, does not have. */
NONNULL(3) static inline int errors_only_of(int r, int otherwise, const int *documented)
{
	if (r >= 0)
		return r;
	for (; *documented; documented++)
		if (r == -*documented)
			return r;
	return otherwise;
}

#define errors_only(r, otherwise, ...) \
	errors_only_of((r), (otherwise), (const int[]){ __VA_ARGS__, 0 })

#endif
