/* SPDX-License-Identifier: MIT */
#include "engine/own-maps.h"

#include <errno.h>
#include <sys/ioctl.h>

#include "base/sys.h"

/* include/uapi/linux/fs.h of Linux 6.11, which older headers lack. */
struct query {
	uint64_t size, flags, addr;
	uint64_t start, end, vma_flags, page_size, offset, inode;
	uint32_t dev_major, dev_minor;
	uint32_t name_size, build_id_size; /* in: room; out: length with the NUL */
	uint64_t name_addr, build_id_addr;
};

_Static_assert(sizeof(struct query) == 104, "struct procmap_query");

#define QUERY         _IOWR('f', 17, struct query)
#define QUERY_OR_NEXT 0x10

/* Of vma_flags: the first three are those of enum mapping_prot. */
#define VMA_PROT   0x07
#define VMA_SHARED 0x08

/* The names without a file are short. */
#define NAME_ROOM 64

/* 1, 0: nothing there or behind, or a negative errno. */
static int query_at(int fd, uint64_t addr, char *name, struct query *ret)
{
	int r;

	*ret = (struct query){
		.size = sizeof(*ret),
		.flags = QUERY_OR_NEXT,
		.addr = addr,
		.name_size = name ? NAME_ROOM : 0,
		.name_addr = (uintptr_t)name,
	};
	r = sys_ioctl(fd, QUERY, ret);
	if (r == -ENOENT)
		return 0;
	if (r == 0 && (ret->end <= addr || ret->start >= ret->end)) /* not the kernel's answer */
		return -ENOTTY;
	return r < 0 ? r : 1;
}

static int ask(int fd, uint64_t addr, struct mapping *ret)
{
	char name[NAME_ROOM] = "";
	struct query query;
	int r = query_at(fd, addr, name, &query);

	if (r == -ENAMETOOLONG) { /* of a file, but for what a program calls its memory */
		name[0] = '\0';
		r = query_at(fd, addr, NULL, &query);
	}
	if (r <= 0)
		return r;
	*ret = (struct mapping){
		.start = query.start,
		.end = query.end,
		.offset = query.offset,
		.inode = query.inode,
		.dev_major = query.dev_major,
		.dev_minor = query.dev_minor,
		.prot = query.vma_flags & VMA_PROT,
		.shared = query.vma_flags & VMA_SHARED,
		.kind = query.inode ? MAPPING_FILE : mapping_kind_of(name),
	};
	return 1;
}

/* Not self, whose files are empty when the first thread has ended. */
static int open_maps(enum maps_format format)
{
	const char *path =
		format == MAPS_SMAPS ? "/proc/thread-self/smaps" : "/proc/thread-self/maps";

	return sys_openat(AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0);
}

/* The whole text, into scratch memory. Its length, or a negative errno. */
static ssize_t read_text(int fd, struct scratch *scratch, const char **ret_text)
{
	size_t room, len = 0;
	char *text = scratch_rest(scratch, &room);
	ssize_t n;

	do {
		if (len == room)
			return -ENOSPC;
		n = sys_read(fd, text + len, room - len);
		if (n < 0 && n != -EINTR)
			return n;
		if (n > 0)
			len += (size_t)n;
	} while (n != 0);
	if (scratch_alloc(scratch, len) != text)
		return -ENOSPC;
	*ret_text = text;
	return (ssize_t)len;
}

/*
 * The kernel gives a page of text at a time, and other threads map and unmap meanwhile: a mapping
 * that grew downwards, or was joined with the one before, is printed again, out of order.
 */
#define TRIES 16

static int check_text(const char *text, size_t len, enum maps_format format)
{
	struct mapping mapping;
	struct maps maps;
	int r;

	maps_init(&maps, text, len, format);
	do
		r = maps_next(&maps, &mapping);
	while (r > 0);
	return r;
}

ssize_t own_maps_text(struct scratch *scratch, enum maps_format format, const char **ret_text)
{
	size_t used = scratch->used;
	ssize_t len = -EBADMSG;

	for (int i = 0; i < TRIES && len == -EBADMSG; i++) {
		CLEANUP(sys_close_cleanup) int fd = open_maps(format);
		int r = fd;

		scratch->used = used;
		len = fd < 0 ? fd : read_text(fd, scratch, ret_text);
		if (len >= 0)
			r = check_text(*ret_text, (size_t)len, format);
		if (r < 0)
			len = r;
	}
	return len;
}

/* As ask() tells it, which has no names of files. */
static void forget_name(struct mapping *mapping)
{
	mapping->name = NULL;
	mapping->name_len = 0;
	if (mapping->inode)
		mapping->kind = MAPPING_FILE;
}

/* A text that is read piece by piece, and what is wanted of it. */
struct reading {
	own_maps_wanted_fn *wanted;
	void *arg;
	struct mapping *mappings;
	size_t count, capacity;
	char *text; /* of which so much is there, up to so much */
	size_t len, room;
	uint64_t end; /* of the last mapping */
};

static int keep_wanted(struct reading *reading, struct mapping *mapping)
{
	if (mapping->start < reading->end)
		return -EBADMSG;
	reading->end = mapping->end;
	if (!reading->wanted(reading->arg, mapping))
		return 0;
	if (reading->count == reading->capacity)
		return -ENOSPC;
	forget_name(mapping); /* the text makes room for the next piece */
	reading->mappings[reading->count++] = *mapping;
	return 0;
}

/* The lines that are there as a whole; the rest is moved to the front. */
static int parse_lines(struct reading *reading)
{
	size_t whole = reading->len;
	struct mapping mapping;
	struct maps maps;
	int r;

	while (whole && reading->text[whole - 1] != '\n')
		whole--;
	maps_init(&maps, reading->text, whole, MAPS_PLAIN);
	while ((r = maps_next(&maps, &mapping)) > 0) {
		r = keep_wanted(reading, &mapping);
		if (r < 0)
			return r;
	}
	reading->len -= whole;
	__builtin_memmove(reading->text, reading->text + whole, reading->len);
	return r;
}

static int read_pieces(int fd, struct reading *reading, uint64_t last)
{
	int r = 0;

	while (r == 0 && reading->end <= last) {
		ssize_t n;

		if (reading->len == reading->room)
			return -ENOSPC;
		n = sys_read(fd, reading->text + reading->len, reading->room - reading->len);
		if (n == 0)
			return reading->len ? -EBADMSG : 0;
		if (n > 0)
			reading->len += (size_t)n;
		r = n > 0 ? parse_lines(reading) : n == -EINTR ? 0 : (int)n;
	}
	return r;
}

/* A path may have 4,096 bytes, of which a newline takes four; but that can be read with more. */
#define PIECE_MIN 512

int own_maps_read(struct scratch *scratch, own_maps_wanted_fn *wanted, void *arg, uint64_t last,
	struct own_maps *ret)
{
	struct reading reading = { .wanted = wanted, .arg = arg };
	size_t room;
	int r = -EBADMSG;

	reading.mappings = scratch_rest(scratch, &room);
	reading.capacity = room / 2 / sizeof(*reading.mappings);
	reading.text = (char *)(reading.mappings + reading.capacity);
	reading.room = room - reading.capacity * sizeof(*reading.mappings);
	if (reading.room < PIECE_MIN)
		return -ENOSPC;
	for (int i = 0; i < TRIES && r == -EBADMSG; i++) {
		CLEANUP(sys_close_cleanup) int fd = open_maps(MAPS_PLAIN);

		reading.count = reading.len = 0;
		reading.end = 0;
		r = fd < 0 ? fd : read_pieces(fd, &reading, last);
	}
	if (r < 0)
		return r;
	*ret = (struct own_maps){ .fd = -1, .mappings = reading.mappings, .count = reading.count };
	room = reading.count * sizeof(*reading.mappings);
	return scratch_alloc(scratch, room) ? 0 : -ENOSPC;
}

/* Every mapping of a text that is known to be right. */
static int read_all(struct scratch *scratch, struct own_maps *ret)
{
	const char *text = NULL;
	ssize_t len = own_maps_text(scratch, MAPS_PLAIN, &text);
	struct mapping *mappings;
	size_t room, count = 0;
	struct maps maps;

	if (len < 0)
		return (int)len;
	mappings = scratch_rest(scratch, &room);
	maps_init(&maps, text, (size_t)len, MAPS_PLAIN);
	do
		if ((count + 1) * sizeof(*mappings) > room)
			return -ENOSPC;
	while (maps_next(&maps, &mappings[count]) > 0 && ++count);
	if (scratch_alloc(scratch, count * sizeof(*mappings)) != mappings)
		return -ENOSPC;
	*ret = (struct own_maps){ .fd = -1, .mappings = mappings, .count = count };
	return 0;
}

int own_maps_open(struct scratch *scratch, struct own_maps *ret)
{
	CLEANUP(sys_close_cleanup) int fd = open_maps(MAPS_PLAIN);
	struct query query;

	if (fd < 0)
		return fd;
	if (query_at(fd, 0, NULL, &query) != 1)
		return read_all(scratch, ret);
	*ret = (struct own_maps){ .fd = STEAL(fd, -1) };
	return 0;
}

void own_maps_close(struct own_maps *maps)
{
	sys_close_cleanup(&maps->fd);
}

int own_maps_at(const struct own_maps *maps, uint64_t addr, struct mapping *ret)
{
	size_t low = 0, high = maps->count;

	if (maps->fd >= 0)
		return ask(maps->fd, addr, ret);
	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (maps->mappings[mid].end <= addr)
			low = mid + 1;
		else
			high = mid;
	}
	if (low == maps->count)
		return 0;
	*ret = maps->mappings[low];
	return 1;
}
