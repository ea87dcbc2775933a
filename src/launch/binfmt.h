/* SPDX-License-Identifier: MIT */
/* The interpreters that are registered with the kernel: Documentation/admin-guide/binfmt-misc.rst.
 */
#ifndef MEMSEAL_LAUNCH_BINFMT_H
#define MEMSEAL_LAUNCH_BINFMT_H

#include <limits.h>

#include "base/util.h"

/* As much of a file as the kernel looks at: BINPRM_BUF_SIZE. */
#define BINFMT_HEAD 256

struct binfmt {
	char interpreter[PATH_MAX];
	bool credentials; /* flag C: privileges are those of the file, not of the interpreter */
};

/*
 * Does this entry, the text of its file, match a file of that name and with these first bytes?
 * Exactly as the kernel does, and false for what is not understood.
 */
bool binfmt_match(const char *entry, const char *path, const unsigned char *head, size_t len,
	struct binfmt *ret) MUST_CHECK NONNULL(1, 2, 3, 5);

/*
 * What the kernel would execute in place of the file. -ENOENT: nothing; -ENOTUNIQ: one of
 * several, and the kernel does not tell which.
 */
int binfmt_find(const char *path, const unsigned char *head, size_t len,
	struct binfmt *ret) MUST_CHECK NONNULL(1, 2, 4);

#endif
