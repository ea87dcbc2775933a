/* SPDX-License-Identifier: MIT */
#include "bpf-judge.h"

/* Values of the kernel's interface that are the same on all architectures here. */
#define PROT_WRITE_EXEC     (2 | 4)
#define PROT_GROWSDOWN      0x01000000
#define MAP_FIXED           0x10
#define MAP_HUGETLB         0x40000
#define SHM_REMAP           040000
#define IPC_SHMAT           21
#define IPC_SHMDT           22
#define MFD_HUGETLB         4
#define PR_SET_MM           35
#define UFFD_IOCTLS         0xaa00 /* _IO(0xaa, ...): USERFAULTFD_IOC and UFFDIO */
#define READ_IMPLIES_EXEC   0x0400000
#define PERSONALITY_QUERY   0xffffffff
#define MADV_SOFT_OFFLINE   101
#define MADV_GUARD_REMOVE   103

/*
 * Advice below 32 that keeps the bytes: NORMAL to WILLNEED, DOFORK to DODUMP, KEEPONFORK to
 * POPULATE_WRITE and COLLAPSE. All other advice, that of later kernels too, counts as destructive.
 */
#define BITS(first, last) ((UINT32_MAX >> (31 - (last))) & ~((UINT32_C(1) << (first)) - 1))
#define MADV_HARMLESS     (BITS(0, 3) | BITS(11, 17) | BITS(19, 23) | BITS(25, 25))

/* Effects sit where a shift of the kernel's flags puts them. */
_Static_assert(2 << 3 == MEMSEAL_NO_WRITE && 4 << 3 == MEMSEAL_NO_EXEC, "PROT_WRITE, PROT_EXEC");
_Static_assert(MAP_HUGETLB << 12 == CHECK_HUGE, "MAP_HUGETLB");

static bool is_32bit(const struct judge *judge)
{
	return !judge->arch->high;
}

unsigned judge_operands(struct judge *judge, const struct operand *operands, size_t count)
{
	struct emit *emit = &judge->emit;
	unsigned lows, narrow = 0;

	for (size_t i = count; i--;)
		EMIT(emit, LOAD_LOW(operands[i].arg), STORE(operands[i].low));
	lows = emit->count;
	if (is_32bit(judge) || judge->arch->narrow.count) {
		for (size_t i = count; i--;)
			EMIT(emit, STORE(operands[i].high));
		narrow = EMIT(emit, SET(0));
		if (is_32bit(judge))
			return narrow;
		emit_goto(emit, lows);
	}
	for (size_t i = count; i--;) {
		EMIT(emit, STORE(operands[i].high));
		if (!i)
			EMIT(emit, AND(judge->arch->high));
		EMIT(emit, LOAD_HIGH(operands[i].arg));
	}
	if (!narrow)
		return emit->count;
	emit_jump(emit, BPF_JEQ, judge->arch->sibling, narrow, emit->count);
	return EMIT(emit, LOAD_ARCH);
}

unsigned judge_empty(struct judge *judge)
{
	struct emit *emit = &judge->emit;

	emit_jump(emit, BPF_JEQ, 0, emit->allow, emit->count);
	return EMIT(emit, LOAD(LEN_LOW), TAX, LOAD(LEN_HIGH), OR_X);
}

unsigned judge_huge(struct judge *judge)
{
	/* 1 GiB at most, but for 16 GiB pages that an arm64 kernel with pages of 64 KiB can have. */
	return EMIT(&judge->emit, LOAD(LEN_LOW), OR((UINT32_C(1) << 30) - 1), STORE(LEN_LOW));
}

unsigned judge_interval(struct judge *judge)
{
	struct emit *emit = &judge->emit;
	uint32_t high = judge->arch->high;
	unsigned store = EMIT(emit, STORE(NEAR_END)), near, far, no_carry;

	near = EMIT(emit, LOAD(END_LOW));
	emit_goto(emit, store);
	far = EMIT(emit, SET(UINT32_MAX));
	emit_jump(emit, BPF_JGT | BPF_X, 0, far, near);
	no_carry = EMIT(emit, LOAD(ADDR_HIGH), TAX, LOAD(END_HIGH));
	EMIT(emit, LOAD(END_HIGH), ADD(1), STORE(END_HIGH));
	emit_jump(emit, BPF_JGE | BPF_X, 0, no_carry, emit->count);
	EMIT(emit, TAX, LOAD(ADDR_HIGH), ADD_X, STORE(END_HIGH), LOAD(LEN_LOW), TAX, LOAD(ADDR_LOW),
		ADD_X, STORE(END_LOW));
	/* A length beyond the address space is cut there, so that the sum cannot wrap. */
	near = emit->count;
	far = EMIT(emit, SET(high + 1));
	emit_jump(emit, BPF_JGT, high, far, near);
	return EMIT(emit, LOAD(LEN_HIGH));
}

static unsigned checks(struct judge *judge, uint64_t effects, unsigned next)
{
	emit_goto(&judge->emit, next);
	return EMIT(&judge->emit, SET((uint32_t)effects), STORE(CHECKS));
}

/* What only some ask for: a length in huge pages, an address that need not be aligned. */
static unsigned rounded(struct judge *judge, unsigned interval, unsigned aligned)
{
	struct emit *emit = &judge->emit;
	unsigned special;

	emit_goto(emit, aligned);
	judge_huge(judge);
	emit_jump(emit, BPF_JSET, CHECK_ROUND_DOWN, interval, emit->count);
	special = emit->count;
	emit_goto(emit, aligned);
	emit_jump(emit, BPF_JSET, CHECK_HUGE | CHECK_ROUND_DOWN, special, emit->count);
	return EMIT(emit, LOAD(CHECKS));
}

/* ADDR and LEN are the first two arguments. */
static unsigned first_two(struct judge *judge, unsigned interval, unsigned aligned)
{
	static const struct operand operands[] = {
		{ 0, ADDR_LOW, ADDR_HIGH },
		{ 1, LEN_LOW, LEN_HIGH },
	};

	rounded(judge, interval, aligned);
	judge_empty(judge);
	return judge_operands(judge, operands, ARRAY_SIZE(operands));
}

static unsigned judge_mmap(struct judge *judge, unsigned pair)
{
	struct emit *emit = &judge->emit;

	emit_goto(emit, pair);
	EMIT(emit, LOAD_LOW(3), AND(MAP_HUGETLB), SHL(12), TAX, LOAD_LOW(2), AND(PROT_WRITE_EXEC),
		SHL(3), OR_X, OR(MEMSEAL_NO_UNMAP | MEMSEAL_NO_PROTECT), STORE(CHECKS));
	emit_jump(emit, BPF_JSET, MAP_FIXED, emit->count, emit->allow);
	return EMIT(emit, LOAD_LOW(3));
}

static unsigned judge_mprotect(struct judge *judge, unsigned pair)
{
	struct emit *emit = &judge->emit;

	emit_goto(emit, pair);
	EMIT(emit, AND(PROT_WRITE_EXEC), SHL(3), OR(MEMSEAL_NO_PROTECT), STORE(CHECKS));
	/* It starts where the mapping does, which the registers do not tell. */
	emit_jump(emit, BPF_JSET, PROT_GROWSDOWN, emit->unjudged, emit->count);
	return EMIT(emit, LOAD_LOW(2));
}

/* Goes on at destructive unless the advice, which argument arg holds, keeps the bytes. */
static unsigned judge_advice(struct judge *judge, unsigned arg, unsigned destructive)
{
	struct emit *emit = &judge->emit;
	unsigned high = destructive, low;

	high = emit_jump(emit, BPF_JEQ, MADV_SOFT_OFFLINE, emit->allow, high);
	high = emit_jump(emit, BPF_JEQ, MADV_GUARD_REMOVE, emit->allow, high);
	emit_jump(emit, BPF_JSET, 1, emit->allow, destructive);
	low = EMIT(emit, TAX, SET(MADV_HARMLESS), SHR_X);
	emit_jump(emit, BPF_JGT, 31, high, low);
	return EMIT(emit, LOAD_LOW(arg));
}

/* shmdt tells the address alone: a segment must be sealed from its first page on. */
static void judge_shm(struct judge *judge, unsigned aligned, unsigned heads[CALLS])
{
	static const struct operand address = { 0, ADDR_LOW, ADDR_HIGH };
	struct emit *emit = &judge->emit;
	unsigned detach, attach;

	checks(judge, MEMSEAL_NO_UNMAP, aligned);
	detach = EMIT(emit, SET(0), STORE(LEN_HIGH), SET(1), STORE(LEN_LOW));
	heads[CALL_SHMDT] = judge_operands(judge, &address, 1);

	/* ipc(call, first, second, third, pointer): the flags are the second, after an id. */
	attach = emit_jump(emit, BPF_JSET, SHM_REMAP, emit->unjudged, emit->allow);
	heads[CALL_SHMAT] = attach = EMIT(emit, LOAD_LOW(2));
	if (!judge->arch->narrow.count)
		return;
	emit_goto(emit, detach);
	detach = EMIT(emit, SET(0), STORE(ADDR_HIGH), LOAD_LOW(4), STORE(ADDR_LOW));
	attach = emit_jump(emit, BPF_JEQ, IPC_SHMAT, attach, emit->allow);
	emit_jump(emit, BPF_JEQ, IPC_SHMDT, detach, attach);
	heads[CALL_IPC] = EMIT(emit, LOAD_LOW(0), AND(0xffff));
}

/* Goes on at yes if ADDR >= value. */
static unsigned address_from(struct judge *judge, uint64_t value, unsigned yes, unsigned no)
{
	struct emit *emit = &judge->emit;
	uint32_t high = (uint32_t)(value >> 32);

	emit_jump(emit, BPF_JGE, (uint32_t)value, yes, no);
	EMIT(emit, LOAD(ADDR_LOW));
	emit_jump(emit, BPF_JEQ, high, emit->count, no);
	emit_jump(emit, BPF_JGT, high, yes, emit->count);
	return EMIT(emit, LOAD(ADDR_HIGH));
}

/* The end of the last range in the heap that may not go: a new break below it would unmap it. */
static uint64_t heap_kept(const struct judge *judge)
{
	const struct bpf_policy *policy = judge->policy;
	uint64_t kept = 0;

	for (size_t i = 0; i < judge->held.count; i++) {
		const struct bpf_range *range = &judge->held.at[i];

		if (range->effects & (MEMSEAL_NO_UNMAP | MEMSEAL_NO_SHRINK) &&
			range->start < policy->brk_end && range->end > policy->brk_start)
			kept = max_u64(kept, range->end);
	}
	return kept;
}

static unsigned judge_brk(struct judge *judge)
{
	static const struct operand address = { 0, ADDR_LOW, ADDR_HIGH };
	uint64_t kept = heap_kept(judge);
	unsigned shrinks;

	if (!kept)
		return judge->emit.allow;
	/* The kernel rounds the new break up. What lies before the heap only asks where it ends. */
	shrinks = address_from(judge, kept - judge->policy->page + 1, judge->emit.allow,
		judge->keep_break);
	address_from(judge, judge->policy->brk_start, shrinks, judge->emit.allow);
	return judge_operands(judge, &address, 1);
}

/* Calls that change how others are to be judged, or that name memory in memory. */
static void judge_others(struct judge *judge, unsigned heads[CALLS])
{
	struct emit *emit = &judge->emit;

	if (judge->effects & (MEMSEAL_NO_UNMAP | MEMSEAL_NO_SHRINK)) {
		emit_jump(emit, BPF_JEQ, PR_SET_MM, emit->unjudged, emit->allow);
		heads[CALL_PRCTL] = EMIT(emit, LOAD_LOW(0));
	}
	if (judge->effects & REPLACING) {
		heads[CALL_USELIB] = emit->unjudged;
		emit_jump(emit, BPF_JSET, MFD_HUGETLB, emit->unjudged, emit->allow);
		heads[CALL_MEMFD_CREATE] = EMIT(emit, LOAD_LOW(1));
	}
	if (judge->effects & MEMSEAL_NO_DISCARD) {
		heads[CALL_PROCESS_MADVISE] = judge_advice(judge, 3, emit->unjudged);
		heads[CALL_IO_URING] = emit->unjudged;
		heads[CALL_USERFAULTFD] = emit->unjudged;
		emit_jump(emit, BPF_JEQ, UFFD_IOCTLS, emit->unjudged, emit->allow);
		heads[CALL_IOCTL] = EMIT(emit, LOAD_LOW(1), AND(0xff00));
	}
}

/* With READ_IMPLIES_EXEC, mprotect and mmap add PROT_EXEC to what may be read. */
static unsigned judge_personality(struct judge *judge)
{
	struct emit *emit = &judge->emit;
	bool matters = false;
	unsigned next;

	for (size_t i = 0; i < judge->held.count; i++)
		matters |= (judge->held.at[i].effects & (MEMSEAL_NO_EXEC | MEMSEAL_NO_PROTECT)) ==
			MEMSEAL_NO_EXEC;
	if (!matters)
		return emit->allow;
	next = emit_jump(emit, BPF_JSET, READ_IMPLIES_EXEC, emit->unjudged, emit->allow);
	emit_jump(emit, BPF_JEQ, PERSONALITY_QUERY, emit->allow, next);
	return EMIT(emit, LOAD_LOW(0));
}

/* 32-bit registers reach 8 GiB: an address and a length. */
static bool old_mmap_reaches(const struct judge *judge)
{
	for (size_t i = 0; i < judge->held.count; i++)
		if (judge->held.at[i].effects & REPLACING &&
			judge->held.at[i].start < UINT64_C(2) << 32)
			return true;
	return false;
}

/* Calls whose interval and effects stand in their registers. */
static void judge_intervals(struct judge *judge, unsigned interval, unsigned heads[CALLS])
{
	struct emit *emit = &judge->emit;
	uint64_t effects = judge->effects;
	unsigned aligned, pair;

	emit_jump(emit, BPF_JSET, judge->policy->page - 1, emit->allow, interval);
	aligned = EMIT(emit, LOAD(ADDR_LOW));
	if (effects & REPLACING)
		judge_shm(judge, aligned, heads);
	pair = first_two(judge, interval, aligned);
	if (effects & REPLACING)
		heads[CALL_MMAP] = judge_mmap(judge, pair);
	if (effects & (MEMSEAL_NO_PROTECT | MEMSEAL_NO_WRITE | MEMSEAL_NO_EXEC))
		heads[CALL_MPROTECT] = judge_mprotect(judge, pair);
	if (effects & MEMSEAL_NO_DISCARD)
		heads[CALL_MADVISE] =
			judge_advice(judge, 2, checks(judge, MEMSEAL_NO_DISCARD, pair));
	if (effects & MEMSEAL_NO_SEAL)
		heads[CALL_MSEAL] = checks(judge, MEMSEAL_NO_SEAL, pair);
	if (effects & MEMSEAL_NO_UNMAP) {
		heads[CALL_REMAP_FILE_PAGES] =
			checks(judge, MEMSEAL_NO_UNMAP | CHECK_ROUND_DOWN, pair);
		heads[CALL_MUNMAP] = checks(judge, MEMSEAL_NO_UNMAP, pair);
		heads[CALL_MAP_SHADOW_STACK] = heads[CALL_MUNMAP];
	}
}

void judge_calls(struct judge *judge, unsigned ret_heads[CALLS])
{
	struct emit *emit = &judge->emit;
	unsigned harmless, interval;

	for (size_t i = 0; i < CALLS; i++)
		ret_heads[i] = emit->allow;
	harmless = judge_mremap_second(judge);
	tree_emit(emit, &judge->held, MEMSEAL_ALL, judge->scratch, harmless);
	interval = judge_interval(judge);
	if (judge->effects & ~(uint64_t)MEMSEAL_NO_SEAL || judge->target_effects)
		ret_heads[CALL_MREMAP] = judge_mremap(judge, interval);
	judge_intervals(judge, interval, ret_heads);
	judge_others(judge, ret_heads);
	if (old_mmap_reaches(judge))
		ret_heads[CALL_OLD_MMAP] = emit->unjudged;
	ret_heads[CALL_PERSONALITY] = judge_personality(judge);
	ret_heads[CALL_BRK] = judge_brk(judge);
	if (judge->policy->no_exec)
		ret_heads[CALL_EXEC] = emit->refuse;
}
