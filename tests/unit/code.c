/* SPDX-License-Identifier: MIT */
/*
 * Code regions: writing, publishing, running and changing code, in threads and in children, and
 * system calls that fail or are missing. Runs in guests too, whose caches are not coherent.
 */
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/personality.h>
#include <sys/resource.h>

#include "base/fault.h"
#include "helpers/code.h"
#include "helpers/limits.h"
#include "helpers/memory.h"

#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE 0x0010
#endif

static size_t page;

static void setup(void)
{
	page = page_bytes();
}

START_TEST(wrong_arguments_are_refused)
{
	struct memseal_code_opts opts = { .size = sizeof(opts), .mode = MEMSEAL_CODE_FLIP + 1 };
	struct memseal_code *code = NULL;
	char *fn;

	if (!use_engine(_i))
		return;
	ck_assert_int_eq(memseal_code_new(0, &code), -EINVAL);
	ck_assert_int_eq(memseal_code_new(1, NULL), -EINVAL);
	ck_assert_int_eq(memseal_code_new_opts(1, &opts, &code), -EINVAL);
	opts = (struct memseal_code_opts){ .size = 1 };
	ck_assert_int_eq(memseal_code_new_opts(1, &opts, &code), -EINVAL);
	ck_assert_int_eq(memseal_code_new(SIZE_MAX, &code), -ENOMEM);
	ck_assert_int_eq(memseal_code_new(SIZE_MAX / 2 + 1, &code), -ENOMEM);
	ck_assert_ptr_null(code);
	ck_assert_int_eq(memseal_code_publish(NULL, &opts, 1), -EINVAL);
	code = new_region(mode_of(_i), 4);
	errno = 0;
	ck_assert_ptr_null(memseal_code_alloc(code, 0, 1));
	ck_assert_int_eq(errno, EINVAL);
	ck_assert_ptr_null(memseal_code_alloc(code, 1, 0));
	ck_assert_ptr_null(memseal_code_alloc(code, 1, 3));
	ck_assert_ptr_null(memseal_code_alloc(code, 1, 2 * page));
	ck_assert_int_eq(errno, EINVAL);
	fn = memseal_code_alloc(code, 100, 16);
	ck_assert_int_eq(memseal_code_publish(code, fn, 0), -EINVAL);
	ck_assert_int_eq(memseal_code_publish(code, fn, 101), -EINVAL);
	ck_assert_int_eq(memseal_code_publish(code, fn - 1, 2), -EINVAL);
	ck_assert_int_eq(memseal_code_publish(code, fn, SIZE_MAX), -EINVAL);
	ck_assert_int_eq(memseal_code_publish(code, &opts, 1), -EINVAL);
	ck_assert_ptr_null(memseal_code_writable(code, fn + 100));
	ck_assert_int_eq(errno, EINVAL);
	ck_assert_ptr_null(memseal_code_writable(code, fn - 1));
	ck_assert_ptr_null(memseal_code_writable(code, &opts));
	ck_assert_ptr_nonnull(memseal_code_writable(code, fn + 99));
}
END_TEST

START_TEST(no_engine_is_an_error)
{
	struct memseal_code *code = NULL;
	bool has_mseal = sys_mseal(0, 0, 0) == 0;

	ck_assert_int_eq(memseal_code_new(1, &code), has_mseal ? 0 : -EOPNOTSUPP);
	ck_assert_int_eq(memseal_filter_allow(MEMSEAL_EXEC_REFUSE), 0);
	ck_assert_int_eq(memseal_code_new(1, &code), 0);
	ck_assert_int_eq(memseal_code_mode(code), MEMSEAL_CODE_DUAL);
}
END_TEST

START_TEST(allocations_are_zeroed_aligned_and_apart)
{
	struct memseal_code *code;
	char *last = NULL;

	if (!use_engine(_i))
		return;
	code = new_region(mode_of(_i), 40);
	for (size_t align = 1; align <= page; align *= 2) {
		char *fn = memseal_code_alloc(code, 3, align);
		const char *bytes = memseal_code_writable(code, fn);

		ck_assert_ptr_nonnull(fn);
		ck_assert_uint_eq((uintptr_t)fn % align, 0);
		ck_assert(!last || fn >= last + (mode_of(_i) == MEMSEAL_CODE_FLIP ? page : 3));
		ck_assert_int_eq(bytes[0] | bytes[1] | bytes[2], 0);
		memset(memseal_code_writable(code, fn), 1, 3);
		last = fn;
	}
}
END_TEST

START_TEST(capacity_is_there_and_ends)
{
	volatile size_t huge = SIZE_MAX; /* which compilers warn of */
	struct memseal_code *code;

	if (!use_engine(_i))
		return;
	code = new_region(mode_of(_i), 10);
	ck_assert_ptr_null(memseal_code_alloc(code, 10 * page + 1, 1));
	ck_assert_int_eq(errno, ENOMEM);
	for (unsigned i = 0; i < 10; i++)
		memset(memseal_code_writable(code, memseal_code_alloc(code, page, 1)), 1, page);
	ck_assert_ptr_null(memseal_code_alloc(code, 1, 1));
	ck_assert_int_eq(errno, ENOMEM);
	ck_assert_ptr_null(memseal_code_alloc(code, huge, 1));
}
END_TEST

START_TEST(code_runs)
{
	struct memseal_code *code;

	if (!use_engine(_i))
		return;
	code = new_region(mode_of(_i), NUMBERS);
	for (unsigned number = 0; number < 20; number++)
		ck_assert_int_eq(run_code(new_function(code, number)), (int)number);
}
END_TEST

static uint64_t held(const void *addr, size_t len)
{
	struct memseal_status status = { .size = sizeof(status) };

	ck_assert_int_eq(memseal_query(addr, len, &status), 0);
	return status.kernel | status.filter;
}

/* What memseal_query() can see: on pages that a filter holds, not the kernel's seal. */
static void assert_held(const void *addr, size_t len)
{
	ck_assert_uint_eq(held(addr, len) & MEMSEAL_MAPPING, MEMSEAL_MAPPING);
}

START_TEST(protection_of_two_views)
{
	struct memseal_code *code;
	char *exec, *write;

	if (!use_engine(_i))
		return;
	code = new_region(MEMSEAL_CODE_DUAL, 4);
	exec = memseal_code_alloc(code, 4 * page, page);
	write = memseal_code_writable(code, exec);
	assert_prot(exec, 4 * page, "r-xs");
	assert_prot(write, 4 * page, "rw-s");
	assert_held(exec, 4 * page);
	assert_held(write, 4 * page);
	put_code(write, 5);
	ck_assert_int_eq(memseal_code_publish(code, exec, CODE_SIZE), 0);
	assert_prot(exec, 4 * page, "r-xs");
	assert_prot(write, 4 * page, "rw-s");
	ck_assert_int_eq(run_code(exec), 5);
}
END_TEST

START_TEST(protection_of_one_view)
{
	struct memseal_code *code;
	char *fn, *next;

	if (!use_engine(_i))
		return;
	code = new_region(MEMSEAL_CODE_FLIP, 4);
	fn = memseal_code_alloc(code, page + CODE_SIZE, 16);
	next = memseal_code_alloc(code, CODE_SIZE, 16);
	ck_assert_ptr_eq(next, fn + 2 * page);
	ck_assert_ptr_eq(memseal_code_writable(code, fn), fn);
	assert_prot(fn, 4 * page, "rw-p");
	ck_assert_uint_eq(held(fn, 4 * page), 0);
	put_code(fn + page, 6);
	ck_assert_int_eq(memseal_code_publish(code, fn, page + CODE_SIZE), 0);
	assert_prot(fn, 2 * page, "r-xs");
	assert_held(fn, 2 * page);
	assert_prot(next, 2 * page, "rw-p");
	ck_assert_uint_eq(held(next, 2 * page), 0);
	ck_assert_int_eq(run_code(fn + page), 6);
	errno = 0;
	ck_assert_ptr_null(memseal_code_writable(code, fn));
	ck_assert_int_eq(errno, EPERM);
	ck_assert_ptr_eq(memseal_code_writable(code, next), next);
	ck_assert_int_eq(memseal_code_publish(code, fn, 1), 0);
	ck_assert_int_eq(memseal_code_publish(code, fn, 2 * page + 1), -EALREADY);
	put_code(next, 7);
	ck_assert_int_eq(memseal_code_publish(code, next, CODE_SIZE), 0);
	ck_assert_int_eq(run_code(next), 7);
	ck_assert_int_eq(run_code(fn + page), 6);
}
END_TEST

static void store(char *at)
{
	*(volatile char *)at = 1;
}

/* What becomes of a child that writes there. */
static int written_by_child(char *at)
{
	pid_t pid = fork();

	if (pid == 0) {
		signal(SIGSEGV, SIG_DFL); /* a sanitizer has a handler of its own */
		store(at);
		_exit(0);
	}
	return exit_status(pid);
}

START_TEST(published_addresses_are_not_written_to)
{
	struct memseal_code *code;
	char *control =
		mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (!use_engine(_i))
		return;
	code = new_region(mode_of(_i), 4);
	ck_assert_int_eq(written_by_child(control), 0);
	ck_assert_int_eq(written_by_child(new_function(code, 1)), 128 + SIGSEGV);
}
END_TEST

START_TEST(code_is_changed)
{
	struct memseal_code *code;
	char *fn;

	if (!use_engine(_i))
		return;
	code = new_region(MEMSEAL_CODE_DUAL, 1);
	fn = new_function(code, 0);
	for (unsigned number = 1; number < NUMBERS; number++) {
		put_code(memseal_code_writable(code, fn), number);
		ck_assert_int_eq(memseal_code_publish(code, fn, CODE_SIZE), 0);
		ck_assert_int_eq(run_code(fn), (int)number);
	}
	(void)read_maps(NULL, 0);
}
END_TEST

/* Who knows where code is executed does not know where it is written. */
START_TEST(views_lie_apart)
{
	struct memseal_code *code[2];
	intptr_t apart[2];

	if (sizeof(void *) < 8 || !use_engine(_i))
		return;
	for (unsigned i = 0; i < 2; i++) {
		char *exec;

		code[i] = new_region(MEMSEAL_CODE_DUAL, 1);
		exec = memseal_code_alloc(code[i], page, 1);
		apart[i] = (char *)memseal_code_writable(code[i], exec) - exec;
		if (apart[i] < 0)
			apart[i] = -apart[i];
		ck_assert_int_gt(apart[i], 16 << 20);
	}
	ck_assert_int_ne(apart[0], apart[1]);
}
END_TEST

/* Threads that publish functions of their own and run those of all. */

#define THREADS 8
#define ROUNDS  5

static struct memseal_code *shared;
static char *functions[THREADS * ROUNDS];

static void *publisher(void *arg)
{
	size_t self = (size_t)(uintptr_t)arg;

	for (size_t round = 0; round < ROUNDS; round++) {
		size_t own = self * ROUNDS + round;

		__atomic_store_n(
			&functions[own], new_function(shared, (unsigned)own), __ATOMIC_RELEASE);
		for (size_t i = 0; i < THREADS * ROUNDS; i++) {
			char *fn = __atomic_load_n(&functions[i], __ATOMIC_ACQUIRE);

			if (fn && run_code(fn) != (int)i)
				return arg ? arg : functions;
		}
	}
	return NULL;
}

START_TEST(threads_publish_and_run)
{
	pthread_t threads[THREADS];
	void *wrong;

	if (!use_engine(_i))
		return;
	shared = new_region(mode_of(_i), THREADS * ROUNDS);
	for (size_t i = 0; i < THREADS; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, publisher, (void *)i), 0);
	for (size_t i = 0; i < THREADS; i++) {
		ck_assert_int_eq(pthread_join(threads[i], &wrong), 0);
		ck_assert_ptr_null(wrong);
	}
	for (size_t i = 0; i < THREADS * ROUNDS; i++)
		ck_assert_int_eq(run_code(functions[i]), (int)i);
	(void)read_maps(NULL, 0);
}
END_TEST

/* One thread changes a function, another, which makes no system call meanwhile, runs it. */

#define CHANGES 40

static char *changing;
static unsigned turn; /* even: it may be changed; odd: it may be run */

static void *runner(void *arg)
{
	void *wrong = NULL;

	for (unsigned i = 0; i < CHANGES; i++) {
		while (__atomic_load_n(&turn, __ATOMIC_ACQUIRE) != 2 * i + 1)
			;
		if (run_code(changing) != (int)i)
			wrong = arg;
		__atomic_store_n(&turn, 2 * i + 2, __ATOMIC_RELEASE);
	}
	return wrong;
}

START_TEST(changes_reach_other_threads)
{
	pthread_t thread;
	void *wrong;

	if (!use_engine(_i))
		return;
	shared = new_region(MEMSEAL_CODE_DUAL, 1);
	changing = memseal_code_alloc(shared, CODE_SIZE, 16);
	ck_assert_int_eq(pthread_create(&thread, NULL, runner, shared), 0);
	for (unsigned i = 0; i < CHANGES; i++) {
		put_code(memseal_code_writable(shared, changing), i);
		ck_assert_int_eq(memseal_code_publish(shared, changing, CODE_SIZE), 0);
		__atomic_store_n(&turn, 2 * i + 1, __ATOMIC_RELEASE);
		while (__atomic_load_n(&turn, __ATOMIC_ACQUIRE) != 2 * i + 2)
			sched_yield();
	}
	ck_assert_int_eq(pthread_join(thread, &wrong), 0);
	ck_assert_ptr_null(wrong);
}
END_TEST

/* Children. */

/* Memory of a child's own goes wherever the kernel finds room, and is its own. */
static int use_memory(void)
{
	for (unsigned i = 0; i < 64; i++) {
		char *mem = mmap(NULL, 4 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		if (mem == MAP_FAILED || mprotect(mem, 4 * page, PROT_READ | PROT_WRITE))
			return 1;
		mem[0] = 1;
		if (i % 2 && munmap(mem, 4 * page))
			return 2;
	}
	return 0;
}

static int answer_of(const void *ret)
{
	return ret ? 0 : errno;
}

START_TEST(children_cannot_change_two_views)
{
	struct memseal_code *code;
	char *first, *second, *view, byte = 0;
	int go[2];
	pid_t pid;

	if (!use_engine(_i))
		return;
	code = new_region(MEMSEAL_CODE_DUAL, 4);
	first = new_function(code, 1);
	second = memseal_code_alloc(code, CODE_SIZE, 16);
	view = memseal_code_writable(code, first);
	ck_assert_int_eq(pipe(go), 0);
	pid = fork();
	if (pid == 0) {
		assert_prot(first, 4 * page, "r-xs");
		assert_prot(view, 4 * page, "---p");
		ck_assert_int_eq(answer_of(memseal_code_alloc(code, 1, 1)), ENXIO);
		ck_assert_int_eq(answer_of(memseal_code_writable(code, first)), ENXIO);
		ck_assert_int_eq(memseal_code_publish(code, first, CODE_SIZE), -ENXIO);
		ck_assert_int_eq(use_memory(), 0);
		ck_assert_int_eq(run_code(first), 1);
		(void)!read(go[0], &byte, 1);
		_exit(run_code(second)); /* the parent's, of later */
	}
	put_code(memseal_code_writable(code, second), 77);
	ck_assert_int_eq(memseal_code_publish(code, second, CODE_SIZE), 0);
	ck_assert_int_eq(view[0], first[0]);
	ck_assert_int_eq((int)write(go[1], "g", 1), 1);
	ck_assert_int_eq(exit_status(pid), 77);
	ck_assert_int_eq(written_by_child(view), 128 + SIGSEGV);
	ck_assert_int_eq(run_code(first), 1);
}
END_TEST

/* fork(2) itself, past the C library: a hole. */
START_TEST(raw_children_have_no_view_to_write_to)
{
	struct memseal_code *code;
	char *fn, *write;
	pid_t pid;

	if (!use_engine(_i))
		return;
	code = new_region(MEMSEAL_CODE_DUAL, 4);
	fn = new_function(code, 42);
	write = memseal_code_writable(code, fn);
	assert_prot(write, page, "rw-s");
	pid = sys_fork(SIGCHLD);
	if (pid == 0) {
		assert_prot(write, page, "");
		_exit(run_code(fn));
	}
	ck_assert_int_eq(exit_status(pid), 42);
}
END_TEST

START_TEST(children_have_a_copy_of_one_view)
{
	struct memseal_code *code;
	char *first, *second;
	pid_t pid;

	if (!use_engine(_i))
		return;
	code = new_region(MEMSEAL_CODE_FLIP, 4);
	first = new_function(code, 1);
	second = memseal_code_alloc(code, CODE_SIZE, 16);
	put_code(second, 2);
	pid = fork();
	if (pid == 0) {
		put_code(second, 3);
		ck_assert_int_eq(memseal_code_publish(code, second, CODE_SIZE), 0);
		ck_assert_int_eq(run_code(new_function(code, 4)), 4);
		_exit(run_code(first) + run_code(second));
	}
	ck_assert_int_eq(exit_status(pid), 4);
	ck_assert_int_eq(memseal_code_publish(code, second, CODE_SIZE), 0);
	ck_assert_int_eq(run_code(second), 2);
}
END_TEST

/* What may be missing. */

START_TEST(readable_memory_must_not_be_executable)
{
	struct memseal_code *code = NULL;
	int persona = personality(0xffffffff);

	if (!use_engine(_i))
		return;
	ck_assert_int_ge(personality((unsigned)persona | READ_IMPLIES_EXEC), 0);
	ck_assert_int_eq(memseal_code_new(1, &code), -EPERM);
	ck_assert_ptr_null(code);
	ck_assert_int_ge(personality((unsigned)persona), 0);
	ck_assert_int_eq(memseal_code_new(1, &code), 0);
}
END_TEST

#ifdef SYS_fcntl64
#define FCNTL SYS_fcntl64
#else
#define FCNTL SYS_fcntl
#endif

/* A kernel before 5.1. */
START_TEST(without_the_seal_there_is_one_view)
{
	struct memseal_code_opts opts = { .size = sizeof(opts), .mode = MEMSEAL_CODE_DUAL };
	struct memseal_code *code = NULL;
	unsigned lines, files;

	if (!use_engine(_i))
		return;
	refuse_call(FCNTL, 2, F_SEAL_FUTURE_WRITE, EINVAL);
	files = open_files();
	lines = read_maps(NULL, 0).count;
	ck_assert_int_eq(memseal_code_new_opts(page, &opts, &code), -EOPNOTSUPP);
	ck_assert_ptr_null(code);
	ck_assert_uint_eq(read_maps(NULL, 0).count, lines);
	ck_assert_int_eq(memseal_code_new(4 * page, &code), 0);
	ck_assert_uint_eq(open_files(), files);
	ck_assert_int_eq(memseal_code_mode(code), MEMSEAL_CODE_FLIP);
	ck_assert_int_eq(run_code(new_function(code, 9)), 9);
}
END_TEST

START_TEST(without_membarrier)
{
	struct memseal_code *code = NULL;
	pid_t pid;

	if (!use_engine(_i))
		return;
	pid = fork();
	if (pid == 0) {
		refuse_call(SYS_membarrier, 0, 0, EPERM);
		ck_assert_int_eq(memseal_code_new(1, &code), -EPERM);
		_exit(0);
	}
	ck_assert_int_eq(exit_status(pid), 0);
	refuse_call(SYS_membarrier, 0, 0, ENOSYS);
	code = new_region(mode_of(_i), 4);
	ck_assert_int_eq(run_code(new_function(code, 9)), 9);
}
END_TEST

START_TEST(file_size_limit_is_an_error)
{
	struct memseal_code_opts opts = { .size = sizeof(opts), .mode = mode_of(_i) };
	struct memseal_code *code = NULL;
	int more, less;
	char *fn;

	if (!use_engine(_i))
		return;
	if (mode_of(_i) == MEMSEAL_CODE_DUAL) {
		limit_file_size(3 * page);
		more = memseal_code_new_opts(4 * page, &opts, &code);
		less = memseal_code_new_opts(3 * page, &opts, &code);
		limit_file_size(RLIM_INFINITY);
		ck_assert_int_eq(more, -EFBIG);
		ck_assert_int_eq(less, 0);
		return;
	}
	ck_assert_int_eq(memseal_code_new_opts(4 * page, &opts, &code), 0);
	fn = memseal_code_alloc(code, 4 * page, 1);
	put_code(memseal_code_writable(code, fn), 8);
	limit_file_size(3 * page);
	more = memseal_code_publish(code, fn, 4 * page);
	limit_file_size(RLIM_INFINITY);
	ck_assert_int_eq(more, -EFBIG);
	ck_assert_ptr_eq(memseal_code_writable(code, fn), fn);
	limit_file_size(3 * page);
	less = memseal_code_publish(code, fn, CODE_SIZE);
	limit_file_size(RLIM_INFINITY);
	ck_assert_int_eq(less, 0);
	ck_assert_int_eq(run_code(fn), 8);
}
END_TEST

/* systemd's LockPersonality= has a filter that refuses to say what the personality is. */
START_TEST(personality_is_not_told)
{
	struct memseal_code *code;

	if (!use_engine(_i))
		return;
	refuse_call(SYS_personality, 0, 0, EPERM);
	ck_assert_int_eq(personality(0xffffffff), -1);
	code = new_region(mode_of(_i), 4);
	ck_assert_int_eq(run_code(new_function(code, 3)), 3);
}
END_TEST

/* System calls that fail, each in turn and in a child. */

struct walk {
	int run, error;
	unsigned long nth;
};

/*
 * Errors that a function may answer with when a call of it fails with this one; -ENOTRECOVERABLE
 * where what comes after the filter fails: then the pages are published.
 */
static bool is_documented(int r, int error)
{
	return r == -error || r == -EOPNOTSUPP || r == -ENOMEM || r == -EPERM ||
	       r == -ENOTRECOVERABLE;
}

/*
 * 42 if so many calls are not made. What an engine holds when a later call fails cannot be taken
 * back: one of two views, by the kernel; both, by a filter that is installed before the kernel is
 * asked. It is never both writable and executable.
 */
static int try_new(const struct walk *walk)
{
	struct memseal_code_opts opts = { .size = sizeof(opts), .mode = mode_of(walk->run) };
	unsigned files = open_files(), lines = read_maps(NULL, 0).count;
	struct memseal_code *code = NULL;
	unsigned long made;
	int r;

	fault_arm(walk->nth, walk->error);
	r = memseal_code_new_opts(4 * page, &opts, &code);
	made = fault_count();
	fault_arm(0, 0);
	ck_assert_uint_eq(open_files(), files);
	if (r < 0) {
		ck_assert_msg(is_documented(r, walk->error), "call %lu: %d", walk->nth, r);
		ck_assert_ptr_null(code);
		ck_assert_uint_le(read_maps(NULL, 0).count, lines + 2);
		code = new_region(opts.mode, 4);
	}
	ck_assert_int_eq(run_code(new_function(code, 3)), 3);
	return made < walk->nth ? 42 : 0;
}

static int try_publish(const struct walk *walk)
{
	struct memseal_code *code = new_region(mode_of(walk->run), 4);
	char *fn = memseal_code_alloc(code, 2 * page, 16);
	unsigned files = open_files(), lines = read_maps(NULL, 0).count;
	unsigned long made;
	int r;

	put_code(memseal_code_writable(code, fn), 4);
	fault_arm(walk->nth, walk->error);
	r = memseal_code_publish(code, fn, 2 * page);
	made = fault_count();
	fault_arm(0, 0);
	ck_assert_uint_eq(open_files(), files);
	ck_assert_uint_le(read_maps(NULL, 0).count, lines + 1);
	if (r < 0) {
		ck_assert_msg(is_documented(r, walk->error), "call %lu: %d", walk->nth, r);
		if (memseal_code_writable(code, fn))
			put_code(memseal_code_writable(code, fn), 5);
		ck_assert_int_eq(memseal_code_publish(code, fn, 2 * page), 0);
		r = 1;
	}
	assert_prot(fn, 2 * page, "r-xs");
	assert_held(fn, 2 * page);
	ck_assert(run_code(fn) == 4 || (r == 1 && run_code(fn) == 5));
	return made < walk->nth ? 42 : 0;
}

/* On a slow machine every third call in one run, the others in the next ones. */
static void walk(int run, int error, int (*attempt)(const struct walk *))
{
	unsigned long step = is_slow_machine() ? 3 : 1;

	for (unsigned long nth = 1 + (unsigned)run % step; nth < 500; nth += step) {
		const struct walk walk = { run, error, nth };
		pid_t pid = fork();
		int status;

		if (pid == 0)
			_exit(use_engine(run) ? attempt(&walk) : 42);
		status = exit_status(pid);
		ck_assert_msg(status == 0 || status == 42, "run %d, call %lu failing with %d: %d",
			run, nth, error, status);
		if (status == 42)
			return;
	}
	ck_abort_msg("too many system calls");
}

START_TEST(each_call_of_new_may_fail)
{
	walk(_i, ENOMEM, try_new);
	if (!is_slow_machine())
		walk(_i, EINVAL, try_new);
}
END_TEST

START_TEST(each_call_of_publish_may_fail)
{
	walk(_i, ENOMEM, try_publish);
	if (!is_slow_machine())
		walk(_i, EINVAL, try_publish);
}
END_TEST

int main(void)
{
	TCase *cases = tcase_create("code");
	Suite *suite = suite_create("code");
	SRunner *runs = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(cases, setup, NULL);
	tcase_set_timeout(cases, 60);
	tcase_add_loop_test(cases, wrong_arguments_are_refused, 0, RUNS);
	tcase_add_test(cases, no_engine_is_an_error);
	tcase_add_loop_test(cases, allocations_are_zeroed_aligned_and_apart, 0, RUNS);
	tcase_add_loop_test(cases, capacity_is_there_and_ends, 0, RUNS);
	tcase_add_loop_test(cases, code_runs, 0, RUNS);
	tcase_add_loop_test(cases, protection_of_two_views, 0, RUNS);
	tcase_add_loop_test(cases, protection_of_one_view, 0, RUNS);
	tcase_add_loop_test(cases, published_addresses_are_not_written_to, 0, RUNS);
	tcase_add_loop_test(cases, code_is_changed, 0, RUNS);
	tcase_add_loop_test(cases, views_lie_apart, 0, RUNS);
	tcase_add_loop_test(cases, threads_publish_and_run, 0, RUNS);
	tcase_add_loop_test(cases, changes_reach_other_threads, 0, RUNS);
	tcase_add_loop_test(cases, children_cannot_change_two_views, 0, RUNS);
	tcase_add_loop_test(cases, raw_children_have_no_view_to_write_to, 0, RUNS);
	tcase_add_loop_test(cases, children_have_a_copy_of_one_view, 0, RUNS);
	tcase_add_loop_test(cases, readable_memory_must_not_be_executable, 0, RUNS);
	tcase_add_loop_test(cases, without_the_seal_there_is_one_view, 0, RUNS);
	tcase_add_loop_test(cases, without_membarrier, 0, RUNS);
	tcase_add_loop_test(cases, personality_is_not_told, 0, RUNS);
	tcase_add_loop_test(cases, file_size_limit_is_an_error, 0, RUNS);
	tcase_add_loop_test(cases, each_call_of_new_may_fail, 0, RUNS);
	tcase_add_loop_test(cases, each_call_of_publish_may_fail, 0, RUNS);
	suite_add_tcase(suite, cases);
	srunner_run_all(runs, CK_ENV);
	failed = srunner_ntests_failed(runs);
	srunner_free(runs);
	return failed != 0;
}
