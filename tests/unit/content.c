/* SPDX-License-Identifier: MIT */
/* The content lock by itself, with no mapping lock on top: what it holds, what it leaves as it was.
 */
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/resource.h>

#include "base/page.h"
#include "base/fault.h"
#include "base/sys.h"
#include "engine/content.h"
#include "helpers/memory.h"

#ifdef SYS_fcntl64
#define FCNTL SYS_fcntl64
#else
#define FCNTL SYS_fcntl
#endif
#ifdef SYS_ftruncate64
#define FTRUNCATE SYS_ftruncate64
#else
#define FTRUNCATE SYS_ftruncate
#endif
#ifdef SYS_mmap2
#define MMAP SYS_mmap2
#else
#define MMAP SYS_mmap
#endif

#define PAGES 16
#define SPANS 3

static size_t page;
static char *mem; /* PAGES, full of 'm' */
static struct prot_span spans[SPANS];

static void setup(void)
{
	uint64_t at;

	page = page_size();
	mem = map_anon(PAGES, READ_WRITE);
	memset(mem, 'm', PAGES * page);
	at = (uintptr_t)mem;
	spans[0] = (struct prot_span){ at, at + 2 * page, PROT_READ };
	spans[1] = (struct prot_span){ at + 5 * page, at + 6 * page, PROT_READ | PROT_EXEC };
	spans[2] = (struct prot_span){ at + 9 * page, at + 15 * page, PROT_READ };
}

static bool in_span(size_t nth)
{
	uint64_t at = (uintptr_t)mem + nth * page;

	for (size_t i = 0; i < SPANS; i++)
		if (at >= spans[i].start && at < spans[i].end)
			return true;
	return false;
}

static bool is_full_of(const char *at, size_t len, char byte)
{
	for (size_t i = 0; i < len; i++)
		if (at[i] != byte)
			return false;
	return true;
}

static void check_bytes(void)
{
	ck_assert(is_full_of(mem, PAGES * page, 'm'));
}

static int write_through_proc(const char *at)
{
	int fd = open("/proc/self/mem", O_RDWR | O_CLOEXEC);
	ssize_t n;

	ck_assert_int_ge(fd, 0);
	n = pwrite(fd, "m", 1, (off_t)(uintptr_t)at);
	close(fd);
	return n == 1 ? 0 : -errno;
}

/* Nobody can write to it, by any way; the protection is left alone. */
static bool is_locked(char *at)
{
	return sys_mprotect((uintptr_t)at, page, READ_WRITE) == -EACCES &&
	       write_through_proc(at) == -EIO;
}

/* Stores work, and reach nobody else. */
static bool is_plain(char *at)
{
	pid_t pid;

	*(volatile char *)at = 'm';
	pid = fork();
	if (pid == 0) {
		*at = 'x';
		_exit(0);
	}
	return wait_for(pid) == 0 && *at == 'm';
}

static void check_locked(void)
{
	check_bytes();
	for (size_t i = 0; i < PAGES; i++)
		ck_assert(in_span(i) ? is_locked(mem + i * page) : is_plain(mem + i * page));
}

static void check_plain(void)
{
	check_bytes();
	for (size_t i = 0; i < PAGES; i++)
		ck_assert(is_plain(mem + i * page));
}

static unsigned count_files(void)
{
	FILE *file = fopen("/proc/self/maps", "re");
	unsigned count = 0;
	char line[8192];

	ck_assert_ptr_nonnull(file);
	while (fgets(line, sizeof(line), file))
		count += strstr(line, "/memfd:memseal") != NULL;
	fclose(file);
	return count;
}

START_TEST(spans_are_locked_and_nothing_else)
{
	unsigned fds = count_fds();

	ck_assert_int_eq(content_lock(spans, SPANS, NULL), 0);
	check_locked();
	ck_assert_uint_eq(count_fds(), fds);
	ck_assert_uint_eq(count_files(), SPANS);
}
END_TEST

START_TEST(undone_it_is_as_before)
{
	struct content_backup backup;

	ck_assert_int_eq(content_lock(spans, SPANS, &backup), 0);
	check_locked();
	ck_assert_int_eq(content_rollback(spans, SPANS, &backup), 0);
	check_plain();
	/* And once more, for good. */
	ck_assert_int_eq(content_lock(spans, SPANS, &backup), 0);
	content_commit(&backup);
	check_locked();
	ck_assert_uint_eq(count_files(), SPANS);
}
END_TEST

static const unsigned char returns_42[] = {
#if defined(__x86_64__) || defined(__i386__)
	0xb8, 42, 0, 0, 0, 0xc3
#elif defined(__aarch64__)
	0x40, 0x05, 0x80, 0x52, 0xc0, 0x03, 0x5f, 0xd6
#elif defined(__arm__)
	0x2a, 0x00, 0xa0, 0xe3, 0x1e, 0xff, 0x2f, 0xe1
#elif defined(__riscv)
	0x13, 0x05, 0xa0, 0x02, 0x67, 0x80, 0x00, 0x00
#endif
};

/* MFD_NOEXEC_SEAL is about files that are executed, not about mappings. */
START_TEST(code_runs)
{
	char *code = mem + 5 * page;
	int (*fn)(void) = (int (*)(void))(uintptr_t)code;

	memcpy(code, returns_42, sizeof(returns_42));
	ck_assert_int_eq(content_lock(&spans[1], 1, NULL), 0);
	__builtin___clear_cache(code, code + sizeof(returns_42));
	ck_assert_int_eq(fn(), 42);
	ck_assert(is_locked(code));
}
END_TEST

/* Does this kernel map a write-sealed file that is open for writing? */
static bool maps_sealed_files(void)
{
	int fd = memfd_create("probe", MFD_ALLOW_SEALING | MFD_CLOEXEC);
	void *at;

	ck_assert_int_eq(ftruncate(fd, (off_t)page), 0);
	ck_assert_int_eq(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), 0);
	at = mmap(NULL, page, PROT_READ, MAP_SHARED, fd, 0);
	close(fd);
	return at != MAP_FAILED;
}

/* Which call asks whether a mapping can become writable: it may fail, and all goes well. */
static unsigned long find_probe(void)
{
	for (unsigned long nth = 1; nth < 20; nth++) {
		pid_t pid = fork();

		if (pid == 0) {
			fault_arm(nth, ENOTRECOVERABLE);
			_exit(content_lock(spans, SPANS, NULL) == 0 && fault_count() >= nth);
		}
		if (wait_for(pid) == 1)
			return nth;
	}
	ck_abort_msg("no call may fail");
}

/* On a kernel before 6.7, where mapping the descriptor itself does not do. */
static int lock_reopened(unsigned long probe)
{
	int r;

	fault_arm(probe, ENOTRECOVERABLE);
	r = content_lock(spans, SPANS, NULL);
	fault_arm(0, 0);
	return r;
}

/* Where the kernel takes nothing else, it is what the other tests do. */
START_TEST(reopened_for_reading_it_is_the_same)
{
	unsigned fds = count_fds();

	if (!maps_sealed_files())
		return;
	ck_assert_int_eq(lock_reopened(find_probe()), 0);
	check_locked();
	ck_assert_uint_eq(count_fds(), fds);
}
END_TEST

/* No /proc: an empty root, which the first process or a user namespace may change to. */
static void leave_proc(void)
{
	char dir[] = "content-XXXXXX";

	if (getuid() != 0)
		ck_assert_int_eq(unshare(CLONE_NEWUSER), 0);
	ck_assert_ptr_nonnull(mkdtemp(dir));
	ck_assert_int_eq(chroot(dir), 0);
	ck_assert_int_eq(rmdir(dir) == 0 || errno == ENOENT, 1);
	ck_assert_int_eq(access("/proc", F_OK), -1);
}

START_TEST(without_proc)
{
	bool direct = maps_sealed_files();
	unsigned long probe = direct ? find_probe() : 0;

	leave_proc();
	if (direct) {
		ck_assert_int_eq(lock_reopened(probe), -ENOENT);
		check_plain();
	}
	ck_assert_int_eq(content_lock(spans, SPANS, NULL), direct ? 0 : -ENOENT);
	check_bytes();
	ck_assert_int_eq(sys_mprotect((uintptr_t)mem, page, READ_WRITE), direct ? -EACCES : 0);
}
END_TEST

struct refusal {
	long nr;
	int answer, expected;
};

/* 0 with nothing done is a refusal as well. */
static const struct refusal refusals[] = {
	{ SYS_memfd_create, EPERM, -EPERM },
	{ SYS_memfd_create, ENOSYS, -EOPNOTSUPP },
	{ FCNTL, EPERM, -EPERM },
	{ FCNTL, 0, -EOPNOTSUPP },
	{ FTRUNCATE, 0, -EOPNOTSUPP },
	{ SYS_pwrite64, EPERM, -EPERM },
	{ MMAP, EPERM, -EPERM },
	{ MMAP, ENOMEM, -ENOMEM },
	{ SYS_prlimit64, EPERM, -EPERM },
};

START_TEST(a_filter_refuses_a_call)
{
	const struct refusal *refusal = &refusals[_i];
	struct content_backup backup;
	unsigned fds = count_fds();
	pid_t pid = fork();

	if (pid == 0) {
		deny(refusal->nr, refusal->answer);
		ck_assert_int_eq(content_lock(spans, SPANS, &backup), refusal->expected);
		check_bytes();
		memset(mem, 'm', PAGES * page);
		_exit(0);
	}
	ck_assert_int_eq(wait_for(pid), 0);
	ck_assert_uint_eq(count_fds(), fds);
}
END_TEST

/* What is locked stays locked. */
START_TEST(a_filter_refuses_to_undo)
{
	struct content_backup backup;

	ck_assert_int_eq(content_lock(spans, SPANS, &backup), 0);
	deny(MMAP, EPERM);
	ck_assert_int_eq(content_rollback(spans, SPANS, &backup), -EPERM);
	check_locked();
	ck_assert_uint_eq(count_files(), SPANS);
}
END_TEST

START_TEST(an_unreadable_page_is_an_error)
{
	ck_assert_int_eq(mprotect(mem + 10 * page, page, PROT_NONE), 0);
	ck_assert_int_eq(content_lock(spans, SPANS, NULL), -EFAULT);
	ck_assert_int_eq(mprotect(mem + 10 * page, page, READ_WRITE), 0);
	check_plain();
}
END_TEST

/* A span that is sealed refuses; those before it, which were read-only by then, are put back. */
START_TEST(a_sealed_span_refuses)
{
	struct content_backup backup;

	if (sys_mseal(0, 0, 0) == -ENOSYS)
		return;
	ck_assert_int_eq(sys_mseal(spans[1].start, page, 0), 0);
	ck_assert_int_eq(content_lock(spans, SPANS, &backup), -EPERM);
	check_plain();
	ck_assert_uint_eq(count_files(), 0);
}
END_TEST

START_TEST(sealed_on_top_it_cannot_be_undone)
{
	struct content_backup backup;

	if (sys_mseal(0, 0, 0) == -ENOSYS)
		return;
	ck_assert_int_eq(content_lock(&spans[2], 1, &backup), 0);
	ck_assert_int_eq(sys_mseal(spans[2].start, 6 * page, 0), 0);
	ck_assert_int_eq(content_rollback(&spans[2], 1, &backup), -EPERM);
	check_bytes();
	ck_assert_int_eq(write_through_proc(mem + 9 * page), -EIO);
	ck_assert_uint_eq(count_files(), 1);
}
END_TEST

/* Nothing is asserted meanwhile: Check writes a file then. */
static int lock_within(int resource, rlim_t value, struct content_backup *ret_backup)
{
	struct rlimit before, limit;
	int r;

	ck_assert_int_eq(getrlimit(resource, &before), 0);
	limit = before;
	limit.rlim_cur = value;
	setrlimit(resource, &limit);
	r = content_lock(spans, SPANS, ret_backup);
	setrlimit(resource, &before);
	return r;
}

START_TEST(address_space_may_end)
{
	struct content_backup backup;

	ck_assert_int_eq(lock_within(RLIMIT_AS, page, &backup), -ENOMEM);
	check_plain();
	ck_assert_int_eq(content_lock(spans, SPANS, &backup), 0);
	check_locked();
}
END_TEST

START_TEST(file_sizes_may_end)
{
	ck_assert_int_eq(lock_within(RLIMIT_FSIZE, 9 * page - 1, NULL), -EFBIG);
	check_plain();
	ck_assert_int_eq(lock_within(RLIMIT_FSIZE, 9 * page, NULL), 0);
	check_locked();
}
END_TEST

static void become_nobody(void)
{
	if (getuid() == 0)
		ck_assert_int_eq(setresuid(65534, 65534, 65534), 0);
}

/* In a child: everything it maps is locked from now on. */
START_TEST(all_memory_is_locked)
{
	ck_assert_int_eq(mlockall(MCL_FUTURE), 0);
	ck_assert_int_eq(content_lock(spans, SPANS, NULL), 0);
	check_locked();
}
END_TEST

START_TEST(too_much_memory_is_locked)
{
	struct content_backup backup;

	become_nobody();
	ck_assert_int_eq(mlockall(MCL_FUTURE), 0);
	ck_assert_int_eq(lock_within(RLIMIT_MEMLOCK, 4 * page, &backup), -EAGAIN);
	ck_assert_int_eq(munlockall(), 0);
	check_bytes();
	memset(mem, 'm', PAGES * page);
	ck_assert_int_eq(content_lock(spans, SPANS, &backup), 0);
	check_bytes();
}
END_TEST

static char *huge_memory(size_t len)
{
	size_t huge = (size_t)2 << 20;
	char *at = mmap(NULL, len + huge, READ_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	ck_assert_ptr_ne(at, MAP_FAILED);
	at += huge - (uintptr_t)at % huge;
	(void)madvise(at, len, MADV_HUGEPAGE);
	memset(at, 'h', len);
	return at;
}

/* A part of a huge page is locked: the rest of it stays as it was. */
START_TEST(huge_pages_are_cut)
{
	size_t len = (size_t)4 << 20;
	char *at = huge_memory(len);
	struct prot_span span = { (uintptr_t)at + page, (uintptr_t)at + len - page, PROT_READ };

	ck_assert_int_eq(content_lock(&span, 1, NULL), 0);
	ck_assert(is_full_of(at, len, 'h'));
	at[0] = at[len - 1] = 'x';
	ck_assert(is_locked(at + page));
}
END_TEST

/* What an administrator may demand of memfds: 0 nothing, 1 a default, 2 that they say so. */
static void demand_noexec(int level)
{
	int fd = open("/proc/sys/vm/memfd_noexec", O_WRONLY | O_CLOEXEC);

	if (fd < 0) {
		ck_assert_int_eq(errno, ENOENT); /* before Linux 6.3 */
		return;
	}
	ck_assert_int_eq(dprintf(fd, "%d", level), 1);
	close(fd);
	fd = memfd_create("control", MFD_CLOEXEC | 0x10U /* MFD_EXEC */);
	ck_assert_int_eq(fd < 0 ? -errno : 0, level == 2 ? -EACCES : 0);
}

/* In the first process of a namespace of process ids, which such demands are made of. */
static void in_namespace(int level)
{
	pid_t pid;

	ck_assert_int_eq(unshare(CLONE_NEWPID | (getuid() ? CLONE_NEWUSER : 0)), 0);
	pid = fork();
	if (pid == 0) {
		demand_noexec(level);
		ck_assert_int_eq(content_lock(spans, SPANS, NULL), 0);
		check_bytes();
		ck_assert_int_eq(sys_mprotect((uintptr_t)mem, page, READ_WRITE), -EACCES);
		_exit(0);
	}
	_exit(wait_for(pid));
}

START_TEST(files_may_have_to_be_no_programs)
{
	pid_t pid = fork();

	if (pid == 0)
		in_namespace(_i);
	ck_assert_int_eq(wait_for(pid), 0);
}
END_TEST

static const int errors[] = { ENOMEM, EINVAL, EPERM, EACCES, EAGAIN, ENOSYS, EBUSY, EMFILE };

/* The end of a walk: true if the nth call was not made any more. */
static bool try_with_fault(unsigned long nth, int error)
{
	unsigned fds = count_fds(), files;
	struct content_backup backup;
	unsigned long made;
	int r;

	fault_arm(nth, error);
	r = content_lock(spans, SPANS, &backup);
	made = fault_count();
	fault_arm(0, 0);
	ck_assert_uint_eq(count_fds(), fds + (r == 0));
	files = count_files();
	if (r < 0) {
		ck_assert(r == -error || r == -EOPNOTSUPP);
		check_plain();
		ck_assert_int_eq(content_lock(spans, SPANS, &backup), 0);
	} else {
		ck_assert_uint_eq(files, SPANS + 1);
	}
	check_locked();
	content_commit(&backup);
	ck_assert_uint_eq(count_files(), SPANS);
	return nth > made;
}

START_TEST(every_call_fails_once)
{
	if (is_slow_machine() && _i > 0)
		return;
	for (unsigned long nth = 1;; nth++) {
		pid_t pid = fork();
		int status;

		if (pid == 0)
			_exit(try_with_fault(nth, errors[_i]) ? 42 : 0);
		status = wait_for(pid);
		ck_assert_msg(status == 0 || status == 42, "call %lu failing with %d: %d", nth,
			errors[_i], status);
		if (status == 42) {
			ck_assert_uint_ge(nth, 10);
			return;
		}
	}
}
END_TEST

/*
 * Readers, by loads and by a system call that copies, of memory that is locked and unlocked all the
 * time: no moment without a mapping, none without its bytes.
 */

#define READERS_MAX 8

/* An emulated machine has one processor, which more would take from the writer. */
static size_t readers(void)
{
	return is_slow_machine() ? 2 : READERS_MAX;
}

static bool stop;

static bool is_right(int to, int from)
{
	char bytes[64];

	for (size_t i = 0; i < PAGES * page; i += 61)
		if (((volatile char *)mem)[i] != 'm')
			return false;
	for (size_t i = 0; i < PAGES * page; i += page)
		if (write(to, mem + i, sizeof(bytes)) != sizeof(bytes) ||
			read(from, bytes, sizeof(bytes)) != sizeof(bytes) ||
			!is_full_of(bytes, sizeof(bytes), 'm'))
			return false;
	return true;
}

static void *reader(void *arg)
{
	bool right = true;
	int fds[2];

	if (pipe(fds) < 0)
		return arg;
	while (right && !__atomic_load_n(&stop, __ATOMIC_ACQUIRE))
		right = is_right(fds[1], fds[0]);
	return right ? NULL : arg;
}

START_TEST(readers_see_the_same_bytes)
{
	pthread_t threads[READERS_MAX];
	struct content_backup backup;
	unsigned count = is_slow_machine() ? 200 : 2000; /* a window may be narrow */
	void *wrong;
	int r = 0;

	for (size_t i = 0; i < readers(); i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, reader, mem), 0);
	for (unsigned i = 0; r == 0 && i < count; i++) {
		r = content_lock(spans, SPANS, &backup);
		if (r == 0)
			r = content_rollback(spans, SPANS, &backup);
	}
	__atomic_store_n(&stop, true, __ATOMIC_RELEASE);
	for (size_t i = 0; i < readers(); i++) {
		ck_assert_int_eq(pthread_join(threads[i], &wrong), 0);
		ck_assert_ptr_null(wrong);
	}
	ck_assert_int_eq(r, 0);
}
END_TEST

int main(void)
{
	TCase *cases = tcase_create("content");
	Suite *suite = suite_create("content");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(cases, setup, NULL);
	tcase_set_timeout(cases, 60);
	tcase_add_test(cases, spans_are_locked_and_nothing_else);
	tcase_add_test(cases, undone_it_is_as_before);
	tcase_add_test(cases, code_runs);
	tcase_add_test(cases, reopened_for_reading_it_is_the_same);
	tcase_add_loop_test(
		cases, a_filter_refuses_a_call, 0, (int)(sizeof(refusals) / sizeof(refusals[0])));
	tcase_add_test(cases, an_unreadable_page_is_an_error);
	tcase_add_test(cases, a_sealed_span_refuses);
	tcase_add_test(cases, sealed_on_top_it_cannot_be_undone);
	tcase_add_test(cases, file_sizes_may_end);
	if (!SANITIZED) { /* which maps terabytes, locks nothing, and wants /proc and mmap at the
			     end */
		tcase_add_test(cases, a_filter_refuses_to_undo);
		tcase_add_test(cases, without_proc);
		tcase_add_test(cases, address_space_may_end);
		tcase_add_test(cases, all_memory_is_locked);
		tcase_add_test(cases, too_much_memory_is_locked);
	}
	tcase_add_test(cases, huge_pages_are_cut);
	tcase_add_loop_test(cases, files_may_have_to_be_no_programs, 0, 3);
	tcase_add_loop_test(
		cases, every_call_fails_once, 0, (int)(sizeof(errors) / sizeof(errors[0])));
	tcase_add_test(cases, readers_see_the_same_bytes);
	suite_add_tcase(suite, cases);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
