/* SPDX-License-Identifier: MIT */
/* Files in memory that hold what memseal locks: made, sealed, looked at. Freestanding. */
#ifndef MEMSEAL_ENGINE_MEMFD_H
#define MEMSEAL_ENGINE_MEMFD_H

#include <fcntl.h>

#include "base/uapi.h"
#include "base/util.h"

/* Its size stays, and so do its seals: with one against writing. */
#define MEMFD_FIXED (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW)

/*
 * A new, empty memfd that can be sealed; or -EOPNOTSUPP: there are none; -EMFILE, -ENFILE, -ENOMEM,
 * -EACCES, -EPERM.
 */
int memfd_new(void) MUST_CHECK;

/*
 * Gives a file its size. -EFBIG: more than RLIMIT_FSIZE; -EOPNOTSUPP: it has not got it; or as
 * ftruncate(2).
 */
int memfd_resize(int fd, uint64_t size) MUST_CHECK;

/*
 * Adds seals. -EBUSY: F_SEAL_WRITE, and it is mapped to be written; -EOPNOTSUPP: they are not there
 * afterwards, or not known; or as fcntl(2).
 */
int memfd_seal(int fd, int seals) MUST_CHECK;

/* 0 if a shared mapping of it can never become writable, else -EOPNOTSUPP; tried, on one. */
int memfd_check_view(int fd) MUST_CHECK;

#endif
