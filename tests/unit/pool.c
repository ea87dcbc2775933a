/* SPDX-License-Identifier: MIT */
/* Pools: what is got and put, what ends the process, what holds and what is said about it. */
#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "base/fault.h"
#include "helpers/limits.h"
#include "helpers/pool.h"

#define ALL_HOLD                                                                                   \
	(MEMSEAL_POOL_SECRET | MEMSEAL_POOL_LOCKED | MEMSEAL_POOL_NO_DUMP | MEMSEAL_POOL_NO_FORK | \
		MEMSEAL_POOL_GUARDED | MEMSEAL_POOL_NO_DISCARD | MEMSEAL_POOL_SEALED)

/* Bytes in all; AddressSanitizer maps for malloc() as it likes. */
static size_t mapped(void)
{
	return SANITIZED ? 0 : smaps_count(NULL, SIZE_MAX).mapped;
}

static bool is_zero(const char *at, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (*(const volatile char *)(at + i))
			return false;
	return true;
}

static char *get(struct memseal_pool *from)
{
	char *slot = memseal_pool_get(from);

	ck_assert_ptr_nonnull(slot);
	return slot;
}

static void assert_exhausted(struct memseal_pool *of)
{
	errno = 0;
	ck_assert_ptr_null(memseal_pool_get(of));
	ck_assert_int_eq(errno, ENOMEM);
}

static int by_address(const void *a, const void *b)
{
	const uintptr_t x = *(const uintptr_t *)a, y = *(const uintptr_t *)b;

	return (x > y) - (x < y);
}

static const struct {
	size_t size, slots;
} shapes[] = {
	{ 1, 1 },
	{ 1, 1000 },
	{ 7, 63 },
	{ 8, 64 },
	{ 9, 65 },
	{ 16, 128 },
	{ 24, 129 },
	{ 64, 10 },
	{ 4095, 3 },
	{ 4096, 3 },
	{ 100000, 5 },
	{ 64, 1 },
};

START_TEST(slots_are_apart_and_zero)
{
	size_t size = shapes[_i].size, slots = shapes[_i].slots;
	char **got = calloc(slots, sizeof(*got));
	struct memseal_pool *p;

	ck_assert_int_eq(memseal_pool_new(size, slots, &p), 0);
	for (int round = 0; round < 3; round++) {
		for (size_t i = 0; i < slots; i++) {
			got[i] = get(p);
			ck_assert_uint_eq((uintptr_t)got[i] % 16, 0);
			ck_assert(is_zero(got[i], size));
			memset(got[i], 'x', size);
			ck_assert_uint_eq(status_of(p).used, i + 1);
		}
		assert_exhausted(p);
		qsort(got, slots, sizeof(*got), by_address);
		for (size_t i = 1; i < slots; i++)
			ck_assert_uint_ge((size_t)(got[i] - got[i - 1]), size + 8);
		for (size_t i = 0; i < slots; i++) {
			memseal_pool_put(p, got[i]);
			ck_assert(is_zero(got[i], size));
		}
		ck_assert_uint_eq(status_of(p).used, 0);
		ck_assert_uint_eq(status_of(p).slots, slots);
	}
	free(got);
}
END_TEST

START_TEST(others_keep_their_bytes)
{
	char *first = get(pool), *second = get(pool), *third = get(pool);

	memset(first, 'a', SLOT);
	memset(second, 'b', SLOT);
	memset(third, 'c', SLOT);
	memseal_pool_put(pool, second);
	ck_assert(is_zero(second, SLOT));
	ck_assert(first[0] == 'a' && first[SLOT - 1] == 'a');
	ck_assert(third[0] == 'c' && third[SLOT - 1] == 'c');
	memseal_pool_put(pool, NULL);
	ck_assert_uint_eq(status_of(pool).used, 2);
}
END_TEST

START_TEST(written_after_put_is_zero_when_got)
{
	char *slot = get(pool);

	memseal_pool_put(pool, slot);
	memset(slot, 'x', SLOT);
	for (int i = 0; i < SLOTS; i++)
		ck_assert(is_zero(get(pool), SLOT));
	assert_exhausted(pool);
}
END_TEST

START_TEST(last_slot_ends_near_the_guard)
{
	uintptr_t highest = 0, lowest = UINTPTR_MAX;

	for (int i = 0; i < SLOTS; i++) {
		uintptr_t slot = (uintptr_t)get(pool);

		highest = slot > highest ? slot : highest;
		lowest = slot < lowest ? slot : lowest;
	}
	ck_assert_uint_le((uintptr_t)body + body_len - highest, SLOT + 16);
	ck_assert_uint_lt(lowest - (uintptr_t)body, page);
}
END_TEST

static const struct {
	size_t size, slots;
	int error;
} refused[] = {
	{ 0, 1, -EINVAL },
	{ 1, 0, -EINVAL },
	{ SIZE_MAX, 1, -ENOMEM },
	{ 1, SIZE_MAX, -ENOMEM },
	{ SIZE_MAX - 8, 1, -ENOMEM },
	{ SIZE_MAX - 23, 2, -ENOMEM },
	{ SIZE_MAX / 2, 3, -ENOMEM },
	{ SIZE_MAX / 16 + 1, 16, -ENOMEM },
	{ (size_t)PTRDIFF_MAX / 2, 1, -ENOMEM },
	{ (size_t)PTRDIFF_MAX / 3, 1, -ENOMEM },
};

START_TEST(impossible_sizes)
{
	struct memseal_pool *p = (void *)&refused;
	size_t before = mapped();

	ck_assert_int_eq(
		memseal_pool_new(refused[_i].size, refused[_i].slots, &p), refused[_i].error);
	ck_assert_ptr_eq(p, (void *)&refused);
	ck_assert_uint_eq(mapped(), before);
}
END_TEST

START_TEST(options)
{
	struct {
		struct memseal_pool_opts known;
		uint64_t later;
	} newer = { .known.size = sizeof(newer) };
	struct memseal_pool_opts opts = { .size = 3 };
	struct memseal_pool *p = NULL;

	ck_assert_int_eq(memseal_pool_new_opts(1, 1, &opts, &p), -EINVAL);
	opts = (struct memseal_pool_opts){ sizeof(opts), UINT64_C(1) << 7 };
	ck_assert_int_eq(memseal_pool_new_opts(1, 1, &opts, &p), -EINVAL);
	ck_assert_int_eq(memseal_pool_new(1, 1, NULL), -EINVAL);
	newer.later = 1;
	ck_assert_int_eq(memseal_pool_new_opts(1, 1, &newer.known, &p), -EINVAL);
	ck_assert_ptr_null(p);
	newer.later = 0;
	ck_assert_int_eq(memseal_pool_new_opts(1, 1, &newer.known, &p), 0);
	opts.demand = 0;
	ck_assert_int_eq(memseal_pool_new_opts(1, 1, &opts, &p), 0);
}
END_TEST

/* What ends the process: each of these with SIGABRT, and the control beside it does not. */

START_TEST(put_once)
{
	char *other = get(pool), *slot = get(pool);

	memset(slot, 'x', SLOT);
	memseal_pool_put(pool, slot);
	memseal_pool_put(pool, other);
}
END_TEST

START_TEST(put_twice)
{
	char *slot = get(pool);

	memseal_pool_put(pool, slot);
	memseal_pool_put(pool, slot);
}
END_TEST

START_TEST(put_never_got)
{
	char *slot = get(pool);

	memseal_pool_put(pool, slot + 80);
}
END_TEST

static const ptrdiff_t offsets[] = { 1, 16, -16, SLOT, -80, -4096, 1 << 20, PTRDIFF_MAX };

START_TEST(put_elsewhere)
{
	char *slot = get(pool); /* the first one */

	memseal_pool_put(pool, (void *)((uintptr_t)slot + (uintptr_t)offsets[_i]));
}
END_TEST

START_TEST(put_of_the_stack)
{
	_Alignas(16) char here[SLOT + 16] = "";

	memseal_pool_put(pool, here);
}
END_TEST

START_TEST(put_to_another_pool)
{
	struct memseal_pool *other;

	ck_assert_int_eq(memseal_pool_new(SLOT, SLOTS, &other), 0);
	memseal_pool_put(other, get(pool));
}
END_TEST

START_TEST(written_beyond_the_end)
{
	char *slot = get(pool);

	slot[SLOT + _i] ^= 1;
	memseal_pool_put(pool, slot);
}
END_TEST

/* Of the first slot, too, before which there is none. */
START_TEST(written_before_the_start)
{
	char *first = get(pool), *second = get(pool);
	char *slot = _i < 8 ? first : second;

	ck_assert_ptr_eq(second, first + SLOT + 16);
	slot[-1 - _i % 8] ^= 1;
	memseal_pool_put(pool, slot);
}
END_TEST

/* Whatever the size: there are as many bytes between slots as it takes to align them. */
START_TEST(written_before_a_slot_of_any_size)
{
	struct memseal_pool *other;
	char *slot;

	ck_assert_int_eq(memseal_pool_new((size_t)_i + 1, 3, &other), 0);
	(void)get(other);
	slot = get(other);
	slot[-1] ^= 1;
	memseal_pool_put(other, slot);
}
END_TEST

START_TEST(no_byte_of_a_canary_is_zero)
{
	for (int i = 0; i < 300; i++) {
		struct memseal_pool *other;
		char *slot;

		ck_assert_int_eq(memseal_pool_new(16, 1, &other), 0);
		slot = get(other);
		ck_assert_ptr_null(memchr(slot - 16, 0, 16));
		ck_assert_ptr_null(memchr(slot + 16, 0, 8));
	}
}
END_TEST

/* More than any machine has is refused at once, and not when the last page is gone. */
START_TEST(more_memory_than_there_is)
{
	struct memseal_pool *other = NULL;
	FILE *file = fopen("/proc/sys/vm/overcommit_memory", "re");
	int mode = 1;

	ck_assert_ptr_nonnull(file);
	ck_assert_int_eq(fscanf(file, "%d", &mode), 1);
	fclose(file);
	if (mode == 1 || sizeof(size_t) < 8)
		return; /* the kernel promises everything, or no such size exists */
	ck_assert_int_eq(memseal_pool_new((size_t)1 << 40, 1, &other), -ENOMEM);
	ck_assert_int_eq(memseal_pool_new(4096, (size_t)1 << 28, &other), -ENOMEM);
	ck_assert_ptr_null(other);
}
END_TEST

/* It lies behind the page of the pool itself. */
START_TEST(free_list_overwritten)
{
	char *list = (char *)pool + page;

	memset(list + 2 * sizeof(size_t), 0xff, SLOTS / 8 + 1);
	for (int i = 0; i <= SLOTS; i++)
		(void)!memseal_pool_get(pool);
}
END_TEST

START_TEST(canaries_differ)
{
	struct memseal_pool *other;
	char *slot, *foreign;

	ck_assert_int_eq(memseal_pool_new(SLOT, SLOTS, &other), 0);
	slot = get(pool);
	foreign = get(other);
	ck_assert_mem_ne(slot + SLOT, foreign + SLOT, 8);
	ck_assert(!is_zero(slot + SLOT, 8));
}
END_TEST

/* What the pool remembers is not to be written. */
START_TEST(head_is_read_only)
{
	*(volatile char *)pool = 1;
}
END_TEST

START_TEST(guard_before)
{
	*(volatile char *)(body - 1) = 1;
}
END_TEST

START_TEST(guard_behind)
{
	*(volatile char *)(body + body_len) = 1;
}
END_TEST

/* Children. */

static int in_child(const char *slot, int what)
{
	struct memseal_pool_status status = { .size = sizeof(status) };
	struct memseal_pool *own;

	switch (what) {
	case 0:
		signal(SIGSEGV, SIG_DFL); /* a sanitizer's */
		return slot[0];
	case 1:
		errno = 0;
		return memseal_pool_get(pool) ? 1 : errno;
	case 2:
		memseal_pool_put(pool, (void *)(uintptr_t)slot);
		memseal_pool_put(pool, (void *)(uintptr_t)slot);
		memseal_pool_put(pool, &status);
		return 0;
	case 3:
		return -memseal_pool_status(pool, &status);
	default: /* where the hole is */
		if (memseal_pool_new(SLOT, SLOTS, &own) < 0)
			return 1;
		memset(get(own), 'y', SLOT);
		return memseal_pool_get(pool) ? 2 : 0;
	}
}

static const int child_says[] = { 128 + SIGSEGV, ENXIO, 0, ENXIO, 0 };

START_TEST(child_has_a_hole)
{
	char *slot = get(pool);
	pid_t pid;

	memset(slot, 'x', SLOT);
	pid = fork();
	if (pid == 0)
		_exit(in_child(slot, _i));
	ck_assert_int_eq(wait_for(pid), child_says[_i]);
	ck_assert(slot[0] == 'x' && slot[SLOT - 1] == 'x');
	ck_assert_uint_eq(status_of(pool).used, 1);
	memseal_pool_put(pool, slot);
}
END_TEST

/* What holds. */

static uint64_t possible(bool secret)
{
	uint64_t holds = ALL_HOLD;

	if (!secret)
		holds &= ~(uint64_t)MEMSEAL_POOL_SECRET;
	if (!has_mseal())
		holds &= ~(uint64_t)MEMSEAL_POOL_SEALED;
	return holds;
}

START_TEST(all_that_can_hold_holds)
{
	struct memseal_pool_status status = status_of(pool);
	char line[4096];
	bool secret;

	ck_assert(smaps_line(body, NULL, line, sizeof(line)));
	secret = strstr(line, "/secretmem") != NULL;
	ck_assert_int_eq(secret, has_secret());
	ck_assert_uint_eq(status.holds, possible(secret));
	ck_assert_uint_eq(status.locked_bytes, body_len);
	ck_assert(secret || has_flag(body, " lo")); /* Linux 7 has no such flag on the former */
	ck_assert(has_flag(body, " dd") && has_flag(body, " dc"));
	if (has_mseal()) {
		size_t whole = body_len + 4 * page;

		ck_assert_uint_eq(smaps_count(body - page, whole).sealed, whole);
	}
}
END_TEST

START_TEST(what_is_undone_is_not_reported)
{
	uint64_t before = status_of(pool).holds;
	bool secret = has_secret();

	ck_assert_int_eq(madvise(body + page, page, MADV_DOFORK), 0);
	ck_assert_uint_eq(status_of(pool).holds, before & ~MEMSEAL_POOL_NO_FORK);
	ck_assert_int_eq(madvise(body + page, page, MADV_DONTFORK), 0);
	ck_assert_uint_eq(status_of(pool).holds, before);
	ck_assert_int_eq(madvise(pool, page, MADV_KEEPONFORK), 0);
	ck_assert_uint_eq(status_of(pool).holds, before & ~MEMSEAL_POOL_NO_FORK);
	if (has_mseal()) /* for ever */
		before &= ~(uint64_t)MEMSEAL_POOL_NO_FORK;
	else
		ck_assert_int_eq(madvise(pool, page, MADV_WIPEONFORK), 0);
	ck_assert_int_eq(madvise(body + page, page, MADV_DODUMP), 0);
	ck_assert_uint_eq(status_of(pool).holds, secret ? before : before & ~MEMSEAL_POOL_NO_DUMP);
	ck_assert_int_eq(madvise(body + page, page, MADV_DONTDUMP), 0);
	ck_assert_int_eq(syscall(SYS_munlock, body + page, page), 0);
	ck_assert_uint_eq(status_of(pool).holds, secret ? before : before & ~MEMSEAL_POOL_LOCKED);
	ck_assert_uint_eq(status_of(pool).locked_bytes, secret ? body_len : body_len - page);
}
END_TEST

START_TEST(what_is_replaced_is_not_reported)
{
	deny_mseal();
	make_pool();
	ck_assert_uint_eq(status_of(pool).holds, possible(has_secret()) & ~MEMSEAL_POOL_SEALED);
	ck_assert_int_eq(mprotect(body - page, page, PROT_READ), 0);
	ck_assert(!(status_of(pool).holds & MEMSEAL_POOL_GUARDED));
	ck_assert_int_eq(mprotect(body - page, page, PROT_NONE), 0);
	ck_assert(status_of(pool).holds & MEMSEAL_POOL_GUARDED);
	ck_assert_int_eq(mprotect(body + body_len, page, PROT_READ), 0);
	ck_assert(!(status_of(pool).holds & MEMSEAL_POOL_GUARDED));
	ck_assert_ptr_ne(
		mmap(body + page, page, READ_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0),
		MAP_FAILED);
	ck_assert_uint_eq(status_of(pool).holds, 0);
	ck_assert_int_eq(munmap(body, page), 0);
	ck_assert_uint_eq(status_of(pool).holds, 0);
}
END_TEST

/* Every demand that holds is met; nothing is left of one that does not. */
static void assert_demands(uint64_t holds)
{
	for (uint64_t demand = 1; demand <= ALL_HOLD; demand <<= 1) {
		struct memseal_pool_opts opts = { sizeof(opts), demand };
		size_t before = mapped();
		unsigned fds = count_fds();
		struct memseal_pool *p = NULL;
		int r = memseal_pool_new_opts(SLOT, SLOTS, &opts, &p);

		ck_assert_int_eq(r, holds & demand ? 0 : -EOPNOTSUPP);
		ck_assert_uint_eq(count_fds(), fds);
		if (r == 0) {
			ck_assert_uint_eq(status_of(p).holds, holds);
			continue;
		}
		ck_assert_ptr_null(p);
		ck_assert_uint_eq(mapped(), before);
	}
}

START_TEST(demands)
{
	assert_demands(possible(has_secret()));
}
END_TEST

static const struct {
	long call;
	int error;
	uint64_t lost;
} denied[] = {
	{ SYS_memfd_secret, ENOSYS, MEMSEAL_POOL_SECRET },
	{ SYS_memfd_secret, EPERM, MEMSEAL_POOL_SECRET },
	{ SYS_memfd_create, EPERM, 0 }, /* not needed */
	{ SYS_mlock, EPERM, 0 }, { SYS_mseal, ENOSYS, MEMSEAL_POOL_SEALED },
	{ SYS_mseal, EPERM, MEMSEAL_POOL_SEALED },
	{ SYS_mremap, EPERM, 0 }, /* smaps tells what is sealed */
};

START_TEST(demands_denied)
{
	uint64_t holds = possible(has_secret());

	if (!has_secret() && !denied[_i].lost)
		return;
	deny(denied[_i].call, denied[_i].error);
	assert_demands(holds & ~denied[_i].lost);
}
END_TEST

/* Refused; or said to be done, by a filter that answers 0. */
static const struct {
	long call;
	int error;
	uint64_t lost;
} denied_memfd[] = {
	{ SYS_mlock, EPERM, MEMSEAL_POOL_LOCKED },
	{ SYS_fcntl, EPERM, MEMSEAL_POOL_NO_DISCARD },
	{ SYS_mseal, EPERM, MEMSEAL_POOL_SEALED },
	{ SYS_mlock, 0, MEMSEAL_POOL_LOCKED },
	{ SYS_fcntl, 0, MEMSEAL_POOL_NO_DISCARD },
	{ SYS_mseal, 0, MEMSEAL_POOL_SEALED },
	{ SYS_mprotect, 0, MEMSEAL_POOL_SEALED },
	{ SYS_madvise, 0, MEMSEAL_POOL_NO_FORK | MEMSEAL_POOL_NO_DUMP },
};

START_TEST(demands_denied_memfd)
{
	deny_secret();
	deny(denied_memfd[_i].call, denied_memfd[_i].error);
	assert_demands(possible(false) & ~denied_memfd[_i].lost);
}
END_TEST

/* The control: such memory without its seals. */
START_TEST(discarded_without_seals)
{
	char *slot;

	deny_secret();
	deny(SYS_fcntl, EPERM);
	make_pool();
	slot = get(pool);
	memset(slot, 'x', SLOT);
	ck_assert_int_eq((int)syscall(SYS_munlock, body, body_len), 0);
	ck_assert_int_eq(madvise(body, body_len, MADV_REMOVE), 0);
	ck_assert(is_zero(slot, SLOT));
}
END_TEST

static const long needed[] = { SYS_memfd_create, SYS_madvise, SYS_getrandom, SYS_ftruncate };

START_TEST(needed_denied)
{
	size_t before = mapped();
	struct memseal_pool *p = NULL;

	deny_secret();
	deny(needed[_i], EPERM);
	ck_assert_int_eq(memseal_pool_new(SLOT, SLOTS, &p), -EOPNOTSUPP);
	ck_assert_ptr_null(p);
	ck_assert_uint_eq(mapped(), before);
}
END_TEST

/* Nobody in particular, who may lock what RLIMIT_MEMLOCK says. */
static void limit_lock(size_t bytes)
{
	struct rlimit limit = { bytes, bytes };

	ck_assert_int_eq(setrlimit(RLIMIT_MEMLOCK, &limit), 0);
	if (geteuid() == 0)
		ck_assert_int_eq(setresuid(65534, 65534, 65534), 0);
	/* Which setresuid() takes away, and /proc/self with it. */
	ck_assert_int_eq(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0), 0);
}

START_TEST(lock_limit)
{
	uint64_t holds = possible(has_secret());
	struct memseal_pool *p;
	char *slot;

	limit_lock(_i ? 8 << 20 : page);
	if (!_i)
		holds &= ~(uint64_t)(MEMSEAL_POOL_LOCKED | MEMSEAL_POOL_SECRET);
	assert_demands(holds);
	ck_assert_int_eq(memseal_pool_new(SLOT, SLOTS, &p), 0);
	ck_assert_uint_eq(status_of(p).locked_bytes, _i ? body_len : 0);
	slot = get(p);
	memset(slot, 'x', SLOT);
	memseal_pool_put(p, slot);
	ck_assert(is_zero(slot, SLOT));
}
END_TEST

/* By a filter, where there is no mseal(2) and the program has agreed. */
START_TEST(sealed_by_filter)
{
	make_pool();
	ck_assert_int_eq(memseal_filter_allow(MEMSEAL_EXEC_ALLOW), 0);
	deny_mseal();
	ck_assert_int_eq(memseal_pool_new(SLOT, SLOTS, &pool), 0);
	find_body(get(pool));
	ck_assert(status_of(pool).holds & MEMSEAL_POOL_SEALED);
	ck_assert_int_eq(munmap(body, page), -1);
	ck_assert_int_eq(errno, EPERM);
	ck_assert_int_eq(mprotect(body - page, page, PROT_READ), -1);
	ck_assert_int_eq(errno, EPERM);
	ck_assert_int_eq(madvise(pool, page, MADV_DONTNEED), -1);
	ck_assert_int_eq(errno, EPERM);
	for (int i = 1; i < SLOTS; i++)
		memseal_pool_put(pool, get(pool));
}
END_TEST

/* SIGXFSZ would end the process. */
START_TEST(file_size_limit)
{
	struct memseal_pool *p = NULL;
	size_t before = mapped();
	int more, less;

	limit_file_size(page);
	more = memseal_pool_new(SLOT, SLOTS, &p);
	less = memseal_pool_new(1, 1, &p);
	limit_file_size(RLIM_INFINITY);
	ck_assert_int_eq(more, -ENOMEM);
	ck_assert_int_eq(less, 0);
	if (!SANITIZED)
		ck_assert_uint_eq(mapped(), before + 5 * page);
}
END_TEST

START_TEST(pools_of_one_process)
{
	struct memseal_pool *pools[20];

	for (int i = 0; i < 20; i++)
		ck_assert_int_eq(memseal_pool_new(SLOT, SLOTS, &pools[i]), 0);
	for (int i = 0; i < 20; i++)
		ck_assert_uint_eq(status_of(pools[i]).holds, possible(has_secret()));
}
END_TEST

/* A page each and two guards, as other libraries have it, are 40 MB of 10,000 of these. */
START_TEST(ten_thousand_are_cheap)
{
	size_t locked = process_bytes("VmLck:"), fds = count_fds(), mappings = 0, before = 0;
	struct memseal_pool *p;
	FILE *file;

	for (int i = 0; i < 2; i++) {
		char line[8192];

		file = fopen("/proc/self/maps", "re");
		ck_assert_ptr_nonnull(file);
		before = mappings;
		for (mappings = 0; fgets(line, sizeof(line), file); mappings++)
			continue;
		fclose(file);
		if (i == 0)
			ck_assert_int_eq(memseal_pool_new(64, 10000, &p), 0);
	}
	locked = process_bytes("VmLck:") - locked;
	ck_assert_uint_gt(status_of(p).locked_bytes, 640000);
	ck_assert_uint_le(status_of(p).locked_bytes, 819200);
	if (has_flag(body, " lo"))
		ck_assert_uint_eq(status_of(p).locked_bytes, locked);
	if (!SANITIZED)
		ck_assert_uint_le(mappings - before, 6);
	ck_assert_uint_eq(count_fds(), fds);
	for (int i = 0; i < 10000; i++)
		memset(get(p), 'x', 64);
	assert_exhausted(p);
}
END_TEST

/*
 * Every system call of memseal_pool_new() made to fail in turn, in a child each: what is returned
 * is documented, nothing leaks, and what is said to hold does.
 */

static const int errors[] = { ENOMEM, EINTR, ENOSYS, EAGAIN, EINVAL, EACCES, EMFILE };

static bool documented(int r)
{
	return r == 0 || r == -EOPNOTSUPP || r == -ENOMEM || r == -EMFILE || r == -ENFILE;
}

static void check_holds(struct memseal_pool *p)
{
	uint64_t holds = status_of(p).holds;
	char line[4096], *slot = get(p);
	size_t whole;

	find_body(slot);
	whole = body_len + 4 * page;
	ck_assert(smaps_line(body, NULL, line, sizeof(line)));
	ck_assert_int_eq(!!(holds & MEMSEAL_POOL_SECRET), strstr(line, "/secretmem") != NULL);
	if (!(holds & MEMSEAL_POOL_SECRET))
		ck_assert_int_eq(!!(holds & MEMSEAL_POOL_LOCKED), has_flag(body, " lo"));
	ck_assert_int_eq(!!(holds & MEMSEAL_POOL_NO_FORK), has_flag(body, " dc"));
	if (!(holds & MEMSEAL_POOL_SECRET))
		ck_assert_int_eq(!!(holds & MEMSEAL_POOL_NO_DUMP), has_flag(body, " dd"));
	ck_assert_int_eq(
		!!(holds & MEMSEAL_POOL_SEALED), smaps_count(body - page, whole).sealed == whole);
	ck_assert(holds & MEMSEAL_POOL_GUARDED);
	memset(slot, 'x', SLOT);
	memseal_pool_put(p, slot);
	ck_assert(is_zero(slot, SLOT));
	syscall(SYS_munlock, body, body_len);
	if (holds & MEMSEAL_POOL_NO_DISCARD)
		ck_assert_int_eq(madvise(body, page, MADV_REMOVE), -1);
}

/* True if the nth call was made at all, so that there may be another. */
static bool try_with_fault(unsigned long nth, int error, uint64_t demand)
{
	struct memseal_pool_opts opts = { sizeof(opts), demand };
	size_t before = mapped();
	unsigned fds = count_fds();
	struct memseal_pool *p = NULL;
	unsigned long made;
	int r;

	fault_arm(nth, error);
	r = memseal_pool_new_opts(SLOT, SLOTS, &opts, &p);
	made = fault_count();
	fault_arm(0, 0);
	ck_assert_uint_eq(count_fds(), fds);
	ck_assert_msg(documented(r), "%d", r);
	if (r < 0) {
		ck_assert_ptr_null(p);
		ck_assert_uint_eq(mapped(), before);
	} else {
		ck_assert_uint_eq(status_of(p).holds & demand, demand);
		check_holds(p);
	}
	return made >= nth;
}

START_TEST(every_call_fails_once)
{
	uint64_t demand = _i & 1 ? possible(has_secret()) : 0;
	int error = errors[_i / 2];
	unsigned long step = SANITIZED ? 3 : 1; /* the calls between with the next errors */

	for (unsigned long nth = 1 + (unsigned)_i / 2 % step; nth < 200; nth += step) {
		pid_t pid = fork();
		int status;

		if (pid == 0)
			_exit(try_with_fault(nth, error, demand) ? 0 : 42);
		status = wait_for(pid);
		ck_assert_msg(status == 0 || status == 42, "call %lu failing with %d: %d", nth,
			error, status);
		if (status == 42) {
			ck_assert_uint_gt(nth, 10);
			return;
		}
	}
	ck_abort_msg("200 calls");
}
END_TEST

/* The same of memseal_pool_status(): nothing is written on failure, nothing said that is not so. */
START_TEST(status_fails)
{
	uint64_t holds = status_of(pool).holds;
	unsigned fds = count_fds();

	for (unsigned long nth = 1; nth < 2000; nth++) {
		struct memseal_pool_status status = { .size = sizeof(status), .holds = 1 << 20 };
		unsigned long made;
		int r;

		fault_arm(nth, errors[_i]);
		r = memseal_pool_status(pool, &status);
		made = fault_count();
		fault_arm(0, 0);
		ck_assert_uint_eq(count_fds(), fds);
		if (r < 0)
			ck_assert_uint_eq(status.holds, 1 << 20);
		else
			ck_assert_uint_eq(status.holds | holds, holds);
		if (made < nth) {
			ck_assert_uint_eq(status.holds, holds);
			return;
		}
	}
	ck_abort_msg("2000 calls");
}
END_TEST

static void add_use(TCase *tc)
{
	tcase_add_loop_test(tc, slots_are_apart_and_zero, 0, sizeof(shapes) / sizeof(*shapes));
	tcase_add_test(tc, others_keep_their_bytes);
	tcase_add_test(tc, written_after_put_is_zero_when_got);
	tcase_add_test(tc, last_slot_ends_near_the_guard);
	tcase_add_loop_test(tc, impossible_sizes, 0, sizeof(refused) / sizeof(*refused));
	tcase_add_test(tc, options);
	tcase_add_test(tc, canaries_differ);
	tcase_add_test(tc, put_once);
	tcase_add_test_raise_signal(tc, put_twice, SIGABRT);
	tcase_add_test_raise_signal(tc, put_never_got, SIGABRT);
	tcase_add_loop_test_raise_signal(
		tc, put_elsewhere, SIGABRT, 0, sizeof(offsets) / sizeof(*offsets));
	tcase_add_test_raise_signal(tc, put_of_the_stack, SIGABRT);
	tcase_add_test_raise_signal(tc, put_to_another_pool, SIGABRT);
	tcase_add_loop_test_raise_signal(tc, written_beyond_the_end, SIGABRT, 0, 16);
	tcase_add_loop_test_raise_signal(tc, written_before_the_start, SIGABRT, 0, 16);
	tcase_add_loop_test_raise_signal(tc, written_before_a_slot_of_any_size, SIGABRT, 0, 40);
	tcase_add_test(tc, no_byte_of_a_canary_is_zero);
	tcase_add_test(tc, more_memory_than_there_is);
	tcase_add_test_raise_signal(tc, free_list_overwritten, SIGABRT);
	if (!SANITIZED) { /* whose handler exits */
		tcase_add_test_raise_signal(tc, head_is_read_only, SIGSEGV);
		tcase_add_test_raise_signal(tc, guard_before, SIGSEGV);
		tcase_add_test_raise_signal(tc, guard_behind, SIGSEGV);
	}
	tcase_add_loop_test(tc, child_has_a_hole, 0, 5);
}

static void add_holds(TCase *tc)
{
	tcase_add_test(tc, all_that_can_hold_holds);
	tcase_add_test(tc, what_is_undone_is_not_reported);
	tcase_add_test(tc, what_is_replaced_is_not_reported);
	tcase_add_test(tc, demands);
	tcase_add_test(tc, sealed_by_filter);
	tcase_add_test(tc, file_size_limit);
	tcase_add_test(tc, pools_of_one_process);
	tcase_add_test(tc, ten_thousand_are_cheap);
	tcase_add_loop_test(tc, lock_limit, 0, 2);
	tcase_add_loop_test(tc, every_call_fails_once, 0, 2 * sizeof(errors) / sizeof(*errors));
	tcase_add_loop_test(tc, status_fails, 0, sizeof(errors) / sizeof(*errors));
}

static TCase *pool_case(const char *name, void (*before)(void))
{
	TCase *tc = tcase_create(name);

	if (before)
		tcase_add_checked_fixture(tc, before, NULL);
	tcase_add_checked_fixture(tc, make_pool, NULL);
	tcase_set_timeout(tc, 120);
	add_use(tc);
	add_holds(tc);
	return tc;
}

static Suite *pool_suite(void)
{
	Suite *suite = suite_create("pool");
	TCase *tc = tcase_create("denied");

	suite_add_tcase(suite, pool_case("pool", NULL));
	suite_add_tcase(suite, pool_case("pool in a memfd", deny_secret));
	tcase_add_loop_test(tc, demands_denied, 0, sizeof(denied) / sizeof(*denied));
	tcase_add_loop_test(
		tc, demands_denied_memfd, 0, sizeof(denied_memfd) / sizeof(*denied_memfd));
	tcase_add_test(tc, discarded_without_seals);
	tcase_add_loop_test(tc, needed_denied, 0, sizeof(needed) / sizeof(*needed));
	suite_add_tcase(suite, tc);
	return suite;
}

int main(void)
{
	SRunner *runner = srunner_create(pool_suite());
	int failed;

	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
