/* SPDX-License-Identifier: MIT */
#include "process/find-images.h"

#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stdlib.h>
#include <string.h>

#include "base/page.h"
#include "base/sys.h"
#include "process/mapped-file.h"

/* The file header and, in nearly all objects, the program headers behind it: 17 of them. */
#define HEAD_SIZE 1024

struct finder {
	const struct address_space *space;
	int mem;     /* /proc/PID/mem, or -1: not permitted */
	int pagemap; /* or -1 */
	struct plan *plan;
	struct images_found *found;
	size_t examined; /* program headers */
	/* The start of the file that was read last: files may be mapped thousands of times. */
	const struct mapping *last;
	ssize_t last_len;
	unsigned char last_bytes[HEAD_SIZE];
};

/*
 * Program headers that are looked at in one process: a thousand times what a browser has. A file
 * may have 65,534 of them, and be mapped as often.
 */
#define HEADERS_MAX (1U << 20)

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

#define NEARBY 64

/* Where bytes of the file that head maps are in memory, or 0. */
static uint64_t find_bytes(
	const struct address_space *space, const struct mapping *head, uint64_t offset, size_t len)
{
	const struct mapping *end = space->mappings + space->count;

	/* What a loader maps of one file, it maps in a row; gaps are mappings, too. */
	if (end > head + NEARBY)
		end = head + NEARBY;
	for (const struct mapping *m = head; m < end; m++)
		if (mapping_same_file(m, head) && offset >= m->offset &&
			range_within(offset - m->offset, len, m->end - m->start))
			return m->start + (offset - m->offset);
	return 0;
}

static ssize_t read_file(const struct address_space *space, const struct mapping *head,
	uint64_t offset, void *buf, size_t len)
{
	CLEANUP(sys_close_cleanup) int fd = mapped_file_open(space->dir, head);

	if (fd == -ENODEV)
		return 0;
	/* Removed or replaced by now: its bytes cannot be had. */
	if (fd == -ENOENT || fd == -ENOTDIR || fd == -ELOOP)
		return -EACCES;
	return fd < 0 ? fd : sys_pread(fd, buf, len, offset);
}

static ssize_t read_file_head(struct finder *finder, const struct mapping *head, void *buf)
{
	if (!finder->last || !mapping_same_file(finder->last, head)) {
		finder->last_len = read_file(finder->space, head, 0, finder->last_bytes, HEAD_SIZE);
		finder->last = head;
	}
	memcpy(buf, finder->last_bytes, HEAD_SIZE);
	return finder->last_len;
}

/* Documentation/admin-guide/mm/pagemap.rst: present, or in swap. */
#define PAGE_THERE (UINT64_C(3) << 62)

/*
 * Are all pages of a range in memory or in swap? To read others through /proc/PID/mem is to wait
 * for whoever provides them, with the address space of the process locked meanwhile: a file system,
 * or a userfaultfd.
 */
static bool pages_there(const struct finder *finder, uint64_t addr, size_t len)
{
	uint64_t page = finder->plan->page, entries[64];
	size_t count =
		(size_t)((page_down(addr + len - 1, page) - page_down(addr, page)) / page) + 1;
	uint64_t at = addr / page;

	if (finder->pagemap < 0)
		return false;
	while (count) {
		size_t n = min_u64(count, ARRAY_SIZE(entries));
		ssize_t got = sys_pread(
			finder->pagemap, entries, n * sizeof(*entries), at * sizeof(*entries));

		if (got != (ssize_t)(n * sizeof(*entries)))
			return false;
		for (size_t i = 0; i < n; i++)
			if (!(entries[i] & PAGE_THERE))
				return false;
		at += n;
		count -= n;
	}
	return true;
}

static ssize_t read_memory(const struct finder *finder, uint64_t addr, void *buf, size_t len)
{
	ssize_t n = sys_pread(finder->mem, buf, len, addr);

	return n ? n : -ESRCH; /* so proc(5) answers for an address space that is gone */
}

/*
 * Bytes of the object that head maps: those in memory, where they are still what the loader saw
 * if the file was replaced, or else those in the file. Returns how many there are.
 */
static ssize_t read_object(
	struct finder *finder, const struct mapping *head, uint64_t offset, void *buf, size_t len)
{
	uint64_t addr = finder->mem < 0 ? 0 : find_bytes(finder->space, head, offset, len);
	ssize_t n;

	if (addr && pages_there(finder, addr, len)) {
		n = read_memory(finder, addr, buf, len);
		if (n > 0 || n == -ESRCH)
			return n;
	}
	n = offset ? read_file(finder->space, head, offset, buf, len)
		   : read_file_head(finder, head, buf);
	if (n != -EACCES || !addr)
		return n;
	/* What was never touched is no header that a loader used. */
	if (head->userfault)
		return 0;
	n = read_memory(finder, addr, buf, len);
	return n > 0 || n == -ESRCH ? n : -EACCES;
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
	/* Code of a file is never explained by a header in memory that anybody could write. */
	if (m->kind == MAPPING_FILE)
		return in_place && copied && !(m->prot & MAPPING_EXEC);
	/* Without code to tell, writable memory may be a neighbour of a file that was mapped whole.
	 */
	return has_code || !(m->prot & MAPPING_WRITE);
}

/* What the segments say together. */
struct layout {
	bool has_first, has_code;
	uint64_t first_vaddr; /* of the segment that maps the start of the file */
	uint16_t loads;
};

static int read_layout(const struct image *image, uint64_t page, struct layout *ret)
{
	struct image_segment segment;

	for (unsigned i = 0; i < image->phnum; i++) {
		int r = image_load(image, i, &segment);

		if (r < 0)
			return r;
		if (!r)
			continue;
		ret->loads++;
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
		if (image_load(image, i, &segment) == 1 &&
			!segment_mapped(finder, head, &segment, bias, has_code))
			return false;
	return true;
}

/* Is this object, whose file starts at head, loaded there? Then *ret_bias is where. */
static bool is_loaded(const struct finder *finder, const struct mapping *head,
	const struct image_header *header, const struct image *image, const struct layout *layout,
	uint64_t *ret_bias)
{
	uint64_t page = finder->plan->page, bias;

	bias = head->start - page_down(layout->first_vaddr, page);
	if (header->type == ET_EXEC && bias)
		return false;
	if (!all_mapped(finder, head, image, bias, layout->has_code))
		return false;
	*ret_bias = bias;
	return true;
}

static int add_image(
	struct finder *finder, const struct image *image, uint64_t bias, uint16_t loads)
{
	struct plan *plan = finder->plan;
	size_t needed = plan->count + plan_extents_max((uint16_t)(loads + 1)); /* RELRO */
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
	r = plan_add_image(plan, image, bias, finder->found->images);
	if (r == -ENOEXEC) {
		finder->found->refused++;
		return 0;
	}
	finder->found->images += !r;
	return r;
}

static int examine(struct finder *finder, const struct mapping *head,
	const struct image_header *header, const unsigned char *phdrs, size_t len)
{
	struct layout layout = { 0 };
	struct image image;
	uint64_t bias;

	/* If it is loaded all the same, its code is executable memory that no image explains. */
	if (image_init(&image, header, phdrs, len) < 0 ||
		read_layout(&image, finder->plan->page, &layout) < 0 || !layout.has_first ||
		!is_loaded(finder, head, header, &image, &layout, &bias))
		return 0;
	return add_image(finder, &image, bias, layout.loads);
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
	finder->examined += header.phnum;
	if (finder->examined > HEADERS_MAX)
		return -E2BIG;
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
	return add_image(finder, &image, mapping->start, 1);
}

/*
 * Part of the image that was found last: a small object maps the first page of its file twice. What
 * lies in one found before is claimed twice, which the plan tells.
 */
static bool is_claimed(const struct plan *plan, uint64_t addr)
{
	unsigned last = plan->count ? plan->extents[plan->count - 1].image : 0;

	for (size_t i = plan->count; i-- && plan->extents[i].image == last;)
		if (span_holds(plan->extents[i].span, addr))
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

/* Yama refuses them to all but the parent; a process that ended has none. */
static int open_optional(const struct address_space *space, const char *name, int *ret_fd)
{
	*ret_fd = sys_openat(space->dir, name, O_RDONLY | O_CLOEXEC, 0);
	if (*ret_fd == -EACCES || *ret_fd == -EPERM || *ret_fd == -ENOENT)
		return 0;
	return *ret_fd < 0 ? *ret_fd : 0;
}

int images_find(
	const struct address_space *space, struct plan *plan, struct images_found *ret_found)
{
	CLEANUP(sys_close_cleanup) int mem = -1, pagemap = -1;
	struct images_found found = { 0 };
	struct finder finder = { .space = space, .plan = plan, .found = &found };
	int r;

	r = open_optional(space, "mem", &mem);
	if (!r)
		r = open_optional(space, "pagemap", &pagemap);
	finder.mem = mem;
	finder.pagemap = pagemap;
	if (!r)
		r = find_all(&finder);
	if (r < 0)
		return r;
	plan_sort(plan);
	*ret_found = found;
	return 0;
}
