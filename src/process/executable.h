/* SPDX-License-Identifier: MIT */
/*
 * Executable memory that is not sealed text of an image. A process can make its headers say
 * anything: what they do not explain is shown, whatever it looks like.
 */
#ifndef MEMSEAL_PROCESS_EXECUTABLE_H
#define MEMSEAL_PROCESS_EXECUTABLE_H

#include "process/snapshot.h"

/* Why a page is executable and open; in ascending order of what a report should name first. */
enum exec_open {
	EXEC_HELD,      /* not executable, or sealed, and as the headers of an image say */
	EXEC_UNSEALED,  /* code of an image, not sealed */
	EXEC_GENERATED, /* memory without a file: JIT code */
	EXEC_TWICE,     /* a file that an image was loaded from, outside of the image */
	EXEC_HEAP,
	EXEC_STACK,
	EXEC_DATA,     /* data of an image */
	EXEC_WRITABLE, /* a part of an image that is writable now */
	EXEC_ALIAS,    /* a shared mapping, whose bytes another mapping of the process can change */
	EXEC_UNKNOWN,  /* a file that no image explains; a special mapping of the kernel */
};

/* A piece of a mapping that has one role. Needs snapshot_index(). */
enum exec_open exec_open_of(const struct memseal_process *process, const struct mapping *mapping,
	enum plan_role role) NONNULL(1, 2);

/* In words; NULL for EXEC_HELD and EXEC_UNSEALED. */
const char *exec_open_text(enum exec_open why);

/* Can another mapping of the process write to the file of a shared mapping, or be made to? */
bool written_elsewhere(const struct memseal_process *process, const struct mapping *mapping)
	NONNULL(1, 2);

#endif
