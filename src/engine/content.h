/* SPDX-License-Identifier: MIT */
/*
 * The content lock: bytes that nobody can write any more, whatever is done to the mapping. They go
 * to a memfd that is sealed against writing, which is mapped in place of the original, shared and
 * read-only, so that the mapping can never become writable (VM_MAYWRITE is clear): mprotect(2)
 * answers EACCES; /proc/PID/mem and ptrace(2), EIO. That it stays where it is, is for a mapping
 * lock to see to. Before Linux 6.7 it needs /proc. Freestanding.
 */
#ifndef MEMSEAL_ENGINE_CONTENT_H
#define MEMSEAL_ENGINE_CONTENT_H

#include "base/span.h"
#include "base/util.h"

/*
 * What content_rollback() needs, while a lock may have to be undone: the file, and room that nobody
 * else can take meanwhile.
 */
struct content_backup {
	int fd;
	uint64_t start;
	size_t len;
};

/*
 * Locks the bytes of the spans, in one memfd. Readers in other threads see the old pages or the new
 * ones, which are equal: they are compared once the memfd is sealed, before any are replaced. And
 * the kernel is asked whether the new ones could become writable. What other processes share of the
 * old pages, after fork(2) say, stays theirs.
 *
 * ret_backup may be NULL: then nobody may write to the spans meanwhile, and on failure some may be
 * locked. Otherwise they must be private and writable, and are made read-only first: a writer is
 * killed (SIGSEGV), and no write is lost. On success, content_rollback() or content_commit() must
 * follow; on failure they are private, readable and writable again, with the bytes they had. That
 * needs no mapping more than there are, whatever vm.max_map_count, and no room in RLIMIT_AS or
 * RLIMIT_DATA that was not taken before.
 *
 * -EOPNOTSUPP  a mapping of such a memfd can be made writable here, or there are none, or they
 *              cannot be sealed
 * -ENOENT      Linux before 6.7, and /proc is not mounted
 * -EFBIG       more bytes than RLIMIT_FSIZE
 * -EFAULT      a page cannot be read
 * -EBUSY       somebody else has written to the memfd, or has mapped it, before it was sealed
 * -EAGAIN      what is mapped is locked into memory (mlockall(2)), and RLIMIT_MEMLOCK is too low
 * -EPERM       a seccomp filter or a security module refuses, or a seal on a span
 * -ENOTRECOVERABLE  with ret_backup: it failed, and could not be undone: a span may be locked, or
 *              read-only, or, before Linux 6.12, unmapped
 * -ENOMEM      also vm.max_map_count, RLIMIT_AS and RLIMIT_DATA: the room for undoing counts
 * -ENOSPC, -EMFILE, -ENFILE, -EACCES, -EINTR, and what else a seccomp filter answers
 */
int content_lock(const struct prot_span *spans, size_t count,
	struct content_backup *ret_backup) MUST_CHECK NONNULL(1);

/*
 * Puts private, writable pages with the same bytes in place of what was locked, and gives up the
 * backup: 0, or what mmap(2) answers if a mapping lock holds a span already.
 */
int content_rollback(const struct prot_span *spans, size_t count,
	struct content_backup *backup) MUST_CHECK NONNULL(1, 3);

/* The lock stays; the backup is given up. */
void content_commit(struct content_backup *backup) NONNULL(1);

#endif
