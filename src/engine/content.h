/* SPDX-License-Identifier: MIT */
/*
 * The content lock: bytes that nobody can write any more, whatever is done to the mapping. They go
 * to a memfd that is sealed against writing, which is mapped in place of the original, shared and
 * read-only, so that the mapping can never become writable (VM_MAYWRITE is clear): mprotect(2)
 * answers EACCES; /proc/PID/mem and ptrace(2), EIO. That it stays where it is, is for a mapping
 * lock to see to. Needs Linux 5.1; before 6.7, /proc as well. Freestanding.
 */
#ifndef MEMSEAL_ENGINE_CONTENT_H
#define MEMSEAL_ENGINE_CONTENT_H

#include "base/span.h"
#include "base/util.h"

/* Whole pages, start < end, that can be read, and the protection they get: PROT_READ or with X. */
struct content_span {
	SPAN_MEMBERS;
	int prot;
};

/* The same bytes once more, private and writable, while a lock may have to be undone. */
struct content_backup {
	uint64_t start;
	size_t len;
};

/*
 * Locks the bytes of the spans, in one memfd. Readers in other threads see the old pages or the new
 * ones, which are equal; nobody may write meanwhile. What other processes share of the old pages,
 * after fork(2) say, stays theirs.
 *
 * ret_backup may be NULL. Otherwise, on success, content_rollback() or content_commit() must
 * follow; and on failure everything is as before, but that the pages are private, readable and
 * writable. Without it, some spans may be locked on failure.
 *
 * -EOPNOTSUPP  a mapping of such a memfd can be made writable here, or there are none, or they
 *              cannot be sealed
 * -ENOENT      Linux before 6.7, and /proc is not mounted
 * -EFBIG       more bytes than RLIMIT_FSIZE
 * -EFAULT      a page cannot be read
 * -EBUSY       somebody else has got hold of the memfd before it was sealed
 * -EAGAIN      what is mapped is locked into memory (mlockall(2)), and RLIMIT_MEMLOCK is too low
 * -EPERM       a seccomp filter or a security module refuses, or a seal on a span; with ret_backup,
 *              all is as before all the same
 * -ENOTRECOVERABLE  that did not succeed: some spans are locked
 * -ENOMEM      also RLIMIT_AS and RLIMIT_DATA: the copy counts
 * -ENOSPC, -EMFILE, -ENFILE, -EACCES, -EINTR, and what else a seccomp filter answers
 */
int content_lock(const struct content_span *spans, size_t count,
	struct content_backup *ret_backup) MUST_CHECK NONNULL(1);

/*
 * Puts private, writable pages with the same bytes in place of what was locked: 0, or what
 * mremap(2) answers if a mapping lock holds it already.
 */
int content_rollback(const struct content_span *spans, size_t count,
	const struct content_backup *backup) MUST_CHECK NONNULL(1, 3);

/* The lock stays. */
void content_commit(const struct content_backup *backup) NONNULL(1);

#endif
