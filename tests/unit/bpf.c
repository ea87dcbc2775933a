/* SPDX-License-Identifier: MIT */
/* Generated filters, run by an interpreter, against a model of the kernel's calls. */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "memseal.h"

#include "../bpf/numbers.h"
#include "../bpf/random.h"
#include "../bpf/sim.h"

#define PAGE         UINT64_C(4096)
#define PROGRAMS_MAX 128
#define CALLS_EACH   4000 /* against one set of ranges */

static struct bpf_scratch scratch;

struct stack {
	struct sock_filter *programs[PROGRAMS_MAX];
	int lengths[PROGRAMS_MAX];
	size_t count;
};

static void stack_free(struct stack *stack)
{
	for (size_t i = 0; i < stack->count; i++)
		free(stack->programs[i]);
}

static void assert_accepted(const struct sock_filter *program, int length)
{
	size_t at;
	const char *wrong = sim_check(program, (size_t)length, &at);

	ck_assert_msg(!wrong, "%s at %zu of %d", wrong, at, length);
}

static void stack_build(struct stack *stack, const struct model *model, size_t capacity)
{
	struct bpf_batch batch = {
		.policy = model->policy,
		.ranges = model->ranges,
		.count = model->count,
	};
	struct sock_filter program[BPF_MAXINSNS];
	int length;

	while ((length = bpf_next(&batch, &scratch, program, capacity)) > 0) {
		size_t size = (size_t)length * sizeof(*program);

		assert_accepted(program, length);
		ck_assert_uint_lt(stack->count, PROGRAMS_MAX);
		stack->programs[stack->count] = memcpy(malloc(size), program, size);
		stack->lengths[stack->count++] = length;
	}
	ck_assert_int_eq(length, 0);
	ck_assert_uint_eq(batch.held, model->count);
	ck_assert_uint_eq(batch.targets, model->count);
}

/* The kernel takes the answer with the lowest action, as a signed number. */
static uint32_t stack_run(const struct stack *stack, const struct seccomp_data *data)
{
	uint32_t strictest = SECCOMP_RET_ALLOW;

	for (size_t i = 0; i < stack->count; i++) {
		uint32_t answer = sim_run(stack->programs[i], data, NULL);

		if ((int32_t)(answer & SECCOMP_RET_ACTION_FULL) <
			(int32_t)(strictest & SECCOMP_RET_ACTION_FULL))
			strictest = answer;
	}
	return strictest;
}

static uint32_t answer_of(const struct bpf_policy *policy, enum verdict verdict)
{
	bool error = (policy->refuse & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_ERRNO;

	switch (verdict) {
	case ALLOWED:
		return SECCOMP_RET_ALLOW;
	case REFUSED:
		return policy->refuse;
	case UNJUDGED:
		return policy->unjudged;
	default:
		return error ? SECCOMP_RET_ERRNO : policy->refuse;
	}
}

static void assert_same(const struct model *model, const struct seccomp_data *data, uint32_t answer)
{
	uint32_t expected = answer_of(model->policy, model_verdict(model, data));

	if (answer == expected)
		return;
	for (size_t i = 0; i < model->count && model->count < 40; i++)
		fprintf(stderr, "range %jx-%jx %jx\n", (uintmax_t)model->ranges[i].start,
			(uintmax_t)model->ranges[i].end, (uintmax_t)model->ranges[i].effects);
	ck_abort_msg("arch %x nr %d (%jx, %jx, %jx, %jx, %jx): %x, the model says %x", data->arch,
		data->nr, (uintmax_t)data->args[0], (uintmax_t)data->args[1],
		(uintmax_t)data->args[2], (uintmax_t)data->args[3], (uintmax_t)data->args[4],
		answer, expected);
}

/* How many ranges: mostly few, so that the model's plain loop is fast. */
static size_t some_ranges(struct random *random)
{
	switch (random_below(random, 40)) {
	case 0:
		return 1400;
	case 1 ... 4:
		return 120;
	default:
		return 1 + random_below(random, 12);
	}
}

static unsigned long calls_wanted(void)
{
	const char *wanted = getenv("BPF_CALLS");

	return wanted ? strtoul(wanted, NULL, 10) : 10000000;
}

static uint64_t seed(void)
{
	const char *wanted = getenv("BPF_SEED");

	return wanted ? strtoul(wanted, NULL, 0) : 0x6d73656ccafe;
}

/* One architecture's fifth of all calls. */
START_TEST(answers_as_the_model_does)
{
	struct random random = { seed() + (uint64_t)_i };
	unsigned long calls = calls_wanted() / 5, refused = 0, done = 0;
	struct bpf_range ranges[1400];

	while (done < calls) {
		struct bpf_policy policy;
		struct model model = { .policy = &policy, .ranges = ranges };
		struct stack stack = { 0 };
		/* Small programs make many of a batch. */
		size_t capacity = random_once_in(&random, 8) ? 700 : BPF_MAXINSNS;
		unsigned long each;

		random_policy(&random, (enum bpf_arch)_i, &policy);
		model.count = random_ranges(&random, &policy, ranges, some_ranges(&random));
		if (!model.count)
			continue;
		random_heap(&random, ranges, model.count, &policy);
		stack_build(&stack, &model, capacity);
		each = model.count > 100 ? CALLS_EACH / 8 : CALLS_EACH;
		for (unsigned long i = 0; i < each; i++, done++) {
			struct seccomp_data data;
			uint32_t answer;

			random_call(&random, &model, &data);
			answer = stack_run(&stack, &data);
			refused += answer != SECCOMP_RET_ALLOW;
			assert_same(&model, &data, answer);
		}
		stack_free(&stack);
	}
	/* Random calls that never meet a seal would prove nothing. */
	ck_assert_uint_gt(refused, done / 8);
	ck_assert_uint_lt(refused, done / 8 * 7);
}
END_TEST

/* Every number of ranges moves the jumps by a little: each must still lead where it should. */
START_TEST(answers_at_every_size)
{
	struct bpf_policy policy = {
		.arch = BPF_ARCH_X86_64,
		.page = PAGE,
		.refuse = SECCOMP_RET_KILL_PROCESS,
		.unjudged = SECCOMP_RET_ERRNO | ENOSYS,
	};
	struct bpf_range ranges[420];
	struct model model = { .policy = &policy, .ranges = ranges };
	struct random random = { seed() };

	for (size_t count = 1; count <= ARRAY_SIZE(ranges); count++) {
		struct stack stack = { 0 };
		struct seccomp_data data;

		model.count = random_ranges(&random, &policy, ranges, count);
		if (!model.count)
			continue;
		stack_build(&stack, &model, BPF_MAXINSNS);
		for (size_t i = 0; i < 6 * count; i++) {
			random_call(&random, &model, &data);
			assert_same(&model, &data, stack_run(&stack, &data));
		}
		stack_free(&stack);
	}
}
END_TEST

/* One example after the other: a range, a call, the verdict. */

#define U          MEMSEAL_NO_UNMAP
#define P          MEMSEAL_NO_PROTECT
#define W          MEMSEAL_NO_WRITE
#define X          MEMSEAL_NO_EXEC
#define G          MEMSEAL_NO_GROW
#define S          MEMSEAL_NO_SHRINK
#define D          MEMSEAL_NO_DISCARD
#define SEAL_START UINT64_C(0x7f0000010000)
#define SEAL_END   UINT64_C(0x7f0000014000) /* 4 pages */
#define BEFORE     (SEAL_START - PAGE)
#define HUGE       UINT64_C(0x7f0000000000) /* the seal is in the first huge page from there on */
#define FAR        UINT64_C(0x7e0000000000) /* nothing sealed there */
#define SPACE      (UINT64_C(1) << 57)      /* ends there, tags left aside */

static const struct example {
	uint64_t effects;
	enum name name;
	uint64_t args[5];
	enum verdict verdict;
} examples[] = {
	/* The last byte before the range, the first and last in it, the first behind it. */
	{ U, N_MUNMAP, { BEFORE, PAGE }, ALLOWED },
	{ U, N_MUNMAP, { BEFORE, PAGE + 1 }, REFUSED },
	{ U, N_MUNMAP, { SEAL_START, 1 }, REFUSED },
	{ U, N_MUNMAP, { SEAL_END - PAGE, 1 }, REFUSED },
	{ U, N_MUNMAP, { SEAL_END, PAGE }, ALLOWED },
	/* What the kernel refuses by itself. */
	{ U, N_MUNMAP, { SEAL_START, 0 }, ALLOWED },
	{ U, N_MUNMAP, { SEAL_START + 1, PAGE }, ALLOWED },
	/* Sums that wrap, and tags. */
	{ U, N_MUNMAP, { SEAL_END, -SEAL_END }, ALLOWED },
	{ U, N_MUNMAP, { BEFORE, UINT64_MAX }, REFUSED },
	{ U, N_MUNMAP, { SEAL_START | UINT64_C(1) << 57, PAGE }, REFUSED },
	{ U, N_MUNMAP, { SEAL_START | UINT64_C(1) << 56, PAGE }, ALLOWED },
	{ U, N_MUNMAP, { SEAL_START ^ UINT64_C(1) << 32, PAGE }, ALLOWED },
	/* Unmapping, from every direction. */
	{ U, N_MMAP, { SEAL_START, PAGE, 1, 0x32 }, REFUSED },
	{ U, N_MMAP, { SEAL_START, PAGE, 1, 0x22 }, ALLOWED },
	{ U, N_MMAP, { SEAL_START, PAGE, 1, 0x100022 }, ALLOWED }, /* NOREPLACE */
	{ U, N_MMAP, { SEAL_START - 0x10000, PAGE, 1, 0x32 }, ALLOWED },
	{ U, N_MMAP, { SEAL_START - 0x10000, PAGE, 1, 0x40032 }, REFUSED }, /* huge pages */
	{ U, N_MREMAP, { SEAL_START, PAGE, PAGE, 3, FAR }, REFUSED },
	{ U, N_MREMAP, { FAR, PAGE, PAGE, 3, SEAL_START }, REFUSED },
	{ U, N_MREMAP, { FAR, PAGE, PAGE, 3, SEAL_END }, ALLOWED },
	{ U, N_MREMAP, { FAR, PAGE, PAGE, 1, SEAL_START }, ALLOWED }, /* not MREMAP_FIXED */
	{ U, N_MREMAP, { SEAL_START, PAGE, PAGE, 5 }, REFUSED },
	{ U, N_MREMAP, { SEAL_START, PAGE, 2 * PAGE, 1 }, REFUSED },
	{ U, N_MREMAP, { SEAL_START, PAGE, 2 * PAGE, 0 }, ALLOWED }, /* grows where it is */
	{ U, N_MREMAP, { SEAL_START, 0, PAGE, 1 }, REFUSED },
	{ U, N_SHMDT, { SEAL_START }, REFUSED },
	{ U, N_SHMDT, { SEAL_END }, ALLOWED },
	{ U, N_SHMAT, { 0, SEAL_START, 040000 }, UNJUDGED },
	{ U, N_SHMAT, { 0, SEAL_START, 010000 }, ALLOWED },
	{ U, N_REMAP_FILE_PAGES, { SEAL_START + 1, PAGE }, REFUSED },
	{ U, N_REMAP_FILE_PAGES, { SEAL_END, PAGE }, ALLOWED },
	{ U, N_MAP_SHADOW_STACK, { SEAL_START, PAGE }, REFUSED },
	{ U, N_PRCTL, { 35 }, UNJUDGED },
	{ P, N_PRCTL, { 35 }, ALLOWED },
	/* Shrinks: what is cut off counts, and where the mapping begins. */
	{ U, N_MREMAP, { BEFORE, 3 * PAGE, 2 * PAGE, 0 }, REFUSED },
	{ U, N_MREMAP, { BEFORE, 6 * PAGE, 5 * PAGE, 0 }, ALLOWED },
	{ U, N_MREMAP, { BEFORE, 6 * PAGE, 5 * PAGE - 1, 0 }, ALLOWED },
	{ U, N_MREMAP, { BEFORE, 6 * PAGE, 4 * PAGE, 0 }, REFUSED },
	{ U, N_MREMAP, { SEAL_START, 5 * PAGE, 4 * PAGE, 0 }, REFUSED },
	{ U, N_MREMAP, { BEFORE, 3 * PAGE, 3 * PAGE - 1, 0 }, ALLOWED }, /* the same pages */
	{ U, N_MREMAP, { SEAL_START, PAGE, PAGE, 0 }, REFUSED },
	{ S, N_MREMAP, { SEAL_START, 2 * PAGE, PAGE, 0 }, REFUSED },
	{ S, N_MREMAP, { SEAL_START, PAGE, 2 * PAGE, 1 }, ALLOWED },
	{ S, N_MUNMAP, { SEAL_START, PAGE }, ALLOWED },
	{ U, N_MREMAP, { FAR, SEAL_START - FAR + PAGE, SEAL_START - FAR, 0 }, REFUSED },
	{ U, N_MREMAP, { SEAL_END, -8 * PAGE, -9 * PAGE, 0 }, ALLOWED },
	{ U, N_MREMAP, { SEAL_END + PAGE, -4 * PAGE, -5 * PAGE, 0 }, REFUSED }, /* wraps */
	/* Bits that another processor takes for a tag: the sum with them wraps to the seal. */
	{ U, N_MREMAP, { -PAGE, SEAL_START + 2 * PAGE, SEAL_START + PAGE, 0 }, REFUSED },
	{ U, N_MREMAP, { -PAGE, SEAL_START + PAGE, SEAL_START, 0 }, ALLOWED },
	{ U, N_MREMAP, { -PAGE, SEAL_END + 2 * PAGE, SEAL_END + PAGE, 0 }, ALLOWED },
	/* Moves from where no memory is: the seal may be what a sum that wraps cuts off. */
	{ U, N_MREMAP, { -PAGE, SEAL_START + 2 * PAGE, SEAL_START + PAGE, 3, SEAL_END }, REFUSED },
	{ S, N_MREMAP, { -PAGE, SEAL_START + 2 * PAGE, SEAL_START + PAGE, 3, SEAL_END }, REFUSED },
	{ G, N_MREMAP, { -PAGE, SEAL_START + 2 * PAGE, SEAL_START + PAGE, 3, SEAL_END }, ALLOWED },
	{ U, N_MREMAP, { SPACE - 2 * PAGE, 2 * PAGE, PAGE, 3, FAR }, REFUSED },
	{ U, N_MREMAP, { SPACE - 3 * PAGE, 2 * PAGE, PAGE, 3, FAR }, ALLOWED },
	{ U, N_MREMAP, { SPACE - 2 * PAGE, 2 * PAGE, 2 * PAGE, 3, FAR }, REFUSED },
	{ U, N_MREMAP, { SPACE - 2 * PAGE, 2 * PAGE, 2 * PAGE, 5 }, REFUSED },
	{ U, N_MREMAP, { SPACE - 2 * PAGE, 2 * PAGE, 3 * PAGE, 1 }, ALLOWED },
	{ U, N_MREMAP, { FAR, SPACE - FAR, PAGE, 3, SEAL_END }, REFUSED },
	{ U, N_MREMAP, { SEAL_END, SPACE - SEAL_END - PAGE, PAGE, 3, FAR }, ALLOWED },
	{ U, N_MREMAP, { SEAL_END, -8 * PAGE, PAGE, 3, FAR }, REFUSED },
	{ U, N_MREMAP, { FAR, 2 * PAGE, PAGE, 3, SEAL_END }, ALLOWED },
	/* What may be huge pages is cut off and moved as such: the last from HUGE on holds the
	   seal. */
	{ U, N_MREMAP, { HUGE, 2 * PAGE, PAGE, 0 }, REFUSED },
	{ S, N_MREMAP, { HUGE, 2 * PAGE, PAGE, 0 }, REFUSED },
	{ U, N_MREMAP, { HUGE + PAGE, 2 * PAGE, PAGE, 0 }, ALLOWED },
	{ U, N_MREMAP, { HUGE - 0x200000, 0x200000, PAGE, 0 }, ALLOWED },
	{ U, N_MREMAP, { HUGE - 0x200000, 0x200000 + PAGE, PAGE, 0 }, REFUSED },
	{ U, N_MREMAP, { HUGE, PAGE, PAGE, 3, FAR }, REFUSED },
	{ U, N_MREMAP, { HUGE, PAGE, 2 * PAGE, 3, FAR }, REFUSED },
	{ U, N_MREMAP, { HUGE + PAGE, PAGE, PAGE, 3, FAR }, ALLOWED },
	{ U, N_MREMAP, { HUGE, PAGE, PAGE, 0 }, ALLOWED },
	{ U, N_MREMAP, { HUGE, PAGE, 2 * PAGE, 1 }, ALLOWED },
	{ G, N_MREMAP, { HUGE, PAGE, 2 * PAGE, 1 }, ALLOWED },
	/* Growth. */
	{ G, N_MREMAP, { SEAL_START, PAGE, 2 * PAGE, 0 }, REFUSED },
	{ G, N_MREMAP, { SEAL_START, 2 * PAGE, PAGE, 0 }, ALLOWED },
	{ G, N_MREMAP, { SEAL_START, PAGE, PAGE, 3, FAR }, ALLOWED },
	/* Protection. */
	{ P, N_MPROTECT, { SEAL_START, PAGE, 0 }, REFUSED },
	{ P, N_PKEY_MPROTECT, { SEAL_START, PAGE, 1 }, REFUSED },
	{ P, N_MMAP, { SEAL_START, PAGE, 1, 0x32 }, REFUSED },
	{ P, N_MUNMAP, { SEAL_START, PAGE }, ALLOWED },
	{ P, N_MPROTECT, { FAR, PAGE, 0x01000001 }, UNJUDGED }, /* PROT_GROWSDOWN */
	{ U, N_MPROTECT, { SEAL_START, PAGE, 7 }, ALLOWED },
	{ W, N_MPROTECT, { SEAL_START, PAGE, 1 }, ALLOWED },
	{ W, N_MPROTECT, { SEAL_START, PAGE, 3 }, REFUSED },
	{ W, N_MPROTECT, { SEAL_START, PAGE, 5 }, ALLOWED },
	{ W, N_MMAP, { SEAL_START, PAGE, 3, 0x32 }, REFUSED },
	{ W, N_MMAP, { SEAL_START, PAGE, 5, 0x32 }, ALLOWED },
	{ W, N_MREMAP, { FAR, PAGE, PAGE, 3, SEAL_START }, REFUSED },
	{ X, N_MPROTECT, { SEAL_START, PAGE, 3 }, ALLOWED },
	{ X, N_MPROTECT, { SEAL_START, PAGE, 5 }, REFUSED },
	{ X, N_MMAP, { SEAL_START, PAGE, 4, 0x32 }, REFUSED },
	{ X, N_PERSONALITY, { 0x400000 }, UNJUDGED },
	{ X, N_PERSONALITY, { 0xffffffff }, ALLOWED },
	{ X | P, N_PERSONALITY, { 0x400000 }, ALLOWED },
	/* Discarding: advice that is known to keep the bytes is allowed, all other refused. */
	{ D, N_MADVISE, { SEAL_START, PAGE, 4 }, REFUSED },
	{ D, N_MADVISE, { SEAL_START, PAGE, 102 }, REFUSED },
	{ D, N_MADVISE, { SEAL_START, PAGE, 26 }, REFUSED },
	{ D, N_MADVISE, { SEAL_START, PAGE, 21 }, ALLOWED },
	{ D, N_MADVISE, { SEAL_START, PAGE, 103 }, ALLOWED },
	{ D, N_MADVISE, { FAR, PAGE, 4 }, ALLOWED },
	{ D, N_PROCESS_MADVISE, { 3, FAR, 1, 4 }, UNJUDGED },
	{ D, N_PROCESS_MADVISE, { 3, FAR, 1, 20 }, ALLOWED },
	{ D, N_MREMAP, { SEAL_START, PAGE, PAGE, 5 }, REFUSED },
	{ D, N_MREMAP, { SEAL_START, PAGE, PAGE, 3, FAR }, ALLOWED },
	{ D, N_IO_URING_ENTER, { 0 }, UNJUDGED },
	{ U, N_IO_URING_ENTER, { 0 }, ALLOWED },
	{ D, N_USERFAULTFD, { 0 }, UNJUDGED },
	{ D, N_IOCTL, { 5, 0xc020aa00 }, UNJUDGED },
	{ D, N_IOCTL, { 5, 0x5401 }, ALLOWED },
	/* Sealing. */
	{ MEMSEAL_NO_SEAL, N_MSEAL, { SEAL_START, PAGE }, REFUSED },
	{ MEMSEAL_NO_SEAL, N_MSEAL, { FAR, PAGE }, ALLOWED },
	{ MEMSEAL_MAPPING, N_MSEAL, { SEAL_START, PAGE }, ALLOWED },
};

START_TEST(answers_examples)
{
	const struct example *example = &examples[_i];
	struct bpf_policy policy = {
		.arch = BPF_ARCH_X86_64,
		.page = PAGE,
		.refuse = SECCOMP_RET_KILL_PROCESS,
		.unjudged = SECCOMP_RET_ERRNO | ENOSYS,
	};
	struct bpf_range range = { SEAL_START, SEAL_END, example->effects };
	struct model model = { &policy, &range, 1 };
	struct seccomp_data data = {
		.nr = model_number(ABI_X86_64, example->name),
		.arch = model_audit(ABI_X86_64),
	};
	struct stack stack = { 0 };

	memcpy((void *)data.args, example->args, sizeof(example->args));
	stack_build(&stack, &model, BPF_MAXINSNS);
	ck_assert_uint_eq(stack_run(&stack, &data), answer_of(&policy, example->verdict));
	data.nr = model_number(ABI_X32, example->name);
	ck_assert_uint_eq(stack_run(&stack, &data), answer_of(&policy, example->verdict));
	stack_free(&stack);
}
END_TEST

/* 32-bit kernels, where sums wrap at 4 GiB: moves that shorten, from an address, to a target. */

#define LOW_START UINT64_C(0x10000000)
#define LOW_END   UINT64_C(0x10004000)
#define LOW_FAR   UINT64_C(0x20000000)
#define HIGH      UINT64_C(0xb0000000)

static const struct example low_examples[] = {
	{ U, N_MREMAP, { 0xfffff000, LOW_START + 2 * PAGE, LOW_START + PAGE, 3, LOW_FAR },
		REFUSED },
	{ S, N_MREMAP, { HIGH, LOW_START - HIGH + PAGE, LOW_START - HIGH, 3, LOW_FAR }, REFUSED },
	{ G, N_MREMAP, { HIGH, LOW_START - HIGH + PAGE, LOW_START - HIGH, 3, LOW_FAR }, ALLOWED },
	{ U, N_MREMAP, { HIGH, -HIGH, PAGE, 3, LOW_FAR }, REFUSED },
	{ U, N_MREMAP, { HIGH, -HIGH - PAGE, PAGE, 3, LOW_FAR }, ALLOWED },
	{ U, N_MREMAP, { HIGH, LOW_START - HIGH + PAGE, LOW_START - HIGH, 0 }, REFUSED },
	{ U, N_MREMAP, { HIGH, LOW_END - HIGH + PAGE, LOW_END - HIGH, 0 }, ALLOWED },
	{ U, N_MREMAP, { HIGH, 2 * PAGE, PAGE, 3, LOW_FAR }, ALLOWED },
};

static void assert_low_example(const struct example *example, enum bpf_arch arch, enum abi abi)
{
	struct bpf_policy policy = { arch, PAGE, SECCOMP_RET_KILL_PROCESS,
		SECCOMP_RET_ERRNO | ENOSYS, 0, 0, false };
	struct bpf_range range = { LOW_START, LOW_END, example->effects };
	struct model model = { &policy, &range, 1 };
	struct seccomp_data data = { model_number(abi, example->name), model_audit(abi), 0, { 0 } };
	struct stack stack = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(example->args); i++)
		data.args[i] = (uint32_t)example->args[i];
	stack_build(&stack, &model, BPF_MAXINSNS);
	ck_assert_uint_eq(stack_run(&stack, &data), answer_of(&policy, example->verdict));
	stack_free(&stack);
}

START_TEST(answers_low_examples)
{
	assert_low_example(&low_examples[_i], BPF_ARCH_ARM, ABI_ARM);
	assert_low_example(&low_examples[_i], BPF_ARCH_I386, ABI_I386);
}
END_TEST

static void fill(struct bpf_range *ranges, size_t count, uint64_t start)
{
	for (size_t i = 0; i < count; i++)
		ranges[i] = (struct bpf_range){
			.start = start + i * 4 * PAGE,
			.end = start + i * 4 * PAGE + 2 * PAGE,
			.effects = MEMSEAL_ALL,
		};
}

/* 1,250 ranges against every call fit into one program; a second holds the targets of mremap. */
START_TEST(holds_1250_ranges)
{
	struct bpf_policy policy = { .arch = (enum bpf_arch)_i, .page = PAGE };
	struct bpf_range ranges[1250];
	struct bpf_batch batch = { .policy = &policy, .ranges = ranges, .count = 1250 };
	struct sock_filter program[BPF_MAXINSNS];

	fill(ranges, 1250, UINT64_C(0xf0000000) - 1250 * 4 * PAGE);
	ck_assert_int_gt(bpf_next(&batch, &scratch, program, BPF_MAXINSNS), 0);
	ck_assert_uint_eq(batch.held, 1250);
	ck_assert_int_gt(bpf_next(&batch, &scratch, program, BPF_MAXINSNS), 0);
	ck_assert_uint_eq(batch.targets, 1250);
	ck_assert_int_eq(bpf_next(&batch, &scratch, program, BPF_MAXINSNS), 0);
}
END_TEST

/* A seal of terabytes, as a JIT's reservation may need, costs no more than a small one. */
START_TEST(holds_huge_range_cheaply)
{
	struct bpf_policy policy = { .arch = BPF_ARCH_X86_64, .page = PAGE };
	struct bpf_range range = { SEAL_START, SEAL_END, MEMSEAL_ALL };
	struct bpf_batch small = { .policy = &policy, .ranges = &range, .count = 1 };
	struct bpf_batch huge = small;
	struct sock_filter program[BPF_MAXINSNS];
	int length = bpf_next(&small, &scratch, program, BPF_MAXINSNS);

	range.start = SEAL_START - (UINT64_C(1) << 44);
	ck_assert_int_lt(bpf_next(&huge, &scratch, program, BPF_MAXINSNS), length + 50);
	ck_assert_uint_eq(huge.targets, 1);
}
END_TEST

/* Without a range: exec is refused by every way in, and all other calls are left alone. */
START_TEST(answers_exec_alone)
{
	struct bpf_policy policy = { (enum bpf_arch)_i, PAGE, SECCOMP_RET_ERRNO | 1,
		SECCOMP_RET_ERRNO | 38, 0, 0, false };
	struct model model = { .policy = &policy };
	struct sock_filter program[64];
	int length;

	ck_assert_int_eq(bpf_no_exec(&policy, program, ARRAY_SIZE(program)), -EINVAL);
	policy.no_exec = true;
	ck_assert_int_eq(bpf_no_exec(&policy, program, 4), -E2BIG);
	length = bpf_no_exec(&policy, program, ARRAY_SIZE(program));
	ck_assert_int_gt(length, 0);
	assert_accepted(program, length);
	for (enum abi abi = 0; abi < ABIS; abi++)
		for (enum name name = 0; name < NAMES; name++) {
			struct seccomp_data data = { model_number(abi, name), model_audit(abi), 0,
				{ 0 } };

			ck_assert_uint_eq(sim_run(program, &data, NULL),
				answer_of(&policy, model_verdict(&model, &data)));
		}
}
END_TEST

/* Calls that cannot change memory are known to be allowed before they are made. */
START_TEST(leaves_other_calls_alone)
{
	static const int memory_calls[] = { 9, 10, 11, 16, 25, 28, 30, 67, 134, 157, 216, 319, 323,
		329, 425, 426, 427, 440, 453, 462, 514 };
	struct bpf_policy policy = { .arch = BPF_ARCH_X86_64, .page = PAGE };
	struct bpf_range range = { SEAL_START, SEAL_END, MEMSEAL_ALL };
	struct bpf_batch batch = { .policy = &policy, .ranges = &range, .count = 1 };
	struct sock_filter program[BPF_MAXINSNS];
	size_t known = 0;

	ck_assert_int_gt(bpf_next(&batch, &scratch, program, BPF_MAXINSNS), 0);
	for (int nr = 0; nr < 600; nr++) {
		bool listed = known < ARRAY_SIZE(memory_calls) && memory_calls[known] == nr;

		known += listed;
		ck_assert_int_eq(sim_always_allows(program, model_audit(ABI_X86_64), nr), !listed);
	}
}
END_TEST

static int next(const struct bpf_policy *policy, const struct bpf_range *ranges, size_t count,
	size_t capacity)
{
	struct bpf_batch batch = { .policy = policy, .ranges = ranges, .count = count };
	struct sock_filter program[BPF_MAXINSNS];

	return bpf_next(&batch, &scratch, program, capacity);
}

START_TEST(refuses_what_it_cannot_hold)
{
	struct bpf_policy policy = { .arch = BPF_ARCH_X86_64, .page = PAGE }, bad = policy;
	struct bpf_range good = { SEAL_START, SEAL_END, MEMSEAL_ALL };
	struct bpf_range pair[2] = { good, good };
	const struct bpf_range wrong[] = {
		{ SEAL_START, SEAL_START, U },
		{ SEAL_END, SEAL_START, U },
		{ SEAL_START + 1, SEAL_END, U },
		{ SEAL_START, SEAL_END - 1, U },
		{ SEAL_START, SEAL_END, 0 },
		{ SEAL_START, SEAL_END, MEMSEAL_ALL + 1 },
		{ SEAL_START, (UINT64_C(1) << 56) + PAGE, U },
	};

	ck_assert_int_gt(next(&policy, &good, 1, BPF_MAXINSNS), 0);
	ck_assert_int_eq(next(&policy, &good, 0, BPF_MAXINSNS), 0);
	ck_assert_int_eq(next(&policy, &good, 1, 200), -E2BIG);
	ck_assert_int_eq(next(&policy, &good, 1, BPF_MAXINSNS + 1), -EINVAL);
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
		ck_assert_int_eq(next(&policy, &wrong[i], 1, BPF_MAXINSNS), -EINVAL);
	ck_assert_int_gt(next(&policy, pair, 2, BPF_MAXINSNS), 0);
	pair[1].start -= PAGE;
	ck_assert_int_eq(next(&policy, pair, 2, BPF_MAXINSNS), -EINVAL);
	bad.arch = (enum bpf_arch)99;
	ck_assert_int_eq(next(&bad, &good, 1, BPF_MAXINSNS), -EINVAL);
	bad = policy;
	bad.page = 6000;
	ck_assert_int_eq(next(&bad, &good, 1, BPF_MAXINSNS), -EINVAL);
	bad = policy;
	bad.arch = BPF_ARCH_ARM; /* the range lies above 4 GiB */
	ck_assert_int_eq(next(&bad, &good, 1, BPF_MAXINSNS), -EINVAL);
}
END_TEST

/* The model's numbers, and so the generator's, against those in this system's headers. */
static unsigned compare_numbers(const char *const headers[NAMES], enum abi abi)
{
	unsigned known = 0;

	for (int name = 0; name < NAMES; name++)
		if (headers[name][0] >= '0' && headers[name][0] <= '9') {
			ck_assert_int_eq(model_number(abi, (enum name)name), atoi(headers[name]));
			known++;
		}
	return known;
}

START_TEST(numbers_are_those_of_the_headers)
{
	ck_assert_uint_ge(compare_numbers(numbers_x86_64, ABI_X86_64), 20);
	ck_assert_uint_ge(compare_numbers(numbers_i386, ABI_I386), 22);
	ck_assert_uint_ge(compare_numbers(numbers_generic, ABI_AARCH64), 20);
}
END_TEST

static Suite *suite(void)
{
	Suite *suite = suite_create("bpf");
	TCase *random = tcase_create("random"), *cases = tcase_create("cases");

	tcase_set_timeout(random, 3600);
	tcase_add_loop_test(
		random, answers_as_the_model_does, BPF_ARCH_X86_64, BPF_ARCH_RISCV64 + 1);
	suite_add_tcase(suite, random);
	tcase_set_timeout(cases, 300);
	tcase_add_test(cases, answers_at_every_size);
	tcase_add_loop_test(cases, answers_examples, 0, ARRAY_SIZE(examples));
	tcase_add_loop_test(cases, answers_low_examples, 0, ARRAY_SIZE(low_examples));
	tcase_add_loop_test(cases, holds_1250_ranges, BPF_ARCH_X86_64, BPF_ARCH_RISCV64 + 1);
	tcase_add_test(cases, holds_huge_range_cheaply);
	tcase_add_loop_test(cases, answers_exec_alone, BPF_ARCH_X86_64, BPF_ARCH_RISCV64 + 1);
	tcase_add_test(cases, leaves_other_calls_alone);
	tcase_add_test(cases, refuses_what_it_cannot_hold);
	tcase_add_test(cases, numbers_are_those_of_the_headers);
	suite_add_tcase(suite, cases);
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
