/* SPDX-License-Identifier: MIT */
#include "engine/content.h"

#include <sys/mman.h>
#include <sys/resource.h>

#include "base/sys.h"

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U /* Linux 6.3 */
#endif

#define SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

static size_t total_size(const struct content_span *spans, size_t count)
{
	size_t total = 0;

	for (size_t i = 0; i < count; i++)
		total += spans[i].end - spans[i].start;
	return total;
}

/* A file that grew beyond the limit would not be refused alone: SIGXFSZ kills. */
static int check_limit(size_t total)
{
	struct rlimit limit;
	int r = sys_prlimit(0, RLIMIT_FSIZE, NULL, &limit);

	if (r < 0)
		return r;
	return limit.rlim_cur == RLIM_INFINITY || total <= limit.rlim_cur ? 0 : -EFBIG;
}

/* Nothing is executed from it as a file; a system may insist on that being said. */
static int create(void)
{
	int fd = sys_memfd_create("memseal", MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL);

	if (fd == -EINVAL)
		fd = sys_memfd_create("memseal", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	return fd == -ENOSYS ? -EOPNOTSUPP : fd;
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
	return r < 0 ? r : sys_fcntl(fd, F_ADD_SEALS, SEALS);
}

/* 0 if a shared mapping of the file can never become writable, else -EOPNOTSUPP; tried, on one. */
static int check_view(int fd, size_t len)
{
	long view = sys_mmap(0, len, PROT_READ, MAP_SHARED, fd, 0);
	int r;

	if (sys_failed(view))
		return view == -EPERM ? -EOPNOTSUPP : (int)view;
	r = sys_mprotect((uint64_t)view, len, PROT_READ | PROT_WRITE);
	sys_undo_mmap((uint64_t)view, len);
	if (r == -ENOMEM)
		return r;
	return r == -EACCES ? 0 : -EOPNOTSUPP;
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
 * as if it were open for reading alone; before, one that is.
 */
static int open_view(int *fd, size_t len)
{
	char path[OWN_SIZE];
	int r = check_view(*fd, len), view;

	if (r != -EOPNOTSUPP)
		return r;
	own_path(*fd, path);
	view = sys_openat(AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0);
	if (view < 0)
		return view;
	sys_close_cleanup(fd);
	*fd = view;
	return check_view(view, len);
}

/* Moves the first count spans' bytes back from the copy, and gives up the rest of it. */
static int move_back(
	const struct content_span *spans, size_t count, const struct content_spare *spare)
{
	uint64_t at = spare->start;
	int r = 0;

	for (size_t i = 0; r == 0 && i < count; i++) {
		size_t len = spans[i].end - spans[i].start;

		r = sys_undo_mremap(at, len, spans[i].start);
		at += r == 0 ? len : 0;
	}
	sys_undo_mmap(at, spare->len - (size_t)(at - spare->start));
	return r;
}

static int map_spans(
	int fd, const struct content_span *spans, size_t count, const struct content_spare *spare)
{
	uint64_t offset = 0;

	for (size_t i = 0; i < count; i++) {
		size_t len = spans[i].end - spans[i].start;
		long r = sys_mmap(
			spans[i].start, len, spans[i].prot, MAP_SHARED | MAP_FIXED, fd, offset);

		if (sys_failed(r)) {
			if (spare->len) /* before Linux 6.12 the old pages may be gone by now */
				(void)move_back(spans, i + 1, spare);
			return (int)r;
		}
		offset += len;
	}
	return 0;
}

static int map_spare(int fd, size_t len, struct content_spare *ret)
{
	long start = sys_mmap(0, len, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);

	if (sys_failed(start))
		return (int)start;
	*ret = (struct content_spare){ .start = (uint64_t)start, .len = len };
	return 0;
}

int content_lock(const struct content_span *spans, size_t count, struct content_spare *ret_spare)
{
	CLEANUP(sys_close_cleanup) int fd = -1;
	struct content_spare spare = { .len = 0 };
	size_t total = total_size(spans, count);
	int r = check_limit(total);

	if (r < 0)
		return r;
	fd = create();
	if (fd < 0)
		return fd;
	r = fill(fd, spans, count);
	if (r == 0)
		r = open_view(&fd, total);
	if (r == 0 && ret_spare)
		r = map_spare(fd, total, &spare);
	if (r == 0)
		r = map_spans(fd, spans, count, &spare);
	if (r == 0 && ret_spare)
		*ret_spare = spare;
	return r;
}

int content_undo(const struct content_span *spans, size_t count, const struct content_spare *spare)
{
	return move_back(spans, count, spare);
}

void content_keep(const struct content_spare *spare)
{
	sys_undo_mmap(spare->start, spare->len);
}
