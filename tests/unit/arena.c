/* SPDX-License-Identifier: MIT */
/*
 * Arenas: building, freezing, and what a frozen one answers, beside one that is not frozen. Held by
 * mseal(2), and, where there is none or it is refused, by filters.
 */
#include <fcntl.h>
#include <linux/io_uring.h>
#include <pthread.h>
#include <sched.h>
#include <sys/resource.h>

#include <memseal.h>

#include "base/page.h"
#include "attack/attack.h"
#include "base/fault.h"
#include "helpers/limits.h"
#include "helpers/memory.h"

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

static size_t page;

static bool has_mseal;

static void setup(void)
{
	page = page_size();
	has_mseal = syscall(SYS_mseal, 0, 0, 0) == 0;
	if (!has_mseal)
		ck_assert_int_eq(memseal_filter_allow(MEMSEAL_EXEC_REFUSE), 0);
}

/* As on a kernel that does not have it. */
static void setup_without_mseal(void)
{
	deny(SYS_mseal, ENOSYS);
	setup();
}

/* By whomever, every page of it. */
static bool is_held(const void *addr, size_t len)
{
	struct memseal_status status = { .size = sizeof(status) };

	ck_assert_int_eq(memseal_query(addr, len, &status), 0);
	return ((status.kernel | status.filter) & MEMSEAL_MAPPING) == MEMSEAL_MAPPING;
}

static struct memseal_arena *new_arena(size_t capacity)
{
	struct memseal_arena *arena = NULL;

	ck_assert_int_eq(memseal_arena_new(capacity, &arena), 0);
	ck_assert_ptr_nonnull(arena);
	return arena;
}

/* An arena with one full allocation. */
static char *fill(struct memseal_arena *arena, size_t size)
{
	char *mem = memseal_arena_alloc(arena, size, 16);

	ck_assert_ptr_nonnull(mem);
	memset(mem, 'm', size);
	return mem;
}

static bool is_full_of(const char *mem, size_t size, char byte)
{
	for (size_t i = 0; i < size; i++)
		if (mem[i] != byte)
			return false;
	return true;
}

START_TEST(allocations_are_zeroed_aligned_and_apart)
{
	struct memseal_arena *arena = new_arena(1 << 20);
	char *last = NULL;

	for (size_t align = 1; align <= page; align *= 2) {
		char *mem = memseal_arena_alloc(arena, 3, align);

		ck_assert_ptr_nonnull(mem);
		ck_assert_uint_eq((uintptr_t)mem % align, 0);
		ck_assert(is_full_of(mem, 3, 0));
		ck_assert(!last || mem >= last + 3);
		memset(mem, 1, 3);
		last = mem;
	}
	memseal_arena_free(arena);
}
END_TEST

START_TEST(wrong_arguments_are_refused)
{
	struct memseal_arena *arena = NULL;

	ck_assert_int_eq(memseal_arena_new(0, &arena), -EINVAL);
	ck_assert_int_eq(memseal_arena_new(SIZE_MAX, &arena), -ENOMEM);
	ck_assert_int_eq(memseal_arena_new(SIZE_MAX / 2, &arena), -ENOMEM);
	ck_assert_int_eq(memseal_arena_new(1, NULL), -EINVAL);
	ck_assert_ptr_null(arena);
	ck_assert_int_eq(memseal_arena_freeze(NULL), -EINVAL);
	memseal_arena_free(NULL);
	arena = new_arena(page);
	errno = 0;
	ck_assert_ptr_null(memseal_arena_alloc(arena, 0, 1));
	ck_assert_int_eq(errno, EINVAL);
	ck_assert_ptr_null(memseal_arena_alloc(arena, 1, 0));
	ck_assert_ptr_null(memseal_arena_alloc(arena, 1, 3));
	ck_assert_ptr_null(memseal_arena_alloc(arena, 1, 2 * page));
	ck_assert_int_eq(errno, EINVAL);
}
END_TEST

START_TEST(capacity_is_there_and_ends)
{
	struct memseal_arena *arena = new_arena(10 * page);
	volatile size_t huge = SIZE_MAX; /* which compilers warn of */

	for (unsigned i = 0; i < 10; i++)
		(void)fill(arena, page);
	while (memseal_arena_alloc(arena, 16, 16))
		;
	ck_assert_int_eq(errno, ENOMEM);
	ck_assert_ptr_null(memseal_arena_alloc(arena, huge, 1));
	ck_assert_int_eq(errno, ENOMEM);
}
END_TEST

START_TEST(freezing_keeps_bytes_and_gives_back_the_rest)
{
	struct memseal_arena *arena = new_arena(100 * page);
	char *mem = fill(arena, 3 * page);
	unsigned fds = count_fds();
	char *rest = (char *)arena + 5 * page;

	ck_assert_uint_eq(smaps_count(rest, page).mapped, page);
	ck_assert_int_eq(memseal_arena_freeze(arena), 0);
	ck_assert(is_full_of(mem, 3 * page, 'm'));
	ck_assert(is_held(arena, 4 * page));
	ck_assert_uint_eq(smaps_count(rest, page).mapped, 0);
	ck_assert_uint_eq(count_fds(), fds);
	ck_assert_ptr_null(memseal_arena_alloc(arena, 1, 1));
	ck_assert_int_eq(errno, EPERM);
	ck_assert_int_eq(memseal_arena_freeze(arena), 0);
	memseal_arena_free(arena);
	ck_assert(is_full_of(mem, 3 * page, 'm'));
}
END_TEST

START_TEST(a_forked_child_keeps_its_copy)
{
	struct memseal_arena *arena = new_arena(page);
	char *mem = fill(arena, 100), byte = 0;
	int go[2], done[2];
	pid_t pid;

	ck_assert_int_eq(pipe(go), 0);
	ck_assert_int_eq(pipe(done), 0);
	pid = fork();
	if (pid == 0) {
		(void)!read(go[0], &byte, 1);
		mem[0] = 'c'; /* after the parent's freeze */
		(void)!write(done[1], mem, 1);
		_exit(mem[1] == 'm' ? 0 : 1);
	}
	ck_assert_int_eq(memseal_arena_freeze(arena), 0);
	ck_assert_int_eq(write(go[1], "g", 1), 1);
	ck_assert_int_eq(read(done[0], &byte, 1), 1);
	ck_assert_int_eq(byte, 'c');
	ck_assert_int_eq(wait_for(pid), 0);
	ck_assert(is_full_of(mem, 100, 'm'));
}
END_TEST

static int write_through_proc(const char *mem)
{
	int fd = open("/proc/self/mem", O_RDWR | O_CLOEXEC);
	ssize_t n;

	ck_assert_int_ge(fd, 0);
	n = pwrite(fd, "x", 1, (off_t)(uintptr_t)mem);
	close(fd);
	return n == 1 ? 0 : -errno;
}

/* By a tracer: 0 if the byte is another one then, or what it is answered. */
static int poke(char *mem)
{
	const struct attack_target target = { .addr = page_down((uintptr_t)mem, page),
		.len = page,
		.page = page,
		.watched = page_down((uintptr_t)mem, page),
		.file = -1,
		.writable = -1 };
	struct attack_result result;
	size_t i = 0;

	while (strcmp(attack_catalogue[i].name, "ptrace-poke") != 0)
		i++;
	ck_assert_int_eq(attack_run(&attack_catalogue[i], &target, &result), 0);
	ck_assert_int_eq(result.self, result.error ? ATTACK_UNCHANGED : ATTACK_CHANGED);
	return result.error;
}

START_TEST(bytes_cannot_be_written_by_others)
{
	struct memseal_arena *arena = new_arena(page);
	char *mem = fill(arena, 100), *control = map_anon(1, READ_WRITE);
	int forced;

	ck_assert_int_eq(mprotect(control, page, PROT_READ), 0);
	forced = write_through_proc(
		control); /* a kernel may refuse it wherever it would be forced */
	ck_assert(forced == 0 || forced == -EIO);
	ck_assert_int_eq(memseal_range(control, page, MEMSEAL_MAPPING), 0);
	ck_assert_int_eq(write_through_proc(control), forced);
	ck_assert_int_eq(poke(control), 0);
	ck_assert_int_eq(write_through_proc(mem), 0);
	ck_assert_int_eq(poke(mem), 0);
	memset(mem, 'm', 100);
	ck_assert_int_eq(memseal_arena_freeze(arena), 0);
	ck_assert_int_eq(write_through_proc(mem), -EIO);
	ck_assert_int_eq(poke(mem), -EIO);
	ck_assert(is_full_of(mem, 100, 'm'));
}
END_TEST

/* What becomes of a process that is to be killed by a file that is too large. */
START_TEST(file_size_limit_is_an_error)
{
	struct memseal_arena *arena = new_arena(10 * page);
	char *mem = fill(arena, 5 * page);
	int r;

	limit_file_size(page);
	r = memseal_arena_freeze(arena);
	limit_file_size(RLIM_INFINITY);
	ck_assert_int_eq(r, -EFBIG);
	mem[0] = 'm';
	ck_assert_int_eq(memseal_arena_freeze(arena), 0);
	ck_assert(is_full_of(mem, 5 * page, 'm'));
}
END_TEST

/* Is this flag of the kernel's (proc_pid_smaps(5), VmFlags) set on the mapping there? */
static bool has_flag(const char *mem, const char *flag)
{
	FILE *file = fopen("/proc/self/smaps", "re");
	unsigned long start = 0, end = 0;
	bool found = false;
	char line[8192];

	ck_assert_ptr_nonnull(file);
	while (fgets(line, sizeof(line), file)) {
		if (strncmp(line, "VmFlags:", 8) == 0 && (uintptr_t)mem >= start &&
			(uintptr_t)mem < end)
			found = strstr(line, flag) != NULL;
		else if (line[0] < 'A' || line[0] > 'Z')
			ck_assert_int_eq(sscanf(line, "%lx-%lx ", &start, &end), 2);
	}
	fclose(file);
	return found;
}

START_TEST(what_is_locked_into_memory_stays_so)
{
	struct memseal_arena *arena = new_arena(10 * page), *control = new_arena(10 * page);
	char *mem = fill(arena, 3 * page), *other = fill(control, 3 * page);

	ck_assert_int_eq(mlock(mem, page), 0);
	ck_assert(has_flag(mem, " lo"));
	ck_assert_int_eq(memseal_arena_freeze(arena), 0);
	ck_assert_int_eq(memseal_arena_freeze(control), 0);
	ck_assert(has_flag(mem, " lo"));
	ck_assert(has_flag(mem + 2 * page, " lo"));
	ck_assert(!has_flag(other, " lo"));
	ck_assert(is_full_of(mem, 3 * page, 'm'));
}
END_TEST

/* As much as may be locked is: room for both at once is not needed, and what fails leaves it so. */
START_TEST(locked_memory_has_a_limit)
{
	struct rlimit limit = { .rlim_cur = 8 * page, .rlim_max = 8 * page };
	struct memseal_arena *arena = new_arena(7 * page);
	char *mem = fill(arena, 6 * page);
	int r;

	ck_assert_int_eq(setrlimit(RLIMIT_MEMLOCK, &limit), 0);
	if (getuid() == 0)
		ck_assert_int_eq(setresuid(65534, 65534, 65534), 0);
	ck_assert_int_eq(mlock(mem, 6 * page), 0);
	limit.rlim_cur = page;
	ck_assert_int_eq(setrlimit(RLIMIT_MEMLOCK, &limit), 0);
	ck_assert_int_eq(memseal_arena_freeze(arena), -ENOMEM);
	mem[0] = 'm';
	limit.rlim_cur = 8 * page;
	ck_assert_int_eq(setrlimit(RLIMIT_MEMLOCK, &limit), 0);
	ck_assert_int_eq(mlock(mem, 6 * page), 0);
	r = memseal_arena_freeze(arena);
	ck_assert_int_eq(r, 0);
	ck_assert(has_flag(mem, " lo"));
	ck_assert(is_full_of(mem, 6 * page, 'm'));
}
END_TEST

START_TEST(all_memory_may_be_locked)
{
	struct memseal_arena *arena;
	char *mem;

	ck_assert_int_eq(mlockall(MCL_CURRENT | MCL_FUTURE), 0);
	arena = new_arena(10 * page);
	mem = fill(arena, 3 * page);
	ck_assert_int_eq(memseal_arena_freeze(arena), 0);
	ck_assert(has_flag(mem, " lo"));
	ck_assert_int_eq(write_through_proc(mem), -EIO);
}
END_TEST

#define HUGE ((size_t)2 << 20)

START_TEST(huge_pages_are_frozen)
{
	struct memseal_arena *arena = new_arena(5 * HUGE);
	char *mem = memseal_arena_alloc(arena, 4 * HUGE, page);

	ck_assert_ptr_nonnull(mem);
	(void)madvise((void *)arena, 5 * HUGE, MADV_HUGEPAGE);
	memset(mem, 'm', 4 * HUGE);
	ck_assert_int_eq(memseal_arena_freeze(arena), 0);
	ck_assert(is_full_of(mem, 4 * HUGE, 'm'));
	ck_assert_int_eq(write_through_proc(mem), -EIO);
	ck_assert_int_eq(write_through_proc(mem + 4 * HUGE - 1), -EIO);
}
END_TEST

static void leave_proc(void)
{
	char dir[] = "arena-XXXXXX";

	ck_assert_ptr_nonnull(mkdtemp(dir));
	if (getuid() != 0)
		ck_assert_int_eq(unshare(CLONE_NEWUSER), 0);
	ck_assert_int_eq(chroot(dir), 0);
	ck_assert_int_eq(access("/proc", F_OK), -1);
}

/* mseal(2) does not need it either; what asks about mappings before a filter is installed does. */
START_TEST(without_proc)
{
	struct memseal_arena *arena = new_arena(10 * page), *other = new_arena(10 * page);
	char *mem = fill(arena, 3 * page), *more = fill(other, 3 * page);
	int fd = memfd_create("probe", MFD_ALLOW_SEALING | MFD_CLOEXEC);
	bool direct;

	ck_assert_int_eq(ftruncate(fd, (off_t)page), 0);
	ck_assert_int_eq(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), 0);
	direct = mmap(NULL, page, PROT_READ, MAP_SHARED, fd, 0) != MAP_FAILED;
	leave_proc();
	ck_assert_int_eq(memseal_arena_freeze(arena), direct && has_mseal ? 0 : -ENOENT);
	ck_assert(is_full_of(mem, 3 * page, 'm'));
	ck_assert_int_eq(mprotect(arena, page, READ_WRITE), direct && has_mseal ? -1 : 0);
	ck_assert_int_eq(memseal_filter_allow(MEMSEAL_EXEC_REFUSE), 0);
	ck_assert_int_eq(memseal_arena_freeze(other), -ENOENT);
	memset(more, 'n', 3 * page);
	ck_assert_int_eq(mprotect(other, page, PROT_READ), 0);
}
END_TEST

static int refuses(long nr, int error, bool consent)
{
	struct memseal_arena *arena;
	char *mem;
	int r;

	if (consent)
		ck_assert_int_eq(memseal_filter_allow(MEMSEAL_EXEC_REFUSE), 0);
	arena = new_arena(10 * page);
	mem = fill(arena, 3 * page);
	deny(nr, error);
	r = memseal_arena_freeze(arena);
	ck_assert(is_full_of(mem, 3 * page, 'm'));
	if (r == 0) {
		ck_assert_int_eq(mprotect(arena, page, READ_WRITE), -1);
		ck_assert_int_eq(write_through_proc(mem), -EIO);
		return 0;
	}
	memset(mem, 'm', 3 * page);
	ck_assert_ptr_nonnull(memseal_arena_alloc(arena, 16, 16));
	memseal_arena_free(arena);
	ck_assert_uint_eq(smaps_count(arena, 10 * page).mapped, 0);
	return r;
}

#ifdef SYS_fcntl64
#define FCNTL SYS_fcntl64
#else
#define FCNTL SYS_fcntl
#endif

static const struct {
	long nr;
	int error, expected, with_consent;
} refusals[] = {
	{ SYS_memfd_create, EPERM, -EPERM, -EPERM },
	{ SYS_memfd_create, ENOSYS, -EOPNOTSUPP, -EOPNOTSUPP },
	{ FCNTL, EPERM, -EPERM, -EPERM },
	{ FCNTL, ENOSYS, -EOPNOTSUPP, -EOPNOTSUPP },
	{ SYS_prlimit64, ENOSYS, -EOPNOTSUPP, -EOPNOTSUPP },
	{ SYS_pwrite64, ENOSYS, -EOPNOTSUPP, -EOPNOTSUPP },
	{ SYS_mseal, EPERM, -EOPNOTSUPP, 0 },
	{ SYS_mseal, ENOSYS, -EOPNOTSUPP, 0 },
	{ SYS_mremap, EPERM, 0, -EOPNOTSUPP },
	{ SYS_mremap, ENOSYS, 0, -EOPNOTSUPP },
	{ SYS_msync, ENOSYS, 0, 0 },
	{ SYS_madvise, EPERM, 0, 0 },
	{ SYS_seccomp, EPERM, 0, -EOPNOTSUPP },
};

START_TEST(a_filter_refuses_a_call)
{
	int r;

	if (!has_mseal)
		return; /* no arena at all */
	r = refuses(refusals[_i].nr, refusals[_i].error, false);
	ck_assert_int_eq(r, refusals[_i].expected);
}
END_TEST

START_TEST(a_filter_refuses_a_call_with_consent)
{
	ck_assert_int_eq(
		refuses(refusals[_i].nr, refusals[_i].error, true), refusals[_i].with_consent);
}
END_TEST

/* The filter cannot see what a ring does, and does not take it on. The kernel's seal does not mind.
 */
START_TEST(an_open_ring_counts_for_filters)
{
	struct io_uring_params params = { .flags = 0 };
	struct memseal_arena *arena = new_arena(10 * page), *other = new_arena(10 * page);
	char *mem = fill(arena, 3 * page), *more = fill(other, 3 * page);
	int ring = (int)syscall(SYS_io_uring_setup, 1, &params);

	ck_assert_int_ge(ring, 0);
	ck_assert_int_eq(memseal_arena_freeze(arena), has_mseal ? 0 : -EBUSY);
	ck_assert(is_full_of(mem, 3 * page, 'm'));
	ck_assert_int_eq(memseal_filter_allow(MEMSEAL_EXEC_REFUSE), 0);
	ck_assert_int_eq(memseal_arena_freeze(other), -EBUSY);
	memset(more, 'n', 3 * page);
	ck_assert_ptr_nonnull(memseal_arena_alloc(other, 16, 16));
	close(ring);
	ck_assert_int_eq(memseal_arena_freeze(other), 0);
	ck_assert(is_full_of(more, 3 * page, 'n'));
	ck_assert_int_eq(write_through_proc(more), -EIO);
}
END_TEST

static unsigned count_mappings(void)
{
	FILE *file = fopen("/proc/self/maps", "re");
	unsigned count = 0;
	char line[8192];

	while (fgets(line, sizeof(line), file))
		count++;
	fclose(file);
	return count;
}

static bool is_frozen(struct memseal_arena *arena, const char *mem)
{
	return mprotect(arena, page, PROT_READ) < 0 && munmap(arena, page) < 0 &&
	       write_through_proc(mem) == -EIO;
}

static const int errors[] = { ENOMEM, EINVAL, EPERM, EACCES, EAGAIN, ENOSYS, EBUSY, EMFILE };

/* In a child, as filters add up. True if the nth call was not made any more. */
static bool try_with_fault(unsigned long nth, int error)
{
	struct memseal_arena *arena = new_arena(10 * page);
	char *mem = fill(arena, 3 * page);
	unsigned fds = count_fds(), mappings = count_mappings();
	unsigned long made;
	int r;

	fault_arm(nth, error);
	r = memseal_arena_freeze(arena);
	made = fault_count();
	fault_arm(0, 0);
	ck_assert_uint_eq(count_fds(), fds);
	ck_assert(is_full_of(mem, 3 * page, 'm'));
	if (r == -ENOTRECOVERABLE) { /* a filter holds it, and then one more look failed */
		ck_assert(!has_mseal);
		ck_assert_int_eq(memseal_arena_freeze(arena), 0);
	} else if (r < 0) {
		ck_assert_msg(
			r == -error || r == -EOPNOTSUPP || r == -ENOMEM, "call %lu: %d", nth, r);
		/* What was put back is no longer one with the unused rest. */
		ck_assert(SANITIZED || count_mappings() <= mappings + 1);
		mem[5] = 'n';
		mem[5] = 'm';
		ck_assert_ptr_nonnull(memseal_arena_alloc(arena, 16, 16));
		ck_assert_int_eq(memseal_arena_freeze(arena), 0);
	}
	ck_assert(is_frozen(arena, mem));
	ck_assert(is_full_of(mem, 3 * page, 'm'));
	return nth > made;
}

static void walk(int error)
{
	if (is_slow_machine() && error != errors[0])
		return;
	for (unsigned long nth = 1;; nth++) {
		pid_t pid = fork();
		int status;

		if (pid == 0)
			_exit(try_with_fault(nth, error) ? 42 : 0);
		status = wait_for(pid);
		ck_assert_msg(status == 0 || status == 42, "call %lu failing with %d: %d", nth,
			error, status);
		if (status == 42) {
			ck_assert_uint_ge(nth, 15);
			return;
		}
	}
}

START_TEST(each_call_may_fail)
{
	walk(errors[_i]);
}
END_TEST

/* Not with EPERM: to mremap(2) it means "sealed", and no kernel says so once and then no longer. */
START_TEST(each_call_may_fail_with_consent)
{
	if (errors[_i] == EPERM)
		return;
	ck_assert_int_eq(memseal_filter_allow(MEMSEAL_EXEC_REFUSE), 0);
	walk(errors[_i]);
}
END_TEST

/*
 * Readers of whatever arena there is at the moment, by loads, and by a system call that copies from
 * it: in the midst of freezes, and of freezes that fail and are undone.
 */

#define READERS_MAX 8

/* Of either kind. An emulated machine has one processor, which more would take from the writer. */
static size_t readers(void)
{
	return is_slow_machine() ? 2 : READERS_MAX;
}

/* A window may be narrow. Each costs a filter where it has to; see tests/unit/content.c for more.
 */
static unsigned freezes(void)
{
	if (!has_mseal)
		return 40;
	return is_slow_machine() ? 200 : 2000;
}

static size_t extent(void)
{
	return 4 * page;
}

static bool stop;
static const volatile unsigned char *current;

static unsigned char byte_at(size_t i)
{
	return (unsigned char)(i * 7 + i / page + 1);
}

static bool is_right(const volatile unsigned char *mem)
{
	for (size_t i = 0; i < extent(); i += 61)
		if (mem[i] != byte_at(i))
			return false;
	return true;
}

static bool is_copied_right(int to, int from, const volatile unsigned char *mem)
{
	unsigned char bytes[64];

	for (size_t i = 0; i < extent(); i += page / 4) {
		if (write(to, (const void *)(mem + i), sizeof(bytes)) != sizeof(bytes) ||
			read(from, bytes, sizeof(bytes)) != sizeof(bytes))
			return false;
		for (size_t j = 0; j < sizeof(bytes); j++)
			if (bytes[j] != byte_at(i + j))
				return false;
	}
	return true;
}

static void *reader(void *arg)
{
	bool copies = (uintptr_t)arg % 2, right = true;
	int fds[2];

	if (pipe(fds) < 0)
		return arg;
	while (right && !__atomic_load_n(&stop, __ATOMIC_ACQUIRE)) {
		const volatile unsigned char *mem = __atomic_load_n(&current, __ATOMIC_ACQUIRE);

		if (mem)
			right = copies ? is_copied_right(fds[1], fds[0], mem) : is_right(mem);
	}
	return right ? NULL : arg;
}

static struct memseal_arena *publish(void)
{
	struct memseal_arena *arena = new_arena(extent() + page);
	unsigned char *mem = memseal_arena_alloc(arena, extent(), 64);

	ck_assert_ptr_nonnull(mem);
	for (size_t i = 0; i < extent(); i++)
		mem[i] = byte_at(i);
	__atomic_store_n(&current, mem, __ATOMIC_RELEASE);
	return arena;
}

START_TEST(readers_see_the_same_bytes)
{
	pthread_t threads[READERS_MAX];
	unsigned undone = 0;
	void *wrong;

	for (size_t i = 0; i < readers(); i++)
		ck_assert_int_eq(
			pthread_create(&threads[i], NULL, reader, (void *)(uintptr_t)(i + 1)), 0);
	for (unsigned round = 0; round < freezes(); round++) {
		struct memseal_arena *arena = publish();
		int r;

		fault_arm(round % 2 ? round / 2 % 24 : 0, ENOMEM);
		r = memseal_arena_freeze(arena);
		fault_arm(0, 0);
		undone += r == -ENOMEM;
		if (r < 0)
			r = memseal_arena_freeze(arena);
		ck_assert_int_eq(r, 0);
	}
	__atomic_store_n(&stop, true, __ATOMIC_RELEASE);
	for (size_t i = 0; i < readers(); i++) {
		ck_assert_int_eq(pthread_join(threads[i], &wrong), 0);
		ck_assert_ptr_null(wrong);
	}
	ck_assert_uint_ge(undone, freezes() / 10);
}
END_TEST

static TCase *arena_case(const char *name, void (*fixture)(void))
{
	TCase *cases = tcase_create(name);

	tcase_add_checked_fixture(cases, fixture, NULL);
	tcase_set_timeout(cases, 60);
	tcase_add_test(cases, allocations_are_zeroed_aligned_and_apart);
	tcase_add_test(cases, wrong_arguments_are_refused);
	tcase_add_test(cases, capacity_is_there_and_ends);
	tcase_add_test(cases, freezing_keeps_bytes_and_gives_back_the_rest);
	tcase_add_test(cases, a_forked_child_keeps_its_copy);
	tcase_add_test(cases, bytes_cannot_be_written_by_others);
	tcase_add_test(cases, file_size_limit_is_an_error);
	tcase_add_test(cases, huge_pages_are_frozen);
	if (!SANITIZED) { /* which locks nothing, and wants /proc at the end */
		tcase_add_test(cases, without_proc);
		tcase_add_test(cases, what_is_locked_into_memory_stays_so);
		tcase_add_test(cases, locked_memory_has_a_limit);
		tcase_add_test(cases, all_memory_may_be_locked);
	}
	tcase_add_loop_test(cases, a_filter_refuses_a_call, 0, COUNT(refusals));
	tcase_add_loop_test(cases, a_filter_refuses_a_call_with_consent, 0, COUNT(refusals));
	tcase_add_test(cases, an_open_ring_counts_for_filters);
	tcase_add_loop_test(cases, each_call_may_fail, 0, COUNT(errors));
	tcase_add_loop_test(cases, each_call_may_fail_with_consent, 0, COUNT(errors));
	tcase_add_test(cases, readers_see_the_same_bytes);
	return cases;
}

int main(void)
{
	Suite *suite = suite_create("arena");
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, arena_case("arena", setup));
	if (!is_slow_machine()) /* some of them have none */
		suite_add_tcase(suite, arena_case("arena without mseal", setup_without_mseal));
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
