/* SPDX-License-Identifier: MIT */
/* Files of the system that are replaced as a whole: whatever happens, the old or the new one. */
#ifndef MEMSEAL_MACHINE_REPLACE_H
#define MEMSEAL_MACHINE_REPLACE_H

#include <sys/types.h>

#include "base/util.h"

/*
 * Reads a regular file that belongs to root and only root may write, as far as size allows. Returns
 * its length; -ENOENT; -ELOOP: it is a symbolic link; -ENODEV: it is a device; -EINVAL: it is
 * something else; -EPERM: it is another user's, or others may write to it; -EFBIG: it is larger; or
 * as openat(2), read(2).
 */
ssize_t replace_read(int dir, const char *name, char *buf, size_t size) MUST_CHECK NONNULL(2, 3);

/* Reads to the end of an open file, or as far as size allows: the length, or as read(2). */
ssize_t replace_read_all(int fd, char *buf, size_t size) MUST_CHECK NONNULL(2);

/*
 * Writes NAME beside the old one, readable by all, and puts it in its place when it is on disk:
 * after a power failure there is the old file or the new one. 0, or a negative errno: then the old
 * one is there, and nothing beside it; unless it is the last step that failed, fsync(2) of the
 * directory, and the new one is there, but perhaps not after a power failure.
 */
int replace_write(int dir, const char *name, const char *text, size_t len) MUST_CHECK NONNULL(2, 3);

/* What a replace_write() of NAME that did not come to its end has left beside it goes. */
void replace_clean(int dir, const char *name) NONNULL(2);

/* The file is gone when this returns 0, and after a power failure too. */
int replace_remove(int dir, const char *name) MUST_CHECK NONNULL(2);

#endif
