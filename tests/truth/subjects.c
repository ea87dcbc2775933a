/* SPDX-License-Identifier: MIT */
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <memseal-globals.h>
#include <memseal.h>

#include "truth/subject.h"

#define PAGES 3

static size_t page;

static unsigned char *map_filled(int prot)
{
	unsigned char *at = mmap(
		NULL, PAGES * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (at == MAP_FAILED)
		return NULL;
	memset(at, 'm', PAGES * page);
	return mprotect(at, PAGES * page, prot) == 0 ? at : NULL;
}

static size_t promise(struct promised ret[], void *at, size_t len, unsigned promises)
{
	ret[0] = (struct promised){ at, len, promises };
	return 1;
}

/* A range, and several of which a part may be sealed on failure. */

static unsigned char *range;

static bool make_range(void)
{
	page = (size_t)sysconf(_SC_PAGESIZE);
	range = map_filled(PROT_READ);
	return range;
}

static int hold_range(void)
{
	return memseal_range(range, PAGES * page, MEMSEAL_ALL);
}

static size_t held_range(int answer, struct promised ret[])
{
	return answer == 0 ? promise(ret, range, PAGES * page, PROMISE_PLACE) : 0;
}

static size_t reported;

static int hold_ranges(void)
{
	struct memseal_range ranges[PAGES];

	for (size_t i = 0; i < PAGES; i++)
		ranges[i] = (struct memseal_range){ range + i * page, page, MEMSEAL_MAPPING };
	reported = 0;
	return memseal_ranges(ranges, PAGES, NULL, &reported);
}

/* From the lowest address up: that many bytes are held. */
static size_t held_ranges(int answer, struct promised ret[])
{
	if (answer == 0 && reported != PAGES * page)
		return promise(ret, NULL, 0, 0);
	return reported ? promise(ret, range, reported, PROMISE_PLACE) : 0;
}

/* memseal_map() */

static void *mapped;

static bool make_map(void)
{
	page = (size_t)sysconf(_SC_PAGESIZE);
	return true;
}

static int hold_map(void)
{
	mapped = memseal_map(PAGES * page, PROT_READ, MEMSEAL_ALL);
	return mapped ? 0 : -errno;
}

static size_t held_map(int answer, struct promised ret[])
{
	return answer == 0 ? promise(ret, mapped, PAGES * page, PROMISE_PLACE) : 0;
}

/* An arena */

static struct memseal_arena *arena;
static unsigned char *table;

static bool make_arena(void)
{
	page = (size_t)sysconf(_SC_PAGESIZE);
	if (memseal_arena_new(PAGES * page, &arena) < 0)
		return false;
	table = memseal_arena_alloc(arena, 2 * page, page);
	memset(table, 'a', 2 * page);
	return true;
}

static int hold_arena(void)
{
	return memseal_arena_freeze(arena);
}

static size_t held_arena(int answer, struct promised ret[])
{
	return answer == 0 ? promise(ret, table, 2 * page, PROMISE_PLACE | PROMISE_BYTES) : 0;
}

static bool usable_arena(void)
{
	unsigned char *more = memseal_arena_alloc(arena, 16, 16);

	for (size_t i = 0; i < 2 * page; i++)
		if (table[i] != 'a')
			return false;
	if (more)
		memset(more, 'b', 16);
	table[0] = 'a';
	return more;
}

/* Global variables */

static MEMSEAL_RO_AFTER_INIT struct {
	unsigned char bytes[5000];
} global;

static bool make_globals(void)
{
	page = (size_t)sysconf(_SC_PAGESIZE);
	memset(global.bytes, 'g', sizeof(global.bytes));
	return true;
}

static int hold_globals(void)
{
	return memseal_globals_freeze();
}

static size_t held_globals(int answer, struct promised ret[])
{
	unsigned char *start = (unsigned char *)((uintptr_t)global.bytes & ~(page - 1));

	return answer == 0 ? promise(ret, start, page, PROMISE_PLACE | PROMISE_BYTES) : 0;
}

static bool usable_globals(void)
{
	for (size_t i = 0; i < sizeof(global.bytes); i++)
		if (global.bytes[i] != 'g')
			return false;
	global.bytes[7] = 'g';
	return true;
}

/* Generated code */

static struct memseal_code *code;
static void *function;

static bool make_code(enum memseal_code_mode mode)
{
	struct memseal_code_opts opts = { .size = sizeof(opts), .mode = mode };
	void *to;

	page = (size_t)sysconf(_SC_PAGESIZE);
	if (memseal_code_new_opts(PAGES * page, &opts, &code) < 0)
		return false;
	function = memseal_code_alloc(code, page, page);
	to = memseal_code_writable(code, function);
	memset(to, 'c', page);
	return true;
}

static bool make_flip(void)
{
	return make_code(MEMSEAL_CODE_FLIP);
}

static int hold_code(void)
{
	return memseal_code_publish(code, function, page);
}

static size_t held_flip(int answer, struct promised ret[])
{
	return answer == 0 ? promise(ret, function, page, PROMISE_PLACE | PROMISE_BYTES) : 0;
}

static bool make_dual(void)
{
	page = (size_t)sysconf(_SC_PAGESIZE);
	return true;
}

static int hold_dual(void)
{
	struct memseal_code_opts opts = { .size = sizeof(opts), .mode = MEMSEAL_CODE_DUAL };

	return memseal_code_new_opts(PAGES * page, &opts, &code);
}

static size_t held_dual(int answer, struct promised ret[])
{
	if (answer < 0)
		return 0;
	function = memseal_code_alloc(code, page, page);
	return promise(ret, function, page, PROMISE_PLACE) +
	       promise(ret + 1, memseal_code_writable(code, function), page, PROMISE_PLACE);
}

/* A pool of secrets */

static struct memseal_pool *pool;

static int hold_pool(void)
{
	return memseal_pool_new(64, 100, &pool);
}

static size_t held_pool(int answer, struct promised ret[])
{
	struct memseal_pool_status status = { .size = sizeof(status) };
	unsigned char *slot;

	if (answer < 0 || memseal_pool_status(pool, &status) < 0 ||
		!(status.holds & MEMSEAL_POOL_SEALED))
		return 0;
	slot = memseal_pool_get(pool);
	return promise(ret, (unsigned char *)((uintptr_t)slot & ~(page - 1)), page, PROMISE_PLACE);
}

/* The images of the program: a library that stands for them. */

static void *library;

static bool make_self(void)
{
	void *handle = dlopen(TRUTH_PLUGIN, RTLD_NOW);

	page = (size_t)sysconf(_SC_PAGESIZE);
	library = handle ? dlsym(handle, "plugin_answer") : NULL;
	return library;
}

static int hold_self(void)
{
	return memseal_self(NULL);
}

static size_t held_self(int answer, struct promised ret[])
{
	void *start = (void *)((uintptr_t)library & ~(page - 1));

	return answer == 0 ? promise(ret, start, page, PROMISE_PLACE) : 0;
}

static unsigned char *memory_arena(void)
{
	return table;
}

static unsigned char *memory_globals(void)
{
	return global.bytes;
}

static unsigned char *memory_flip(void)
{
	return function;
}

const struct subject subjects[] = {
	{ "range", make_range, hold_range, held_range, NULL, NULL, true },
	{ "ranges", make_range, hold_ranges, held_ranges, NULL, NULL, true },
	{ "map", make_map, hold_map, held_map, NULL, NULL, true },
	{ "arena", make_arena, hold_arena, held_arena, usable_arena, memory_arena, true },
	{ "globals", make_globals, hold_globals, held_globals, usable_globals, memory_globals,
		true },
	{ "code-flip", make_flip, hold_code, held_flip, NULL, memory_flip, true },
	{ "code-dual", make_dual, hold_dual, held_dual, NULL, NULL, true },
	{ "pool", make_dual, hold_pool, held_pool, NULL, NULL, true },
	{ "self", make_self, hold_self, held_self, NULL, NULL, false },
};
const size_t subject_count = sizeof(subjects) / sizeof(subjects[0]);
