/* SPDX-License-Identifier: MIT */
/*
 * Both engines on this kernel, whichever it is: what the probe says, what the library does, and
 * every attack on a mapping, on memory that is not sealed, and sealed by each engine. MSEAL in the
 * environment is what this kernel is known to answer to mseal(2): "yes" or "no".
 */
#include <check.h>
#include <errno.h>
#include <inttypes.h>
#include <memseal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "attack/attack.h"
#include "base/sys.h"
#include "engine/filter.h"
#include "engine/window.h"

#define PAGES   8
#define WATCHED 4

static size_t page;

static bool has_mseal(void)
{
	const char *expected = getenv("MSEAL");

	ck_assert_msg(expected && (!strcmp(expected, "yes") || !strcmp(expected, "no")),
		"MSEAL is not set");
	return !strcmp(expected, "yes");
}

/*
 * Anonymous memory, written, then read-only, with free room around it. ARM attaches System V
 * segments at multiples of 4 pages alone.
 */
static struct attack_target new_target(void)
{
	size_t room = 32 * page, head;
	char *start = mmap(NULL, room, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *at = start + room / 2;

	ck_assert_ptr_ne(start, MAP_FAILED);
	at -= (uintptr_t)at % (4 * page);
	head = (size_t)(at - start);
	for (size_t i = 0; i < PAGES; i++)
		memset(at + i * page, 0xaa + (int)i, page);
	ck_assert_int_eq(mprotect(at, PAGES * page, PROT_READ), 0);
	ck_assert_int_eq(munmap(start, head), 0);
	ck_assert_int_eq(munmap(at + PAGES * page, room - head - PAGES * page), 0);
	return (struct attack_target){
		.addr = (uintptr_t)at,
		.len = PAGES * page,
		.watched = (uintptr_t)at + WATCHED * page,
		.page = page,
		.file = -1,
		.writable = -1,
	};
}

static void *pointer(const struct attack_target *target)
{
	return (void *)(uintptr_t)target->addr;
}

START_TEST(test_probe)
{
	struct memseal_features features = { .size = sizeof(features) };

	ck_assert_int_eq(memseal_probe(&features), 0);
	ck_assert_int_eq(features.mseal, has_mseal() ? MEMSEAL_SUPPORT_YES : MEMSEAL_SUPPORT_NO);
	ck_assert_int_eq(features.seccomp, MEMSEAL_SUPPORT_YES);
	ck_assert_int_eq(features.memfd_seals, MEMSEAL_SUPPORT_YES);
	ck_assert_int_eq(features.proc, MEMSEAL_SUPPORT_YES);
	ck_assert_int_eq(sys_mseal(0, 0, 0), has_mseal() ? 0 : -ENOSYS);
}
END_TEST

START_TEST(test_range)
{
	struct attack_target target = new_target(), control = new_target();
	struct memseal_status status = { .size = sizeof(status) };
	int r = memseal_range(pointer(&target), target.len, MEMSEAL_MAPPING);

	ck_assert_int_eq(r, has_mseal() ? 0 : -EOPNOTSUPP);
	ck_assert_int_eq(memseal_query(pointer(&target), target.len, &status), 0);
	ck_assert_uint_eq(status.sealed_bytes, has_mseal() ? target.len : 0);
	ck_assert_int_eq(memseal_query(pointer(&control), control.len, &status), 0);
	ck_assert_uint_eq(status.sealed_bytes, 0);
	ck_assert_int_eq(munmap(pointer(&control), control.len), 0);
	errno = 0;
	ck_assert_int_eq(munmap(pointer(&target), target.len), has_mseal() ? -1 : 0);
	ck_assert_int_eq(errno, has_mseal() ? EPERM : 0);
}
END_TEST

START_TEST(test_self)
{
	size_t sealed = 0;
	struct memseal_self_opts opts = { .size = sizeof(opts), .ret_sealed = &sealed };
	uintptr_t text = (uintptr_t)new_target & -page;

	ck_assert_int_eq(memseal_self(&opts), has_mseal() ? 0 : -EOPNOTSUPP);
	ck_assert_int_eq(sealed > 0, has_mseal());
	ck_assert_int_eq(sys_mprotect(text, page, PROT_READ | PROT_EXEC), has_mseal() ? -EPERM : 0);
}
END_TEST

static bool attacks_mapping(const char *name)
{
	static const char *const families[] = { "munmap", "mmap-", "shmat-", "mremap-", "mprotect-",
		"pkey-", "fork-" };

	for (size_t i = 0; i < ARRAY_SIZE(families); i++)
		if (strncmp(name, families[i], strlen(families[i])) == 0)
			return true;
	return false;
}

/* Allowed on memory like this that is not sealed, as the catalogue has it. */
static bool is_allowed(const struct attack *attack)
{
	const char *expected = attack_expected(attack->name, ATTACK_ANON_RO, ATTACK_LOCK_NONE);

	return expected && strncmp(expected, "ok", 2) == 0;
}

static unsigned count_mapping_attacks(const struct attack_target *target, enum attack_verdict want)
{
	unsigned seen = 0;

	for (size_t i = 0; i < attack_count; i++) {
		const struct attack *attack = &attack_catalogue[i];
		struct attack_result result;

		if (!attacks_mapping(attack->name) || !is_allowed(attack))
			continue;
		ck_assert_int_eq(attack_run(attack, target, &result), 0);
		if (result.verdict == ATTACK_UNSUPPORTED)
			continue;
		ck_assert_msg(result.verdict == want, "%s: %d", attack->name, result.error);
		if (want == ATTACK_BLOCKED) {
			ck_assert_msg(result.error == -EPERM, "%s: %d", attack->name, result.error);
			ck_assert_msg(result.self == ATTACK_UNCHANGED, "%s", attack->name);
		}
		seen++;
	}
	return seen;
}

START_TEST(test_attacks_unsealed)
{
	struct attack_target target = new_target();

	ck_assert_uint_ge(count_mapping_attacks(&target, ATTACK_ALLOWED), 20);
}
END_TEST

START_TEST(test_attacks_kernel)
{
	struct attack_target target = new_target();

	if (!has_mseal())
		return;
	ck_assert_int_eq(sys_mseal(target.addr, target.len, 0), 0);
	ck_assert_uint_ge(count_mapping_attacks(&target, ATTACK_BLOCKED), 20);
}
END_TEST

START_TEST(test_attacks_filter)
{
	struct attack_target target = new_target(), control = new_target();
	struct bpf_range range = { target.addr, target.addr + target.len, MEMSEAL_ALL };
	struct filter_report report;
	struct bpf_policy policy;

	filter_policy(&policy);
	ck_assert_int_eq(filter_install(&policy, &range, 1, &report), 0);
	ck_assert_uint_ge(count_mapping_attacks(&target, ATTACK_BLOCKED), 20);
	ck_assert_int_eq(sys_mprotect(control.addr, control.len, PROT_READ | PROT_WRITE), 0);
	ck_assert_int_eq(sys_munmap(control.addr, control.len), 0);
}
END_TEST

static unsigned filters(void)
{
	char text[4096] = "";
	CLEANUP(sys_close_cleanup)
	int fd = sys_openat(AT_FDCWD, "/proc/self/status", O_RDONLY, 0);
	const char *line;

	ck_assert_int_gt(sys_read(fd, text, sizeof(text) - 1), 0);
	line = strstr(text, "Seccomp_filters:");
	ck_assert_ptr_nonnull(line);
	return (unsigned)atoi(line + strlen("Seccomp_filters:"));
}

static uint64_t seal_in_window(void)
{
	char *at = memseal_map(page, PROT_READ | PROT_WRITE, WINDOW_EFFECTS);

	ck_assert_ptr_nonnull(at);
	memset(at, 'x', page);
	ck_assert_int_eq(mprotect(at, page, PROT_READ), 0);
	return (uintptr_t)at;
}

static void assert_sealed(uint64_t at)
{
	const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;

	ck_assert_int_eq(sys_mprotect(at, page, PROT_READ | PROT_WRITE), -EPERM);
	ck_assert_int_eq(sys_mprotect(at, page, PROT_READ | PROT_EXEC), -EPERM);
	ck_assert_int_eq(sys_munmap(at, page), -EPERM);
	ck_assert_int_eq(sys_mmap(at, page, PROT_READ, flags, -1, 0), -EPERM);
	ck_assert_int_eq(sys_mremap(at, page, 2 * page, MREMAP_MAYMOVE, 0), -EPERM);
	ck_assert_int_eq(sys_madvise(at, page, MADV_DONTNEED), -EPERM);
	ck_assert_int_eq(*(const char *)(uintptr_t)at, 'x');
}

/*
 * One filter for all that is sealed in a window, where the machine has room for one; else each has
 * a filter of its own.
 */
START_TEST(test_window)
{
	struct attack_target control = new_target();
	unsigned count = sizeof(long) == 8 ? 500 : 5, installed;
	uint64_t base = 0, at = 0;
	int r;

	ck_assert_int_eq(memseal_filter_allow(MEMSEAL_EXEC_REFUSE), 0);
	installed = filters();
	r = window_open(&base);
	ck_assert_int_eq(r, sizeof(long) == 8 ? 0 : -EADDRNOTAVAIL);
	for (unsigned i = 0; i < count; i++) {
		at = seal_in_window();
		if (i % 50 == 0)
			assert_sealed(at);
		if (sizeof(long) == 8)
			ck_assert_uint_eq(at & -ZONE_WINDOW, base);
	}
	assert_sealed(at);
	ck_assert_uint_eq(filters() - installed, sizeof(long) == 8 ? 1 : count);
	ck_assert_int_eq(sys_mprotect(control.addr, page, PROT_READ | PROT_WRITE), 0);
	ck_assert_int_eq(sys_munmap(control.addr, page), 0);
}
END_TEST

/* What this process executes is linked to a fixed address; /run/coverage-self lies anywhere. */
static void assert_runs(const char *path, const char *argument)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		(void)!freopen("/dev/null", "w", stdout);
		execl(path, path, argument, NULL);
		_exit(127);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_msg(status == 0, "%s: status %#x", path, (unsigned)status);
}

START_TEST(test_window_exec)
{
	uint64_t base;

	if (sizeof(long) < 8)
		return;
	ck_assert_int_eq(window_open(&base), 0);
	for (int i = 0; i < 50; i++) {
		char argument[20];

		snprintf(argument, sizeof(argument), "%#jx", (uintmax_t)base);
		assert_runs("/proc/self/exe", argument);
		assert_runs("/run/coverage-self", NULL);
	}
}
END_TEST

/* Executed under the filter of a window: 0 if nothing is mapped there. */
static int keeps_clear_of(uint64_t base)
{
	FILE *file = fopen("/proc/self/maps", "re");
	uint64_t start, end;
	char line[512];
	int lines = 0;

	while (file && fgets(line, sizeof(line), file)) {
		if (sscanf(line, "%" SCNx64 "-%" SCNx64, &start, &end) != 2 ||
			(start < base + ZONE_WINDOW && end > base))
			return 2;
		lines++;
	}
	return lines < 4 || filters() != 1;
}

/* File offsets and sizes that do not fit 32 bits reach the kernel whole. */
START_TEST(test_offsets)
{
	const uint64_t far = UINT64_C(0x12345678000);
	int fd = sys_memfd_create("far", 0);
	char bytes[4] = "";
	long at;

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(sys_ftruncate(fd, far + page), 0);
	ck_assert_int_eq(lseek(fd, 0, SEEK_END), far + page);
	ck_assert_int_eq(sys_pwrite(fd, "far", 4, far), 4);
	ck_assert_int_eq(sys_pread(fd, bytes, 4, far), 4);
	ck_assert_str_eq(bytes, "far");
	ck_assert_int_eq(sys_pread(fd, bytes, 4, (uint32_t)far), 4);
	ck_assert_str_eq(bytes, "");
	at = sys_mmap(0, page, PROT_READ, MAP_SHARED, fd, far);
	ck_assert(!sys_failed(at));
	ck_assert_str_eq((const char *)at, "far");
	ck_assert_int_eq(
		sys_fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, far, page), 0);
	ck_assert_str_eq((const char *)at, "");
}
END_TEST

int main(int argc, char **argv)
{
	Suite *suite = suite_create("engines");
	TCase *tcase = tcase_create("engines");
	SRunner *runner = srunner_create(suite);
	int failed;

	if (argc > 1)
		return keeps_clear_of(strtoull(argv[1], NULL, 0));
	page = (size_t)sysconf(_SC_PAGESIZE);
	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, test_probe);
	tcase_add_test(tcase, test_range);
	tcase_add_test(tcase, test_self);
	tcase_add_test(tcase, test_attacks_unsealed);
	tcase_add_test(tcase, test_attacks_kernel);
	tcase_add_test(tcase, test_attacks_filter);
	tcase_add_test(tcase, test_window);
	tcase_add_test(tcase, test_window_exec);
	tcase_add_test(tcase, test_offsets);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
