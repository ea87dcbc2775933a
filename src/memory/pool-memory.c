/* SPDX-License-Identifier: MIT */
#include "memory/pool-memory.h"

#include <errno.h>
#include <memseal.h>
#include <sys/mman.h>

#include "base/page.h"
#include "base/sys.h"
#include "engine/kernel.h"
#include "engine/memfd.h"
#include "engine/protect.h"
#include "memory/place.h"

/* The body's file. */
struct body_file {
	int fd;
	bool secret; /* memfd_secret(2): the kernel itself cannot reach its pages */
};

static int open_secret(struct body_file *ret)
{
	ret->secret = true;
	ret->fd = sys_memfd_secret(O_CLOEXEC);
	return ret->fd < 0 ? ret->fd : 0;
}

static int open_memfd(struct body_file *ret)
{
	ret->secret = false;
	ret->fd = memfd_new();
	return ret->fd < 0 ? ret->fd : 0;
}

/* Its pages are there at once: a lack of memory is an error here, and no SIGBUS later. */
static int size_file(const struct body_file *file, uint64_t size)
{
	int r = memfd_resize(file->fd, size);

	return r < 0 || file->secret ? r : sys_fallocate(file->fd, 0, 0, size);
}

static int map_over(uint64_t start, uint64_t end, int prot, int flags, int fd)
{
	long r = sys_mmap(start, (size_t)(end - start), prot, flags | MAP_FIXED, fd, 0);

	return sys_failed(r) ? (int)r : 0;
}

static int map_body(const struct pool_memory *memory, const struct body_file *file, uint64_t *holds)
{
	size_t len = (size_t)(memory->body_end - memory->body);
	int r = map_over(
		memory->body, memory->body_end, PROT_READ | PROT_WRITE, MAP_SHARED, file->fd);

	if (r < 0)
		return r;
	/* First, so that little time is left to another thread that forks. */
	if (sys_madvise(memory->body, len, MADV_DONTFORK) == 0)
		*holds |= MEMSEAL_POOL_NO_FORK;
	if (sys_madvise(memory->body, len, MADV_DONTDUMP) == 0)
		*holds |= MEMSEAL_POOL_NO_DUMP;
	if (file->secret)
		*holds |= MEMSEAL_POOL_SECRET | MEMSEAL_POOL_LOCKED | MEMSEAL_POOL_NO_DUMP |
			  MEMSEAL_POOL_NO_DISCARD;
	/* What is there may be written; nobody can cut it off, punch holes, or map it to write. */
	else if (memfd_seal(file->fd, MEMFD_FIXED | F_SEAL_FUTURE_WRITE) == 0)
		*holds |= MEMSEAL_POOL_NO_DISCARD;
	if (!file->secret && sys_mlock(memory->body, len) == 0)
		*holds |= MEMSEAL_POOL_LOCKED;
	return 0;
}

static void close_file(struct body_file *file)
{
	sys_close_cleanup(&file->fd);
}

static int try_body(
	const struct pool_memory *memory, int (*open_file)(struct body_file *), uint64_t *holds)
{
	CLEANUP(close_file) struct body_file file = { .fd = -1 };
	int r = open_file(&file);

	if (r == 0)
		r = size_file(&file, memory->body_end - memory->body);
	return r < 0 ? r : map_body(memory, &file, holds);
}

/* Head and free list: the guards are what is left of the reservation. */
static int map_rest(const struct pool_memory *memory)
{
	int r = map_over(
		memory->head, memory->end, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);

	return r < 0 ? r
		     : sys_madvise(memory->head, (size_t)(memory->free - memory->head),
			       MADV_WIPEONFORK);
}

static void touch(const struct pool_memory *memory)
{
	for (uint64_t at = memory->body; at < memory->body_end; at += page_size())
		*(volatile char *)(uintptr_t)at = 0;
}

/* The errors of many calls as those that are documented. */
static int plain_error(int r)
{
	switch (r) {
	case 0:
	case -EMFILE:
	case -ENFILE:
		return r;
	case -ENOMEM:
	case -ENOSPC:
	case -EFBIG:
	case -EAGAIN:
		return -ENOMEM;
	default:
		return -EOPNOTSUPP;
	}
}

/*
 * Every page is touched: what the machine could never have would otherwise take it all, and for
 * long. Such memory the kernel refuses to promise (unless vm.overcommit_memory is 1).
 */
static bool is_too_much(uint64_t body)
{
	long at = sys_mmap(0, (size_t)body, PROT_NONE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (sys_failed(at))
		return at == -ENOMEM;
	sys_undo_mmap((uintptr_t)at, (size_t)body);
	return false;
}

int pool_memory_map(
	uint64_t body, uint64_t head, uint64_t free, struct pool_memory *ret, uint64_t *ret_holds)
{
	uint64_t page = page_size(), holds = MEMSEAL_POOL_GUARDED;
	uint64_t size = page + body + page + head + free;
	struct pool_memory memory;
	long start;
	int r;

	if (is_too_much(body))
		return -ENOMEM;
	start = place_map(
		(size_t)size, page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1);
	if (sys_failed(start))
		return plain_error((int)start);
	memory.start = (uintptr_t)start;
	memory.body = memory.start + page;
	memory.body_end = memory.body + body;
	memory.head = memory.body_end + page;
	memory.free = memory.head + head;
	memory.end = memory.free + free;
	/* memfd_secret(2) is missing, or all of it would be more than may be locked. */
	r = try_body(&memory, open_secret, &holds);
	if (r < 0)
		r = try_body(&memory, open_memfd, &holds);
	if (r == 0)
		r = map_rest(&memory);
	if (r < 0) {
		pool_memory_unmap(&memory);
		return plain_error(r);
	}
	touch(&memory);
	*ret = memory;
	*ret_holds = holds;
	return 0;
}

/* With consent that is more than a pool needs, which an io_uring that is open forbids. */
static int hold(const struct pool_memory *memory)
{
	int r = place_hold(memory->start, memory->end);

	return r < 0 ? memseal_range((void *)(uintptr_t)memory->start,
			       (size_t)(memory->end - memory->start), MEMSEAL_MAPPING)
		     : 0;
}

int pool_memory_seal(const struct pool_memory *memory)
{
	int r = protect_pages(memory->head, memory->free - memory->head, PROT_READ);

	if (r == 0)
		r = hold(memory);
	if (r == 0 && kernel_sealed(memory->body, page_size()) == 0)
		r = -EOPNOTSUPP; /* a filter answered in mseal(2)'s place */
	return r;
}

void pool_memory_unmap(const struct pool_memory *memory)
{
	sys_undo_mmap(memory->start, (size_t)(memory->end - memory->start));
}
