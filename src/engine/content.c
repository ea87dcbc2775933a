/* SPDX-License-Identifier: MIT */
#include "engine/content.h"

#include <sys/mman.h>
#include <sys/stat.h>

#include "base/sys.h"
#include "engine/memfd.h"

static int fill_span(int fd, const struct prot_span *span, uint64_t offset)
{
	const uint64_t from = span->start, len = span->end - span->start;

	for (uint64_t done = 0; done < len;) {
		ssize_t n = sys_pwrite(fd, (const void *)(uintptr_t)(from + done),
			(size_t)(len - done), offset + done);

		if (n == -EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? (int)n : -ENOSPC;
		done += (uint64_t)n;
	}
	return 0;
}

static int fill(int fd, const struct prot_span *spans, size_t count)
{
	uint64_t offset = 0;
	int r = 0;

	for (size_t i = 0; r == 0 && i < count; i++) {
		r = fill_span(fd, &spans[i], offset);
		offset += spans[i].end - spans[i].start;
	}
	return r;
}

#define OWN_FD   "/proc/self/fd/"
#define OWN_SIZE (sizeof(OWN_FD) + 10)

static void own_path(int fd, char path[OWN_SIZE])
{
	const char *prefix = OWN_FD;
	char digits[10];
	size_t n = 0, at = 0;

	for (; prefix[at]; at++)
		path[at] = prefix[at];
	do
		digits[n++] = (char)('0' + fd % 10);
	while ((fd /= 10) > 0);
	while (n > 0)
		path[at++] = digits[--n];
	path[at] = '\0';
}

/*
 * A descriptor to map: the file's own, from Linux 6.7 on, which maps what is sealed against writing
 * as if it were open for reading alone; before, one that is. The stable series differ: some took
 * the one over, and some lost it for a while.
 */
static int open_view(int *fd)
{
	char path[OWN_SIZE];
	int r = memfd_check_view(*fd), view;

	if (r != -EOPNOTSUPP)
		return r;
	own_path(*fd, path);
	view = sys_openat(AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0);
	if (view < 0)
		return view;
	sys_close_cleanup(fd);
	*fd = view;
	return memfd_check_view(view);
}

#define COMPARED_AT_A_TIME (UINT64_C(16) << 20)

static int compare_part(int fd, uint64_t offset, uint64_t from, size_t len)
{
	long view = sys_mmap(0, len, PROT_READ, MAP_SHARED, fd, offset);
	bool same;

	if (sys_failed(view))
		return (int)view;
	same = __builtin_memcmp(
		       (const void *)(uintptr_t)from, (const void *)(uintptr_t)view, len) == 0;
	sys_undo_mmap((uint64_t)view, len);
	return same ? 0 : -EBUSY;
}

static int compare_span(int fd, uint64_t offset, const struct prot_span *span)
{
	uint64_t at = span->start, len;
	int r = 0;

	for (; r == 0 && at < span->end; at += len) {
		len = min_u64(span->end - at, COMPARED_AT_A_TIME);
		r = compare_part(fd, offset + (at - span->start), at, (size_t)len);
	}
	return r;
}

/*
 * What is sealed by now is what was to be sealed, to the byte: until then, a thread or a child that
 * was forked meanwhile could write to the descriptor, by intent or because it took it for another.
 * Its size cannot change any more, so that reading does not end in SIGBUS.
 */
static int compare(int fd, const struct prot_span *spans, size_t count, uint64_t total)
{
	uint64_t offset = 0;
	struct stat st;
	int r = sys_fstatat(fd, "", &st, AT_EMPTY_PATH);

	if (r == 0 && (uint64_t)st.st_size != total)
		r = -EBUSY;
	for (size_t i = 0; r == 0 && i < count; i++) {
		r = compare_span(fd, offset, &spans[i]);
		offset += spans[i].end - spans[i].start;
	}
	return r;
}

static int fill_and_seal(int *fd, const struct prot_span *spans, size_t count, uint64_t total)
{
	int r = fill(*fd, spans, count);

	if (r == 0)
		r = memfd_seal(*fd, MEMFD_FIXED | F_SEAL_WRITE);
	if (r == 0)
		r = open_view(fd);
	if (r == 0)
		r = compare(*fd, spans, count, total);
	return r;
}

/* Whatever was called before: this is what the kernel says of the pages themselves. */
static int check_locked(const struct prot_span *span)
{
	int r = sys_mprotect(
		span->start, (size_t)(span->end - span->start), PROT_READ | PROT_WRITE);

	return r == -EACCES ? 0 : r == -ENOMEM ? r : -EOPNOTSUPP;
}

/*
 * Each in one step, for readers: a fault waits for mmap(2) to be done with the address space.
 * *ret_replaced: so many spans may not be what they were. When mmap(2) fails, the kernel may have
 * unmapped the old pages before it found that out, but for EPERM: a seal, or a filter.
 */
static int map_spans(int fd, const struct prot_span *spans, size_t count, size_t *ret_replaced)
{
	uint64_t offset = 0;

	for (size_t i = 0; i < count; i++) {
		size_t len = (size_t)(spans[i].end - spans[i].start);
		long r = sys_mmap(
			spans[i].start, len, spans[i].prot, MAP_SHARED | MAP_FIXED, fd, offset);

		*ret_replaced = i + (r != -EPERM);
		if (!sys_failed(r))
			r = check_locked(&spans[i]);
		if (r < 0)
			return (int)r;
		offset += len;
	}
	return 0;
}

/*
 * *ret_changed: so many spans may have changed. Of the mappings of one that is sealed, the first
 * may have, and are put back at once; the others refuse.
 */
static int protect(const struct prot_span *spans, size_t count, size_t *ret_changed)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < count; i++) {
		size_t len = (size_t)(spans[i].end - spans[i].start);

		r = sys_mprotect(spans[i].start, len, PROT_READ);
		if (r == -EPERM)
			(void)sys_undo_mprotect(spans[i].start, len, PROT_READ | PROT_WRITE);
		*ret_changed = i + (r != -EPERM);
	}
	return r;
}

static void release(struct content_backup *backup)
{
	sys_undo_mmap(backup->start, backup->len);
	backup->len = 0;
}

/* What became read-only left room in RLIMIT_DATA, which others may have taken: but not this. */
static int make_writable(const struct prot_span *span, struct content_backup *backup)
{
	size_t len = (size_t)(span->end - span->start);
	int r = sys_undo_mprotect(span->start, len, PROT_READ | PROT_WRITE);

	if (r != -ENOMEM || !backup->len)
		return r;
	release(backup);
	return sys_undo_mprotect(span->start, len, PROT_READ | PROT_WRITE);
}

/*
 * The first spans are mapped privately from the copy, the others made writable. All are tried; the
 * last error counts. Neither takes a mapping more than there are, nor room in RLIMIT_AS; of
 * RLIMIT_DATA, mmap(2) in the place of as many bytes asks for nothing (may_expand_vm() of the
 * kernel is given the difference).
 */
static int undo(
	const struct prot_span *spans, size_t count, size_t replaced, struct content_backup *backup)
{
	uint64_t offset = 0;
	int ret = 0;

	for (size_t i = 0; i < count; i++) {
		size_t len = (size_t)(spans[i].end - spans[i].start);
		int r = i < replaced ? sys_undo_replace(spans[i].start, len, backup->fd, offset)
				     : make_writable(&spans[i], backup);

		ret = r < 0 ? r : ret;
		offset += len;
	}
	content_commit(backup);
	return ret;
}

/* Of a file, that the kernel joins it with nothing, and that to unmap it splits nothing. */
static int reserve(struct content_backup *backup, size_t len)
{
	long start = sys_mmap(0, len, PROT_READ | PROT_WRITE, MAP_PRIVATE, backup->fd, 0);

	if (sys_failed(start))
		return (int)start;
	backup->start = (uintptr_t)start;
	backup->len = len;
	return 0;
}

static int lock_or_undo(
	const struct prot_span *spans, size_t count, size_t total, struct content_backup *backup)
{
	size_t changed = 0, replaced = 0;
	int r = protect(spans, count, &changed);

	if (r == 0)
		r = fill_and_seal(&backup->fd, spans, count, total);
	if (r == 0)
		r = map_spans(backup->fd, spans, count, &replaced);
	if (r < 0 && undo(spans, changed, replaced, backup) < 0)
		r = -ENOTRECOVERABLE;
	return r;
}

static int lock_with_backup(int fd, const struct prot_span *spans, size_t count, size_t total,
	struct content_backup *ret_backup)
{
	struct content_backup backup = { .fd = fd };
	int r = reserve(&backup, total);

	if (r < 0)
		content_commit(&backup);
	else
		r = lock_or_undo(spans, count, total, &backup);
	if (r == 0)
		*ret_backup = backup;
	return r;
}

int content_lock(const struct prot_span *spans, size_t count, struct content_backup *ret_backup)
{
	CLEANUP(sys_close_cleanup) int fd = memfd_new();
	size_t total = prot_spans_size(spans, count), replaced;
	int r = fd < 0 ? fd : memfd_resize(fd, total);

	if (r == 0 && ret_backup)
		return lock_with_backup(STEAL(fd, -1), spans, count, total, ret_backup);
	if (r == 0)
		r = fill_and_seal(&fd, spans, count, total);
	if (r == 0)
		r = map_spans(fd, spans, count, &replaced);
	return r;
}

int content_rollback(const struct prot_span *spans, size_t count, struct content_backup *backup)
{
	return undo(spans, count, count, backup);
}

void content_commit(struct content_backup *backup)
{
	release(backup);
	sys_close_cleanup(&backup->fd);
	backup->fd = -1;
}
