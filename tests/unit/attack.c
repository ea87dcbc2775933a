/* SPDX-License-Identifier: MIT */
/*
 * Every attack of the catalogue on every kind of memory, unsealed and sealed: errno and effect must
 * be those of the expectations, which docs/attacks.md shows.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <memseal.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "attack/attack.h"
#include "base/sys.h"
#include "engine/filter.h"
#include "helpers/attack.h"

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

/* As the agent holds images: images/hold.c. */
static void hold(const struct attack_target *target)
{
	const struct bpf_range range = {
		.start = target->addr,
		.end = target->addr + target->len,
		.effects = MEMSEAL_MAPPING | MEMSEAL_NO_DISCARD,
	};
	struct filter_report report;
	struct bpf_policy policy;

	filter_policy(&policy);
	ck_assert_int_eq(filter_install(&policy, &range, 1, &report), 0);
}

static void apply_lock(enum attack_lock lock, const struct attack_target *target)
{
	switch (lock) {
	case ATTACK_LOCK_NONE:
	case ATTACK_LOCKS:
		return;
	case ATTACK_LOCK_KERNEL:
		ck_assert_int_eq(sys_mseal(target->addr, target->len, 0), 0);
		return;
	case ATTACK_LOCK_FILTER:
		hold(target);
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

static struct attack_target new_locked(int which)
{
	struct attack_target target = new_target((enum attack_kind)(which % ATTACK_KINDS));

	apply_lock((enum attack_lock)(which / ATTACK_KINDS), &target);
	return target;
}

static unsigned check_attack(
	const struct attack *attack, enum attack_kind kind, enum attack_lock lock)
{
	const char *expected = attack_expected(attack->name, kind, lock);
	char text[ATTACK_TEXT_SIZE];

	ck_assert_ptr_nonnull(expected);
	if (cannot_be_tried(attack->name))
		expected = "untried";
	observe(attack, new_locked, (int)kind + ATTACK_KINDS * (int)lock, text);
	if (strcmp(text, expected) == 0)
		return 0;
	printf("# %s on %s, lock %s: \"%s\", expected \"%s\"\n", attack->name,
		attack_kind_name(kind), attack_lock_name(lock), text, expected);
	return 1;
}

/* One kind of memory under one lock a run. */
START_TEST(test_expected)
{
	enum attack_kind kind = (enum attack_kind)(_i % ATTACK_KINDS);
	enum attack_lock lock = (enum attack_lock)(_i / ATTACK_KINDS);
	unsigned wrong = 0;

	for (size_t i = 0; i < attack_count; i++)
		wrong += check_attack(&attack_catalogue[i], kind, lock);
	fflush(stdout);
	ck_assert_uint_eq(wrong, 0);
}
END_TEST

static const struct attack *find(const char *name)
{
	for (size_t i = 0; i < attack_count; i++)
		if (strcmp(attack_catalogue[i].name, name) == 0)
			return &attack_catalogue[i];
	ck_abort_msg("no attack %s", name);
}

static void assert_result(
	const struct attack *attack, const struct attack_target *target, const char *expected)
{
	struct attack_result result;
	char text[ATTACK_TEXT_SIZE];

	ck_assert_int_eq(attack_run(attack, target, &result), 0);
	attack_result_text(&result, text);
	ck_assert_str_eq(text, expected);
}

/* A sealed page that nobody touched yet can be given its first bytes. Touched, it cannot. */
START_TEST(test_untouched)
{
	struct attack_target target = {
		.len = PAGES * page, .page = page, .untouched = true, .file = -1, .writable = -1
	};

	target.addr = target.watched = map(PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	assert_result(find("uffd-copy"), &target, "ok, changed");
	apply_lock(ATTACK_LOCK_KERNEL, &target);
	assert_result(find("uffd-copy"), &target, "ok, changed");
	target.untouched = false;
	assert_result(find("uffd-copy"), &target, "EEXIST");
}
END_TEST

/* Replacing or unmapping more than what is sealed is refused before the neighbours are lost. */
START_TEST(test_neighbours)
{
	struct attack_target target = new_target(ATTACK_ANON_RO);
	struct attack_target middle = target;

	middle.addr += page;
	middle.len = 2 * page;
	middle.watched = target.addr;
	assert_result(find("munmap-around"), &middle, "ok, SIGSEGV");
	assert_result(find("mmap-fixed-around"), &middle, "ok, zeroed");
	apply_lock(ATTACK_LOCK_KERNEL, &middle);
	assert_result(find("munmap-around"), &middle, "EPERM");
	assert_result(find("mmap-fixed-around"), &middle, "EPERM");
}
END_TEST

/*
 * A call over unsealed pages and sealed ones behind them. Since Linux 6.12 protection and advice
 * take effect on the first before the second refuse; what unmaps looks first.
 */
START_TEST(test_half_sealed)
{
	struct attack_target target = new_target(ATTACK_ANON_RO);
	struct attack_target half = target;

	half.addr += 2 * page;
	half.len = 2 * page;
	target.watched = target.addr;
	apply_lock(ATTACK_LOCK_KERNEL, &half);
	assert_result(find("mprotect-none"), &target, "EPERM, SIGSEGV");
	assert_result(find("madv-dontneed"), &target, "EPERM, zeroed");
	assert_result(find("munmap"), &target, "EPERM");
	assert_result(find("mmap-fixed"), &target, "EPERM");
	assert_result(find("mremap-onto"), &target, "EPERM");
	target.watched = half.addr;
	assert_result(find("mprotect-none"), &target, "EPERM");
	assert_result(find("madv-dontneed"), &target, "EPERM");
}
END_TEST

/*
 * MADV_FREE drops the bytes of sealed writable memory, but only when it is short: here because
 * MADV_PAGEOUT asks for it, on one processor, whose list of new pages both calls empty first.
 */
START_TEST(test_free)
{
	struct attack_target target;
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET((size_t)sched_getcpu(), &one);
	ck_assert_int_eq(sched_setaffinity(0, sizeof(one), &one), 0);
	target = new_target(ATTACK_ANON_RW);
	apply_lock(ATTACK_LOCK_KERNEL, &target);
	ck_assert_int_eq(sys_madvise(target.addr, target.len, MADV_FREE), 0);
	ck_assert_int_eq(*(unsigned char *)(uintptr_t)target.watched, 0xaa + WATCHED);
	ck_assert_int_eq(sys_madvise(target.addr, target.len, MADV_PAGEOUT), 0);
	ck_assert_int_eq(*(unsigned char *)(uintptr_t)target.watched, 0);
}
END_TEST

static bool attacks_mapping(const char *name)
{
	static const char *const families[] = { "munmap", "mmap-", "shmat-", "remap-file-pages",
		"mremap-", "mprotect-", "pkey-", "fork-" };

	for (size_t i = 0; i < ARRAY_SIZE(families); i++)
		if (strncmp(name, families[i], strlen(families[i])) == 0)
			return true;
	return false;
}

/* What docs/attacks.md says in words: of a sealed mapping no call changes anything. */
START_TEST(test_mapping_lock)
{
	for (size_t i = 0; i < attack_count; i++) {
		const char *text =
			attack_expected(attack_catalogue[i].name, _i, ATTACK_LOCK_KERNEL);

		if (attacks_mapping(attack_catalogue[i].name))
			ck_assert_int_ne(strncmp(text, "ok", 2), 0);
	}
}
END_TEST

static int answer(const struct attack_target *target, int arg)
{
	(void)target;
	return arg;
}

static int die(const struct attack_target *target, int arg)
{
	(void)target;
	raise(arg);
	return 0;
}

START_TEST(test_verdicts)
{
	const struct attack works = { "works", answer, 0 };
	const struct attack refused = { "refused", answer, -EPERM };
	const struct attack absent = { "absent", answer, -ENOSYS };
	struct attack_target target = new_target(ATTACK_ANON_RO);
	struct attack_result result;

	ck_assert_int_eq(attack_run(&works, &target, &result), 0);
	ck_assert_int_eq(result.verdict, ATTACK_ALLOWED);
	ck_assert_int_eq(result.error, 0);
	ck_assert_int_eq(attack_run(&refused, &target, &result), 0);
	ck_assert_int_eq(result.verdict, ATTACK_BLOCKED);
	ck_assert_int_eq(result.error, -EPERM);
	ck_assert_int_eq(attack_run(&absent, &target, &result), 0);
	ck_assert_int_eq(result.verdict, ATTACK_UNSUPPORTED);
	ck_assert_int_eq(result.error, -ENOSYS);
	ck_assert_int_eq(attack_run(find("file-pwrite"), &target, &result), 0);
	ck_assert_int_eq(result.verdict, ATTACK_UNSUPPORTED);
	ck_assert_int_eq(result.error, -EBADF);
}
END_TEST

/* An attack that kills its process, or never ends, is an error and no verdict. */
START_TEST(test_attack_dies)
{
	const struct attack dies = { "dies", die, SIGKILL };
	const struct attack hangs = { "hangs", die, SIGALRM };
	struct attack_target target = new_target(ATTACK_ANON_RO);
	struct attack_result result = { .error = 1 };

	ck_assert_int_eq(attack_run(&dies, &target, &result), -EINTR);
	ck_assert_int_eq(attack_run(&hangs, &target, &result), -EINTR);
	ck_assert_int_eq(result.error, 1);
}
END_TEST

/* 117: no call of the kernel answers that here, so it stands out. */
#define INJECTED EUCLEAN

/* Whatever call fails, the result is an error, that very failure, or the truth. */
START_TEST(test_nth_call_fails)
{
	struct attack_target target = new_target(ATTACK_ANON_RO);
	struct attack_result result;
	char text[ATTACK_TEXT_SIZE];
	unsigned told = 0;

	for (unsigned long nth = 1; nth <= 60; nth++) {
		int r;

		fault_arm(nth, INJECTED);
		r = attack_run(find("mprotect-rw"), &target, &result);
		fault_arm(0, 0);
		while (waitpid(-1, NULL, __WALL) > 0)
			;
		if (r < 0 || result.error == -INJECTED) {
			told++;
			continue;
		}
		attack_result_text(&result, text);
		ck_assert_str_eq(text, "ok, writable");
	}
	/* The pages of the report, the fork, the wait, the attack, and the looks afterwards. */
	ck_assert_uint_ge(told, 10);
	ck_assert_uint_lt(told, 60);
	assert_result(find("mprotect-rw"), &target, "ok, writable");
}
END_TEST

/* The caller keeps its memory, its signal handlers and its children. */
START_TEST(test_caller_survives)
{
	struct attack_target target = new_target(ATTACK_ANON_RW);

	assert_result(find("munmap-around"), &target, "ok, SIGSEGV");
	ck_assert_int_eq(*(unsigned char *)(uintptr_t)target.watched, 0xaa + WATCHED);
	ck_assert_int_eq(waitpid(-1, NULL, __WALL), -1);
	ck_assert_int_eq(errno, ECHILD);
}
END_TEST

static volatile sig_atomic_t *handled; /* shared with the attacked processes */

static void reap(int sig)
{
	(void)sig;
	*handled = 1;
	while (waitpid(-1, NULL, WNOHANG | WUNTRACED | __WALL) > 0)
		;
}

/* A handler that reaps whatever child it finds, as bash has it, must not run in the attempt. */
START_TEST(test_program_reaps)
{
	struct attack_target target = new_target(ATTACK_ANON_RW);
	struct sigaction action = { .sa_handler = reap };

	handled = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ck_assert_ptr_ne((void *)handled, MAP_FAILED);
	ck_assert_int_eq(sigaction(SIGCHLD, &action, NULL), 0);
	assert_result(find("ptrace-poke"), &target, "ok, changed");
	assert_result(find("fork-munmap"), &target, "ok");
	ck_assert_int_eq(*handled, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("attack");
	TCase *tcase = tcase_create("attack");
	SRunner *runner = srunner_create(suite);
	int failed;

	page = (size_t)sysconf(_SC_PAGESIZE);
	tcase_set_timeout(tcase, 120);
	tcase_add_loop_test(tcase, test_expected, 0, ATTACK_KINDS * ATTACK_LOCKS);
	tcase_add_test(tcase, test_untouched);
	tcase_add_test(tcase, test_neighbours);
	tcase_add_test(tcase, test_half_sealed);
	tcase_add_test(tcase, test_free);
	tcase_add_loop_test(tcase, test_mapping_lock, 0, ATTACK_KINDS);
	tcase_add_test(tcase, test_verdicts);
	tcase_add_test(tcase, test_attack_dies);
	tcase_add_test(tcase, test_nth_call_fails);
	tcase_add_test(tcase, test_caller_survives);
	tcase_add_test(tcase, test_program_reaps);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
