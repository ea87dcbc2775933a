/* SPDX-License-Identifier: MIT */
#include "images/private.h"

#include <sys/ioctl.h>

#include "base/sys.h"

/* Documentation/admin-guide/mm/pagemap.rst */
#define ENTRY_PRESENT ((uint64_t)1 << 63)
#define ENTRY_SWAPPED ((uint64_t)1 << 62)
#define ENTRY_SHARED  ((uint64_t)1 << 61) /* a page of the file, or shared memory */

#define ENTRIES       256

/* include/uapi/linux/fs.h of Linux 6.7, which older headers lack. */
struct scan {
	uint64_t size, flags, start, end;
	uint64_t walked; /* out: up to there */
	uint64_t regions, capacity, pages_max;
	uint64_t inverted, all_of, any_of, returned; /* categories */
};

struct region {
	uint64_t start, end, categories;
};

_Static_assert(sizeof(struct scan) == 96, "struct pm_scan_arg");

#define SCAN         _IOWR('f', 16, struct scan)
#define SCAN_FILE    0x04
#define SCAN_PRESENT 0x08
#define SCAN_SWAPPED 0x10

int private_open(struct private_pages *ret)
{
	*ret = (struct private_pages){ .fd = sys_openat(AT_FDCWD, "/proc/thread-self/pagemap",
					       O_RDONLY | O_CLOEXEC, 0) };
	return ret->fd < 0 ? ret->fd : 0;
}

void private_close(struct private_pages *pages)
{
	sys_close_cleanup(&pages->fd);
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

/* Entry by entry, where PAGEMAP_SCAN is not there. */
static int read_entries(int fd, struct span within, uint64_t page, struct span *ret)
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

/* Asks about [start, end), and knows less of it afterwards if there are too many spans. */
static int scan(struct private_pages *pages, uint64_t start, uint64_t end)
{
	struct region regions[PRIVATE_SPANS];
	struct scan scan = {
		.size = sizeof(scan),
		.start = start,
		.end = end,
		.regions = (uintptr_t)regions,
		.capacity = PRIVATE_SPANS,
		.inverted = SCAN_FILE,
		.all_of = SCAN_FILE,
		.any_of = SCAN_PRESENT | SCAN_SWAPPED,
		.returned = SCAN_FILE,
	};
	int r = sys_ioctl(pages->fd, SCAN, &scan);

	/* A filter may have answered. */
	if (r < 0 || r > PRIVATE_SPANS || scan.walked <= start || scan.walked > end)
		return r < 0 ? r : -ENOTTY;
	pages->asked = (struct span){ start, scan.walked };
	pages->count = (size_t)r;
	for (size_t i = 0; i < pages->count; i++)
		pages->spans[i] = (struct span){ regions[i].start, regions[i].end };
	return 0;
}

/* 0 if it is known now of some of the span's pages at least what they are. */
static int ask(struct private_pages *pages, struct span within, uint64_t ahead)
{
	if (span_holds(pages->asked, within.start))
		return 0;
	return scan(pages, within.start, max_u64(within.end, ahead));
}

static void join(struct span *span, struct span with)
{
	if (with.start == with.end)
		return;
	if (span->start == span->end)
		span->start = with.start;
	span->end = with.end;
}

int private_find(struct private_pages *pages, struct span within, uint64_t ahead, uint64_t page,
	struct span *ret)
{
	struct span rest = within, found = { 0, 0 };

	while (rest.start < rest.end) {
		if (ask(pages, rest, ahead) < 0)
			return read_entries(pages->fd, within, page, ret);
		for (size_t i = 0; i < pages->count; i++)
			join(&found, span_common(pages->spans[i], rest));
		rest.start = max_u64(rest.start, min_u64(rest.end, pages->asked.end));
	}
	*ret = found;
	return 0;
}
