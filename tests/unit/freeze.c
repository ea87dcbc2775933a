/* SPDX-License-Identifier: MIT */
/*
 * Freezing under attack, at limits, and cut off by fork(2): what is reported as frozen is, and what
 * is not is as it was. Arenas, marked variables and code that is published in one view.
 */
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/resource.h>

#include <memseal-globals.h>

#include "base/fault.h"
#include "base/page.h"
#include "engine/content.h"
#include "helpers/memory.h"

static size_t page;

static void setup(void)
{
	page = page_size();
	if (syscall(SYS_mseal, 0, 0, 0) != 0)
		ck_assert_int_eq(memseal_filter_allow(MEMSEAL_EXEC_REFUSE), 0);
}

#define BYTES ((size_t)3000)

static bool is_full_of(const char *mem, size_t len, char byte)
{
	for (size_t i = 0; i < len; i++)
		if (mem[i] != byte)
			return false;
	return true;
}

/*
 * One object of each kind, made, written and frozen. It lies alone on its pages, from its first
 * byte on.
 */
struct kind {
	const char *name;
	void (*make)(void); /* sets base and mem */
	int (*freeze)(void);
};

static char *base; /* the first page */
static char *mem;  /* BYTES, full of 'm' */

static struct memseal_arena *arena;

static void make_arena(void)
{
	ck_assert_int_eq(memseal_arena_new(10 * page, &arena), 0);
	base = (char *)arena;
	mem = memseal_arena_alloc(arena, BYTES, 16);
	memset(mem, 'm', BYTES);
}

static int freeze_arena(void)
{
	return memseal_arena_freeze(arena);
}

MEMSEAL_RO_AFTER_INIT static char variable[BYTES];

static void make_globals(void)
{
	base = mem = variable;
	memset(mem, 'm', BYTES);
}

static int freeze_globals(void)
{
	return memseal_globals_freeze();
}

static struct memseal_code *code;

static void make_code(void)
{
	const struct memseal_code_opts opts = { .size = sizeof(opts), .mode = MEMSEAL_CODE_FLIP };

	ck_assert_int_eq(memseal_code_new_opts(10 * page, &opts, &code), 0);
	mem = memseal_code_alloc(
		code, 1, 1); /* the first takes a long look at what room there is */
	ck_assert_int_eq(memseal_code_publish(code, mem, 1), 0);
	base = mem = memseal_code_alloc(code, BYTES, 16);
	memset(mem, 'm', BYTES);
}

static int publish_code(void)
{
	return memseal_code_publish(code, mem, BYTES);
}

static const struct kind kinds[] = {
	{ "arena", make_arena, freeze_arena },
	{ "globals", make_globals, freeze_globals },
	{ "code", make_code, publish_code },
};

#define KINDS ((int)(sizeof(kinds) / sizeof(kinds[0])))

/* Neither its protection nor its place can be changed; tried, on its first page. */
static bool is_frozen(void)
{
	return mprotect(base, page, READ_WRITE) < 0 && mprotect(base, page, PROT_READ) < 0 &&
	       munmap(base, page) < 0;
}

/* Nothing is asserted here: it is asked where no memory can be had. */
static bool is_usable(void)
{
	*(volatile char *)mem = 'm';
	return is_full_of(mem, BYTES, 'm');
}

/* Descriptors. */

static bool stop;

static void *write_log(void *arg)
{
	while (!__atomic_load_n(&stop, __ATOMIC_ACQUIRE))
		for (int fd = 0; fd < 3; fd++)
			(void)!write(fd, "a line of a log\n", 16);
	return arg;
}

static bool is_memfd(int fd)
{
	return fcntl(fd, F_GET_SEALS) >= 0;
}

static void *write_everywhere(void *arg)
{
	while (!__atomic_load_n(&stop, __ATOMIC_ACQUIRE))
		for (int fd = 3; fd < 64; fd++)
			if (is_memfd(fd))
				(void)!pwrite(fd, "x", 1, 100);
	return arg;
}

/* One page through a memfd, as whoever knows nothing of others would: does it come out right? */
static bool copy_comes_out_right(void)
{
	int fd = memfd_create("control", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	char out[BYTES];

	ck_assert_int_eq(pwrite(fd, mem, BYTES, 0), BYTES);
	sched_yield();
	ck_assert_int_eq(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), 0);
	ck_assert_int_eq(pread(fd, out, BYTES, 0), BYTES);
	close(fd);
	return is_full_of(out, BYTES, 'm');
}

static void check_that_writers_hit(void)
{
	unsigned tries = 0;

	while (copy_comes_out_right())
		ck_assert_uint_lt(tries++, 1000000);
}

static unsigned rounds(void)
{
	return is_slow_machine() || syscall(SYS_mseal, 0, 0, 0) != 0 ? 40 : 2000;
}

/* A daemon has closed them, and threads of it log all the same. */
START_TEST(no_descriptor_is_one_of_the_first_three)
{
	struct content_backup backup;
	struct prot_span span;
	pthread_t threads[2];

	make_arena();
	for (int fd = 0; fd < 3; fd++)
		close(fd);
	span = (struct prot_span){ (uintptr_t)base, (uintptr_t)base + page, PROT_READ };
	ck_assert_int_eq(content_lock(&span, 1, &backup), 0);
	ck_assert_int_ge(backup.fd, 3);
	ck_assert_int_eq(fcntl(0, F_GETFD), -1);
	ck_assert_int_eq(content_rollback(&span, 1, &backup), 0);
	for (size_t i = 0; i < 2; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, write_log, NULL), 0);
	check_that_writers_hit();
	for (unsigned i = 0; i < rounds(); i++) {
		make_arena();
		ck_assert_int_eq(freeze_arena(), 0);
		ck_assert(is_full_of(mem, BYTES, 'm'));
	}
	check_that_writers_hit();
	__atomic_store_n(&stop, true, __ATOMIC_RELEASE);
	for (size_t i = 0; i < 2; i++)
		ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
}
END_TEST

/* Until it has hit some times; what it hits is not frozen, and everything else is, with its bytes.
 */
START_TEST(what_others_write_to_the_memfd_is_not_frozen)
{
	pthread_t thread;
	unsigned hits = 0, frozen = 0;

	make_arena();
	ck_assert_int_eq(pthread_create(&thread, NULL, write_everywhere, NULL), 0);
	check_that_writers_hit();
	for (unsigned i = 0; (hits < 3 || frozen < 3) && i < 100 * rounds(); i++) {
		int r;

		make_arena();
		r = freeze_arena();
		ck_assert_msg(r == 0 || r == -EBUSY, "%d", r);
		ck_assert(r == 0 ? is_full_of(mem, BYTES, 'm') : is_usable());
		ck_assert_int_eq(is_frozen(), r == 0);
		hits += r < 0;
		frozen += r == 0;
	}
	__atomic_store_n(&stop, true, __ATOMIC_RELEASE);
	ck_assert_int_eq(pthread_join(thread, NULL), 0);
	ck_assert_uint_ge(hits, 3);
	ck_assert_uint_ge(frozen, 3);
}
END_TEST

/* fork(2) in the middle. */

static const struct kind *forked;
static int forked_status;

/*
 * The child of another thread, which is not in the midst of anything. What it is told is true: 0,
 * and nobody can change it; or an error. It may take several attempts to have it frozen, but no
 * more than that.
 */
static void in_child(void)
{
	int r = forked->freeze();

	if (!is_full_of(mem, BYTES, 'm'))
		_exit(2);
	if (r == 0 && !is_frozen())
		_exit(3);
	_exit(r == 0 ? 0 : -r);
}

static void fork_here(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		fault_meet(0, NULL);
		in_child();
	}
	forked_status = wait_for(pid);
}

static bool fork_at(const struct kind *kind, unsigned long nth)
{
	unsigned long made;

	kind->make();
	forked = kind;
	fault_meet(nth, fork_here);
	ck_assert_int_eq(kind->freeze(), 0);
	made = fault_count();
	fault_meet(0, NULL);
	ck_assert(is_frozen());
	ck_assert_msg(nth > made || forked_status == 0, "%s, forked before call %lu: %d",
		kind->name, nth, forked_status);
	return nth > made;
}

START_TEST(a_child_is_told_the_truth_wherever_it_was_forked)
{
	for (unsigned long nth = 1;; nth++) {
		pid_t pid = fork();
		int status;

		if (pid == 0)
			_exit(fork_at(&kinds[_i], nth) ? 42 : 0);
		status = wait_for(pid);
		ck_assert_msg(status == 0 || status == 42, "call %lu: %d", nth, status);
		if (status == 42) {
			ck_assert_uint_ge(nth, 12);
			return;
		}
	}
}
END_TEST

/* Limits. */

static unsigned long read_number(const char *path)
{
	FILE *file = fopen(path, "re");
	unsigned long number = 0;

	ck_assert_ptr_nonnull(file);
	ck_assert_int_eq(fscanf(file, "%lu", &number), 1);
	fclose(file);
	return number;
}

/* Mappings, as many as the kernel lets there be; then two fewer each time one page is given back.
 */
static char *filler;
static size_t filler_len, filled;

static bool fill_mappings(void)
{
	unsigned long most = read_number("/proc/sys/vm/max_map_count");

	if (most > 200000)
		return false;
	filler_len = (most + 2) * page;
	filler = mmap(
		NULL, filler_len, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	ck_assert_ptr_ne(filler, MAP_FAILED);
	for (filled = 0; mprotect(filler + (2 * filled + 1) * page, page, PROT_READ) == 0;)
		filled++;
	return true;
}

static void give_back_two(void)
{
	filled--;
	mprotect(filler + (2 * filled + 1) * page, page, PROT_NONE);
}

static void give_back_all(void)
{
	if (filler)
		munmap(filler, filler_len);
	filler = NULL;
}

/* What a freeze came to; asserted later. */
struct outcome {
	int answer;
	bool right; /* frozen if that was the answer, else as before */
};

/* Published it may be though the last call failed, which has other threads execute it. */
static bool is_published(const struct kind *kind)
{
	return kind->freeze == publish_code && !memseal_code_writable(code, mem);
}

static struct outcome try_to_freeze(const struct kind *kind)
{
	struct outcome outcome = { .answer = kind->freeze() };

	outcome.right = is_full_of(mem, BYTES, 'm') &&
			(outcome.answer == 0 || is_published(kind) ? is_frozen() : is_usable());
	return outcome;
}

static void check_outcome(const struct kind *kind, const struct outcome *outcome, const char *where)
{
	ck_assert_msg(outcome->right, "%s: %s: answered %d, and is not so", where, kind->name,
		outcome->answer);
	ck_assert_msg(outcome->answer != -ENOTRECOVERABLE, "%s: %s", where, kind->name);
}

START_TEST(there_may_be_no_more_mappings)
{
	const struct kind *kind = &kinds[_i];
	struct outcome outcomes[256];
	size_t count = 0;

	kind->make();
	if (!fill_mappings())
		return; /* it would take gigabytes */
	do {
		outcomes[count] = try_to_freeze(kind);
		give_back_two();
	} while (outcomes[count++].answer != 0 && count < 256);
	give_back_all();
	for (size_t i = 0; i < count; i++) {
		check_outcome(kind, &outcomes[i], "near vm.max_map_count");
		ck_assert(i == count - 1 || outcomes[i].answer == -ENOMEM);
	}
	ck_assert_uint_gt(count, 1);
	ck_assert_int_eq(kind->freeze(), 0);
	ck_assert(is_frozen());
}
END_TEST

/* In a child; true if the nth call was not made any more. */
static bool fail_at(
	const struct kind *kind, unsigned long nth, int error, int resource, rlim_t most)
{
	struct rlimit limit = { 0, 0 }, before = { 0, 0 };
	struct outcome outcome;
	unsigned long made;

	getrlimit((__rlimit_resource_t)resource, &before);
	limit = before;
	limit.rlim_cur = most;
	setrlimit((__rlimit_resource_t)resource, &limit);
	fault_arm(nth, error);
	outcome = try_to_freeze(kind);
	made = fault_count();
	fault_arm(0, 0);
	setrlimit((__rlimit_resource_t)resource, &before);
	give_back_all();
	check_outcome(kind, &outcome, "at a limit, and a call failed");
	ck_assert_int_eq(kind->freeze(), 0);
	ck_assert(is_frozen());
	return nth > made;
}

static void walk(const struct kind *kind, int error, int resource, rlim_t most)
{
	int status = 0;

	for (unsigned long nth = 1; status != 42; nth++) {
		pid_t pid = fork();

		if (pid == 0)
			_exit(fail_at(kind, nth, error, resource, most) ? 42 : 0);
		status = wait_for(pid);
		ck_assert_msg(status == 0 || status == 42, "%s, call %lu failing with %d: %d",
			kind->name, nth, error, status);
	}
}

/* With as few mappings as a freeze can do with, and each call failing once: it is undone. */
START_TEST(to_undo_takes_no_mapping)
{
	const struct kind *kind = &kinds[_i];
	pid_t pid;

	kind->make();
	if (!fill_mappings())
		return;
	for (int status = 1; status != 0; status = wait_for(pid)) {
		give_back_two();
		ck_assert_uint_gt(filled, 0);
		pid = fork();
		if (pid == 0)
			_exit(kind->freeze() == 0 ? 0 : 1);
	}
	walk(kind, EPERM, RLIMIT_CORE, 0);
}
END_TEST

static rlim_t status_bytes(const char *name)
{
	FILE *file = fopen("/proc/self/status", "re");
	unsigned long kilobytes = 0;
	char line[256];

	ck_assert_ptr_nonnull(file);
	while (fgets(line, sizeof(line), file))
		if (strncmp(line, name, strlen(name)) == 0)
			ck_assert_int_eq(sscanf(line + strlen(name), ": %lu", &kilobytes), 1);
	fclose(file);
	ck_assert_uint_gt(kilobytes, 0);
	return (rlim_t)kilobytes * 1024;
}

/* From far below what is in use to far above. */
START_TEST(limits_of_memory_leave_it_as_it_was)
{
	static const struct {
		int resource;
		const char *in_use;
	} limits[] = { { RLIMIT_DATA, "VmData" }, { RLIMIT_AS, "VmSize" } };
	const struct kind *kind = &kinds[_i];

	kind->make();
	for (size_t i = 0; i < 2; i++) {
		rlim_t in_use = status_bytes(limits[i].in_use);

		walk(kind, EMFILE, limits[i].resource, page);
		for (unsigned pages = 0; pages < 4; pages++)
			walk(kind, EMFILE, limits[i].resource, in_use + pages * page);
	}
}
END_TEST

static void *nothing(void *arg)
{
	return arg;
}

static int start_thread(void)
{
	pthread_attr_t attr;
	pthread_t thread;
	int r;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, (size_t)64 << 10);
	r = pthread_create(&thread, &attr, nothing, NULL);
	if (r == 0)
		pthread_join(thread, NULL);
	return r;
}

/* Frozen arenas leave nothing; published code leaves room for a thread, and for some more. */
START_TEST(publishing_leaves_mappings_to_others)
{
	const struct memseal_code_opts opts = { .size = sizeof(opts), .mode = MEMSEAL_CODE_FLIP };
	unsigned published = 0, room = 0;
	int r, thread, without;

	if (syscall(SYS_mseal, 0, 0, 0) != 0)
		return; /* filters run out first */
	ck_assert_int_eq(memseal_code_new_opts(4096 * page, &opts, &code), 0);
	if (!fill_mappings())
		return;
	without = start_thread();
	for (int i = 0; i < 500; i++)
		give_back_two();
	do {
		mem = memseal_code_alloc(code, 1, 1);
		*mem = 'm';
		r = memseal_code_publish(code, mem, 1);
		published += r == 0;
	} while (r == 0);
	thread = start_thread();
	while (mprotect(filler + (2 * filled + 1) * page, page, PROT_READ) == 0) {
		filled++;
		room += 2;
	}
	give_back_all();
	ck_assert_int_eq(without, EAGAIN);
	ck_assert_int_eq(r, -ENOMEM);
	ck_assert_int_eq(thread, 0);
	ck_assert_uint_ge(published, 500);
	ck_assert_uint_ge(room, 120);
	ck_assert_int_eq(memseal_code_publish(code, mem, 1), 0);
}
END_TEST

int main(void)
{
	TCase *attacks = tcase_create("attacks"), *forks = tcase_create("forks"),
	      *limits = tcase_create("limits");
	Suite *suite = suite_create("freeze");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(attacks, setup, NULL);
	tcase_set_timeout(attacks, 120);
	tcase_add_test(attacks, no_descriptor_is_one_of_the_first_three);
	tcase_add_test(attacks, what_others_write_to_the_memfd_is_not_frozen);
	suite_add_tcase(suite, attacks);
	tcase_add_checked_fixture(forks, setup, NULL);
	tcase_set_timeout(forks, 120);
	tcase_add_loop_test(forks, a_child_is_told_the_truth_wherever_it_was_forked, 0, KINDS);
	suite_add_tcase(suite, forks);
	tcase_add_checked_fixture(limits, setup, NULL);
	tcase_set_timeout(limits, 120);
	if (!SANITIZED) { /* which maps terabytes, and needs room itself */
		tcase_add_loop_test(limits, there_may_be_no_more_mappings, 0, KINDS);
		tcase_add_loop_test(limits, to_undo_takes_no_mapping, 0, KINDS);
		tcase_add_loop_test(limits, limits_of_memory_leave_it_as_it_was, 0, KINDS);
		tcase_add_test(limits, publishing_leaves_mappings_to_others);
	}
	suite_add_tcase(suite, limits);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
