/* SPDX-License-Identifier: MIT */
/* Generated filters in the running kernel: it loads them, and real calls get the model's answers.
 */
#include <check.h>
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/sys.h"
#include "memseal.h"

#include "../bpf/random.h"

#define PAGE       UINT64_C(4096)
#define RANGES_MAX 1250

/* Errors that no call here returns by itself. */
#define REFUSED_ERRNO  1111
#define UNJUDGED_ERRNO 1112

static struct bpf_scratch scratch;

static int install(const struct sock_filter *program, int length)
{
	struct sock_fprog fprog = {
		.len = (unsigned short)length,
		.filter = (struct sock_filter *)program,
	};
	int r = sys_prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);

	return r < 0 ? r : sys_seccomp(SECCOMP_SET_MODE_FILTER, 0, &fprog);
}

/* Installs all programs of a batch; returns how many, or a negative errno. */
static int install_all(const struct model *model)
{
	struct bpf_batch batch = {
		.policy = model->policy,
		.ranges = model->ranges,
		.count = model->count,
	};
	static struct sock_filter program[BPF_MAXINSNS];
	int length, count = 0, r;

	while ((length = bpf_next(&batch, &scratch, program, BPF_MAXINSNS)) > 0) {
		r = install(program, length);
		if (r < 0)
			return r;
		count++;
	}
	return length < 0 ? length : count;
}

/* Runs child() in a process of its own; returns its exit status, or 128 and its signal. */
static int in_child(int (*child)(void *), void *arg)
{
	pid_t pid = fork();
	int status;

	ck_assert_int_ge(pid, 0);
	if (!pid)
		_exit(child(arg));
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static int install_child(void *arg)
{
	int r = install_all(arg);

	return r < 0 ? -r : 100 + r;
}

/* Ranges of two pages every four, from an address of the architecture on. */
static void fill(struct bpf_range *ranges, size_t count, uint64_t start)
{
	for (size_t i = 0; i < count; i++)
		ranges[i] = (struct bpf_range){
			.start = start + i * 4 * PAGE,
			.end = start + i * 4 * PAGE + 2 * PAGE,
			.effects = MEMSEAL_ALL,
		};
}

/* Answers allow everything: programs of other architectures would not let the child end. */
START_TEST(loads_every_size)
{
	struct bpf_policy policy = {
		.arch = (enum bpf_arch)_i,
		.page = PAGE,
		.refuse = SECCOMP_RET_ALLOW,
		.unjudged = SECCOMP_RET_ALLOW,
	};
	struct bpf_range ranges[RANGES_MAX];
	struct model model = { .policy = &policy, .ranges = ranges };

	fill(ranges, RANGES_MAX, UINT64_C(0xf0000000) - RANGES_MAX * 4 * PAGE);
	for (size_t count = 1; count <= RANGES_MAX; count += count < 40 ? 1 : 55) {
		model.count = count;
		ck_assert_int_eq(in_child(install_child, &model), count < 605 ? 101 : 102);
	}
	model.count = RANGES_MAX;
	ck_assert_int_eq(in_child(install_child, &model), 102);
}
END_TEST

#if defined(__x86_64__)

#define ARENA_PAGES 96
#define CALLS_EACH  6000
#define PATTERN     0x5a

struct shared {
	unsigned long calls, refused, done; /* done: allowed, and the kernel did it */
	struct seccomp_data data;
	long answer;
	enum verdict expected;
};

struct attempt {
	struct random random;
	bool narrow; /* through int 0x80, and all below 4 GiB */
	struct shared *shared;
};

static long int80(long nr, const uint64_t *args)
{
	long ret;

	/* The kernel takes the last argument from rbp. */
	__asm__ volatile("push %%rbp\n\tmov %[f], %%rbp\n\tint $0x80\n\tpop %%rbp"
			 : "=a"(ret)
			 : "a"(nr), "b"(args[0]), "c"(args[1]), "d"(args[2]), "S"(args[3]),
			 "D"(args[4]), [f] "r"(args[5])
			 : "r8", "r9", "r10", "r11", "memory");
	return (int)ret;
}

static long real_call(const struct seccomp_data *data, bool narrow)
{
	const uint64_t *args = (const uint64_t *)data->args;

	if (narrow)
		return int80(data->nr, args);
	return arch_syscall(data->nr, (long)args[0], (long)args[1], (long)args[2], (long)args[3],
		(long)args[4], (long)args[5]);
}

static size_t read_maps(char *buf, size_t size)
{
	int fd = sys_openat(AT_FDCWD, "/proc/self/maps", O_RDONLY, 0);
	size_t len = 0;
	ssize_t r;

	while ((r = sys_read(fd, buf + len, size - 1 - len)) > 0)
		len += (size_t)r;
	buf[len] = 0;
	sys_close(fd);
	return len;
}

/*
 * Everything that the process has is sealed, so that no random call can hurt it, and random ranges
 * of the arena are. Sorted, because the mappings are.
 */
static size_t seal_all(struct attempt *attempt, char *maps, uint64_t arena,
	struct bpf_range *ranges, struct bpf_policy *policy)
{
	static const uint64_t some[] = { MEMSEAL_ALL, MEMSEAL_ALL, MEMSEAL_MAPPING,
		MEMSEAL_NO_UNMAP | MEMSEAL_NO_SHRINK | MEMSEAL_NO_GROW, MEMSEAL_NO_WRITE,
		MEMSEAL_NO_EXEC, MEMSEAL_NO_DISCARD, MEMSEAL_NO_UNMAP, MEMSEAL_NO_PROTECT };
	uint64_t arena_end = arena + ARENA_PAGES * PAGE, start, end;
	size_t count = 0;

	for (char *line = maps; *line; line = strchr(line, '\n') + 1) {
		if (sscanf(line, "%jx-%jx", (uintmax_t *)&start, (uintmax_t *)&end) != 2)
			return 0;
		if (end > UINT64_C(1) << 47)
			continue;
		if (!strncmp(strchr(line, '\n') - 6, "[heap]", 6)) {
			policy->brk_start = start;
			policy->brk_end = end;
		}
		for (uint64_t at = start; at < end && start >= arena && end <= arena_end;) {
			uint64_t len = (1 + random_below(&attempt->random, 4)) * PAGE;

			len = min_u64(len, end - at);
			ranges[count].start = at;
			ranges[count].end = at + len;
			ranges[count++].effects =
				some[random_below(&attempt->random, ARRAY_SIZE(some))];
			at += len + random_below(&attempt->random, 8) * PAGE;
		}
		if (start < arena || end > arena_end)
			ranges[count++] = (struct bpf_range){ start, end, MEMSEAL_ALL };
	}
	return count;
}

/* Calls that can only touch this process's memory. */
static bool is_memory_call(enum abi abi, int nr)
{
	static const enum name names[] = { N_BRK, N_IPC, N_MADVISE, N_MMAP, N_MMAP2, N_MPROTECT,
		N_MREMAP, N_MSEAL, N_MUNMAP, N_PKEY_MPROTECT, N_PROCESS_MADVISE, N_REMAP_FILE_PAGES,
		N_SHMAT, N_SHMDT, N_USERFAULTFD, N_PERSONALITY, N_MEMFD_CREATE, N_USELIB,
		N_MAP_SHADOW_STACK };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (model_number(abi, names[i]) == nr)
			return true;
	return false;
}

/* Old mmap reads its arguments from memory, and mseal would seal the arena for good. */
static bool harmless(const struct seccomp_data *data, enum abi abi, const struct model *model)
{
	if (data->nr == model_number(abi, N_MSEAL) ||
		(abi == ABI_I386 && data->nr == model_number(abi, N_MMAP)))
		return model_verdict(model, data) != ALLOWED;
	return true;
}

static bool as_expected(enum verdict expected, long answer)
{
	switch (expected) {
	case ALLOWED:
		return answer != -REFUSED_ERRNO && answer != -UNJUDGED_ERRNO;
	case REFUSED:
		return answer == -REFUSED_ERRNO;
	case UNJUDGED:
		return answer == -UNJUDGED_ERRNO;
	default:
		return answer == 0;
	}
}

static bool one_call(struct attempt *attempt, const struct model *model)
{
	struct shared *shared = attempt->shared;
	enum abi abi = attempt->narrow ? ABI_I386 : ABI_X86_64;
	struct seccomp_data *data = &shared->data;

	do
		random_call(&attempt->random, model, data);
	while (data->arch != model_audit(abi) || !is_memory_call(abi, data->nr) ||
		!harmless(data, abi, model));
	data->args[3] &= ~(uint64_t)(MAP_POPULATE | MAP_LOCKED);
	shared->expected = model_verdict(model, data);
	shared->answer = real_call(data, attempt->narrow);
	shared->calls++;
	shared->refused += shared->expected != ALLOWED;
	shared->done += shared->expected == ALLOWED && !sys_failed(shared->answer);
	return as_expected(shared->expected, shared->answer);
}

/* Pages that may neither go nor be written nor be emptied have kept their bytes. */
static bool kept(const struct model *model, uint64_t arena)
{
	for (size_t i = 0; i < model->count; i++) {
		const struct bpf_range *range = &model->ranges[i];

		if (range->effects != MEMSEAL_ALL || range->start < arena ||
			range->end > arena + ARENA_PAGES * PAGE)
			continue;
		for (uint64_t at = range->start; at < range->end; at++)
			if (*(const volatile unsigned char *)at != PATTERN)
				return false;
	}
	return true;
}

static uint64_t make_arena(bool narrow)
{
	char *arena = mmap(narrow ? (void *)0x20000000 : NULL, ARENA_PAGES * PAGE,
		PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (arena == MAP_FAILED || (narrow && (uintptr_t)arena >> 32))
		return 0;
	memset(arena, PATTERN, ARENA_PAGES * PAGE);
	/* Some of each protection: advice and mremap act on writable and on other pages. */
	mprotect(arena + 16 * PAGE, 40 * PAGE, PROT_READ);
	return (uint64_t)(uintptr_t)arena;
}

/* Below the caller's frame, where what it calls will have theirs: to be sealed with the rest. */
static __attribute__((noinline)) void grow_stack(void)
{
	char stack[1 << 17];

	explicit_bzero(stack, sizeof(stack));
}

static int calls_child(void *arg)
{
	static char maps[1 << 16];
	static struct bpf_range ranges[512];
	struct attempt *attempt = arg;
	struct bpf_policy policy = {
		.arch = BPF_ARCH_X86_64,
		.page = PAGE,
		.refuse = SECCOMP_RET_ERRNO | REFUSED_ERRNO,
		.unjudged = SECCOMP_RET_ERRNO | UNJUDGED_ERRNO,
	};
	struct model model = { .policy = &policy, .ranges = ranges };
	struct rlimit limit = { 1 << 29, 1 << 29 };
	uint64_t arena = make_arena(attempt->narrow);

	grow_stack();
	/* ipc(2) may come to make System V segments, which nobody would remove. */
	if (!arena || setrlimit(RLIMIT_AS, &limit) || unshare(CLONE_NEWIPC) || setuid(65534))
		return 2;
	read_maps(maps, sizeof(maps));
	model.count = seal_all(attempt, maps, arena, ranges, &policy);
	if (!model.count || install_all(&model) < 1)
		return 3;
	for (int i = 0; i < CALLS_EACH; i++)
		if (!one_call(attempt, &model))
			return 1;
	return kept(&model, arena) ? 0 : 4;
}

/* On an emulated machine everything takes long. */
static uint64_t children(void)
{
	return getenv("SLOW_MACHINE") ? 6 : 24;
}

static void compare_calls(bool narrow)
{
	struct shared *shared =
		mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct attempt attempt = { .narrow = narrow, .shared = shared };
	int r;

	ck_assert_ptr_ne(shared, MAP_FAILED);
	for (uint64_t i = 1; i <= children(); i++) {
		attempt.random.state = i * UINT64_C(0x9e3779b97f4a7c15);
		r = in_child(calls_child, &attempt);
		ck_assert_msg(r != 1 && r < 128,
			"status %d, nr %d (%llx, %llx, %llx, %llx, %llx): %ld, expected %d", r,
			shared->data.nr, shared->data.args[0], shared->data.args[1],
			shared->data.args[2], shared->data.args[3], shared->data.args[4],
			shared->answer, shared->expected);
		ck_assert_int_eq(r, 0);
	}
	printf("# %lu real calls, %lu refused, %lu done\n", shared->calls, shared->refused,
		shared->done);
	ck_assert_uint_ge(shared->calls, children() * CALLS_EACH * 2 / 3);
	ck_assert_uint_ge(shared->refused, shared->calls / 20);
	ck_assert_uint_ge(shared->done, shared->calls / 20);
}

START_TEST(real_calls)
{
	compare_calls(false);
}
END_TEST

START_TEST(real_int80_calls)
{
	compare_calls(true);
}
END_TEST

/*
 * A new length close to the highest: addr + new length wraps, and kernels that do not look at it
 * (6.18 does) cut memory before addr. The answer, and whether the victim is still mapped.
 */
static int wrapping_shrink(void *arg)
{
	uint64_t victim = make_arena(false), own = victim + 64 * PAGE;
	struct bpf_policy policy = {
		.arch = BPF_ARCH_X86_64,
		.page = PAGE,
		.refuse = SECCOMP_RET_ERRNO | REFUSED_ERRNO,
		.unjudged = SECCOMP_RET_ERRNO | UNJUDGED_ERRNO,
	};
	struct bpf_range range = { victim, victim + PAGE, MEMSEAL_NO_UNMAP };
	struct model model = { &policy, &range, 1 };
	bool sealed = arg, mapped;
	long answer;

	if (sealed && install_all(&model) != 1)
		return 2;
	answer = sys_mremap(own, victim - own + PAGE, victim - own, 0, 0);
	mapped = !sys_failed(sys_madvise(victim, PAGE, MADV_NORMAL));
	if (sealed)
		return answer != -REFUSED_ERRNO || !mapped;
	return mapped ? answer != -EINVAL : sys_failed(answer);
}

START_TEST(shrink_that_wraps)
{
	ck_assert_int_eq(in_child(wrapping_shrink, NULL), 0);
	ck_assert_int_eq(in_child(wrapping_shrink, &scratch), 0);
}
END_TEST

/* Tried in a child: where the kernel takes no such calls, the instruction faults. */
static bool has_int80(void)
{
	uint64_t args[6] = { 0 };
	pid_t pid = fork();
	int status;

	if (pid == 0)
		_exit(int80(20, args) != getpid());
	return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0;
}

#endif

static Suite *suite(void)
{
	Suite *suite = suite_create("bpf-kernel");
	TCase *load = tcase_create("load"), *calls = tcase_create("calls");

	tcase_set_timeout(load, 300);
	tcase_set_timeout(calls, 300);
	tcase_add_loop_test(load, loads_every_size, BPF_ARCH_X86_64, BPF_ARCH_RISCV64 + 1);
	suite_add_tcase(suite, load);
#if defined(__x86_64__)
	tcase_add_test(calls, real_calls);
	tcase_add_test(calls, shrink_that_wraps);
	if (has_int80())
		tcase_add_test(calls, real_int80_calls);
	else
		fputs("# no i386 calls in this kernel: not tried\n", stderr);
	suite_add_tcase(suite, calls);
#endif
	return suite;
}

int main(void)
{
	SRunner *runner = srunner_create(suite());
	int failed;

	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
