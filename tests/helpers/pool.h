/* SPDX-License-Identifier: MIT */
/* For the tests of pools: pools, where their memory lies, and what the kernel says of it. */
#ifndef MEMSEAL_TESTS_HELPERS_POOL_H
#define MEMSEAL_TESTS_HELPERS_POOL_H

#include <fcntl.h>

#include <memseal.h>

#include "helpers/memory.h"

#ifndef SYS_memfd_secret
#define SYS_memfd_secret 447
#endif

#define SLOT  64
#define SLOTS 200 /* 4 pages of 4 KiB, and not a multiple of a word's bits */

static size_t page;
static struct memseal_pool *pool;
static char *body; /* all that lies between the guards */
static size_t body_len;

/* Does this kernel have such memory? Not asked of the library. */
static inline bool has_secret(void)
{
	int fd = (int)syscall(SYS_memfd_secret, O_CLOEXEC);
	void *p = MAP_FAILED;

	if (fd >= 0 && ftruncate(fd, (off_t)page_size()) == 0)
		p = mmap(NULL, page_size(), READ_WRITE, MAP_SHARED, fd, 0);
	if (fd >= 0)
		close(fd);
	return p != MAP_FAILED && munmap(p, page_size()) == 0;
}

static inline bool has_mseal(void)
{
	return syscall(SYS_mseal, 0, 0, 0) == 0;
}

static inline void deny_secret(void)
{
	deny(SYS_memfd_secret, ENOSYS);
}

static inline void deny_mseal(void)
{
	deny(SYS_mseal, ENOSYS);
}

/* The line of /proc/self/smaps that begins like this, for the mapping that holds an address. */
static inline bool smaps_line(const void *addr, const char *key, char *ret, size_t size)
{
	FILE *file = fopen("/proc/self/smaps", "re");
	uintptr_t start = 0, end = 0, at = (uintptr_t)addr;
	bool found = false;
	char line[4096];

	ck_assert_ptr_nonnull(file);
	while (!found && fgets(line, sizeof(line), file)) {
		bool head = line[0] < 'A' || line[0] > 'Z';

		if (head)
			ck_assert_int_eq(sscanf(line, "%lx-%lx ", &start, &end), 2);
		if (at < start || at >= end)
			continue;
		found = key ? strncmp(line, key, strlen(key)) == 0 : head;
	}
	fclose(file);
	if (found)
		(void)snprintf(ret, size, "%s", line);
	return found;
}

/* Has the mapping this flag of smaps? " lo", " dd", ... */
static inline bool has_flag(const void *addr, const char *flag)
{
	char line[4096];

	ck_assert(smaps_line(addr, "VmFlags:", line, sizeof(line)));
	return strstr(line, flag) != NULL;
}

/* Where the mapping of a slot begins and ends. */
static inline void find_body(const void *slot)
{
	uintptr_t start, end;
	char line[4096];

	ck_assert(smaps_line(slot, NULL, line, sizeof(line)));
	ck_assert_int_eq(sscanf(line, "%lx-%lx ", &start, &end), 2);
	body = (char *)start;
	body_len = end - start;
}

static inline void make_pool(void)
{
	void *slot;

	page = page_size();
	ck_assert_int_eq(memseal_pool_new(SLOT, SLOTS, &pool), 0);
	slot = memseal_pool_get(pool);
	ck_assert_ptr_nonnull(slot);
	find_body(slot);
	memseal_pool_put(pool, slot);
}

static inline struct memseal_pool_status status_of(const struct memseal_pool *of)
{
	struct memseal_pool_status status = { .size = sizeof(status) };

	ck_assert_int_eq(memseal_pool_status(of, &status), 0);
	return status;
}

/* A number of /proc/self/status, in bytes. */
static inline size_t process_bytes(const char *key)
{
	FILE *file = fopen("/proc/self/status", "re");
	size_t found = SIZE_MAX;
	char line[256];

	ck_assert_ptr_nonnull(file);
	while (fgets(line, sizeof(line), file))
		if (strncmp(line, key, strlen(key)) == 0)
			found = strtoul(line + strlen(key), NULL, 10) * 1024;
	fclose(file);
	ck_assert_uint_ne(found, SIZE_MAX);
	return found;
}

#endif
