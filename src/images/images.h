/* SPDX-License-Identifier: MIT */
/*
 * Seals the images of this process: the program, its libraries, the dynamic loader, [vdso] and
 * [vvar]. Freestanding: it serves memseal_self() and the agent. Of the C library it needs
 * dl_iterate_phdr(3), which glibc and musl share, and nothing else.
 */
#ifndef MEMSEAL_IMAGES_IMAGES_H
#define MEMSEAL_IMAGES_IMAGES_H

#include <link.h>
#include <sys/types.h>

#include "base/span.h"
#include "base/util.h"

/* How far a process is, for one that looks again and again. Zero at first. */
struct images_progress {
	unsigned long long unloaded; /* objects so far, as the loader counts them */
	size_t done;                 /* objects at the head of its list that need no second look */
	bool filtered;               /* a filter holds some: what it cannot see is not there */
};

/* Whole pages. */
struct images_run {
	SPAN_MEMBERS;
	bool data; /* the program may write there, and discard */
};

struct images_opts {
	/*
	 * A seccomp filter holds the images instead of mseal(2), against discarding too. It stays
	 * in force after execve(2): whether that may be is asked above this floor.
	 */
	bool filter;
	/*
	 * Every object is relocated and no other thread runs: RELRO that the loader left writable
	 * (musl's own) is made read-only. Otherwise such an image is taken for one that another
	 * thread is still loading, and left to that thread.
	 */
	bool settled;
	bool strict; /* lock the bytes as well: see content.h and content-file.h */
	bool data;   /* hold writable data too, in its place and its protection */
	/*
	 * Makes sure that an object can no longer be unloaded; name as the loader has it, not
	 * empty. False: it could not be done. NULL: nothing can be unloaded anyway.
	 */
	bool (*pin)(const char *name);
	struct images_progress *progress; /* NULL: look at all */
	struct images_run own;            /* the caller's, sealed along with them; or empty */
	/* Lists the objects, as dl_iterate_phdr(3) does, which NULL stands for. */
	int (*iterate)(
		const void *where, int (*fn)(struct dl_phdr_info *, size_t, void *), void *arg);
	const void *where;
};

struct images_result {
	uint64_t sealed; /* bytes that this call sealed; RELRO, [vdso] and [vvar] included */
	/* On failure, what could not be done where: static text, and addresses or 0. */
	const char *failed;
	const char *object; /* behind that text, the image's name as the loader has it, or NULL */
	SPAN_MEMBERS;
	pid_t thread; /* that stands in the way of a filter, or 0 */
};

/*
 * Seals every image that is not sealed yet. *ret is written on failure too. Not reentrant: one
 * thread at a time.
 *
 * -ENOMEM, -EPERM, -ENOSYS, -EINVAL as kernel_seal(), or as images_filter(); -EOPNOTSUPP as
 * kernel_sealed_works() and content_lock(), whose other errors there are with strict; -ENOEXEC: an
 * image's headers are damaged; -EBUSY: not pinned; -EBADMSG and what openat(2) and read(2) answer
 * for /proc/self/maps.
 */
int images_seal(const struct images_opts *opts, uint64_t page, struct images_result *ret) MUST_CHECK
	NONNULL(1, 3);

#endif
