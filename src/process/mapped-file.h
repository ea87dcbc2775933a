/* SPDX-License-Identifier: MIT */
/* The file behind a mapping of another process, whose paths may lead anywhere by now. */
#ifndef MEMSEAL_PROCESS_MAPPED_FILE_H
#define MEMSEAL_PROCESS_MAPPED_FILE_H

#include "model/maps.h"

/*
 * Opens the file for reading: through /proc/PID/map_files, which needs CAP_CHECKPOINT_RESTORE or
 * CAP_SYS_ADMIN and is the very file, or by its path. What is no regular file is not opened, nor is
 * a file that is not the mapped one: both are only looked at. dir is the process's. Waits for the
 * file system, for ever if that does not answer.
 *
 * -EACCES  the path leads elsewhere (the file was removed or replaced), or may not be followed
 * -ENODEV  no regular file
 * and what openat(2) documents
 */
int mapped_file_open(int dir, const struct mapping *mapping) MUST_CHECK NONNULL(2);

/*
 * Can nobody write to the memfd of a mapping, because of F_SEAL_WRITE? 1, or 0: somebody may, or it
 * cannot be told. -EMFILE, -ENFILE, -ENOMEM.
 */
int mapped_file_write_sealed(int dir, const struct mapping *mapping) MUST_CHECK NONNULL(2);

#endif
