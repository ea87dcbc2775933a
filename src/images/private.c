/* SPDX-License-Identifier: MIT */
#include "images/private.h"

#include "base/sys.h"

/* Documentation/admin-guide/mm/pagemap.rst */
#define ENTRY_PRESENT ((uint64_t)1 << 63)
#define ENTRY_SWAPPED ((uint64_t)1 << 62)
#define ENTRY_SHARED  ((uint64_t)1 << 61) /* a page of the file, or shared memory */

#define ENTRIES       256

int private_open(void)
{
	return sys_openat(AT_FDCWD, "/proc/thread-self/pagemap", O_RDONLY | O_CLOEXEC, 0);
}

static bool is_private(uint64_t entry)
{
	return (entry & (ENTRY_PRESENT | ENTRY_SWAPPED)) && !(entry & ENTRY_SHARED);
}

static void note(uint64_t entry, uint64_t at, uint64_t page, struct span *span)
{
	if (!is_private(entry))
		return;
	if (span->start == span->end)
		span->start = at;
	span->end = at + page;
}

int private_find(int fd, struct span within, uint64_t page, struct span *ret)
{
	struct span span = { 0, 0 };
	uint64_t entries[ENTRIES];
	uint64_t at = within.start;

	while (at < within.end) {
		uint64_t count = min_u64(ENTRIES, span_len((struct span){ at, within.end }) / page);
		ssize_t n = sys_pread(fd, entries, (size_t)count * 8, at / page * 8);

		if (n == -EINTR)
			continue;
		if (n < 8)
			return n < 0 ? (int)n : -EBADMSG;
		for (ssize_t i = 0; i < n / 8; i++, at += page)
			note(entries[i], at, page, &span);
	}
	*ret = span;
	return 0;
}
