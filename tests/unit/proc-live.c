/* SPDX-License-Identifier: MIT */
/* The process API on real processes, and with every system call failing once. */
#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <memseal.h>

#include "base/fault.h"
#include "base/sys.h"

static pid_t child;

static void kill_child(void)
{
	if (child <= 0)
		return;
	kill(child, SIGKILL);
	ck_assert_int_eq(waitpid(child, NULL, 0), child);
	child = 0;
}

/* Runs fn in a child and returns when it writes a byte. Then it waits to be killed. */
static void start_child(void (*fn)(void))
{
	int ready[2];
	char byte;

	ck_assert_int_eq(pipe(ready), 0);
	child = fork();
	ck_assert_int_ge(child, 0);
	if (!child) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (fn)
			fn();
		if (write(ready[1], "", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	ck_assert_int_eq(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	close(ready[1]);
}

static struct memseal_coverage coverage_of(pid_t pid)
{
	struct memseal_coverage ret = { .size = sizeof(ret) };
	struct memseal_process *process;

	ck_assert_int_eq(memseal_process_open(pid, NULL, &process), 0);
	ck_assert_int_eq(memseal_process_coverage(process, &ret), 0);
	memseal_process_close(process);
	return ret;
}

static int page_of_text(struct dl_phdr_info *info, size_t size, void *arg)
{
	(void)size;
	for (int i = 0; i < info->dlpi_phnum; i++)
		if (info->dlpi_phdr[i].p_type == PT_LOAD && info->dlpi_phdr[i].p_flags & PF_X)
			*(uint64_t *)arg = info->dlpi_addr + (info->dlpi_phdr[i].p_vaddr & -4096UL);
	return 1; /* the program itself comes first */
}

static uint64_t text_page(void)
{
	uint64_t page = 0;

	dl_iterate_phdr(page_of_text, &page);
	return page;
}

static void seal_page_of_text(void)
{
	if (sys_mseal(text_page(), 4096, 0) < 0)
		_exit(1);
}

/* Is the page of text, which is at the same address in a fork, in a sealed mapping? */
static bool text_page_sealed(pid_t pid)
{
	struct memseal_mapping mapping = { .size = sizeof(mapping) };
	struct memseal_process *process;
	bool found = false, sealed = false;

	ck_assert_int_eq(memseal_process_open(pid, NULL, &process), 0);
	while (memseal_process_next_mapping(process, &mapping) == 1) {
		if (text_page() < mapping.start || text_page() >= mapping.end)
			continue;
		found = true;
		sealed = mapping.sealed;
		ck_assert_int_eq(mapping.kind, MEMSEAL_KIND_TEXT);
		ck_assert_str_eq(mapping.perm, "r-xp");
	}
	memseal_process_close(process);
	ck_assert(found);
	return sealed;
}

START_TEST(sealed_page_is_seen)
{
	struct memseal_coverage before, after;

	start_child(NULL);
	before = coverage_of(child);
	ck_assert(!text_page_sealed(child));
	kill_child();
	start_child(seal_page_of_text);
	after = coverage_of(child);
	ck_assert(text_page_sealed(child));
	ck_assert_uint_eq(before.sealed_bytes, 0);
	ck_assert_uint_eq(after.sealed_bytes, 4096);
	ck_assert_uint_eq(after.sealable_bytes, before.sealable_bytes);
	ck_assert_uint_eq(after.images, before.images);
	/* At least the program, libc, ld.so and [vdso]. */
	ck_assert_uint_ge(after.images, 4);
}
END_TEST

static void map_own_libc(void)
{
	FILE *maps = fopen("/proc/self/maps", "r");
	char line[4096], path[4096];
	int fd;

	while (fgets(line, sizeof(line), maps))
		if (sscanf(line, "%*s r-xp %*s %*s %*s %4095s", path) == 1 &&
			strstr(path, "libc.so"))
			break;
	fd = open(path, O_RDONLY);
	if (fd < 0 || mmap(NULL, 1 << 20, PROT_READ, MAP_PRIVATE, fd, 0) == MAP_FAILED ||
		mmap(NULL, 1 << 22, PROT_READ, MAP_SHARED, fd, 0) == MAP_FAILED)
		_exit(1);
	fclose(maps);
}

START_TEST(mapped_library_file_is_no_image)
{
	struct memseal_coverage before, after;

	start_child(NULL);
	before = coverage_of(child);
	kill_child();
	start_child(map_own_libc);
	after = coverage_of(child);
	ck_assert_uint_eq(after.images, before.images);
	ck_assert_uint_eq(after.sealable_bytes, before.sealable_bytes);
}
END_TEST

static void lock_content(void)
{
	int fd = memfd_create("locked", MFD_ALLOW_SEALING), again;
	char path[64];
	void *p, *q;

	if (ftruncate(fd, 4096) < 0 ||
		fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) <
			0)
		_exit(1);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	again = open(path, O_RDONLY);
	p = mmap(NULL, 4096, PROT_READ, MAP_SHARED, again, 0);
	q = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, again, 0);
	if (p == MAP_FAILED || q == MAP_FAILED || sys_mseal((uintptr_t)p, 4096, 0) < 0 ||
		sys_mseal((uintptr_t)q, 4096, 0) < 0)
		_exit(1);
}

/* The kernel gives the file of a mapping to privileged readers alone. */
static bool may_ask_files(void)
{
	struct dirent *entry = NULL;
	DIR *dir = opendir("/proc/self/map_files");
	int fd = -1;

	while (dir && fd < 0 && (entry = readdir(dir)))
		if (*entry->d_name != '.')
			fd = openat(dirfd(dir), entry->d_name, O_PATH);
	if (dir)
		closedir(dir);
	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

START_TEST(content_lock_is_seen)
{
	struct memseal_mapping mapping = { .size = sizeof(mapping) };
	struct memseal_process *process;
	int shared = 0, private = 0;

	start_child(lock_content);
	ck_assert_int_eq(memseal_process_open(child, NULL, &process), 0);
	while (memseal_process_next_mapping(process, &mapping) == 1) {
		if (mapping.kind != MEMSEAL_KIND_MEMFD)
			continue;
		ck_assert(mapping.sealed);
		ck_assert_str_eq(mapping.object, "/memfd:locked (deleted)");
		ck_assert_int_eq(mapping.content_locked, mapping.perm[3] == 's' && may_ask_files());
		shared += mapping.perm[3] == 's';
		private += mapping.perm[3] == 'p';
	}
	memseal_process_close(process);
	ck_assert_int_eq(shared, 1);
	ck_assert_int_eq(private, 1);
}
END_TEST

START_TEST(kernel_thread_is_told)
{
	struct memseal_process *process;
	char name[MEMSEAL_NAME_SIZE];

	if (memseal_process_name(2, NULL, name) < 0 || strcmp(name, "kthreadd") != 0)
		return; /* in a PID namespace; the made-up one of test-proc must do */
	ck_assert_int_eq(memseal_process_open(2, NULL, &process), -ENXIO);
}
END_TEST

START_TEST(zombie_and_gone_are_told)
{
	struct memseal_process *process;
	siginfo_t info;
	pid_t pid;

	start_child(NULL);
	kill(child, SIGKILL);
	ck_assert_int_eq(waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT), 0);
	ck_assert_int_eq(memseal_process_open(child, NULL, &process), -ESRCH);
	pid = child;
	kill_child();
	ck_assert_int_eq(memseal_process_open(pid, NULL, &process), -ESRCH);
}
END_TEST

static void *wait_for_ever(void *arg)
{
	(void)arg;
	for (;;)
		pause();
	return NULL;
}

static void end_main_thread(void)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, wait_for_ever, NULL) != 0)
		_exit(1);
	syscall(SYS_exit, 0);
}

START_TEST(ended_main_thread_leaves_the_others)
{
	char path[64], stat[256] = "";
	FILE *file;

	child = fork();
	ck_assert_int_ge(child, 0);
	if (!child)
		end_main_thread();
	snprintf(path, sizeof(path), "/proc/%d/stat", child);
	while (!strstr(stat, ") Z ")) {
		usleep(1000);
		file = fopen(path, "r");
		ck_assert_ptr_nonnull(file);
		ck_assert_ptr_nonnull(fgets(stat, sizeof(stat), file));
		fclose(file);
	}
	ck_assert_uint_ge(coverage_of(child).images, 4);
}
END_TEST

START_TEST(dying_process_is_whole_or_gone)
{
	struct memseal_coverage whole, found = { .size = sizeof(found) };
	struct memseal_process *process;
	int r, seen = 0;

	start_child(NULL);
	whole = coverage_of(child);
	kill_child();
	for (int i = 0; i < 300; i++) {
		start_child(NULL);
		kill(child, SIGKILL);
		usleep((useconds_t)(i % 10) * 20);
		r = memseal_process_open(child, NULL, &process);
		ck_assert(r == 0 || r == -ESRCH);
		if (r == 0) {
			ck_assert_int_eq(memseal_process_coverage(process, &found), 0);
			ck_assert_uint_eq(found.sealable_bytes, whole.sealable_bytes);
			memseal_process_close(process);
			seen++;
		}
		kill_child();
	}
	ck_assert_int_lt(seen, 300); /* or it was no race */
}
END_TEST

static pid_t start_shell(const char *script)
{
	int executed[2];
	char byte;
	pid_t pid;

	ck_assert_int_eq(pipe2(executed, O_CLOEXEC), 0);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		execl("/bin/sh", "sh", "-c", script, script, NULL);
		_exit(1);
	}
	close(executed[1]);
	ck_assert_int_eq(read(executed[0], &byte, 1), 0);
	close(executed[0]);
	return pid;
}

/* The picture of a process that executes all the time is of one program. */
START_TEST(executing_process_is_whole)
{
	struct memseal_coverage whole, found = { .size = sizeof(found) };
	struct memseal_process *process;
	int r, seen = 0;

	child = start_shell("kill -STOP $$");
	ck_assert_int_eq(waitpid(child, &r, WUNTRACED), child);
	whole = coverage_of(child);
	kill_child();
	child = start_shell("exec /bin/sh -c \"$0\" \"$0\"");
	for (int i = 0; i < 500 || (!seen && i < 100000); i++) {
		r = memseal_process_open(child, NULL, &process);
		ck_assert_msg(r == 0 || r == -EAGAIN, "%d", r);
		if (r < 0)
			continue;
		ck_assert_int_eq(memseal_process_coverage(process, &found), 0);
		/* At its start it has fewer libraries, at first nothing but a stack. */
		ck_assert_uint_le(found.sealable_bytes, whole.sealable_bytes);
		ck_assert_uint_le(found.images, whole.images);
		seen += found.sealable_bytes == whole.sealable_bytes;
		memseal_process_close(process);
	}
	ck_assert_int_gt(seen, 0);
}
END_TEST

static int find_self(pid_t pid, void *arg)
{
	(void)arg;
	return pid == getpid() ? 77 : 0;
}

START_TEST(processes_are_listed)
{
	ck_assert_int_eq(memseal_process_each(NULL, find_self, NULL), 77);
}
END_TEST

/* Everything that a picture tells, in one number. */
static uint64_t digest(struct memseal_process *process)
{
	struct memseal_coverage coverage = { .size = sizeof(coverage) };
	struct memseal_mapping m = { .size = sizeof(m) };
	uint64_t ret;

	ck_assert_int_eq(memseal_process_coverage(process, &coverage), 0);
	ret = coverage.sealable_bytes * 31 + coverage.sealed_bytes * 37 + coverage.images;
	while (memseal_process_next_mapping(process, &m) == 1) {
		ret = ret * 41 + m.start + m.end + m.sealable_bytes + m.kind;
		ret = ret * 43 + (m.why ? strlen(m.why) : 0) + (m.object ? strlen(m.object) : 0);
	}
	for (const char *p = memseal_process_comm(process); *p; p++)
		ret = ret * 47 + (unsigned char)*p;
	return ret;
}

static int count_descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int n = 0;

	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

static const int failures[] = { EIO, ENOMEM, EACCES, EPERM, EMFILE, ENOENT, ESRCH, EINTR };

/* Opens the child with each of its system calls failing in turn. Returns how often that failed. */
static int fail_each_call(int error, uint64_t expected)
{
	int descriptors = count_descriptors(), errors = 0, r;
	struct memseal_process *process;
	unsigned long nth = 0;
	bool hit;

	do {
		fault_arm(++nth, error);
		r = memseal_process_open(child, NULL, &process);
		hit = fault_count() >= nth;
		fault_arm(0, 0);
		ck_assert_int_le(r, 0);
		errors += r < 0;
		/* Either an error or the undisturbed picture: never one with an image less. */
		if (r == 0) {
			ck_assert_msg(digest(process) == expected, "call %lu", nth);
			memseal_process_close(process);
		}
		ck_assert_int_eq(count_descriptors(), descriptors);
	} while (hit);
	ck_assert_int_eq(r, 0);
	return errors;
}

START_TEST(every_failure_is_told_or_harmless)
{
	struct memseal_process *process;
	uint64_t expected;
	size_t used;

	start_child(seal_page_of_text);
	ck_assert_int_eq(memseal_process_open(child, NULL, &process), 0);
	expected = digest(process);
	memseal_process_close(process);
	ck_assert_int_gt(fail_each_call(failures[_i], expected), 0);
	/* malloc(3) keeps some of what was freed, until it has all it wants. */
	for (int i = 0; i < 10; i++) {
		used = mallinfo2().uordblks;
		fail_each_call(failures[_i], expected);
		if (mallinfo2().uordblks == used)
			return;
	}
	ck_abort_msg("more memory is in use after each failure");
}
END_TEST

START_TEST(every_failure_of_the_list_is_told)
{
	int error = failures[_i], descriptors = count_descriptors(), r;
	unsigned long nth = 0;
	bool hit;

	do {
		fault_arm(++nth, error);
		r = memseal_process_each(NULL, find_self, NULL);
		hit = fault_count() >= nth;
		fault_arm(0, 0);
		/* Closing is the one call whose failure changes nothing. */
		ck_assert(r == 77 || (hit && r < 0));
		ck_assert_int_eq(count_descriptors(), descriptors);
	} while (hit);
	ck_assert_int_eq(r, 77);
	ck_assert_uint_gt(nth, 2);
}
END_TEST

static TCase *live_tests(void)
{
	TCase *tcase = tcase_create("live");

	tcase_add_checked_fixture(tcase, NULL, kill_child);
	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, sealed_page_is_seen);
	tcase_add_test(tcase, mapped_library_file_is_no_image);
	tcase_add_test(tcase, content_lock_is_seen);
	tcase_add_test(tcase, kernel_thread_is_told);
	tcase_add_test(tcase, zombie_and_gone_are_told);
	tcase_add_test(tcase, ended_main_thread_leaves_the_others);
	tcase_add_test(tcase, dying_process_is_whole_or_gone);
	tcase_add_test(tcase, executing_process_is_whole);
	tcase_add_test(tcase, processes_are_listed);
	tcase_add_loop_test(tcase, every_failure_is_told_or_harmless, 0, ARRAY_SIZE(failures));
	tcase_add_loop_test(tcase, every_failure_of_the_list_is_told, 0, ARRAY_SIZE(failures));
	return tcase;
}

int main(void)
{
	Suite *suite = suite_create("proc-live");
	SRunner *runner;
	int failed;

	suite_add_tcase(suite, live_tests());
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
