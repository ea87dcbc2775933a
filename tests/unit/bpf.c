/* SPDX-License-Identifier: MIT */
/* Generated filters, run by an interpreter, against a model of the kernel's calls. */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "memseal.h"

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

static Suite *suite(void)
{
	Suite *suite = suite_create("bpf");
	TCase *random = tcase_create("random");

	tcase_set_timeout(random, 3600);
	tcase_add_loop_test(
		random, answers_as_the_model_does, BPF_ARCH_X86_64, BPF_ARCH_RISCV64 + 1);
	suite_add_tcase(suite, random);
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
