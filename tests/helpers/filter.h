/* SPDX-License-Identifier: MIT */
/* For the tests of the filter engine behind the library: memory, consent, and what holds it. */
#ifndef MEMSEAL_TESTS_HELPERS_FILTER_H
#define MEMSEAL_TESTS_HELPERS_FILTER_H

#include <errno.h>

#include <memseal.h>

#include "helpers/memory.h"

#define PLACE    (MEMSEAL_NO_UNMAP | MEMSEAL_NO_SHRINK | MEMSEAL_NO_GROW)
#define ANY_PROT (MEMSEAL_NO_PROTECT | MEMSEAL_NO_WRITE | MEMSEAL_NO_EXEC)

static size_t page;
static char *mem;   /* 16 pages, readable and writable, full of 'x' */
static char *spare; /* more of them, where things are moved to */

static inline void setup(void)
{
	page = page_size();
	mem = map_anon(16, READ_WRITE);
	spare = map_anon(16, READ_WRITE);
	memset(mem, 'x', 16 * page);
}

static inline void consent(void)
{
	ck_assert_int_eq(memseal_filter_allow(MEMSEAL_EXEC_ALLOW), 0);
}

static inline int seal_by(enum memseal_engine engine, void *addr, size_t len, uint64_t effects)
{
	struct memseal_range range = { addr, len, effects };
	struct memseal_opts opts = { .size = sizeof(opts), .engine = engine };
	size_t sealed = 1;
	int r = memseal_ranges(&range, 1, &opts, &sealed);

	ck_assert_uint_eq(sealed, r == 0 ? (len + page - 1) / page * page : 0);
	return r;
}

/* 0 or an errno. */
static inline int error_of(long r)
{
	return r == -1 ? errno : 0;
}

static inline int remapped(void *from, size_t old, size_t new, int flags, void *to)
{
	return mremap(from, old, new, flags, to) == MAP_FAILED ? errno : 0;
}

static inline int mapped_over(void *at, int prot)
{
	void *r = mmap(at, page, prot, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);

	return r == MAP_FAILED ? errno : 0;
}

/* How many filters this thread has. */
static inline unsigned filters(void)
{
	FILE *file = fopen("/proc/self/status", "re");
	unsigned count = 0;
	char line[256];

	ck_assert_ptr_nonnull(file);
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, "Seccomp_filters: %u", &count) == 1)
			break;
	fclose(file);
	return count;
}

/* What holds a range. */

struct holds {
	uint64_t kernel, filter;
	size_t sealed;
};

static inline struct holds query(const void *addr, size_t len)
{
	struct memseal_status status = { .size = sizeof(status) };

	ck_assert_int_eq(memseal_query(addr, len, &status), 0);
	return (struct holds){ status.kernel, status.filter, status.sealed_bytes };
}

static inline void assert_holds(const void *addr, size_t len, uint64_t kernel, uint64_t filter)
{
	struct holds holds = query(addr, len);

	ck_assert_uint_eq(holds.kernel, kernel);
	ck_assert_uint_eq(holds.filter, filter);
}

#endif
