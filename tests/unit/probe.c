/* SPDX-License-Identifier: MIT */
/*
 * memseal_probe(): its answers against attempts made another way, under filters that refuse by all
 * means seccomp(2) has, with every system call failing, and what it leaves behind: nothing.
 */
#include <check.h>
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
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
#include "engine/probe.h"

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED true
#elif defined(__has_feature)
#define SANITIZED __has_feature(address_sanitizer)
#else
#define SANITIZED false
#endif

/* The leak checker clones and unmaps, which some tests refuse. The probe does not allocate. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "detect_leaks=0";
}

static struct memseal_features probed(void)
{
	struct memseal_features ret = { .size = sizeof(ret) };

	ck_assert_int_eq(memseal_probe(&ret), 0);
	return ret;
}

static void assert_same(const struct memseal_features *a, const struct memseal_features *b)
{
	ck_assert_mem_eq(a, b, sizeof(*a));
}

/* From now on, this process is answered action for a system call. */
static void filter(long nr, unsigned action)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)nr, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, action),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { ARRAY_SIZE(code), code };

	ck_assert_int_eq(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
	ck_assert_int_eq(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program), 0);
}

static void refuse(long nr, int error)
{
	filter(nr, SECCOMP_RET_ERRNO | (unsigned)error);
}

/* The attempts of the tests. */

static enum memseal_support support(bool yes)
{
	return yes ? MEMSEAL_YES : MEMSEAL_NO;
}

static bool file_holds(const char *path, const char *line_begin, const char *flag)
{
	FILE *file = fopen(path, "re");
	char line[512];
	bool inside = false, found = false;

	ck_assert_ptr_nonnull(file);
	while (fgets(line, sizeof(line), file)) {
		if (strstr(line, line_begin))
			inside = true;
		if (inside && strncmp(line, "VmFlags:", 8) == 0) {
			found = strstr(line, flag);
			break;
		}
	}
	fclose(file);
	ck_assert(inside);
	return found;
}

static long file_number(const char *path)
{
	FILE *file = fopen(path, "re");
	long ret = -ENOENT;

	if (!file)
		return ret;
	ck_assert_int_eq(fscanf(file, "%ld", &ret), 1);
	fclose(file);
	return ret;
}

START_TEST(mseal_is_what_the_kernel_does)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char *at = mmap(NULL, page, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	bool taken;

	ck_assert_ptr_ne(at, MAP_FAILED);
	ck_assert_int_eq(mprotect(at, page, PROT_READ | PROT_WRITE), 0);
	taken = syscall(NR_mseal, at, page, 0) == 0;
	ck_assert_int_eq(mprotect(at, page, PROT_READ), taken ? -1 : 0);
	ck_assert_int_eq(probed().mseal, support(taken));
	ck_assert_int_eq(probe_mseal_quick(), support(taken));
}
END_TEST

START_TEST(memfd_seals_are_what_the_kernel_does)
{
	int fd = memfd_create("test", MFD_ALLOW_SEALING);
	bool sealed;

	ck_assert_int_eq(ftruncate(fd, 4096), 0);
	sealed = fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE) == 0 &&
		 mmap(NULL, 4096, PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED && errno == EPERM;
	ck_assert_int_eq(probed().memfd_seals, support(sealed));
}
END_TEST

START_TEST(memfd_secret_is_what_the_kernel_does)
{
	long fd = syscall(NR_memfd_secret, 0);

	ck_assert(fd >= 0 || errno == ENOSYS);
	ck_assert_int_eq(probed().memfd_secret, support(fd >= 0));
}
END_TEST

START_TEST(seccomp_is_what_the_kernel_says)
{
	unsigned action = SECCOMP_RET_ERRNO;
	bool available = syscall(NR_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0;

	ck_assert_int_eq(probed().seccomp, support(available));
	ck_assert_int_eq(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), 0);
	ck_assert_int_eq(prctl(PR_GET_SECCOMP, 0, 0, 0, 0), 0);
}
END_TEST

START_TEST(pkeys_are_found_even_if_the_caller_took_them_all)
{
	int taken = 0;

	while (syscall(NR_pkey_alloc, 0, 0) >= 0)
		taken++;
	ck_assert_int_eq(probed().pkeys, support(taken > 0));
}
END_TEST

START_TEST(system_mappings_are_what_smaps_shows)
{
	bool sealed = file_holds("/proc/self/smaps", "[vdso]", " sl");
	struct memseal_features before = probed();
	uint64_t start = 0, end = 0;
	char line[512];
	FILE *file;

	ck_assert_int_eq(before.system_mappings_sealed, support(sealed));
	if (sealed || before.mseal != MEMSEAL_YES)
		return;
	file = fopen("/proc/self/maps", "re");
	while (fgets(line, sizeof(line), file))
		if (strstr(line, "[vdso]"))
			ck_assert_int_eq(sscanf(line, "%lx-%lx", &start, &end), 2);
	fclose(file);
	ck_assert_int_eq(syscall(NR_mseal, start, end - start, 0), 0);
	ck_assert_int_eq(probed().system_mappings_sealed, MEMSEAL_YES);
}
END_TEST

START_TEST(proc_mem_is_what_the_kernel_does)
{
	static const char constant[] __attribute__((aligned(4096))) = "a";
	int fd = open("/proc/self/mem", O_WRONLY);
	bool written;

	ck_assert_int_ge(fd, 0);
	written = pwrite(fd, "b", 1, (off_t)(uintptr_t)constant) == 1;
	ck_assert_int_eq(probed().proc_mem_writes, support(written));
}
END_TEST

START_TEST(numbers_are_those_of_proc)
{
	struct memseal_features found = probed();

	ck_assert_int_eq(found.proc, MEMSEAL_YES);
	ck_assert_int_eq(found.max_map_count, file_number("/proc/sys/vm/max_map_count"));
	ck_assert_int_eq(found.ptrace_scope, file_number("/proc/sys/kernel/yama/ptrace_scope"));
}
END_TEST

START_TEST(configuration_shows_in_proc)
{
	struct memseal_features found = probed();

	/* Both files come with the option alone: fs/proc/base.c,
	 * arch/x86/entry/vdso/vdso32-setup.c. */
	ck_assert_int_eq(found.checkpoint_restore, support(access("/proc/self/timers", F_OK) == 0));
#ifdef __x86_64__
	ck_assert_int_eq(
		found.programs_32bit, support(access("/proc/sys/abi/vsyscall32", F_OK) == 0));
#endif
}
END_TEST

START_TEST(libc_mseal_is_what_the_loader_finds)
{
#ifdef __GLIBC__
	ck_assert_int_eq(
		probed().libc_mseal, support(dlvsym(RTLD_DEFAULT, "mseal", "GLIBC_2.43") != NULL));
#else
	ck_assert_int_eq(probed().libc_mseal, MEMSEAL_UNKNOWN);
#endif
}
END_TEST

START_TEST(nothing_runs_this_process_but_a_kernel)
{
	struct memseal_features found;

	ck_assert_int_eq(setenv("RUNNING_UNDER_RR", "1", 1), 0);
	ck_assert_int_eq(setenv("LD_PRELOAD", "vgpreload_core-amd64-linux.so", 1), 0);
	found = probed();
	ck_assert_int_eq(found.valgrind, MEMSEAL_NO);
	ck_assert_int_eq(found.rr, MEMSEAL_NO);
	ck_assert_int_eq(found.qemu_user, MEMSEAL_NO);
	ck_assert_int_eq(found.gvisor, MEMSEAL_NO);
}
END_TEST

/* Filters. */

static const unsigned refusals[] = {
	SECCOMP_RET_ERRNO | EPERM,
	SECCOMP_RET_ERRNO | EACCES,
	SECCOMP_RET_ERRNO | ENOSYS,
	SECCOMP_RET_ERRNO | 0, /* pretends to have done it */
	SECCOMP_RET_TRAP,
	SECCOMP_RET_KILL_THREAD,
	SECCOMP_RET_KILL_PROCESS,
};

/* Expects the answers of before, but for one. */
static void assert_filtered(const struct memseal_features *before, size_t answer)
{
	struct memseal_features found = probed(), expected = *before;

	*(enum memseal_support *)((void *)((char *)&expected + answer)) = MEMSEAL_FILTERED;
	assert_same(&found, &expected);
}

START_TEST(refused_mseal_is_filtered)
{
	struct memseal_features before = probed();

	ck_assert_int_eq(before.mseal, MEMSEAL_YES);
	filter(NR_mseal, refusals[_i]);
	assert_filtered(&before, offsetof(struct memseal_features, mseal));
}
END_TEST

START_TEST(refused_mseal_is_filtered_quickly)
{
	ck_assert_int_eq(probe_mseal_quick(), MEMSEAL_YES);
	filter(NR_mseal, refusals[_i]);
	ck_assert_int_eq(probe_mseal_quick(), MEMSEAL_FILTERED);
}
END_TEST

START_TEST(quick_attempt_is_killed_where_mseal_kills)
{
	filter(NR_mseal, SECCOMP_RET_KILL_PROCESS);
	(void)probe_mseal_quick();
}
END_TEST

static const struct {
	long nr;
	size_t answer;
} filterable[] = {
	{ NR_memfd_create, offsetof(struct memseal_features, memfd_seals) },
	{ NR_memfd_secret, offsetof(struct memseal_features, memfd_secret) },
	{ NR_pkey_alloc, offsetof(struct memseal_features, pkeys) },
	{ NR_seccomp, offsetof(struct memseal_features, seccomp) },
};

START_TEST(refused_calls_are_filtered)
{
	struct memseal_features before = probed();

	filter(filterable[_i].nr, SECCOMP_RET_ERRNO | EPERM);
	assert_filtered(&before, filterable[_i].answer);
}
END_TEST

START_TEST(calls_that_kill_are_filtered)
{
	struct memseal_features before = probed();

	filter(filterable[_i].nr, SECCOMP_RET_KILL_PROCESS);
	assert_filtered(&before, filterable[_i].answer);
}
END_TEST

START_TEST(all_at_once_may_kill)
{
	struct memseal_features found;

	for (size_t i = 0; i < ARRAY_SIZE(filterable); i++)
		if (filterable[i].nr != NR_seccomp)
			filter(filterable[i].nr, SECCOMP_RET_KILL_PROCESS);
	filter(NR_mseal, SECCOMP_RET_KILL_PROCESS);
	filter(NR_openat, SECCOMP_RET_KILL_PROCESS);
	filter(NR_readlinkat, SECCOMP_RET_KILL_PROCESS);
	found = probed();
	ck_assert_int_eq(found.mseal, MEMSEAL_FILTERED);
	ck_assert_int_eq(found.memfd_seals, MEMSEAL_FILTERED);
	ck_assert_int_eq(found.memfd_secret, MEMSEAL_FILTERED);
	ck_assert_int_eq(found.pkeys, MEMSEAL_FILTERED);
	ck_assert_int_eq(found.proc, MEMSEAL_FILTERED);
	ck_assert_int_eq(found.proc_mem_writes, MEMSEAL_FILTERED);
	ck_assert_int_eq(found.ptrace_scope, -EPERM);
	ck_assert_int_eq(found.max_map_count, -EPERM);
	ck_assert_int_eq(found.qemu_user, MEMSEAL_UNKNOWN);
	ck_assert_int_eq(found.seccomp, MEMSEAL_YES);
}
END_TEST

START_TEST(calls_that_are_missing_are_missing)
{
	struct memseal_features found;

	refuse(NR_memfd_create, ENOSYS);
	refuse(NR_memfd_secret, ENOSYS);
	refuse(NR_pkey_alloc, ENOSYS);
	found = probed();
	ck_assert_int_eq(found.memfd_seals, MEMSEAL_NO);
	ck_assert_int_eq(found.memfd_secret, MEMSEAL_NO);
	ck_assert_int_eq(found.pkeys, MEMSEAL_NO);
}
END_TEST

START_TEST(what_is_only_pretended_does_not_count)
{
	refuse(NR_fcntl, 0);
	refuse(NR_seccomp, 0);
	ck_assert_int_eq(probed().memfd_seals, MEMSEAL_NO);
	ck_assert_int_eq(probed().seccomp, MEMSEAL_NO);
}
END_TEST

START_TEST(refused_mremap_does_not_look_like_a_seal)
{
	refuse(NR_mremap, EPERM);
	ck_assert_int_eq(probed().system_mappings_sealed, MEMSEAL_UNKNOWN);
	refuse(NR_mprotect, EPERM);
	ck_assert_int_eq(probed().system_mappings_sealed, MEMSEAL_UNKNOWN);
}
END_TEST

START_TEST(refused_munmap_does_not_look_like_a_seal)
{
	refuse(NR_mseal, 0);
	refuse(NR_munmap, EPERM);
	ck_assert_int_eq(probed().mseal, MEMSEAL_UNKNOWN);
}
END_TEST

START_TEST(without_uname_nobody_knows_why_mseal_is_missing)
{
	struct memseal_features found;

	refuse(NR_mseal, ENOSYS);
	refuse(NR_uname, EPERM);
	found = probed();
	ck_assert_int_eq(found.mseal, MEMSEAL_UNKNOWN);
	ck_assert_int_eq(found.gvisor, MEMSEAL_UNKNOWN);
}
END_TEST

START_TEST(without_fork_nothing_is_known)
{
	struct memseal_features found;

	refuse(NR_clone, EPERM);
	found = probed();
	ck_assert_int_eq(found.mseal, MEMSEAL_UNKNOWN);
	ck_assert_int_eq(found.memfd_seals, MEMSEAL_UNKNOWN);
	ck_assert_int_eq(found.proc, MEMSEAL_UNKNOWN);
	ck_assert_int_eq(found.max_map_count, -ENODATA);
}
END_TEST

START_TEST(no_process_is_an_error)
{
	static const int errors[] = { EAGAIN, ENOMEM };
	struct memseal_features found, untouched;

	memset(&found, 0xaa, sizeof(found));
	found.size = sizeof(found);
	untouched = found;
	refuse(NR_clone, errors[_i]);
	ck_assert_int_eq(memseal_probe(&found), -errors[_i]);
	assert_same(&found, &untouched);
}
END_TEST

/* What is left behind. */

static atomic_int handled;

static void handle(int sig)
{
	(void)sig;
	handled++;
}

static void handle_fork(void)
{
	handled++;
}

static void set_handler(int sig, void (*handler)(int), int flags)
{
	struct sigaction action = { .sa_handler = handler, .sa_flags = flags };

	ck_assert_int_eq(sigaction(sig, &action, NULL), 0);
}

START_TEST(handlers_do_not_run)
{
	struct memseal_features before = probed();

	set_handler(SIGCHLD, handle, 0);
	ck_assert_int_eq(pthread_atfork(handle_fork, handle_fork, handle_fork), 0);
	for (int i = 0; i < 20; i++) {
		struct memseal_features found = probed();

		assert_same(&found, &before);
	}
	ck_assert_int_eq(handled, 0);
}
END_TEST

static atomic_int *shared_count;

static void count_shared(int sig)
{
	(void)sig;
	++*shared_count;
}

/* A sandbox that emulates calls in a handler of SIGSYS must not do it in the child. */
START_TEST(handlers_of_sigsys_do_not_run_either)
{
	shared_count = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ck_assert_ptr_ne(shared_count, MAP_FAILED);
	set_handler(SIGSYS, count_shared, 0);
	filter(NR_mseal, SECCOMP_RET_TRAP);
	ck_assert_int_eq(probed().mseal, MEMSEAL_FILTERED);
	ck_assert_int_eq(*shared_count, 0);
	syscall(NR_mseal, 0, 0, 0);
	ck_assert_int_eq(*shared_count, 1);
}
END_TEST

START_TEST(ignored_sigchld_changes_nothing)
{
	struct memseal_features before = probed(), found;

	set_handler(SIGCHLD, SIG_IGN, 0);
	found = probed();
	assert_same(&found, &before);
	set_handler(SIGCHLD, SIG_DFL, SA_NOCLDWAIT);
	found = probed();
	assert_same(&found, &before);
}
END_TEST

START_TEST(signal_mask_stays)
{
	sigset_t set, after;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	ck_assert_int_eq(sigprocmask(SIG_SETMASK, &set, NULL), 0);
	probed();
	ck_assert_int_eq(sigprocmask(SIG_SETMASK, NULL, &after), 0);
	for (int sig = 1; sig < NSIG; sig++)
		ck_assert_int_eq(sigismember(&after, sig), sig == SIGUSR1);
}
END_TEST

struct left {
	char maps[1 << 16];
	unsigned shared, sealed, fds;
	bool children;
};

static void read_whole(const char *path, char *buf, size_t size)
{
	size_t len = 0;
	ssize_t n;
	int fd = open(path, O_RDONLY);

	ck_assert_int_ge(fd, 0);
	while ((n = read(fd, buf + len, size - 1 - len)) > 0)
		len += (size_t)n;
	ck_assert_int_eq(n, 0);
	ck_assert_uint_lt(len, size - 1);
	buf[len] = '\0';
	close(fd);
}

static unsigned count_fds(void)
{
	unsigned ret = 0;

	for (int fd = 0; fd < 1024; fd++)
		ret += fcntl(fd, F_GETFD) >= 0;
	return ret;
}

static unsigned count(const char *text, const char *word)
{
	unsigned ret = 0;

	for (const char *at = text; (at = strstr(at, word)); at++)
		ret++;
	return ret;
}

static void look(struct left *ret)
{
	static char smaps[1 << 18];

	read_whole("/proc/self/maps", ret->maps, sizeof(ret->maps));
	read_whole("/proc/self/smaps", smaps, sizeof(smaps));
	ret->shared = count(ret->maps, "/dev/zero");
	ret->sealed = count(smaps, " sl");
	ret->fds = count_fds();
	ret->children = waitpid(-1, NULL, __WALL | WNOHANG) >= 0 || errno != ECHILD;
}

static void assert_nothing_left(const struct left *before)
{
	static struct left after;

	look(&after);
	/* The sanitizer maps memory of its own now and then. */
	if (!SANITIZED)
		ck_assert(strcmp(after.maps, before->maps) == 0);
	ck_assert_uint_eq(after.shared, before->shared);
	ck_assert_uint_eq(after.sealed, before->sealed);
	ck_assert_uint_eq(after.fds, before->fds);
	ck_assert(!after.children);
}

START_TEST(nothing_is_left_after_a_thousand_probes)
{
	static struct left before;
	struct memseal_features first = probed();

	look(&before);
	for (int i = 0; i < 1000; i++) {
		struct memseal_features found = probed();

		assert_same(&found, &first);
	}
	assert_nothing_left(&before);
}
END_TEST

START_TEST(nothing_is_left_where_a_filter_kills)
{
	static struct left before;

	filter(NR_mseal, SECCOMP_RET_KILL_PROCESS);
	filter(NR_memfd_create, SECCOMP_RET_KILL_PROCESS);
	probed();
	look(&before);
	for (int i = 0; i < 20; i++)
		probed();
	assert_nothing_left(&before);
}
END_TEST

static struct memseal_features first_found;
static atomic_bool done;

static void *probe_often(void *arg)
{
	(void)arg;
	for (int i = 0; i < 50; i++) {
		struct memseal_features found = probed();

		assert_same(&found, &first_found);
	}
	return NULL;
}

/* Takes the children of the others away. */
static void *reap_often(void *arg)
{
	(void)arg;
	while (!done)
		if (waitpid(-1, NULL, __WALL) < 0)
			usleep(100);
	return NULL;
}

START_TEST(threads_may_probe_at_once)
{
	pthread_t threads[8], reaper;
	static struct left left;

	first_found = probed();
	if (_i == 1)
		ck_assert_int_eq(pthread_create(&reaper, NULL, reap_often, NULL), 0);
	for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, probe_often, NULL), 0);
	for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
		ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
	done = true;
	if (_i == 1)
		ck_assert_int_eq(pthread_join(reaper, NULL), 0);
	look(&left);
	ck_assert(!left.children);
}
END_TEST

/* The struct. */

START_TEST(size_must_be_that_of_a_version)
{
	struct memseal_features found, untouched;
	size_t first = offsetof(struct memseal_features, max_map_count) + sizeof(int);

	memset(&found, 0xaa, sizeof(found));
	untouched = found;
	ck_assert_int_eq(memseal_probe(NULL), -EINVAL);
	found.size = untouched.size = 0;
	ck_assert_int_eq(memseal_probe(&found), -EINVAL);
	assert_same(&found, &untouched);
	found.size = untouched.size = first - 1;
	ck_assert_int_eq(memseal_probe(&found), -EINVAL);
	assert_same(&found, &untouched);
	found.size = first;
	ck_assert_int_eq(memseal_probe(&found), 0);
	ck_assert_uint_eq(found.size, first);
	ck_assert_int_eq(found.proc, MEMSEAL_YES);
}
END_TEST

START_TEST(tail_of_a_longer_struct_is_zeroed)
{
	struct {
		struct memseal_features features;
		char tail[32], behind[8];
	} found;
	static const char zeroes[sizeof(found.tail)];

	memset(&found, 0xaa, sizeof(found));
	found.features.size = sizeof(found) - sizeof(found.behind);
	ck_assert_int_eq(memseal_probe(&found.features), 0);
	ck_assert_uint_eq(found.features.size, sizeof(found) - sizeof(found.behind));
	ck_assert_int_eq(found.features.proc, MEMSEAL_YES);
	ck_assert_mem_eq(found.tail, zeroes, sizeof(zeroes));
	ck_assert_mem_eq(found.behind, "\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa", 8);
}
END_TEST

/* Failing system calls. */

/* More than all of the calls that the parent and the child make. */
#define CALLS_AT_MOST 150

static const int failures[] = { EPERM, EACCES, ENOSYS, ENOMEM, EAGAIN, EINVAL, EMFILE, EFAULT,
	EIO };

static int as_int(const struct memseal_features *features, size_t i)
{
	return ((const int *)(const void *)&features->mseal)[i];
}

/* No answer is better than it was without the failure; true if one is worse. */
static bool assert_not_better(
	const struct memseal_features *found, const struct memseal_features *truth)
{
	size_t answers = (offsetof(struct memseal_features, ptrace_scope) -
				 offsetof(struct memseal_features, mseal)) /
			 sizeof(int);

	for (size_t i = 0; i < answers; i++)
		if (as_int(found, i) == MEMSEAL_YES)
			ck_assert_int_eq(as_int(truth, i), MEMSEAL_YES);
	if (found->max_map_count >= 0)
		ck_assert_int_eq(found->max_map_count, truth->max_map_count);
	if (found->ptrace_scope >= 0)
		ck_assert_int_eq(found->ptrace_scope, truth->ptrace_scope);
	return memcmp(found, truth, sizeof(*found)) != 0;
}

START_TEST(any_call_may_fail)
{
	struct memseal_features truth = probed();
	static struct left before;
	unsigned changed = 0, failed = 0;

	look(&before);
	for (unsigned long n = 1; n <= CALLS_AT_MOST; n++) {
		struct memseal_features found = { .size = sizeof(found) };
		int ret;

		fault_arm(n, failures[_i]);
		ret = memseal_probe(&found);
		ck_assert(ret == 0 || ret == -ENOMEM || ret == -EAGAIN);
		if (ret < 0)
			failed++;
		else
			changed += assert_not_better(&found, &truth);
		assert_nothing_left(&before);
		if (n == CALLS_AT_MOST)
			assert_same(&found, &truth);
	}
	fault_arm(0, 0);
	/* The first call maps the page for the answers. */
	ck_assert_uint_ge(failed, 1);
	ck_assert_uint_ge(changed, 15);
}
END_TEST

START_TEST(quick_attempt_may_fail)
{
	for (unsigned long n = 1; n <= 10; n++)
		for (size_t i = 0; i < ARRAY_SIZE(failures); i++) {
			enum memseal_support found;

			fault_arm(n, failures[i]);
			found = probe_mseal_quick();
			/* The fifth call is the one that shows the seal: EPERM is what is wanted.
			 */
			if (n < 5)
				ck_assert_int_ne(found, MEMSEAL_YES);
			else if (n > 5)
				ck_assert_int_eq(found, MEMSEAL_YES);
		}
}
END_TEST

static TCase *add_case(Suite *suite, const char *name)
{
	TCase *ret = tcase_create(name);

	suite_add_tcase(suite, ret);
	tcase_set_timeout(ret, 60);
	return ret;
}

static void add_answers(Suite *suite)
{
	TCase *answers = add_case(suite, "answers");

	tcase_add_test(answers, mseal_is_what_the_kernel_does);
	tcase_add_test(answers, memfd_seals_are_what_the_kernel_does);
	tcase_add_test(answers, memfd_secret_is_what_the_kernel_does);
	tcase_add_test(answers, seccomp_is_what_the_kernel_says);
	tcase_add_test(answers, pkeys_are_found_even_if_the_caller_took_them_all);
	tcase_add_test(answers, system_mappings_are_what_smaps_shows);
	tcase_add_test(answers, proc_mem_is_what_the_kernel_does);
	tcase_add_test(answers, numbers_are_those_of_proc);
	tcase_add_test(answers, configuration_shows_in_proc);
	tcase_add_test(answers, libc_mseal_is_what_the_loader_finds);
	tcase_add_test(answers, nothing_runs_this_process_but_a_kernel);
}

static void add_filters(Suite *suite)
{
	TCase *filters = add_case(suite, "filters");

	tcase_add_loop_test(filters, refused_mseal_is_filtered, 0, ARRAY_SIZE(refusals));
	/* Those that do not kill. */
	tcase_add_loop_test(filters, refused_mseal_is_filtered_quickly, 0, 4);
	tcase_add_test_raise_signal(filters, quick_attempt_is_killed_where_mseal_kills, SIGSYS);
	tcase_add_loop_test(filters, refused_calls_are_filtered, 0, ARRAY_SIZE(filterable));
	tcase_add_loop_test(filters, calls_that_kill_are_filtered, 0, ARRAY_SIZE(filterable));
	tcase_add_test(filters, all_at_once_may_kill);
	tcase_add_test(filters, calls_that_are_missing_are_missing);
	tcase_add_test(filters, what_is_only_pretended_does_not_count);
	tcase_add_test(filters, refused_mremap_does_not_look_like_a_seal);
	tcase_add_test(filters, refused_munmap_does_not_look_like_a_seal);
	tcase_add_test(filters, without_uname_nobody_knows_why_mseal_is_missing);
	tcase_add_test(filters, without_fork_nothing_is_known);
	tcase_add_loop_test(filters, no_process_is_an_error, 0, 2);
}

static void add_traces(Suite *suite)
{
	TCase *traces = add_case(suite, "traces");

	tcase_add_test(traces, handlers_do_not_run);
	tcase_add_test(traces, handlers_of_sigsys_do_not_run_either);
	tcase_add_test(traces, ignored_sigchld_changes_nothing);
	tcase_add_test(traces, signal_mask_stays);
	tcase_add_test(traces, nothing_is_left_after_a_thousand_probes);
	tcase_add_test(traces, nothing_is_left_where_a_filter_kills);
	tcase_add_loop_test(traces, threads_may_probe_at_once, 0, 2);
}

static void add_failures(Suite *suite)
{
	TCase *failing = add_case(suite, "failures");

	tcase_add_test(failing, size_must_be_that_of_a_version);
	tcase_add_test(failing, tail_of_a_longer_struct_is_zeroed);
	tcase_add_loop_test(failing, any_call_may_fail, 0, ARRAY_SIZE(failures));
	tcase_add_test(failing, quick_attempt_may_fail);
}

int main(void)
{
	Suite *suite = suite_create("probe");
	SRunner *runner = srunner_create(suite);
	int failed;

	add_answers(suite);
	add_filters(suite);
	add_traces(suite);
	add_failures(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
