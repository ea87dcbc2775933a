/* SPDX-License-Identifier: MIT */
/*
 * Any policy and any ranges as the input of the filter generator. What it generates must pass the
 * kernel's checks and answer calls as the plain model of the tests does. The input is a record for
 * the policy, then one for each range.
 */
#include <errno.h>

#include <memseal.h>

#include "bpf/model.h"
#include "bpf/random.h"
#include "bpf/sim.h"
#include "fuzz.h"

#define RANGES_MAX   200
#define PROGRAMS_MAX (2 * RANGES_MAX)
#define CALLS        64

static struct bpf_scratch scratch;
static struct sock_filter programs[PROGRAMS_MAX][BPF_MAXINSNS];

struct input {
	struct bpf_policy policy;
	struct bpf_range ranges[RANGES_MAX];
	struct bpf_batch batch;
	size_t capacity;
	bool raw; /* ranges as the bytes are, which are mostly refused */
};

static uint32_t take_u32(const uint8_t **data, size_t *size)
{
	uint32_t number;

	fuzz_take(data, size, &number, sizeof(number));
	return number;
}

static void take_policy(const uint8_t **data, size_t *size, struct input *input)
{
	static const uint32_t answers[] = {
		SECCOMP_RET_ERRNO | EPERM,
		SECCOMP_RET_KILL_PROCESS,
		SECCOMP_RET_USER_NOTIF,
		SECCOMP_RET_LOG,
	};
	uint32_t bits = take_u32(data, size);

	input->raw = bits & 0x80000000;
	input->policy = (struct bpf_policy){
		.arch = bits % 5,
		.page = input->raw ? bits >> 3 & 0x1ffff : UINT32_C(4096) << (bits >> 3) % 5,
		.refuse = answers[(bits >> 20) % ARRAY_SIZE(answers)],
		.unjudged = SECCOMP_RET_ERRNO | ENOSYS,
		.no_exec = bits >> 23 & 1,
	};
	input->capacity = bits & 0x40000000 ? BPF_MAXINSNS : bits >> 8 & 0xfff;
}

static void take_raw_range(const uint8_t **data, size_t *size, struct bpf_range *ret)
{
	fuzz_take(data, size, &ret->start, sizeof(ret->start));
	fuzz_take(data, size, &ret->end, sizeof(ret->end));
	fuzz_take(data, size, &ret->effects, sizeof(ret->effects));
}

/* 32-bit addresses, and on 64-bit architectures what lies around several edges of 4 GiB. */
static uint64_t space_end(const struct bpf_policy *policy)
{
	bool narrow = policy->arch == BPF_ARCH_I386 || policy->arch == BPF_ARCH_ARM;

	return narrow ? UINT64_C(1) << 32 : UINT64_C(1) << 47;
}

/* The next range: behind the last one, touching it or from its start on. False: no room is left. */
static bool take_range(const uint8_t **data, size_t *size, const struct bpf_policy *policy,
	const struct bpf_range *last, struct bpf_range *ret)
{
	uint32_t place = take_u32(data, size), form = take_u32(data, size);
	uint64_t at = place & 0x80000000 ? last->start : last->end;
	uint64_t gap = (uint64_t)(place & 0xff) << (place >> 8 & 31);
	uint64_t pages = 1 + ((uint64_t)(form >> 8 & 0xff) << (form >> 16 & 31));
	uint64_t left = space_end(policy) - at;

	if (left / policy->page <= gap || left / policy->page - gap < pages)
		return false;
	ret->start = at + gap * policy->page;
	ret->end = ret->start + pages * policy->page;
	ret->effects = form & MEMSEAL_ALL ? form & MEMSEAL_ALL : MEMSEAL_ALL;
	return true;
}

static void take_ranges(const uint8_t **data, size_t *size, struct input *input)
{
	struct bpf_range last = { 0 };
	size_t count = 0;

	while (*size && count < RANGES_MAX) {
		if (input->raw)
			take_raw_range(data, size, &last);
		else if (!take_range(data, size, &input->policy, &last, &last))
			break;
		input->ranges[count++] = last;
	}
	input->batch = (struct bpf_batch){
		.policy = &input->policy,
		.ranges = input->ranges,
		.count = count,
	};
}

static void check_failure(const struct input *input, int r, const struct bpf_batch *before)
{
	CHECK(r == -EINVAL || r == -E2BIG);
	CHECK(r != -EINVAL || input->raw || !input->batch.count);
	CHECK(r != -E2BIG || input->capacity < BPF_MAXINSNS);
	CHECK(!memcmp(before, &input->batch, sizeof(*before)));
}

/* All programs of the batch; 0 if it was refused. */
static size_t generate(struct input *input)
{
	size_t count = 0, at;

	for (;;) {
		struct bpf_batch before = input->batch;
		int length;

		CHECK(count < PROGRAMS_MAX);
		length = bpf_next(&input->batch, &scratch, programs[count], input->capacity);
		if (length < 0) {
			check_failure(input, length, &before);
			return 0;
		}
		if (length == 0)
			break;
		CHECK((size_t)length <= input->capacity);
		CHECK(!sim_check(programs[count], (size_t)length, &at));
		count++;
	}
	CHECK(input->batch.held == input->batch.count);
	CHECK(input->batch.targets == input->batch.count);
	return count;
}

/* The kernel takes the answer with the lowest action, as a signed number. */
static uint32_t run_all(size_t count, const struct seccomp_data *data)
{
	uint32_t strictest = SECCOMP_RET_ALLOW;

	for (size_t i = 0; i < count; i++) {
		uint32_t answer = sim_run(programs[i], data, NULL);

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
	default: /* brk answers 0, which is the old break's place */
		return error ? SECCOMP_RET_ERRNO : policy->refuse;
	}
}

/* Calls at the edges of the ranges, the same for the same input. */
static void check_calls(struct input *input, size_t programs_count, uint64_t seed)
{
	struct random random = { seed | 1 };
	struct model model = {
		.policy = &input->policy,
		.ranges = input->ranges,
		.count = input->batch.count,
	};

	for (int i = 0; i < CALLS; i++) {
		struct seccomp_data data;

		random_call(&random, &model, &data);
		CHECK(run_all(programs_count, &data) ==
			answer_of(&input->policy, model_verdict(&model, &data)));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct input input;
	uint64_t seed = size;
	size_t count;

	for (size_t i = 0; i < size; i++)
		seed = seed * 31 + data[i];
	take_policy(&data, &size, &input);
	take_ranges(&data, &size, &input);
	/* A heap is part of the policy only if a range lies in it. */
	if (!input.raw && input.batch.count)
		random_heap(&(struct random){ seed | 1 }, input.ranges, input.batch.count,
			&input.policy);
	count = generate(&input);
	if (count && !input.raw)
		check_calls(&input, count, seed);
	return 0;
}
