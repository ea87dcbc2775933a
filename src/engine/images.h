/* SPDX-License-Identifier: MIT */
/*
 * Seals the images of this process: the program, its libraries, the dynamic loader, [vdso] and
 * [vvar]. Freestanding: it serves memseal_self() and the agent. Of the C library it needs
 * dl_iterate_phdr(3), which glibc and musl share, and nothing else.
 */
#ifndef MEMSEAL_ENGINE_IMAGES_H
#define MEMSEAL_ENGINE_IMAGES_H

#include <link.h>

#include "base/util.h"

/* How far a process is, for one that looks again and again. Zero at first. */
struct images_progress {
	unsigned long long unloaded; /* objects so far, as the loader counts them */
	size_t done;                 /* objects at the head of its list that need no second look */
};

struct images_opts {
	/*
	 * Every object is relocated and no other thread runs: RELRO that the loader left writable
	 * (musl's own) is made read-only. Otherwise such an image is taken for one that another
	 * thread is still loading, and left to that thread.
	 */
	bool settled;
	/*
	 * Makes sure that an object can no longer be unloaded; name as the loader has it, not
	 * empty. False: it could not be done. NULL: nothing can be unloaded anyway.
	 */
	bool (*pin)(const char *name);
	struct images_progress *progress; /* NULL: look at all */
	/* Lists the objects, as dl_iterate_phdr(3) does, which NULL stands for. */
	int (*iterate)(
		const void *where, int (*fn)(struct dl_phdr_info *, size_t, void *), void *arg);
	const void *where;
};

struct images_result {
	uint64_t sealed; /* bytes that this call sealed; RELRO, [vdso] and [vvar] included */
	/* On failure, what could not be done where: static text, and addresses or 0. */
	const char *failed;
	uint64_t start, end;
};

/*
 * Seals every image that is not sealed yet. *ret is written on failure too. Not reentrant: one
 * thread at a time.
 *
 * -ENOMEM, -EPERM, -ENOSYS, -EINVAL as kernel_seal(); -EOPNOTSUPP as kernel_sealed_works();
 * -ENOEXEC: an image's headers are damaged; -EBUSY: not pinned; -EBADMSG and what openat(2) and
 * read(2) answer for /proc/self/maps.
 */
int images_seal(const struct images_opts *opts, uint64_t page, struct images_result *ret) MUST_CHECK
	NONNULL(1, 3);

#endif
