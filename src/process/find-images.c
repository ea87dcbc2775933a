/* SPDX-License-Identifier: MIT */
#include "base/page.h"
#include "process/find-images.h"

#include <link.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <link.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/sys.h"

/* The file header and, in nearly all objects, the program headers behind it: 17 of them. */
#define HEAD_SIZE 1024

struct finder {
	const struct address_space *space;
	int mem; /* /proc/PID/mem, or -1: not permitted */
	struct plan *plan;
	unsigned images;
};

static void free_cleanup(unsigned char **p)
{
	free(*p);
}

static const struct mapping *mapping_at(const struct address_space *space, uint64_t addr)
{
	size_t low = 0, high = space->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (space->mappings[middle].end > addr)
			high = middle;
		else
			low = middle + 1;
	}
	return low < space->count && space->mappings[low].start <= addr ? &space->mappings[low]
									: NULL;
}

/* Where bytes of the file that head maps are in memory, or 0. */
static uint64_t find_bytes(
	const struct address_space *space, const struct mapping *head, uint64_t offset, size_t len)
{
	const struct mapping *end = space->mappings + space->count;

	for (const struct mapping *m = head; m < end; m++)
		if (mapping_same_file(m, head) && offset >= m->offset &&
			range_within(offset - m->offset, len, m->end - m->start))
			return m->start + (offset - m->offset);
	return 0;
}

/* Is this the file that is mapped? */
static int check_file(const struct stat *stat, const struct mapping *mapping)
{
	bool device = major(stat->st_dev) == mapping->dev_major &&
		      minor(stat->st_dev) == mapping->dev_minor;
	/* btrfs shows another device in stat(2) than in maps; neither is a real one. */
	bool unnamed = !major(stat->st_dev) && !mapping->dev_major;

	return stat->st_ino == mapping->inode && (device || unnamed) ? 0 : -EACCES;
}

/*
 * Opens the file behind a mapping, as the process sees it. -EACCES if that is not what its path
 * leads to (any more), -ENODEV if it is no regular file. Another user may have put anything
 * there: a device is not opened, nor is a FIFO waited for.
 */
static int open_file(const struct address_space *space, const struct mapping *mapping)
{
	char path[PATH_MAX + sizeof("root")] = "root";
	CLEANUP(sys_close_cleanup) int fd = -1;
	struct stat stat;
	int r;

	r = mapping_path(mapping, path + strlen("root"), PATH_MAX);
	if (r < 0)
		return -EACCES;
	r = sys_fstatat(space->dir, path, &stat, AT_SYMLINK_NOFOLLOW);
	if (!r)
		r = check_file(&stat, mapping);
	if (r < 0)
		return r;
	if (!S_ISREG(stat.st_mode))
		return -ENODEV;
	fd = sys_openat(
		space->dir, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0);
	if (fd < 0)
		return fd;
	r = sys_fstatat(fd, "", &stat, AT_EMPTY_PATH);
	if (!r)
		r = check_file(&stat, mapping);
	return r < 0 ? r : STEAL(fd, -1);
}

static ssize_t read_file(const struct address_space *space, const struct mapping *head,
	uint64_t offset, void *buf, size_t len)
{
	CLEANUP(sys_close_cleanup) int fd = open_file(space, head);

	if (fd == -ENODEV)
		return 0;
	/* Removed or replaced by now: its bytes cannot be had. */
	if (fd == -ENOENT || fd == -ENOTDIR || fd == -ELOOP)
		return -EACCES;
	return fd < 0 ? fd : sys_pread(fd, buf, len, offset);
}

/*
 * Bytes of the object that head maps: those in memory, where they are still what the loader saw
 * if the file was replaced, or else those in the file. Returns how many there are.
 */
static ssize_t read_object(const struct finder *finder, const struct mapping *head, uint64_t offset,
	void *buf, size_t len)
{
	uint64_t addr = find_bytes(finder->space, head, offset, len);
	ssize_t n;

	if (finder->mem >= 0 && addr) {
		n = sys_pread(finder->mem, buf, len, addr);
		if (n == 0)
			return -ESRCH; /* so proc(5) answers for an address space that is gone */
		if (n > 0)
			return n;
	}
	return read_file(finder->space, head, offset, buf, len);
}

/*
 * Is a segment mapped where it should be? Its pages may have been replaced by memory that is no
 * regular file: a copy of RELRO that can be sealed, text on huge pages. If even the head was, as by
 * a content lock that cannot use the file, nothing but writable data is the file's any more.
 */
static bool segment_mapped(const struct finder *finder, const struct mapping *head,
	const struct image_segment *segment, uint64_t bias, bool has_code)
{
	uint64_t page = finder->plan->page;
	uint64_t addr = page_down(segment->vaddr, page) + bias;
	const struct mapping *m = mapping_at(finder->space, addr);
	bool copied = head->kind == MAPPING_MEMFD, in_place;

	if (!m || (segment->prot & MAPPING_EXEC && !(m->prot & MAPPING_EXEC)))
		return false;
	if (!segment->filesz)
		return true;
	in_place = m->offset + (addr - m->start) == page_down(segment->offset, page);
	if (mapping_same_file(m, head))
		return in_place || (copied && has_code);
	if (m->kind == MAPPING_FILE)
		return in_place && copied;
	/* Without code to tell, writable memory may be a neighbour of a file that was mapped whole.
	 */
	return has_code || !(m->prot & MAPPING_WRITE);
}

/* What the segments say together. */
struct layout {
	bool has_first, has_code;
	uint64_t first_vaddr; /* of the segment that maps the start of the file */
};

static int read_layout(const struct image *image, uint64_t page, struct layout *ret)
{
	struct image_segment segment;

	for (unsigned i = 0; i < image->phnum; i++) {
		int r = image_segment(image, i, &segment);

		if (r < 0)
			return r;
		if (segment.type != PT_LOAD || !segment.memsz)
			continue;
		ret->has_code |= segment.prot & MAPPING_EXEC;
		if (ret->has_first || page_down(segment.offset, page))
			continue;
		ret->has_first = true;
		ret->first_vaddr = segment.vaddr;
	}
	return 0;
}

static bool all_mapped(const struct finder *finder, const struct mapping *head,
	const struct image *image, uint64_t bias, bool has_code)
{
	struct image_segment segment;

	for (unsigned i = 0; i < image->phnum; i++)
		if (image_segment(image, i, &segment) < 0 ||
			(segment.type == PT_LOAD && segment.memsz &&
				!segment_mapped(finder, head, &segment, bias, has_code)))
			return false;
	return true;
}

/* Is this object, whose file starts at head, loaded there? Then *ret_bias is where. */
static bool is_loaded(const struct finder *finder, const struct mapping *head,
	const struct image_header *header, const struct image *image, uint64_t *ret_bias)
{
	uint64_t page = finder->plan->page, bias;
	struct layout layout = { 0 };

	if (read_layout(image, page, &layout) < 0 || !layout.has_first)
		return false;
	bias = head->start - page_down(layout.first_vaddr, page);
	if (header->type == ET_EXEC && bias)
		return false;
	if (!all_mapped(finder, head, image, bias, layout.has_code))
		return false;
	*ret_bias = bias;
	return true;
}

static int add_image(struct finder *finder, const struct image *image, uint64_t bias)
{
	struct plan *plan = finder->plan;
	size_t needed = plan->count + plan_extents_max(image->phnum);
	struct plan_extent *extents;
	int r;

	if (needed > plan->capacity) {
		needed = max_u64(needed, 2 * plan->capacity);
		extents = reallocarray(plan->extents, needed, sizeof(*extents));
		if (!extents)
			return -ENOMEM;
		plan->extents = extents;
		plan->capacity = needed;
	}
	r = plan_add_image(plan, image, bias, finder->images);
	if (r == -ENOEXEC)
		return 0;
	finder->images += !r;
	return r;
}

static int examine(struct finder *finder, const struct mapping *head,
	const struct image_header *header, const unsigned char *phdrs, size_t len)
{
	struct image image;
	uint64_t bias;

	if (image_init(&image, header, phdrs, len) < 0 ||
		!is_loaded(finder, head, header, &image, &bias))
		return 0;
	return add_image(finder, &image, bias);
}

/* For program headers that are not within the first bytes: patchelf(1) moves them. */
static int examine_far(
	struct finder *finder, const struct mapping *head, const struct image_header *header)
{
	size_t size = image_phdrs_size(header);
	CLEANUP(free_cleanup) unsigned char *phdrs = malloc(size);
	ssize_t n;

	if (!phdrs)
		return -ENOMEM;
	n = read_object(finder, head, header->phoff, phdrs, size);
	return n < 0 ? (int)n : examine(finder, head, header, phdrs, (size_t)n);
}

static int examine_head(struct finder *finder, const struct mapping *head)
{
	unsigned char bytes[HEAD_SIZE];
	struct image_header header;
	ssize_t n = read_object(finder, head, 0, bytes, sizeof(bytes));

	if (n < 0)
		return (int)n;
	if (image_header(bytes, (size_t)n, &header) < 0)
		return 0;
	if (!range_within(header.phoff, image_phdrs_size(&header), (size_t)n))
		return examine_far(finder, head, &header);
	return examine(finder, head, &header, bytes + header.phoff, (size_t)n - header.phoff);
}

/* The vDSO is one segment as large as its mapping on every architecture: nothing to be read. */
static int add_vdso(struct finder *finder, const struct mapping *mapping)
{
	const ElfW(Phdr) phdr = {
		.p_type = PT_LOAD,
		.p_flags = PF_R | PF_X,
		.p_filesz = mapping->end - mapping->start,
		.p_memsz = mapping->end - mapping->start,
	};
	struct image image;

	image_init_native(&image, &phdr, 1);
	return add_image(finder, &image, mapping->start);
}

/* Part of an image found before: a small object maps the first page of its file twice. */
static bool is_claimed(const struct plan *plan, uint64_t addr)
{
	for (size_t i = 0; i < plan->count; i++)
		if (plan->extents[i].start <= addr && addr < plan->extents[i].end)
			return true;
	return false;
}

/* May a file header be here? Not where every process could change it. */
static bool may_be_head(const struct mapping *m)
{
	if (m->offset || (m->shared && m->prot & MAPPING_WRITE))
		return false;
	return m->kind == MAPPING_MEMFD || (m->kind == MAPPING_FILE && *m->name == '/');
}

static int find_all(struct finder *finder)
{
	const struct address_space *space = finder->space;
	int r = 0;

	for (size_t i = 0; i < space->count && !r; i++) {
		const struct mapping *m = &space->mappings[i];

		if (m->kind == MAPPING_VDSO)
			r = add_vdso(finder, m);
		else if (may_be_head(m) && !is_claimed(finder->plan, m->start))
			r = examine_head(finder, m);
	}
	return r;
}

int images_find(const struct address_space *space, struct plan *plan, unsigned *ret_count)
{
	CLEANUP(sys_close_cleanup)
	int mem = sys_openat(space->dir, "mem", O_RDONLY | O_CLOEXEC, 0);
	struct finder finder = { .space = space, .mem = mem, .plan = plan };
	int r;

	/* Yama refuses it to all but the parent; a process that ended has none. */
	if (mem < 0 && mem != -EACCES && mem != -EPERM && mem != -ENOENT)
		return mem;
	r = find_all(&finder);
	if (r < 0)
		return r;
	plan_sort(plan);
	*ret_count = finder.images;
	return 0;
}
