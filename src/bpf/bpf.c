/* SPDX-License-Identifier: MIT */
#include "bpf/bpf.h"

#include <errno.h>

#include "bpf/judge.h"

/* What one program is to hold: the next held and targets ranges of the batch. */
struct share {
	size_t held, targets;
};

static uint64_t effects_of(const struct bpf_ranges *ranges)
{
	uint64_t effects = 0;

	for (size_t i = 0; i < ranges->count; i++)
		effects |= ranges->at[i].effects;
	return effects;
}

static void gen_returns(struct gen *gen)
{
	struct emit *emit = &gen->emit;
	uint32_t refuse = gen->policy->refuse;
	bool error = (refuse & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_ERRNO;

	gen->keep_break = EMIT(emit, RETURN(error ? SECCOMP_RET_ERRNO : refuse));
	emit->unjudged = EMIT(emit, RETURN(gen->policy->unjudged));
	emit->refuse = EMIT(emit, RETURN(refuse));
	emit->allow = EMIT(emit, RETURN(SECCOMP_RET_ALLOW));
}

/* An unknown architecture is not answered by number: its numbers mean something else. */
static void gen_dispatch(struct gen *gen, const unsigned heads[CALLS])
{
	struct emit *emit = &gen->emit;
	const struct arch *arch = gen->arch;
	unsigned sibling = gen_numbers(emit, &arch->narrow, heads, 0), own;

	sibling = emit_jump(emit, BPF_JEQ, arch->sibling, sibling, emit->unjudged);
	own = gen_numbers(emit, &arch->calls, heads, arch->x32);
	emit_jump(emit, BPF_JEQ, arch->audit, own, sibling);
	EMIT(emit, LOAD_ARCH);
}

/* The length of the program that was emitted, now at its place, or -E2BIG. */
static int finish(const struct gen *gen, struct sock_filter *program)
{
	const struct emit *emit = &gen->emit;

	if (emit->overflow)
		return -E2BIG;
	__builtin_memmove(program, emit->end - emit->count, emit->count * sizeof(*program));
	return (int)emit->count;
}

/* The length of the program, which starts at program, or -E2BIG. */
static int compile(const struct bpf_batch *batch, struct share share, struct bpf_scratch *scratch,
	struct sock_filter *program, size_t capacity)
{
	struct gen gen = {
		.emit = { .end = program + capacity, .capacity = (unsigned)capacity },
		.policy = batch->policy,
		.arch = arch_find(batch->policy->arch),
		.scratch = scratch,
		.held = { batch->ranges + batch->held, share.held },
		.targets = { batch->ranges + batch->targets, share.targets },
	};
	unsigned heads[CALLS];

	gen.effects = effects_of(&gen.held);
	gen.target_effects = effects_of(&gen.targets) & BPF_REPLACING;
	gen_returns(&gen);
	gen_calls(&gen, heads);
	gen_dispatch(&gen, heads);
	return finish(&gen, program);
}

/* Raises *count, from a value that fits, to the highest up to limit that still fits. */
static void fill(const struct bpf_batch *batch, struct share *share, size_t *count, size_t limit,
	struct bpf_scratch *scratch, struct sock_filter *program, size_t capacity)
{
	size_t fits = *count, too_many = limit + 1;

	while (fits + 1 < too_many) {
		*count = fits + (too_many - fits) / 2;
		if (compile(batch, *share, scratch, program, capacity) < 0)
			too_many = *count;
		else
			fits = *count;
	}
	*count = fits;
}

static bool policy_valid(const struct bpf_policy *policy)
{
	uint32_t page = policy->page;

	return arch_find(policy->arch) && page >= 4096 && page <= 65536 && !(page & (page - 1)) &&
	       policy->brk_start <= policy->brk_end;
}

static bool ranges_valid(const struct bpf_batch *batch)
{
	uint64_t page = batch->policy->page;
	uint64_t limit = ((uint64_t)arch_find(batch->policy->arch)->last_window + 1) << 32;
	uint64_t last = 0;

	for (size_t i = 0; i < batch->count; i++) {
		const struct bpf_range *range = &batch->ranges[i];

		if (range->start < last || range->start >= range->end || range->end > limit ||
			(range->start | range->end) & (page - 1) || !range->effects ||
			range->effects & ~(uint64_t)MEMSEAL_ALL)
			return false;
		last = range->start;
	}
	return true;
}

int bpf_next(struct bpf_batch *batch, struct bpf_scratch *scratch, struct sock_filter *ret_program,
	size_t capacity)
{
	struct share left, share = { 0 };
	int length;

	if (!policy_valid(batch->policy) || capacity > BPF_MAXINSNS || batch->held > batch->count ||
		batch->targets > batch->count || !ranges_valid(batch))
		return -EINVAL;
	left.held = batch->count - batch->held;
	left.targets = batch->count - batch->targets;
	if (!left.held && !left.targets)
		return 0;
	share = left;
	length = compile(batch, share, scratch, ret_program, capacity);
	if (length < 0) {
		share = (struct share){ 0 };
		fill(batch, &share, &share.held, left.held, scratch, ret_program, capacity);
		fill(batch, &share, &share.targets, left.targets, scratch, ret_program, capacity);
		if (!share.held && !share.targets)
			return -E2BIG;
		length = compile(batch, share, scratch, ret_program, capacity);
	}
	if (length < 0)
		return length;
	batch->held += share.held;
	batch->targets += share.targets;
	return length;
}

int bpf_no_exec(const struct bpf_policy *policy, struct sock_filter *ret_program, size_t capacity)
{
	struct gen gen = {
		.emit = { .end = ret_program + capacity, .capacity = (unsigned)capacity },
		.policy = policy,
		.arch = arch_find(policy->arch),
	};
	unsigned heads[CALLS];

	if (!policy_valid(policy) || !policy->no_exec)
		return -EINVAL;
	gen_returns(&gen);
	for (size_t i = 0; i < CALLS; i++)
		heads[i] = i == CALL_EXEC ? gen.emit.refuse : gen.emit.allow;
	gen_dispatch(&gen, heads);
	return finish(&gen, ret_program);
}
