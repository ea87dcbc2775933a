/* SPDX-License-Identifier: MIT */
/*
 * Every attack of the catalogue on every kind of memory, unsealed and sealed: errno and effect must
 * be those of the expectations, which docs/attacks.md shows.
 */
#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "attack/attack.h"
#include "base/sys.h"

#define PAGES   4
#define WATCHED 2 /* not the first page, not the last */

static size_t page;

/* An address with free room around it for whatever attacks do to the neighbourhood. */
static void *free_room(void)
{
	size_t room = 32 * page;
	char *at = mmap(NULL, room, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	ck_assert_ptr_ne(at, MAP_FAILED);
	ck_assert_int_eq(munmap(at, room), 0);
	return at + room / 2;
}

static uint64_t map(int prot, int flags, int fd)
{
	void *at = mmap(free_room(), PAGES * page, prot, MAP_FIXED_NOREPLACE | flags, fd, 0);

	ck_assert_ptr_ne(at, MAP_FAILED);
	return (uint64_t)(uintptr_t)at;
}

/* Every page is different, so that one in the place of another shows. */
static void fill(struct attack_target *target, int byte)
{
	for (int i = 0; i < PAGES; i++)
		memset((char *)(uintptr_t)target->addr + (size_t)i * page, byte + i, page);
}

static void protect(struct attack_target *target)
{
	ck_assert_int_eq(mprotect((void *)(uintptr_t)target->addr, target->len, PROT_READ), 0);
}

static int filled_file(int fd)
{
	char bytes[64];

	ck_assert_int_ge(fd, 0);
	for (size_t at = 0; at < PAGES * page; at += sizeof(bytes)) {
		memset(bytes, 0xaa + (int)(at / page), sizeof(bytes));
		ck_assert_int_eq(pwrite(fd, bytes, sizeof(bytes), (off_t)at), sizeof(bytes));
	}
	return fd;
}

/* On the file system of the build, as program files are: tmpfs answers otherwise. */
static int new_file(void)
{
	char name[] = "attack-XXXXXX";
	int fd = filled_file(mkstemp(name));

	ck_assert_int_eq(unlink(name), 0);
	return fd;
}

static int reopen_read_only(int fd)
{
	char path[64];
	int again;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	again = open(path, O_RDONLY | O_CLOEXEC);
	ck_assert_int_ge(again, 0);
	return again;
}

static int sealed_memfd(void)
{
	int fd = filled_file(memfd_create("attack", MFD_ALLOW_SEALING | MFD_CLOEXEC));

	ck_assert_int_eq(
		fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL),
		0);
	return fd;
}

static void make_anon_rw(struct attack_target *target)
{
	target->addr = map(PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	fill(target, 0xaa);
}

static void make_anon_ro(struct attack_target *target)
{
	make_anon_rw(target);
	protect(target);
}

static void make_file_ro(struct attack_target *target)
{
	target->file = target->writable = new_file();
	target->addr = map(PROT_READ, MAP_PRIVATE, target->file);
}

static void make_file_written(struct attack_target *target)
{
	target->file = target->writable = new_file();
	target->addr = map(PROT_READ | PROT_WRITE, MAP_PRIVATE, target->file);
	fill(target, 0xbb);
	protect(target);
}

static void make_shared_rw(struct attack_target *target)
{
	target->file = target->writable = filled_file(memfd_create("attack", MFD_CLOEXEC));
	target->addr = map(PROT_READ | PROT_WRITE, MAP_SHARED, target->file);
}

static void make_memfd_ro(struct attack_target *target)
{
	target->writable = sealed_memfd();
	target->file = reopen_read_only(target->writable);
	target->addr = map(PROT_READ, MAP_SHARED, target->file);
}

static void (*const make[ATTACK_KINDS])(struct attack_target *target) = {
	[ATTACK_ANON_RW] = make_anon_rw,
	[ATTACK_ANON_RO] = make_anon_ro,
	[ATTACK_FILE_RO] = make_file_ro,
	[ATTACK_FILE_WRITTEN] = make_file_written,
	[ATTACK_SHARED_RW] = make_shared_rw,
	[ATTACK_MEMFD_RO] = make_memfd_ro,
};

static void apply_lock(enum attack_lock lock, const struct attack_target *target)
{
	switch (lock) {
	case ATTACK_LOCK_NONE:
	case ATTACK_LOCKS:
		return;
	case ATTACK_LOCK_KERNEL:
		ck_assert_int_eq(sys_mseal(target->addr, target->len, 0), 0);
		return;
	}
}

static struct attack_target new_target(enum attack_kind kind)
{
	struct attack_target target = {
		.len = PAGES * page, .page = page, .file = -1, .writable = -1
	};

	make[kind](&target);
	target.watched = target.addr + WATCHED * page;
	target.offset = WATCHED * page;
	return target;
}

static void observe(const struct attack *attack, enum attack_kind kind, enum attack_lock lock,
	char text[ATTACK_TEXT_SIZE])
{
	struct attack_target target = new_target(kind);
	struct attack_result result;

	apply_lock(lock, &target);
	ck_assert_int_eq(attack_run(attack, &target, &result), 0);
	attack_result_text(&result, text);
	close(target.file);
	if (target.writable != target.file)
		close(target.writable);
}
