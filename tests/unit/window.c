/* SPDX-License-Identifier: MIT */
/*
 * Windows: memory whose seals are a plain mprotect(2), any number of them under one filter, and
 * what is executed later is none the worse for it. Filters stay, so every case has a process of its
 * own.
 */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/personality.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/uio.h>

#include "base/page.h"
#include "base/fault.h"
#include "base/sys.h"
#include "engine/window.h"
#include "helpers/filter.h"

#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102
#endif

#define GIB      ((size_t)1 << 30)
#define IMPLIED  (WINDOW_EFFECTS | MEMSEAL_NO_SHRINK)
#define ANYWHERE (MAP_PRIVATE | MAP_ANONYMOUS)

static char *map_in_window(size_t pages, int prot)
{
	char *at = memseal_map(pages * page, prot, WINDOW_EFFECTS);

	ck_assert_msg(at != NULL, "memseal_map: %d", errno);
	return at;
}

static char *written(size_t pages)
{
	char *at = map_in_window(pages, READ_WRITE);

	memset(at, 'x', pages * page);
	return at;
}

static char *sealed(size_t pages)
{
	char *at = written(pages);

	ck_assert_int_eq(mprotect(at, pages * page, PROT_READ), 0);
	return at;
}

static uint64_t base_of(const void *at)
{
	return (uintptr_t)at & -ZONE_WINDOW;
}

static uint64_t own_base(void)
{
	uint64_t base = 0;

	ck_assert_int_eq(window_open(&base), 0);
	return base;
}

static void assert_is_sealed(char *at)
{
	ck_assert_int_eq(error_of(mprotect(at, page, READ_WRITE)), EPERM);
	ck_assert_int_eq(error_of(munmap(at, page)), EPERM);
	ck_assert_int_eq(mapped_over(at, PROT_READ), EPERM);
}

/* The zone. */

static const struct {
	uint64_t stack, start, end;
	uint64_t programs; /* where position independent ones begin */
	uint64_t bottom; /* where mmap areas begin in the old layout, with all of its randomness */
} zones[] = {
	/* x86-64; riscv64 with sv48; arm64 with pages of 16 KiB and 47 bits */
	{ 0x7ffc12345678, 0x400000000000, 0x500000000000, 0x555555554000,
		0x2aaaaaaaa000 + (UINT64_C(1) << 44) },
	/* arm64: 48 bits */
	{ 0xfffff1234567, 0x800000000000, 0xa00000000000, 0xaaaaaaaaa000,
		0x400000000000 + (UINT64_C(1) << 45) },
	/* arm64: 42, 39 and 36 bits */
	{ 0x3ffff123456, 0x20000000000, 0x28000000000, 0x2aaaaaa0000,
		0x10000000000 + (UINT64_C(1) << 39) },
	{ 0x7ff1234567, 0x4000000000, 0x5000000000, 0x5555555000,
		0x2000000000 + (UINT64_C(1) << 36) },
	{ 0xff1234567, 0x800000000, 0xa00000000, 0xaaaaaa000, 0x400000000 },
	/* riscv64: sv39, with the usual 18 bits of randomness; sv57 on older kernels */
	{ 0x3fff123456, 0x2000000000, 0x2800000000, 0x2aaaaaa000,
		0x1555556000 + (UINT64_C(1) << 30) },
	{ 0xffffff12345678, 0x800000000000, 0xa00000000000, 0xaaaaaaaaaaa000, 0 },
};

START_TEST(zone_keeps_clear_of_programs)
{
	struct span zone;

	ck_assert(zone_find(zones[_i].stack, &zone));
	ck_assert_uint_eq(zone.start, zones[_i].start);
	ck_assert_uint_eq(zone.end, zones[_i].end);
	ck_assert_uint_eq(zone.start % ZONE_WINDOW, 0);
	ck_assert_uint_eq(zone.end % ZONE_WINDOW, 0);
	ck_assert_uint_le(zone.end, zones[_i].programs);
	ck_assert_uint_le(zones[_i].bottom, zone.start);
}
END_TEST

START_TEST(no_zone_in_32_bits)
{
	static const uint64_t stacks[] = { 0xbffff123, 0xfffdd123, 0xffffffff, 0 };
	struct span zone = { 1, 2 };

	for (size_t i = 0; i < sizeof(stacks) / sizeof(stacks[0]); i++)
		ck_assert(!zone_find(stacks[i], &zone));
	ck_assert_uint_eq(zone.start, 1);
	ck_assert_uint_eq(zone.end, 2);
}
END_TEST

/* Seals. */

START_TEST(nothing_without_consent)
{
	size_t before = smaps_count(NULL, SIZE_MAX).mapped;

	ck_assert_ptr_null(memseal_map(page, READ_WRITE, WINDOW_EFFECTS));
	ck_assert_int_eq(errno, EOPNOTSUPP);
	ck_assert_int_eq(prctl(PR_GET_SECCOMP, 0, 0, 0, 0), 0);
	ck_assert_uint_eq(smaps_count(NULL, SIZE_MAX).mapped, before);
}
END_TEST

static void count_mapping(uintptr_t start, uintptr_t end, bool is_sealed, void *arg)
{
	(void)end;
	(void)is_sealed;
	if (base_of((void *)start) == own_base())
		(*(unsigned *)arg)++;
}

START_TEST(ten_thousand_seals_under_one_filter)
{
	enum { COUNT = 10000 };
	static char *at[COUNT];
	char *control = map_anon(1, READ_WRITE);
	unsigned mappings = 0;

	consent();
	ck_assert_uint_eq(filters(), 0);
	for (int i = 0; i < COUNT; i++) {
		at[i] = written(1);
		memcpy(at[i], &i, sizeof(i));
		ck_assert_int_eq(mprotect(at[i], page, PROT_READ), 0);
		ck_assert_int_eq(error_of(mprotect(at[i], page, READ_WRITE)), EPERM);
		if (i % 1000 == 0)
			ck_assert_uint_eq(filters(), 1);
	}
	ck_assert_uint_eq(filters(), 1);
	for (int i = 0; i < COUNT; i++) {
		ck_assert_mem_eq(at[i], &i, sizeof(i));
		assert_is_sealed(at[i]);
	}
	assert_holds(at[0], page, 0, IMPLIED);
	assert_holds(at[COUNT - 1], page, 0, IMPLIED);
	smaps_each(count_mapping, &mappings);
	ck_assert_uint_le(mappings, 4); /* neighbours are joined: no end at vm.max_map_count */
	ck_assert_int_eq(error_of(mprotect(control, page, PROT_READ)), 0);
	ck_assert_int_eq(error_of(mprotect(control, page, READ_WRITE)), 0);
	ck_assert_int_eq(mapped_over(control, PROT_READ), 0);
	ck_assert_int_eq(error_of(munmap(control, page)), 0);
}
END_TEST

/* Other sets of effects have filters of their own, as ever. */
/* What the window holds anyway may be left out. */
START_TEST(implied_effects_share_the_filter)
{
	char *at;

	consent();
	ck_assert_uint_eq(base_of(written(1)), own_base());
	at = memseal_map(page, READ_WRITE, WINDOW_EFFECTS & ~MEMSEAL_NO_SHRINK);
	ck_assert_ptr_nonnull(at);
	ck_assert_uint_eq(base_of(at), own_base());
	ck_assert_uint_eq(filters(), 1);
	at = memseal_map(page, READ_WRITE, WINDOW_EFFECTS & ~MEMSEAL_NO_GROW);
	ck_assert_ptr_nonnull(at);
	ck_assert_uint_ne(base_of(at), own_base());
	ck_assert_uint_eq(filters(), 2);
}
END_TEST

START_TEST(only_for_its_own_effects)
{
	static const uint64_t others[] = { MEMSEAL_RATCHET, MEMSEAL_ALL & ~MEMSEAL_NO_PROTECT,
		MEMSEAL_NO_WRITE | MEMSEAL_NO_DISCARD };
	char *at;

	consent();
	ck_assert_uint_eq(base_of(written(1)), own_base());
	at = memseal_map(page, READ_WRITE, others[_i]);
	ck_assert_ptr_nonnull(at);
	ck_assert_uint_ne(base_of(at), own_base());
	ck_assert_uint_eq(filters(), 2);
	ck_assert_uint_eq(query(at, page).filter & others[_i], others[_i]);
	at = memseal_map(page, READ_WRITE, MEMSEAL_MAPPING);
	ck_assert_ptr_nonnull(at);
	ck_assert_uint_eq(query(at, page).kernel, MEMSEAL_MAPPING | MEMSEAL_NO_SEAL);
	ck_assert_uint_eq(filters(), 2);
}
END_TEST

/* What is not writable from the start never is. */
START_TEST(any_protection)
{
	static const int prots[] = { PROT_NONE, PROT_READ, PROT_READ | PROT_EXEC,
		PROT_READ | PROT_WRITE | PROT_EXEC };
	char *at;

	consent();
	at = map_in_window(2, prots[_i]);
	ck_assert_uint_eq(base_of(at), own_base());
	assert_holds(at, 2 * page, 0, IMPLIED);
	ck_assert_int_eq(error_of(mprotect(at, page, prots[_i] | PROT_WRITE)), EPERM);
	ck_assert_int_eq(error_of(mprotect(at, page, PROT_EXEC)), EPERM);
	ck_assert_int_eq(error_of(mprotect(at, page, PROT_READ)), 0);
	ck_assert_int_eq(at[0], 0);
}
END_TEST

START_TEST(lengths)
{
	char *at, *large;

	consent();
	ck_assert_ptr_null(memseal_map(0, READ_WRITE, WINDOW_EFFECTS));
	ck_assert_int_eq(errno, EINVAL);
	ck_assert_ptr_null(memseal_map(SIZE_MAX - page, READ_WRITE, WINDOW_EFFECTS));
	ck_assert_int_eq(errno, ENOMEM);
	ck_assert_int_eq(window_map(SIZE_MAX, page, PROT_READ, ANYWHERE, -1), -EINVAL);
	ck_assert_int_eq(prctl(PR_GET_SECCOMP, 0, 0, 0, 0), 0);
	at = memseal_map(page + 1, READ_WRITE, WINDOW_EFFECTS);
	ck_assert_ptr_nonnull(at);
	ck_assert_uint_eq(smaps_count(at, 3 * page).mapped, 2 * page);
	at = memseal_map(GIB, PROT_READ, WINDOW_EFFECTS);
	ck_assert_uint_eq(base_of(at), own_base());
	ck_assert_uint_eq(base_of(at + GIB - 1), own_base());
	ck_assert_uint_eq(filters(), 1);
	/* What no window has room for is held by a filter of its own. */
	large = memseal_map(5 * GIB, PROT_READ, WINDOW_EFFECTS);
	ck_assert_ptr_nonnull(large);
	ck_assert_uint_eq(filters(), 2);
	assert_is_sealed(large);
	assert_is_sealed(large + 5 * GIB - page);
}
END_TEST

START_TEST(alignments)
{
	consent();
	for (size_t align = 1; align <= GIB; align *= 2) {
		long at = window_map(3 * page, align, READ_WRITE, ANYWHERE, -1);

		ck_assert(!sys_failed(at));
		ck_assert_uint_eq((uint64_t)at % (align > page ? align : page), 0);
		ck_assert_uint_eq(base_of((void *)at), own_base());
		*(volatile char *)at = 'x';
	}
	ck_assert_int_eq(
		window_map(page, 2 * (size_t)ZONE_WINDOW, PROT_READ, ANYWHERE, -1), -EADDRNOTAVAIL);
	ck_assert_uint_eq(filters(), 1);
}
END_TEST

/* Attacks. Each is made in a child, on the second of three pages. */

struct attack {
	const char *name;
	int (*make)(char *at);
	int refused;  /* how, in the window */
	bool shared;  /* what it is for: a file's memory, shared and writable */
	bool unknown; /* to older kernels: EINVAL */
};

static int protect(char *at, int prot)
{
	return error_of(mprotect(at, page, prot));
}

static int try_write(char *at)
{
	return protect(at, READ_WRITE);
}

static int try_exec(char *at)
{
	return protect(at, PROT_READ | PROT_EXEC);
}

static int try_write_exec(char *at)
{
	return protect(at, PROT_READ | PROT_WRITE | PROT_EXEC);
}

static int try_write_around(char *at)
{
	return error_of(mprotect(at - page, 3 * page, PROT_WRITE));
}

static int try_pkey_write(char *at)
{
	return error_of(syscall(SYS_pkey_mprotect, at, page, READ_WRITE, -1));
}

static int try_pkey_exec(char *at)
{
	return error_of(syscall(SYS_pkey_mprotect, at, page, PROT_EXEC, -1));
}

static int try_unmap(char *at)
{
	return error_of(munmap(at, page));
}

static int try_unmap_around(char *at)
{
	return error_of(munmap(at - page, 3 * page));
}

static int try_replace(char *at)
{
	return mapped_over(at, PROT_READ);
}

static int try_replace_writable(char *at)
{
	return mapped_over(at, READ_WRITE);
}

static int try_move(char *at)
{
	return remapped(at, page, page, MREMAP_MAYMOVE | MREMAP_FIXED, spare);
}

static int try_move_onto(char *at)
{
	return remapped(spare, page, page, MREMAP_MAYMOVE | MREMAP_FIXED, at);
}

static int try_move_and_keep(char *at)
{
	return remapped(at, page, page, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, NULL);
}

static int try_shrink(char *at)
{
	return remapped(at - page, 2 * page, page, 0, NULL);
}

static int try_grow(char *at)
{
	return remapped(at, page, 9 * page, MREMAP_MAYMOVE, NULL);
}

static int advised(char *at, int advice)
{
	return error_of(madvise(at, page, advice));
}

static int try_dontneed(char *at)
{
	return advised(at, MADV_DONTNEED);
}

static int try_free(char *at)
{
	return advised(at, MADV_FREE);
}

static int try_remove(char *at)
{
	return advised(at, MADV_REMOVE);
}

static int try_guard(char *at)
{
	return advised(at, MADV_GUARD_INSTALL);
}

static int try_dontfork(char *at)
{
	return advised(at, MADV_DONTFORK);
}

static int try_wipeonfork(char *at)
{
	return advised(at, MADV_WIPEONFORK);
}

static int try_process_madvise(char *at)
{
	struct iovec iov = { at, page };
	int pidfd = (int)syscall(SYS_pidfd_open, getpid(), 0);

	return pidfd < 0 ? 42
			 : error_of(syscall(SYS_process_madvise, pidfd, &iov, 1, MADV_DONTNEED, 0));
}

static int try_remap_file_pages(char *at)
{
	return error_of(syscall(SYS_remap_file_pages, at, page, 0, 0, 0));
}

static int try_segment_over(char *at)
{
	int id = shmget(IPC_PRIVATE, page, 0600);
	int r = shmat(id, at, SHM_REMAP) == (void *)-1 ? errno : 0;

	shmctl(id, IPC_RMID, NULL);
	return r;
}

static const struct attack attacks[] = {
	{ "mprotect W", try_write, EPERM, false, false },
	{ "mprotect X", try_exec, EPERM, false, false },
	{ "mprotect RWX", try_write_exec, EPERM, false, false },
	{ "mprotect around", try_write_around, EPERM, false, false },
	{ "pkey_mprotect W", try_pkey_write, EPERM, false, false },
	{ "pkey_mprotect X", try_pkey_exec, EPERM, false, false },
	{ "munmap", try_unmap, EPERM, false, false },
	{ "munmap around", try_unmap_around, EPERM, false, false },
	{ "mmap over", try_replace, EPERM, false, false },
	{ "mmap over, writable", try_replace_writable, EPERM, false, false },
	{ "mremap away", try_move, EPERM, false, false },
	{ "mremap onto", try_move_onto, EPERM, false, false },
	{ "mremap, pages alone", try_move_and_keep, EPERM, false, false },
	{ "mremap shorter", try_shrink, EPERM, false, false },
	{ "mremap longer", try_grow, EPERM, false, false },
	{ "DONTNEED", try_dontneed, EPERM, false, false },
	{ "FREE", try_free, EPERM, false, false },
	{ "REMOVE", try_remove, EPERM, true, false },
	{ "GUARD_INSTALL", try_guard, EPERM, false, true },
	{ "DONTFORK", try_dontfork, EPERM, false, false },
	{ "WIPEONFORK", try_wipeonfork, EPERM, false, false },
	{ "process_madvise", try_process_madvise, ENOSYS, false, true },
	{ "remap_file_pages", try_remap_file_pages, EPERM, true, false },
	{ "shmat over", try_segment_over, ENOSYS, false, false },
};

static int attack_in_child(const struct attack *attack, char *at)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(attack->make(at));
	return wait_for(pid);
}

static void assert_attacks(char *private, char *shared, bool in_window)
{
	for (size_t i = 0; i < sizeof(attacks) / sizeof(attacks[0]); i++) {
		const struct attack *attack = &attacks[i];
		int found = attack_in_child(attack, (attack->shared ? shared : private) + page);
		int expected = in_window ? attack->refused : 0;

		if (!in_window && attack->unknown && found == EINVAL)
			continue;
		ck_assert_msg(found == expected, "%s: %d, not %d", attack->name, found, expected);
	}
}

static int file_of(size_t pages)
{
	int fd = memfd_create("window", MFD_CLOEXEC);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(ftruncate(fd, (off_t)(pages * page)), 0);
	return fd;
}

START_TEST(attacks_are_refused)
{
	char *shared = mmap(NULL, 3 * page, READ_WRITE, MAP_SHARED, file_of(3), 0),
	     *private = spare;
	long file;

	/* The control has no filter: some calls are unavailable under one, wherever they go. */
	ck_assert_int_eq(mprotect(mem, 3 * page, PROT_READ), 0);
	assert_attacks(mem, shared, false);
	consent();
	private = sealed(3);
	file = window_map(3 * page, page, READ_WRITE, MAP_SHARED, file_of(3));
	ck_assert(!sys_failed(file));
	memset((char *)file, 'x', 3 * page);
	assert_attacks(private, (char *)file, true);
	ck_assert_int_eq(mprotect((char *)file, 3 * page, PROT_READ), 0);
	assert_attacks(private, (char *)file, true);
	for (size_t i = 0; i < 3 * page; i++) {
		ck_assert_int_eq(private[i], 'x');
		ck_assert_int_eq(((char *)file)[i], 'x');
	}
	/* Beside the window, all of it works but what is unavailable. */
	for (size_t i = 0; i < sizeof(attacks) / sizeof(attacks[0]); i++)
		if (attacks[i].refused == EPERM && !attacks[i].unknown)
			ck_assert_int_eq(attack_in_child(&attacks[i],
						 (attacks[i].shared ? shared : mem) + page),
				0);
}
END_TEST

/* A System V segment that somebody attached in the window stays there. */
START_TEST(segments_stay)
{
	int id = shmget(IPC_PRIVATE, page, 0600);
	char *control = shmat(id, NULL, 0), *segment;

	consent();
	segment = shmat(id, (void *)(own_base() + GIB), 0);
	shmctl(id, IPC_RMID, NULL);
	ck_assert_uint_eq((uintptr_t)segment, own_base() + GIB);
	segment[0] = 'x';
	ck_assert_int_eq(error_of(shmdt(segment)), EPERM);
	ck_assert_int_eq(error_of(shmdt(control)), 0);
	ck_assert_int_eq(segment[0], 'x');
}
END_TEST

/* What an attacker can do: documented, in docs/filter.md. */
START_TEST(rights_can_be_taken)
{
	int fds[2];
	char *at;

	ck_assert_int_eq(pipe(fds), 0);
	consent();
	at = sealed(2);
	ck_assert_int_eq(error_of(write(fds[1], at, 1)), 0);
	ck_assert_int_eq(mprotect(at, page, PROT_NONE), 0);
	ck_assert_int_eq(error_of(write(fds[1], at, 1)), EFAULT); /* cannot be read */
	ck_assert_int_eq(at[page], 'x');
	ck_assert_int_eq(error_of(mprotect(at, page, READ_WRITE)), EPERM);
	ck_assert_int_eq(mprotect(at, page, PROT_READ), 0);
	ck_assert_int_eq(at[0], 'x');
	/* Of memory that is not sealed yet, too: its owner's next write ends the process. */
	at = written(1);
	ck_assert_int_eq(mprotect(at, page, PROT_READ), 0);
	ck_assert_int_eq(error_of(mprotect(at, page, READ_WRITE)), EPERM);
}
END_TEST

START_TEST(mappings_without_replacing)
{
	void *at, *free_place;
	char *taken;

	consent();
	taken = sealed(1);
	free_place = (void *)(own_base() + 2 * GIB);
	if (taken == free_place)
		free_place = (void *)(own_base() + GIB);
	at = mmap(free_place, page, READ_WRITE, ANYWHERE | MAP_FIXED, -1, 0);
	ck_assert_ptr_eq(at, MAP_FAILED);
	ck_assert_int_eq(errno, EPERM);
	at = mmap(free_place, page, READ_WRITE, ANYWHERE | MAP_FIXED_NOREPLACE, -1, 0);
	ck_assert_ptr_eq(at, free_place);
	memset(at, 'y', page);
	at = mmap(free_place, page, READ_WRITE, ANYWHERE | MAP_FIXED_NOREPLACE, -1, 0);
	ck_assert_ptr_eq(at, MAP_FAILED);
	ck_assert_int_eq(errno, EEXIST);
	at = mmap(taken, page, READ_WRITE, ANYWHERE | MAP_FIXED_NOREPLACE, -1, 0);
	ck_assert_ptr_eq(at, MAP_FAILED);
	ck_assert_int_eq(errno, EEXIST);
	ck_assert_int_eq(mprotect(free_place, page, PROT_READ), 0);
	assert_is_sealed(free_place);
	ck_assert_int_eq(taken[0], 'x');
	/* An address without a flag is a wish: something lies there, so it is elsewhere. */
	at = mmap(taken, page, READ_WRITE, ANYWHERE, -1, 0);
	ck_assert_ptr_ne(at, MAP_FAILED);
	ck_assert_ptr_ne(at, taken);
}
END_TEST

/* Where. */

/* A number, out of a child. */
static uint64_t ask_child(uint64_t (*ask)(void))
{
	uint64_t answer = 0;
	int fds[2];
	pid_t pid;

	ck_assert_int_eq(pipe(fds), 0);
	pid = fork();
	if (pid == 0) {
		answer = ask();
		_exit(write(fds[1], &answer, sizeof(answer)) != sizeof(answer));
	}
	ck_assert_int_eq(wait_for(pid), 0);
	ck_assert_int_eq(read(fds[0], &answer, sizeof(answer)), sizeof(answer));
	close(fds[0]);
	close(fds[1]);
	return answer;
}

static uint64_t first_address(void)
{
	return (uintptr_t)sealed(1);
}

START_TEST(places_are_random)
{
	enum { RUNS = 16 };
	uint64_t at[RUNS], bases = 0;
	struct span zone;

	ck_assert(zone_find((uintptr_t)__builtin_frame_address(0), &zone));
	consent();
	for (int i = 0; i < RUNS; i++) {
		at[i] = ask_child(first_address);
		ck_assert_uint_ge(at[i], zone.start);
		ck_assert_uint_lt(at[i], zone.end);
		for (int j = 0; j < i; j++)
			ck_assert_uint_ne(at[i], at[j]);
		bases += base_of((void *)at[i]) != base_of((void *)at[0]);
	}
	ck_assert_uint_gt(bases, RUNS / 2);
	ck_assert_uint_eq(filters(), 0);
}
END_TEST

static uint64_t another_base(void)
{
	char *at = sealed(1);

	assert_is_sealed(at);
	ck_assert_uint_eq(filters(), 1);
	return base_of(at);
}

START_TEST(children_go_on)
{
	char *at;

	consent();
	at = sealed(1);
	ck_assert_uint_eq(ask_child(another_base), base_of(at));
	ck_assert_uint_eq(another_base(), base_of(at));
	ck_assert_int_eq(at[0], 'x');
}
END_TEST

/* A child that shares the memory has filters of its own: its window is not this process's. */
static int use_window(void *arg)
{
	char *at = memseal_map(page, READ_WRITE, WINDOW_EFFECTS);

	(void)arg;
	return at == NULL || filters() != 1;
}

START_TEST(memory_shared_with_a_child)
{
	static _Alignas(16) char stack[1 << 16];
	uint64_t base;
	char *at;

	consent();
	ck_assert_int_eq(wait_for(clone(use_window, stack + sizeof(stack),
				 CLONE_VM | CLONE_VFORK | SIGCHLD, NULL)),
		0);
	ck_assert_uint_eq(filters(), 0);
	at = sealed(1);
	base = own_base();
	ck_assert_uint_eq(base_of(at), base);
	assert_is_sealed(at);
	ck_assert_uint_eq(filters(), 1);
	assert_holds(at, page, 0, IMPLIED);
}
END_TEST

/* Others in the way. */

static void squat(uint64_t start, uint64_t end)
{
	const int flags = ANYWHERE | MAP_NORESERVE | MAP_FIXED_NOREPLACE;

	if (start < end)
		ck_assert_ptr_eq(
			mmap((void *)start, end - start, PROT_NONE, flags, -1, 0), (void *)start);
}

START_TEST(half_of_the_window_taken)
{
	uint64_t base;

	consent();
	base = own_base();
	for (uint64_t at = base; at < base + ZONE_WINDOW; at += GIB / 8)
		squat(at, at + GIB / 16);
	for (int i = 0; i < 1000; i++)
		ck_assert_uint_eq(base_of(sealed(16)), base);
	ck_assert_uint_eq(filters(), 1);
}
END_TEST

START_TEST(all_of_the_window_taken)
{
	char *at;

	consent();
	squat(own_base(), own_base() + ZONE_WINDOW);
	ck_assert_int_eq(window_map(page, page, PROT_READ, ANYWHERE, -1), -EADDRNOTAVAIL);
	at = sealed(1);
	ck_assert_uint_ne(base_of(at), own_base());
	assert_is_sealed(at);
	ck_assert_uint_eq(filters(), 2);
}
END_TEST

/* As a sanitizer may have it. */
START_TEST(all_of_the_zone_taken)
{
	struct span zone;
	uint64_t base;
	char *at;

	ck_assert(zone_find((uintptr_t)__builtin_frame_address(0), &zone));
	squat(zone.start, zone.end);
	consent();
	ck_assert_int_eq(window_open(&base), -EADDRNOTAVAIL);
	ck_assert_int_eq(zone_map(page, page, PROT_READ, ANYWHERE, -1), -EADDRNOTAVAIL);
	ck_assert_uint_eq(filters(), 0);
	at = sealed(1);
	assert_is_sealed(at);
	ck_assert_uint_eq(filters(), 1);
}
END_TEST

START_TEST(one_window_left)
{
	struct span zone;
	uint64_t left;

	ck_assert(zone_find((uintptr_t)__builtin_frame_address(0), &zone));
	left = zone.start + (zone.end - zone.start) / ZONE_WINDOW / 3 * ZONE_WINDOW;
	squat(zone.start, left);
	squat(left + ZONE_WINDOW, zone.end);
	consent();
	ck_assert_uint_eq(base_of(sealed(1)), left);
	ck_assert_uint_eq(filters(), 1);
}
END_TEST

/* For what is still to be replaced: in the zone, but in nobody's window. */
START_TEST(zone_beside_the_window)
{
	uint64_t base, room = 64 * ZONE_WINDOW, last = 0, low, high;
	struct span zone;

	ck_assert(zone_find((uintptr_t)__builtin_frame_address(0), &zone));
	consent();
	base = own_base();
	/* Nothing else is left: what falls into the window is not taken. */
	low = base - zone.start > zone.end - base ? zone.start : zone.end - room;
	high = low + room;
	squat(low == zone.start ? high : zone.start, base);
	squat(base + ZONE_WINDOW, high == zone.end ? low : zone.end);
	for (int i = 0; i < 100; i++) {
		long at = zone_map(3 * page, 4 * page, READ_WRITE, ANYWHERE, -1);

		if (at == -EADDRNOTAVAIL) /* not found by chance */
			continue;
		ck_assert(!sys_failed(at));
		ck_assert_uint_ge((uint64_t)at, low);
		ck_assert_uint_lt((uint64_t)at, high);
		ck_assert_uint_eq((uint64_t)at % (4 * page), 0);
		ck_assert_uint_ne((uint64_t)at, last);
		last = (uint64_t)at;
		ck_assert_int_eq(mapped_over((char *)at, READ_WRITE), 0);
		ck_assert_int_eq(error_of(munmap((char *)at, 3 * page)), 0);
	}
	ck_assert_uint_ne(last, 0);
}
END_TEST

START_TEST(zone_without_a_window)
{
	long at = zone_map(5 * GIB, GIB, PROT_NONE, ANYWHERE | MAP_NORESERVE, -1);

	ck_assert(!sys_failed(at));
	ck_assert_uint_eq((uint64_t)at % GIB, 0);
	ck_assert_int_eq(munmap((void *)at, 5 * GIB), 0);
	ck_assert_int_eq(zone_map(0, page, PROT_NONE, ANYWHERE, -1), -EINVAL);
	ck_assert_int_eq(zone_map((size_t)1 << 46, page, PROT_NONE, ANYWHERE, -1), -EADDRNOTAVAIL);
	ck_assert_int_eq(prctl(PR_GET_SECCOMP, 0, 0, 0, 0), 0);
}
END_TEST

/* Errors: nothing stays mapped, and no filter is installed. */

static void assert_refused(int error, unsigned expected_filters)
{
	size_t before = smaps_count(NULL, SIZE_MAX).mapped;

	errno = 0;
	ck_assert_ptr_null(memseal_map(page, READ_WRITE, WINDOW_EFFECTS));
	ck_assert_int_eq(errno, error);
	if (!SANITIZED)
		ck_assert_uint_eq(smaps_count(NULL, SIZE_MAX).mapped, before);
	ck_assert_uint_eq(filters(), expected_filters);
}

static const struct {
	long call;
	int error, answer;
} denied[] = {
	{ SYS_seccomp, EPERM, EOPNOTSUPP },
	{ SYS_seccomp, ENOSYS, EOPNOTSUPP },
	{ SYS_openat, EACCES, EACCES },
};

START_TEST(refused_by_other_filters)
{
	consent();
	deny(denied[_i].call, denied[_i].error);
	if (denied[_i].call == SYS_openat) { /* which counting them takes */
		ck_assert_ptr_null(memseal_map(page, READ_WRITE, WINDOW_EFFECTS));
		ck_assert_int_eq(errno, EACCES);
		return;
	}
	assert_refused(denied[_i].answer, 1);
	assert_refused(denied[_i].answer, 1); /* they do not add up */
}
END_TEST

static void deny_mremap(void)
{
	deny(SYS_mremap, EPERM);
}

static void deny_madvise(void)
{
	deny(SYS_madvise, EPERM);
}

static void (*const others[])(void) = { deny_mremap, deny_madvise, deny_executable };

/* What others refuse everywhere says nothing about a window's filter; the other effects do. */
START_TEST(filters_of_others_do_not_hide_it)
{
	char *control = map_anon(1, READ_WRITE), *at;

	consent();
	others[_i]();
	ck_assert_int_eq(munmap(control, page), 0);
	at = sealed(1);
	ck_assert_uint_eq(filters(), 2);
	(void)sealed(1);
	ck_assert_uint_eq(filters(), 2); /* they do not add up */
	ck_assert_int_eq(error_of(munmap(at, page)), EPERM);
	ck_assert_int_eq(error_of(madvise(at, page, MADV_DONTNEED)), EPERM);
	ck_assert_int_eq(error_of(mprotect(at, page, PROT_READ)), 0);
	ck_assert_int_eq(error_of(mprotect(at, page, READ_WRITE)), EPERM);
}
END_TEST

START_TEST(without_random_numbers)
{
	char *at;

	consent();
	deny(SYS_getrandom, ENOSYS);
	at = sealed(1);
	assert_is_sealed(at);
	ck_assert_int_eq(zone_map(page, page, PROT_READ, ANYWHERE, -1), -EADDRNOTAVAIL);
}
END_TEST

START_TEST(readable_is_executable)
{
	consent();
	ck_assert_int_ge(personality(personality(0xffffffff) | READ_IMPLIES_EXEC), 0);
	assert_refused(EPERM, 0);
	ck_assert_int_ge(personality(personality(0xffffffff) & ~READ_IMPLIES_EXEC), 0);
	assert_is_sealed(sealed(1));
	ck_assert_int_eq(
		error_of(personality(personality(0xffffffff) | READ_IMPLIES_EXEC)), ENOSYS);
}
END_TEST

/* A ring can discard memory without a call that a filter would see. */
START_TEST(open_ring)
{
	char params[256] = { 0 };
	int ring;

	consent();
	ring = (int)syscall(SYS_io_uring_setup, 4, params);
	if (ring < 0) {
		ck_assert(errno == ENOSYS || errno == EPERM);
		return;
	}
	assert_refused(EBUSY, 0);
	close(ring);
	/* The kernel takes the ring down behind the call's back; so it may take a moment. */
	for (int i = 0; i < 1000 && !memseal_map(page, READ_WRITE, WINDOW_EFFECTS); i++) {
		ck_assert_int_eq(errno, EBUSY);
		usleep(1000);
	}
	assert_is_sealed(sealed(1));
	ck_assert_uint_eq(filters(), 1);
	ck_assert_int_eq(error_of(syscall(SYS_io_uring_setup, 4, params)), ENOSYS);
}
END_TEST

static atomic_int stage;

static void *have_a_filter(void *arg)
{
	(void)arg;
	deny(SYS_acct, EPERM);
	stage = 1;
	while (stage == 1)
		usleep(1000);
	return NULL;
}

START_TEST(thread_with_a_filter_of_its_own)
{
	pthread_t thread;

	consent();
	ck_assert_int_eq(pthread_create(&thread, NULL, have_a_filter, NULL), 0);
	while (!stage)
		usleep(1000);
	assert_refused(ESRCH, 0);
	stage = 2;
	pthread_join(thread, NULL);
	assert_is_sealed(sealed(1));
	ck_assert_uint_eq(filters(), 1);
}
END_TEST

/* Threads. */

enum { THREADS = 32, EACH = 200 };

static pthread_barrier_t barrier;

static void *seal_many(void *arg)
{
	char **at = arg;

	pthread_barrier_wait(&barrier);
	for (int i = 0; i < EACH; i++)
		at[i] = memseal_map(page, READ_WRITE, WINDOW_EFFECTS);
	for (int i = 0; i < EACH; i++) {
		memset(at[i], i, page);
		if (mprotect(at[i], page, PROT_READ) || mprotect(at[i], page, READ_WRITE) == 0)
			at[i] = NULL;
	}
	return NULL;
}

static int by_address(const void *a, const void *b)
{
	const char *const *x = a, *const *y = b;

	return (*x > *y) - (*x < *y);
}

START_TEST(threads_share_one_window)
{
	static char *at[THREADS * EACH];
	pthread_t threads[THREADS];

	consent();
	pthread_barrier_init(&barrier, NULL, THREADS);
	for (int i = 0; i < THREADS; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, seal_many, &at[i * EACH]), 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	ck_assert_uint_eq(filters(), 1);
	for (int i = 0; i < THREADS * EACH; i++) {
		ck_assert_ptr_nonnull(at[i]);
		for (size_t byte = 0; byte < page; byte += 512)
			ck_assert_int_eq(at[i][byte], (char)(i % EACH));
		assert_is_sealed(at[i]);
		ck_assert_uint_eq(base_of(at[i]), own_base());
	}
	qsort(at, THREADS * EACH, sizeof(at[0]), by_address);
	for (int i = 1; i < THREADS * EACH; i++)
		ck_assert_uint_ge((uintptr_t)at[i], (uintptr_t)at[i - 1] + page);
}
END_TEST

static atomic_int forks, done;

static void *fork_again_and_again(void *arg)
{
	while (!done) {
		pid_t pid = fork();

		if (pid == 0) {
			alarm(30); /* if it waits for a thread that is not there */
			_exit(memseal_map(page, READ_WRITE, WINDOW_EFFECTS) ? 0 : 1);
		}
		if (wait_for(pid) != 0)
			*(int *)arg = 1;
		forks++;
	}
	return NULL;
}

/* While one thread makes the window, others fork. */
START_TEST(forks_meanwhile)
{
	pthread_t threads[4];
	int failed = 0;

	consent();
	for (int i = 0; i < 4; i++)
		ck_assert_int_eq(
			pthread_create(&threads[i], NULL, fork_again_and_again, &failed), 0);
	while (forks < 4)
		sched_yield();
	assert_is_sealed(sealed(1));
	done = 1;
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	ck_assert_int_eq(failed, 0);
	ck_assert_uint_eq(filters(), 1);
}
END_TEST

/* Programs that are executed under the filter. */

static const char *const programs[][5] = {
	{ TEST_PLUGIN_DIR "/exec-pie", "maps", NULL },
	{ TEST_PLUGIN_DIR "/exec-static", "maps", NULL },
	{ TEST_PLUGIN_DIR "/exec-static-pie", "maps", NULL },
	{ "setarch", "-R", TEST_PLUGIN_DIR "/exec-pie", "maps", NULL },
	{ "setarch", "-R", TEST_PLUGIN_DIR "/exec-static", "maps", NULL },
	{ "setarch", "-R", TEST_PLUGIN_DIR "/exec-static-pie", "maps", NULL },
	{ "setarch", "-L", TEST_PLUGIN_DIR "/exec-pie", "maps", NULL },
	{ "setarch", "-L", TEST_PLUGIN_DIR "/exec-static", "maps", NULL },
};
enum { PROGRAMS = sizeof(programs) / sizeof(programs[0]) };

static pid_t start(const char *const argv[], int out, bool unlimited_stack)
{
	const struct rlimit unlimited = { RLIM_INFINITY, RLIM_INFINITY };
	pid_t pid = fork();

	if (pid)
		return pid;
	if (unlimited_stack && setrlimit(RLIMIT_STACK, &unlimited) < 0)
		_exit(99);
	if (dup2(out, STDOUT_FILENO) < 0)
		_exit(98);
	execvp(argv[0], (char *const *)argv);
	_exit(97);
}

/* Its first line; what is mapped must not touch [base, base + ZONE_WINDOW). */
static void run(const char *const argv[], bool unlimited_stack, uint64_t base, char first[256])
{
	unsigned mappings = 0, programs_own = 0;
	char line[1024];
	FILE *out;
	int fds[2];
	pid_t pid;

	ck_assert_int_eq(pipe(fds), 0);
	pid = start(argv, fds[1], unlimited_stack);
	close(fds[1]);
	out = fdopen(fds[0], "r");
	ck_assert_ptr_nonnull(fgets(first, 256, out));
	while (fgets(line, sizeof(line), out)) {
		uint64_t from, to;

		ck_assert_int_eq(sscanf(line, "%lx-%lx ", &from, &to), 2);
		ck_assert_msg(to <= base || from >= base + ZONE_WINDOW, "%s: %s", argv[0], line);
		programs_own += strstr(line, "/exec-") != NULL;
		mappings++;
	}
	fclose(out);
	ck_assert_int_eq(wait_for(pid), 0);
	ck_assert_uint_ge(mappings, 8);
	ck_assert_uint_ge(programs_own, 4);
}

START_TEST(executed_programs_meet_no_window)
{
	bool unlimited_stack = _i / PROGRAMS;
	const char *const *argv = programs[_i % PROGRAMS];
	char control[256] = "", under_filter[256] = "";

	run(argv, unlimited_stack, UINT64_C(1) << 63, control); /* nothing is there */
	ck_assert_ptr_nonnull(strstr(control, "mapped 2\n"));
	consent();
	(void)sealed(16);
	run(argv, unlimited_stack, own_base(), under_filter);
	ck_assert_str_eq(under_filter, control);
}
END_TEST

START_TEST(a_thousand_programs)
{
	static const char *const argv[] = { TEST_PLUGIN_DIR "/exec-pie", NULL };
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

	consent();
	(void)sealed(16);
	for (int i = 0; i < 1000; i++)
		ck_assert_int_eq(wait_for(start(argv, null, false)), 0);
}
END_TEST

/* A program that makes a window of its own executes one that does, ... */
static int chain(int left)
{
	char number[12], *argv[] = { (char *)"window", number, NULL };
	char *at;

	page = page_size();
	if (memseal_filter_allow(MEMSEAL_EXEC_ALLOW) < 0)
		return 10;
	at = memseal_map(page, READ_WRITE, WINDOW_EFFECTS);
	if (!at)
		return 11;
	at[0] = 'x';
	if (mprotect(at, page, PROT_READ) || error_of(mprotect(at, page, READ_WRITE)) != EPERM)
		return 12;
	if (left == 0)
		return 0;
	snprintf(number, sizeof(number), "%d", left - 1);
	execv("/proc/self/exe", argv);
	return 13;
}

START_TEST(programs_with_windows_execute_each_other)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(chain(10));
	ck_assert_int_eq(wait_for(pid), 0);
}
END_TEST

/* Every system call fails once. */

static const int errors[] = { ENOMEM, EINTR, ENOSYS, EAGAIN, EINVAL, EACCES };
enum { ERRORS = sizeof(errors) / sizeof(errors[0]), MOST = 300 };

struct kept {
	unsigned fds;
	size_t mapped;
};

static struct kept keep(void)
{
	return (struct kept){ count_fds(), smaps_count(NULL, SIZE_MAX).mapped };
}

/* True if the nth call was made at all, so that there may be another. */
static bool map_with_fault(unsigned long nth, int error)
{
	struct kept before = keep(), now;
	unsigned long made;
	char *at;

	errno = 0;
	fault_arm(nth, error);
	at = memseal_map(3 * page, READ_WRITE, WINDOW_EFFECTS);
	made = fault_count();
	fault_arm(0, 0);
	if (!at)
		ck_assert_msg(errno == error || errno == ENOMEM || errno == EOPNOTSUPP,
			"call %lu failing with %d: %d", nth, error, errno);
	now = keep();
	ck_assert_uint_eq(now.fds, before.fds);
	if (!SANITIZED)
		ck_assert_uint_eq(now.mapped, before.mapped + (at ? 3 * page : 0));
	for (int i = 0; i < 2; i++) {
		if (at) {
			assert_holds(at, 3 * page, 0, IMPLIED);
			memset(at, 'x', 3 * page);
			ck_assert_int_eq(mprotect(at, 3 * page, PROT_READ), 0);
			assert_is_sealed(at + page);
		}
		at = map_in_window(3, READ_WRITE);
	}
	/* A call that says wrongly what a filter holds costs another, and no more. */
	ck_assert_uint_le(filters(), 2);
	return made >= nth;
}

START_TEST(every_call_fails_once)
{
	int error = errors[_i % ERRORS];
	bool have_window = _i >= ERRORS;

	for (unsigned long nth = 1; nth < MOST; nth++) {
		pid_t pid = fork();
		int status;

		if (pid == 0) {
			consent();
			(void)keep(); /* what stdio allocates once */
			if (have_window)
				(void)sealed(1);
			_exit(map_with_fault(nth, error) ? 0 : 42);
		}
		status = wait_for(pid);
		ck_assert_msg(status == 0 || status == 42, "call %lu failing with %d: %d", nth,
			error, status);
		if (status == 42) {
			ck_assert_uint_gt(nth, have_window ? 10 : 50);
			return;
		}
	}
	ck_abort_msg("%d system calls and more", MOST);
}
END_TEST

static TCase *zone_case(void)
{
	TCase *tc = tcase_create("zone");

	tcase_add_loop_test(tc, zone_keeps_clear_of_programs, 0, 7);
	tcase_add_test(tc, no_zone_in_32_bits);
	return tc;
}

static TCase *seal_case(void)
{
	TCase *tc = tcase_create("seal");

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, nothing_without_consent);
	tcase_add_test(tc, ten_thousand_seals_under_one_filter);
	tcase_add_loop_test(tc, only_for_its_own_effects, 0, 3);
	tcase_add_test(tc, implied_effects_share_the_filter);
	tcase_add_loop_test(tc, any_protection, 0, 4);
	tcase_add_test(tc, lengths);
	tcase_add_test(tc, alignments);
	tcase_add_test(tc, attacks_are_refused);
	tcase_add_test(tc, segments_stay);
	tcase_add_test(tc, rights_can_be_taken);
	tcase_add_test(tc, mappings_without_replacing);
	return tc;
}

static TCase *place_case(void)
{
	TCase *tc = tcase_create("place");

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, places_are_random);
	tcase_add_test(tc, children_go_on);
	tcase_add_test(tc, memory_shared_with_a_child);
	tcase_add_test(tc, half_of_the_window_taken);
	tcase_add_test(tc, all_of_the_window_taken);
	tcase_add_test(tc, all_of_the_zone_taken);
	tcase_add_test(tc, one_window_left);
	tcase_add_test(tc, zone_beside_the_window);
	tcase_add_test(tc, zone_without_a_window);
	return tc;
}

static TCase *error_case(void)
{
	TCase *tc = tcase_create("errors");

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_set_timeout(tc, 120);
	tcase_add_loop_test(tc, refused_by_other_filters, 0, 3);
	tcase_add_loop_test(tc, filters_of_others_do_not_hide_it, 0, 3);
	tcase_add_test(tc, without_random_numbers);
	tcase_add_test(tc, readable_is_executable);
	tcase_add_test(tc, open_ring);
	tcase_add_test(tc, thread_with_a_filter_of_its_own);
	tcase_add_loop_test(tc, every_call_fails_once, 0, 2 * ERRORS);
	return tc;
}

static TCase *thread_case(void)
{
	TCase *tc = tcase_create("threads");

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, threads_share_one_window);
	tcase_add_test(tc, forks_meanwhile);
	return tc;
}

static TCase *exec_case(void)
{
	TCase *tc = tcase_create("exec");

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_set_timeout(tc, 300);
	tcase_add_loop_test(tc, executed_programs_meet_no_window, 0, 2 * PROGRAMS);
	tcase_add_test(tc, a_thousand_programs);
	tcase_add_test(tc, programs_with_windows_execute_each_other);
	return tc;
}

int main(int argc, char **argv)
{
	SRunner *runner;
	Suite *suite;
	int failed;

	if (argc > 1)
		return chain(atoi(argv[1]));
	suite = suite_create("window");
	suite_add_tcase(suite, zone_case());
	suite_add_tcase(suite, seal_case());
	suite_add_tcase(suite, place_case());
	suite_add_tcase(suite, error_case());
	suite_add_tcase(suite, thread_case());
	suite_add_tcase(suite, exec_case());
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
