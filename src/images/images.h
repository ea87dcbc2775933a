/* SPDX-License-Identifier: MIT */
/*
 * Seals the images of this process: the program, its libraries, the dynamic loader, [vdso] and
 * [vvar]. Freestanding: it serves memseal_self() and the agent.
 */
#ifndef MEMSEAL_IMAGES_IMAGES_H
#define MEMSEAL_IMAGES_IMAGES_H

#include <link.h>

#include "images/types.h"

/* Lists the objects, as dl_iterate_phdr(3) does. */
typedef int images_iterate_fn(
	const void *where, int (*fn)(struct dl_phdr_info *, size_t, void *), void *arg);

struct images_opts {
	/*
	 * A seccomp filter holds the images instead of mseal(2), against discarding too. It stays
	 * in force after execve(2): whether that may be is asked above this floor.
	 */
	bool filter;
	bool all;   /* look at objects too whose first page is sealed */
	bool fresh; /* the program has hardly begun: most that is mapped are images */
	/* Or at the one with this bias: it may have sealed that page itself. NULL: at none. */
	const uint64_t *loaded;
	/*
	 * Every object that is listed is relocated: RELRO that was left writable (musl's own) is
	 * made read-only, and text that is writable is told. Otherwise such an image is taken for
	 * one that another thread is still loading, and left to that thread.
	 */
	bool settled;
	bool strict; /* lock the bytes as well: see content.h and content-file.h */
	bool data;   /* hold writable data too, in its place and its protection */
	/*
	 * Makes sure that an object can no longer be unloaded; name as the loader has it, not
	 * empty. False: it could not be done. NULL: nothing can be unloaded anyway.
	 */
	bool (*pin)(const char *name);
	/* Objects that are not to be touched. NULL: none. */
	bool (*excepted)(const struct images_object *object);
	size_t stack; /* bytes of it to work in, if they do: see scratch_run() */
	/* The caller's: anonymous or of a private file mapping, made read-only and sealed too; or
	 * empty. */
	struct span own;
	/* And memory that is no part of an image. */
	const struct images_run *more;
	size_t more_count;
	images_iterate_fn *iterate;
	const void *where; /* for it */
};

/*
 * Seals every image that is not sealed yet; one that cannot be does not keep the others from it.
 * *ret is written on failure too, and tells the first. One thread at a time.
 *
 * -ENOMEM, -EPERM, -ENOSYS, -EINVAL as kernel_seal(), or as images_filter(); -EOPNOTSUPP as
 * kernel_sealed_works() and content_lock(), whose other errors there are with strict; -ENOEXEC: an
 * image's headers are damaged; -ETXTBSY: text or read-only data is writable; -EBUSY: not pinned;
 * -EBADMSG and what openat(2) and read(2) answer for /proc/thread-self/maps; and what iterate()
 * answers below 0.
 */
int images_seal(const struct images_opts *opts, uint64_t page, struct images_result *ret) MUST_CHECK
	NONNULL(1, 3);

/*
 * Was the object sealed when it was loaded, by mseal(2), or by a filter as well? Asked of its first
 * page that can be.
 */
bool images_sealed(const struct dl_phdr_info *info, uint64_t page, bool filter) MUST_CHECK
	NONNULL(1);

#endif
