/* SPDX-License-Identifier: MIT */
#include "engine/content-file.h"

#include <sys/mman.h>
#include <sys/stat.h>

#include "base/sys.h"

/* As stat(2) shows it: new_encode_dev() of the kernel. */
static uint64_t device(const struct mapping *mapping)
{
	uint64_t minor = mapping->dev_minor;

	return (minor & 0xff) | (uint64_t)mapping->dev_major << 8 | (minor & ~UINT64_C(0xff)) << 12;
}

/* Somebody may have put a terminal or a FIFO in the place of the file. */
#define OPEN_FLAGS (O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)

static int open_same(const char *path, const struct mapping *mapping)
{
	CLEANUP(sys_close_cleanup) int fd = sys_openat(AT_FDCWD, path, OPEN_FLAGS, 0);
	struct stat st;
	int r;

	if (fd < 0)
		return fd;
	r = sys_fstatat(fd, "", &st, AT_EMPTY_PATH);
	if (r < 0)
		return r;
	if (st.st_ino != mapping->inode || st.st_dev != device(mapping))
		return -ESTALE;
	return STEAL(fd, -1);
}

int content_file_open(const char *path, const struct mapping *mapping, int pagemap, uint64_t end,
	uint64_t page, struct content_file *ret)
{
	ret->fd = open_same(path, mapping);
	ret->page = page;
	ret->proven = false;
	ret->pagemap = pagemap;
	ret->first = ret->count = 0;
	ret->end = end / page;
	return ret->fd < 0 ? ret->fd : 0;
}

void content_file_close(struct content_file *file)
{
	sys_close_cleanup(&file->fd);
}

int content_file_pagemap(void)
{
	return sys_openat(AT_FDCWD, "/proc/thread-self/pagemap", O_RDONLY | O_CLOEXEC, 0);
}

/*
 * Is the byte at i of a page of code part of what a debugger or an uprobe writes over an
 * instruction? Such a page is as good as unchanged: nobody could take the breakpoint out again, and
 * where there is no debugger any more it would kill.
 */
static bool is_breakpoint(const unsigned char *code, size_t i)
{
#if defined(__x86_64__) || defined(__i386__)
	return code[i] == 0xcc; /* int3 */
#else
	uint32_t word;
	uint16_t half;

	__builtin_memcpy(&word, code + (i & ~(size_t)3), sizeof(word));
	__builtin_memcpy(&half, code + (i & ~(size_t)1), sizeof(half));
#if defined(__aarch64__)
	(void)half;
	return (word & 0xffe0001f) == 0xd4200000; /* brk */
#elif defined(__riscv)
	return half == 0x9002 || word == 0x00100073; /* c.ebreak, ebreak */
#else
	return half == 0xde01 || (word & 0xfffffff0) == 0xe7f001f0; /* gdb's; the kernel's too */
#endif
#endif
}

static bool is_same_code(const unsigned char *code, const unsigned char *file, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (code[i] != file[i] && !is_breakpoint(code, i))
			return false;
	return true;
}

static uint64_t offset_of(const struct mapping *mapping, uint64_t addr)
{
	return mapping->offset + (addr - mapping->start);
}

/* 0 if the page's bytes are those of the file but for breakpoints in code, else -ESTALE. */
static int check_bytes(
	const struct content_file *file, const struct mapping *mapping, uint64_t addr)
{
	const unsigned wanted = MAPPING_READ | MAPPING_EXEC;
	bool same;
	long view;

	if ((mapping->prot & wanted) != wanted)
		return -ESTALE;
	view = sys_mmap(0, file->page, PROT_READ, MAP_SHARED, file->fd, offset_of(mapping, addr));
	if (sys_failed(view))
		return (int)view;
	same = is_same_code(
		(const void *)(uintptr_t)addr, (const void *)(uintptr_t)view, (size_t)file->page);
	sys_undo_mmap((uint64_t)view, (size_t)file->page);
	return same ? 0 : -ESTALE;
}

/* The page's entry of pagemap, read with as many behind it as may be asked for next. */
static int entry_of(struct content_file *file, uint64_t number, uint64_t *ret)
{
	const size_t size = sizeof(*file->entries);
	ssize_t n;

	if (number - file->first >= file->count) {
		uint64_t most = min_u64(file->end - number, ARRAY_SIZE(file->entries));

		file->count = 0;
		n = sys_pread(file->pagemap, file->entries, most * size, number * size);
		if (n < (ssize_t)size)
			return n < 0 ? (int)n : -ESTALE;
		file->first = number;
		file->count = (size_t)n / size;
	}
	*ret = file->entries[number - file->first];
	return 0;
}

/* Of an entry. A page that is neither there nor swapped out is still the file's. */
#define PAGE_THERE (UINT64_C(3) << 62)
#define PAGE_FILE  (UINT64_C(1) << 61)

/* 0 if the process has changed nothing in [start, end) that is to be kept. */
static int check_pages(
	struct content_file *file, const struct mapping *mapping, uint64_t start, uint64_t end)
{
	uint64_t entry = 0;
	int r = 0;

	for (; r == 0 && start < end; start += file->page) {
		r = entry_of(file, start / file->page, &entry);
		if (r == 0 && (entry & PAGE_THERE) && !(entry & PAGE_FILE))
			r = check_bytes(file, mapping, start);
	}
	return r;
}

/*
 * Some file systems take no shared mapping, and say so only when asked; before Linux 6.12 the old
 * pages are gone by then. So the first is asked for elsewhere, and moved.
 */
static int prove(struct content_file *file, uint64_t start, size_t len, int prot, uint64_t offset)
{
	long view = sys_mmap(0, len, prot, MAP_SHARED, file->fd, offset), moved;

	if (sys_failed(view))
		return (int)view;
	moved = sys_mremap((uint64_t)view, len, len, MREMAP_MAYMOVE | MREMAP_FIXED, start);
	if (sys_failed(moved)) {
		sys_undo_mmap((uint64_t)view, len);
		return (int)moved;
	}
	file->proven = true;
	return 0;
}

int content_file_lock(struct content_file *file, const struct mapping *mapping, uint64_t start,
	uint64_t end, int prot)
{
	const uint64_t offset = offset_of(mapping, start);
	const size_t len = (size_t)(end - start);
	long r;

	if (mapping->kind != MAPPING_FILE || mapping->shared)
		return -EINVAL;
	r = check_pages(file, mapping, start, end);
	if (r < 0)
		return (int)r;
	if (!file->proven)
		return prove(file, start, len, prot, offset);
	r = sys_mmap(start, len, prot, MAP_SHARED | MAP_FIXED, file->fd, offset);
	return sys_failed(r) ? (int)r : 0;
}
