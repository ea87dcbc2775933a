/* SPDX-License-Identifier: MIT */
/* Arenas: building, freezing, and what a frozen one answers, beside one that is not frozen. */
#include <fcntl.h>
#include <pthread.h>
#include <sys/resource.h>

#include <memseal.h>

#include "base/fault.h"
#include "helpers/memory.h"

static size_t page;

static void setup(void)
{
	page = page_size();
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

	for (unsigned i = 0; i < 10; i++)
		(void)fill(arena, page);
	while (memseal_arena_alloc(arena, 16, 16))
		;
	ck_assert_int_eq(errno, ENOMEM);
	ck_assert_ptr_null(memseal_arena_alloc(arena, SIZE_MAX, 1));
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
	ck_assert_uint_eq(smaps_sealed(arena, 4 * page), 4 * page);
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

START_TEST(bytes_cannot_be_written_by_proc)
{
	struct memseal_arena *arena = new_arena(page);
	char *mem = fill(arena, 100), *control = map_anon(1, READ_WRITE);

	ck_assert_int_eq(mprotect(control, page, PROT_READ), 0);
	ck_assert_int_eq(memseal_range(control, page, MEMSEAL_MAPPING), 0);
	ck_assert_int_eq(write_through_proc(control), 0);
	ck_assert_int_eq(write_through_proc(mem), 0);
	memset(mem, 'm', 100);
	ck_assert_int_eq(memseal_arena_freeze(arena), 0);
	ck_assert_int_eq(write_through_proc(mem), -EIO);
	ck_assert(is_full_of(mem, 100, 'm'));
}
END_TEST

/* What becomes of a process that is to be killed by a file that is too large. */
START_TEST(file_size_limit_is_an_error)
{
	struct rlimit limit = { .rlim_cur = page, .rlim_max = RLIM_INFINITY };
	struct memseal_arena *arena = new_arena(10 * page);
	char *mem = fill(arena, 5 * page);

	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	ck_assert_int_eq(memseal_arena_freeze(arena), -EFBIG);
	mem[0] = 'm';
	limit.rlim_cur = RLIM_INFINITY;
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	ck_assert_int_eq(memseal_arena_freeze(arena), 0);
	ck_assert(is_full_of(mem, 5 * page, 'm'));
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

/* Every system call fails once; afterwards the arena is as before, or frozen. */
static void walk(int error)
{
	for (unsigned long nth = 1;; nth++) {
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
		if (r < 0) {
			/* What was put back is no longer one with the unused rest. */
			ck_assert_uint_le(count_mappings(), mappings + 1);
			mem[5] = 'n';
			ck_assert_uint_eq(smaps_sealed(arena, 4 * page), 0);
			ck_assert_ptr_nonnull(memseal_arena_alloc(arena, 16, 16));
			ck_assert_int_eq(memseal_arena_freeze(arena), 0);
		}
		ck_assert_uint_eq(smaps_sealed(arena, 4 * page), 4 * page);
		ck_assert_int_eq(write_through_proc(mem), -EIO);
		if (nth > made)
			return;
	}
}

START_TEST(each_call_may_fail)
{
	walk(ENOMEM);
	walk(EINVAL);
}
END_TEST

static bool stop;

static void *reader(void *arg)
{
	const volatile char *mem = arg;

	while (!__atomic_load_n(&stop, __ATOMIC_ACQUIRE))
		for (size_t i = 0; i < 64 * page; i += 61)
			if (mem[i] != 'm')
				return arg;
	return NULL;
}

START_TEST(readers_see_the_same_bytes)
{
	for (unsigned round = 0; round < 20; round++) {
		struct memseal_arena *arena = new_arena(100 * page);
		char *mem = fill(arena, 64 * page);
		pthread_t threads[8];
		void *wrong;

		__atomic_store_n(&stop, false, __ATOMIC_RELEASE);
		for (unsigned i = 0; i < 8; i++)
			ck_assert_int_eq(pthread_create(&threads[i], NULL, reader, mem), 0);
		usleep(1000);
		ck_assert_int_eq(memseal_arena_freeze(arena), 0);
		usleep(1000);
		__atomic_store_n(&stop, true, __ATOMIC_RELEASE);
		for (unsigned i = 0; i < 8; i++) {
			ck_assert_int_eq(pthread_join(threads[i], &wrong), 0);
			ck_assert_ptr_null(wrong);
		}
	}
}
END_TEST

int main(void)
{
	TCase *cases = tcase_create("arena");
	Suite *suite = suite_create("arena");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(cases, setup, NULL);
	tcase_set_timeout(cases, 60);
	tcase_add_test(cases, allocations_are_zeroed_aligned_and_apart);
	tcase_add_test(cases, wrong_arguments_are_refused);
	tcase_add_test(cases, capacity_is_there_and_ends);
	tcase_add_test(cases, freezing_keeps_bytes_and_gives_back_the_rest);
	tcase_add_test(cases, a_forked_child_keeps_its_copy);
	tcase_add_test(cases, bytes_cannot_be_written_by_proc);
	tcase_add_test(cases, file_size_limit_is_an_error);
	tcase_add_test(cases, each_call_may_fail);
	tcase_add_test(cases, readers_see_the_same_bytes);
	suite_add_tcase(suite, cases);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
