/* SPDX-License-Identifier: MIT */
#include "memory/code.h"

#include <errno.h>
#include <linux/membarrier.h>
#include <memseal.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/personality.h>

#include "base/errors.h"
#include "base/opts.h"
#include "base/page.h"
#include "base/sys.h"
#include "engine/personality.h"
#include "memory/code-room.h"
#include "memory/freeze.h"
#include "memory/place.h"

enum page_state {
	PAGE_OPEN = 0,
	PAGE_PUBLISHED,
	PAGE_FAILED, /* to publish it did, and could not be undone */
	PAGE_BUSY,   /* a thread is publishing it: this, and above these bits its process */
};

#define PAGE_STATE_BITS 2 /* a process's number has 22 */

struct memseal_code {
	enum memseal_code_mode mode;
	size_t size;             /* bytes, whole pages */
	size_t own;              /* bytes of this, whole pages */
	size_t used;             /* bytes; atomic */
	struct code_views views; /* MEMSEAL_CODE_FLIP: both the same */
	bool has_barrier;        /* membarrier(2) makes other threads execute what was written */
	bool inherited;          /* from before a fork(2): there is no view to write to */
	struct memseal_code *next;
	uint32_t pages[]; /* MEMSEAL_CODE_FLIP: enum page_state; atomic, which RISC-V has for words
			   */
};

/* Regions with two views. fork(3) waits until one that is being made is complete, or is not. */
static struct memseal_code *regions;
static pthread_mutex_t regions_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t handlers = PTHREAD_ONCE_INIT;
static int handlers_error;

static void before_fork(void)
{
	pthread_mutex_lock(&regions_lock);
}

static void after_fork(void)
{
	pthread_mutex_unlock(&regions_lock);
}

/*
 * A child has a hole where the parent writes. Memory that came to lie there would be written to by
 * who still has an address of old, and be held by the filter that the child has inherited.
 */
static void after_fork_in_child(void)
{
	for (struct memseal_code *code = regions; code; code = code->next) {
		code->inherited = true;
		(void)sys_mmap(code->views.write, code->size, PROT_NONE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);
	}
	pthread_mutex_unlock(&regions_lock);
}

static void add_handlers(void)
{
	handlers_error = pthread_atfork(before_fork, after_fork, after_fork_in_child);
}

static int map_dual(struct memseal_code *code)
{
	int r;

	pthread_once(&handlers, add_handlers);
	if (handlers_error)
		return -handlers_error;
	pthread_mutex_lock(&regions_lock);
	r = code_views_map(code->size, &code->views);
	if (r == 0) {
		code->mode = MEMSEAL_CODE_DUAL;
		code->next = regions;
		regions = code;
	}
	pthread_mutex_unlock(&regions_lock);
	return r;
}

static int map_flip(struct memseal_code *code)
{
	long start = place_map(code->size, page_size(), PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1);

	if (sys_failed(start))
		return (int)start;
	code->mode = MEMSEAL_CODE_FLIP;
	code->views.exec = code->views.write = (unsigned long)start;
	return 0;
}

static int map(struct memseal_code *code, enum memseal_code_mode mode)
{
	int r = mode == MEMSEAL_CODE_FLIP ? -EOPNOTSUPP : map_dual(code);

	if (r == -EOPNOTSUPP && mode != MEMSEAL_CODE_DUAL)
		r = map_flip(code);
	return r;
}

/* All that can be read, such a process maps executable: what can be written, too. */
static int check_personality(void)
{
	int r = personality_get();

	return r > 0 && r & READ_IMPLIES_EXEC ? -EPERM : r < 0 ? r : 0;
}

/* Not every kernel and architecture has it: on RISC-V flushing the caches does the same. */
static int register_barrier(bool *ret)
{
	int r = sys_membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE);

	*ret = r == 0;
	return r == -EINVAL || r == -ENOSYS ? 0 : r;
}

/* Not from malloc(3): it lives as long as the process, whether its owner keeps the pointer or not.
 */
static int allocate(size_t capacity, struct memseal_code **ret)
{
	size_t page = page_size(), own;
	struct memseal_code *code;
	uint64_t size;
	long at;

	if (page_up_overflows(capacity, page, &size) || size > PTRDIFF_MAX)
		return -ENOMEM;
	own = (size_t)page_down(
		sizeof(*code) + size / page * sizeof(code->pages[0]) + page - 1, page);
	at = place_map(own, page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	if (sys_failed(at))
		return (int)at;
	code = (struct memseal_code *)at;
	code->size = (size_t)size;
	code->own = own;
	*ret = code;
	return 0;
}

static int make_region(size_t capacity, enum memseal_code_mode mode, struct memseal_code **ret_code)
{
	struct memseal_code *code;
	int r = place_check();

	if (r == 0)
		r = check_personality();
	if (r < 0)
		return r;
	r = allocate(capacity, &code);
	if (r < 0)
		return r;
	r = register_barrier(&code->has_barrier);
	if (r == 0)
		r = map(code, mode);
	if (r < 0)
		sys_undo_mmap((uintptr_t)code, code->own);
	else
		*ret_code = code;
	return r;
}

EXPORT int memseal_code_new_opts(
	size_t capacity, const struct memseal_code_opts *opts, struct memseal_code **ret_code)
{
	struct memseal_code_opts options;
	int r = opts_read(&options, sizeof(options), opts);

	if (r < 0 || !ret_code || capacity == 0 || options.mode > MEMSEAL_CODE_FLIP)
		return -EINVAL;
	return errors_only(make_region(capacity, options.mode, ret_code), -EOPNOTSUPP, ERRORS_CODE);
}

EXPORT int memseal_code_new(size_t capacity, struct memseal_code **ret_code)
{
	return memseal_code_new_opts(capacity, NULL, ret_code);
}

EXPORT enum memseal_code_mode memseal_code_mode(const struct memseal_code *code)
{
	return code->mode;
}

static void *refuse(int error)
{
	errno = error;
	return NULL;
}

/* Pages that are published whole are allocated whole. */
static bool find_room(
	const struct memseal_code *code, size_t used, size_t size, size_t align, size_t *ret)
{
	size_t unit = code->mode == MEMSEAL_CODE_FLIP ? page_size() : align;
	uint64_t start, end;

	if (page_up_overflows(used, unit, &start) || add_overflows(start, size, &end))
		return false;
	*ret = (size_t)start;
	return end <= code->size;
}

EXPORT void *memseal_code_alloc(struct memseal_code *code, size_t size, size_t align)
{
	size_t used, start;

	if (size == 0 || align == 0 || (align & (align - 1)) || align > page_size())
		return refuse(EINVAL);
	if (code->inherited)
		return refuse(ENXIO);
	used = __atomic_load_n(&code->used, __ATOMIC_RELAXED);
	do {
		if (!find_room(code, used, size, align, &start))
			return refuse(ENOMEM);
	} while (!__atomic_compare_exchange_n(
		&code->used, &used, start + size, true, __ATOMIC_RELAXED, __ATOMIC_RELAXED));
	return (void *)(uintptr_t)(code->views.exec + start);
}

/* Are these bytes that were allocated? Sets where they begin in the region. */
static bool is_allocated(
	const struct memseal_code *code, const void *addr, size_t size, uint64_t *ret)
{
	uint64_t used = __atomic_load_n(&code->used, __ATOMIC_RELAXED);

	*ret = (uintptr_t)addr - code->views.exec;
	return size > 0 && range_within(*ret, size, used);
}

static bool is_open(const struct memseal_code *code, uint64_t offset)
{
	const uint32_t *state = &code->pages[offset / page_size()];

	return __atomic_load_n(state, __ATOMIC_ACQUIRE) == PAGE_OPEN;
}

EXPORT void *memseal_code_writable(struct memseal_code *code, void *exec_addr)
{
	uint64_t offset;

	if (!is_allocated(code, exec_addr, 1, &offset))
		return refuse(EINVAL);
	if (code->inherited)
		return refuse(ENXIO);
	if (code->mode == MEMSEAL_CODE_FLIP && !is_open(code, offset))
		return refuse(EPERM);
	return (void *)(uintptr_t)(code->views.write + offset);
}

static void set_pages(uint32_t *first, const uint32_t *end, enum page_state state)
{
	for (; first < end; first++)
		__atomic_store_n(first, (uint32_t)state, __ATOMIC_RELEASE);
}

static bool all_are(const uint32_t *first, const uint32_t *end, enum page_state state)
{
	while (first < end && __atomic_load_n(first, __ATOMIC_ACQUIRE) == (uint32_t)state)
		first++;
	return first == end;
}

/* In a child of fork(2), nobody goes on with what a thread of its parent had begun. */
static int claim_pages(uint32_t *first, const uint32_t *end)
{
	uint32_t busy = (uint32_t)sys_getpid() << PAGE_STATE_BITS | PAGE_BUSY;

	for (uint32_t *at = first; at < end; at++) {
		uint32_t state = __atomic_load_n(at, __ATOMIC_RELAXED);

		if (state == busy || state == PAGE_PUBLISHED || state == PAGE_FAILED ||
			!__atomic_compare_exchange_n(
				at, &state, busy, false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED)) {
			set_pages(first, at, PAGE_OPEN);
			return -EALREADY;
		}
	}
	return 0;
}

/* What is published refuses to be published again: by the parent of this child of fork(2). */
static int freeze(uint64_t start, uint64_t end)
{
	const int prot = PROT_READ | PROT_EXEC;
	int r = code_room_check();

	if (r == 0)
		r = freeze_pages(start, end, prot);
	return r == -EPERM && freeze_holds(start, end, prot) > 0 ? 0 : r;
}

/* Page by page: they may have been published in several pieces. */
static int check_published(uint64_t start, uint64_t end)
{
	const size_t page = page_size();
	int r = 1;

	for (uint64_t at = start; r > 0 && at < end; at += page)
		r = freeze_holds(at, at + page, PROT_READ | PROT_EXEC);
	return r > 0 ? 0 : r < 0 ? r : -ENOTRECOVERABLE;
}

static int flip(struct memseal_code *code, uint64_t offset, size_t size)
{
	size_t page = page_size();
	uint64_t start = page_down(offset, page), end = page_down(offset + size + page - 1, page);
	uint32_t *first = code->pages + start / page, *last = code->pages + end / page;
	int r;

	start += code->views.exec;
	end += code->views.exec;
	if (all_are(first, last, PAGE_PUBLISHED) || all_are(first, last, PAGE_FAILED))
		return check_published(start, end);
	r = claim_pages(first, last);
	if (r < 0)
		return r;
	r = freeze(start, end);
	set_pages(first, last,
		r == 0                  ? PAGE_PUBLISHED
		: r == -ENOTRECOVERABLE ? PAGE_FAILED
					: PAGE_OPEN);
	return r;
}

static int synchronize(const struct memseal_code *code, char *exec_addr, size_t size)
{
	__builtin___clear_cache(exec_addr, exec_addr + size);
	return code->has_barrier ? sys_membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE) : 0;
}

EXPORT int memseal_code_publish(struct memseal_code *code, void *exec_addr, size_t size)
{
	uint64_t offset;
	int r = 0;

	if (!code || !is_allocated(code, exec_addr, size, &offset))
		return -EINVAL;
	if (code->inherited)
		return -ENXIO;
	if (code->mode == MEMSEAL_CODE_FLIP)
		r = flip(code, offset, size);
	if (r == 0)
		r = synchronize(code, exec_addr, size);
	return errors_only(r, -EOPNOTSUPP, ERRORS_PUBLISH);
}
