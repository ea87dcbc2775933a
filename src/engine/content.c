/* SPDX-License-Identifier: MIT */
#include "engine/content.h"

#include <sys/mman.h>

#include "base/sys.h"
#include "engine/memfd.h"

static size_t total_size(const struct content_span *spans, size_t count)
{
	size_t total = 0;

	for (size_t i = 0; i < count; i++)
		total += spans[i].end - spans[i].start;
	return total;
}

static int fill_span(int fd, const struct content_span *span, uint64_t offset)
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

static int fill(int fd, const struct content_span *spans, size_t count)
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

/*
 * Moves the bytes of the first count spans back from the copy, and gives up the rest of it. All are
 * tried; the last error counts.
 */
static int move_back(
	const struct content_span *spans, size_t count, const struct content_backup *backup)
{
	uint64_t at = backup->start;
	int ret = 0;

	for (size_t i = 0; i < count; i++) {
		size_t len = spans[i].end - spans[i].start;
		int r = sys_undo_mremap(at, len, spans[i].start);

		if (r < 0) {
			sys_undo_mmap(at, len);
			ret = r;
		}
		at += len;
	}
	sys_undo_mmap(at, backup->len - (size_t)(at - backup->start));
	return ret;
}

/*
 * After span number failed could not be mapped, because of error. The kernel may have unmapped it
 * before it found that out, but for EPERM: a lock refuses, and would refuse the copy as well.
 */
static int give_back(const struct content_span *spans, size_t failed,
	const struct content_backup *backup, int error)
{
	size_t count = error == -EPERM ? failed : failed + 1;

	if (!backup->len)
		return error;
	return move_back(spans, count, backup) == 0 ? error : -ENOTRECOVERABLE;
}

/* Each in one step, for readers: a fault waits for mmap(2) to be done with the address space. */
static int map_spans(
	int fd, const struct content_span *spans, size_t count, const struct content_backup *backup)
{
	uint64_t offset = 0;

	for (size_t i = 0; i < count; i++) {
		size_t len = spans[i].end - spans[i].start;
		long r = sys_mmap(
			spans[i].start, len, spans[i].prot, MAP_SHARED | MAP_FIXED, fd, offset);

		if (sys_failed(r))
			return give_back(spans, i, backup, (int)r);
		offset += len;
	}
	return 0;
}

static int map_spare(int fd, size_t len, struct content_backup *ret)
{
	long start = sys_mmap(0, len, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);

	if (sys_failed(start))
		return (int)start;
	*ret = (struct content_backup){ .start = (uintptr_t)start, .len = len };
	return 0;
}

int content_lock(const struct content_span *spans, size_t count, struct content_backup *ret_backup)
{
	CLEANUP(sys_close_cleanup) int fd = memfd_new();
	struct content_backup backup = { .len = 0 };
	size_t total = total_size(spans, count);
	int r = fd < 0 ? fd : memfd_resize(fd, total);

	if (r == 0)
		r = fill(fd, spans, count);
	if (r == 0)
		r = memfd_seal(fd, MEMFD_FIXED | F_SEAL_WRITE);
	if (r == 0)
		r = open_view(&fd);
	if (r == 0 && ret_backup)
		r = map_spare(fd, total, &backup);
	if (r == 0)
		r = map_spans(fd, spans, count, &backup);
	if (r == 0 && ret_backup)
		*ret_backup = backup;
	return r;
}

int content_rollback(
	const struct content_span *spans, size_t count, const struct content_backup *backup)
{
	return move_back(spans, count, backup);
}

void content_commit(const struct content_backup *backup)
{
	sys_undo_mmap(backup->start, backup->len);
}
