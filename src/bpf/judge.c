/* SPDX-License-Identifier: MIT */
#include "bpf/judge.h"

/* Values of the kernel's interface that are the same on all architectures here. */
#define PROT_WRITE_EXEC   (2 | 4)
#define PROT_GROWSDOWN    0x01000000
#define MAP_FIXED         0x10
#define MAP_HUGETLB       0x40000
#define SHM_REMAP         040000
#define IPC_SHMAT         21
#define IPC_SHMDT         22
#define MFD_HUGETLB       4
#define PR_SET_MM         35
#define UFFD_IOCTLS       0xaa00 /* _IO(0xaa, ...): USERFAULTFD_IOC and UFFDIO */
#define READ_IMPLIES_EXEC 0x0400000
#define PERSONALITY_QUERY 0xffffffff
#define MADV_SOFT_OFFLINE 101
#define MADV_GUARD_REMOVE 103

/*
 * Advice below 32 that keeps the bytes: NORMAL to WILLNEED, DOFORK to DODUMP, KEEPONFORK to
 * POPULATE_WRITE and COLLAPSE. All other advice, that of later kernels too, counts as destructive.
 */
#define BITS(first, last) ((UINT32_MAX >> (31 - (last))) & ~((UINT32_C(1) << (first)) - 1))
#define MADV_HARMLESS     (BITS(0, 3) | BITS(11, 17) | BITS(19, 23) | BITS(25, 25))

/* Effects sit where a shift of the kernel's flags puts them. */
_Static_assert(2 << 3 == MEMSEAL_NO_WRITE && 4 << 3 == MEMSEAL_NO_EXEC, "PROT_WRITE, PROT_EXEC");
_Static_assert(MEMSEAL_NO_UNMAP == 1, "as a length, too");
_Static_assert(MAP_HUGETLB << 12 == CHECK_HUGE, "MAP_HUGETLB");

unsigned judge_operands(struct judge *judge, const struct operand *operands, size_t count)
{
	struct emit *emit = &judge->emit;
	bool own_32bit = !judge->arch->high, narrow = own_32bit || judge->arch->narrow.count;
	unsigned lows;

	for (size_t i = count; i--;)
		EMIT(emit, LOAD_LOW(operands[i].arg), STORE(operands[i].low));
	lows = emit->count;
	for (size_t i = own_32bit ? 0 : count; i--;) {
		EMIT(emit, STORE(operands[i].high));
		if (!i)
			EMIT(emit, AND(judge->arch->high));
		EMIT(emit, LOAD_HIGH(operands[i].arg));
	}
	if (narrow && !own_32bit) {
		emit_jump(emit, BPF_JEQ, judge->arch->sibling, lows, emit->count);
		EMIT(emit, LOAD_ARCH);
	}
	for (size_t i = narrow ? count : 0; i--;)
		EMIT(emit, STORE(operands[i].high));
	return narrow ? EMIT(emit, SET(0)) : emit->count;
}

unsigned judge_empty(struct judge *judge)
{
	struct emit *emit = &judge->emit;

	emit_jump(emit, BPF_JEQ, 0, emit->allow, emit->count);
	return EMIT(emit, LOADX(LEN_LOW), LOAD(LEN_HIGH), OR_X);
}

unsigned judge_huge(struct judge *judge, unsigned next)
{
	struct emit *emit = &judge->emit;

	/* To the last byte of a GiB. Only arm64 with pages of 64 KiB can have larger huge pages. */
	emit_goto(emit, next);
	EMIT(emit, SUB(1), OR((UINT32_C(1) << 30) - 1), STORE(LEN_LOW));
	emit_jump(emit, BPF_JEQ, 0, next, emit->count);
	return EMIT(emit, LOAD(LEN_LOW));
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
	no_carry = EMIT(emit, LOADX(ADDR_HIGH), LOAD(END_HIGH));
	EMIT(emit, LOAD(END_HIGH), ADD(1), STORE(END_HIGH));
	emit_jump(emit, BPF_JGE | BPF_X, 0, no_carry, emit->count);
	EMIT(emit, TAX, LOAD(ADDR_HIGH), ADD_X, STORE(END_HIGH), LOADX(LEN_LOW), LOAD(ADDR_LOW),
		ADD_X, STORE(END_LOW));
	/* A length beyond the address space is cut there, so that the sum cannot wrap. */
	near = emit->count;
	far = EMIT(emit, SET(high + 1));
	emit_jump(emit, BPF_JGT, high, far, near);
	return EMIT(emit, LOAD(LEN_HIGH));
}

/* Any effect but NO_SEAL: those on protection may be broken at the target. */
static bool mremap_matters(const struct judge *judge)
{
	return judge->effects &
		       (REPLACING | MEMSEAL_NO_SHRINK | MEMSEAL_NO_GROW | MEMSEAL_NO_DISCARD) ||
	       judge->target_effects;
}

/* Goes on at next, which stores A in CHECKS. */
static unsigned checks(struct judge *judge, uint64_t effects, unsigned next)
{
	emit_goto(&judge->emit, next);
	return EMIT(&judge->emit, SET((uint32_t)effects));
}

/* In place of an attached segment, its first byte: shmdt does not tell the length. */
static unsigned point(struct judge *judge, unsigned interval)
{
	emit_goto(&judge->emit, interval);
	return EMIT(&judge->emit, SET(0), STORE(LEN_HIGH), SET(1), STORE(LEN_LOW));
}

/* ADDR and LEN are not simply what the first two arguments say. */
static unsigned special(struct judge *judge, unsigned interval, unsigned plain)
{
	struct emit *emit = &judge->emit;
	unsigned huge = judge_huge(judge, plain);
	unsigned first = point(judge, interval);

	first = emit_jump(emit, BPF_JSET, CHECK_POINT, first, huge);
	if (!mremap_matters(judge))
		return first;
	return emit_jump(emit, BPF_JSET, CHECK_MREMAP, judge_mremap(judge, interval), first);
}

/* Judges the first arguments; A goes to CHECKS. All calls share this, to save room. */
static unsigned arguments(struct judge *judge, unsigned interval)
{
	static const struct operand operands[] = {
		{ 0, ADDR_LOW, ADDR_HIGH },
		{ 1, LEN_LOW, LEN_HIGH },
		{ 2, NEW_LOW, NEW_HIGH },
	};
	struct emit *emit = &judge->emit;
	unsigned aligned, unaligned;

	emit_goto(emit, interval);
	aligned = judge_empty(judge);
	unaligned = special(judge, interval, aligned);
	emit_jump(emit, BPF_JSET, CHECK_POINT | CHECK_HUGE | CHECK_MREMAP, unaligned, aligned);
	aligned = EMIT(emit, LOAD(CHECKS));
	emit_jump(emit, BPF_JSET, CHECK_ROUND_DOWN, aligned, emit->allow);
	unaligned = EMIT(emit, LOAD(CHECKS));
	emit_jump(emit, BPF_JSET, judge->policy->page - 1, unaligned, aligned);
	EMIT(emit, LOAD(ADDR_LOW));
	judge_operands(judge, operands, mremap_matters(judge) ? 3 : 2);
	return EMIT(emit, STORE(CHECKS));
}

static unsigned judge_mmap(struct judge *judge, unsigned next)
{
	struct emit *emit = &judge->emit;

	emit_goto(emit, next);
	EMIT(emit, AND(MAP_HUGETLB), SHL(12), TAX, LOAD_LOW(2), AND(PROT_WRITE_EXEC), SHL(3), OR_X,
		OR(MEMSEAL_NO_UNMAP | MEMSEAL_NO_PROTECT));
	emit_jump(emit, BPF_JSET, MAP_FIXED, emit->count, emit->allow);
	return EMIT(emit, LOAD_LOW(3));
}

static unsigned judge_mprotect(struct judge *judge, unsigned next)
{
	struct emit *emit = &judge->emit;

	emit_goto(emit, next);
	EMIT(emit, AND(PROT_WRITE_EXEC), SHL(3), OR(MEMSEAL_NO_PROTECT));
	/* It starts where the mapping does, which the registers do not tell. */
	emit_jump(emit, BPF_JSET, PROT_GROWSDOWN, emit->unjudged, emit->count);
	return EMIT(emit, LOAD_LOW(2));
}

/* The advice is an argument, but process_madvise has its addresses in memory. */
static void judge_advice(struct judge *judge, unsigned next, unsigned heads[CALLS])
{
	struct emit *emit = &judge->emit;
	unsigned destructive, high, low;

	emit_jump(emit, BPF_JEQ, MEMSEAL_NO_DISCARD, next, emit->unjudged);
	destructive = EMIT(emit, LOAD(CHECKS));
	high = emit_jump(emit, BPF_JEQ, MADV_SOFT_OFFLINE, emit->allow, destructive);
	high = emit_jump(emit, BPF_JEQ, MADV_GUARD_REMOVE, emit->allow, high);
	emit_jump(emit, BPF_JSET, 1, emit->allow, destructive);
	low = EMIT(emit, TAX, SET(MADV_HARMLESS), SHR_X);
	low = emit_jump(emit, BPF_JGT, 31, high, low);
	heads[CALL_MADVISE] = EMIT(emit, SET(MEMSEAL_NO_DISCARD), STORE(CHECKS), LOAD_LOW(2));
	emit_goto(emit, low);
	heads[CALL_PROCESS_MADVISE] = EMIT(emit, SET(0), STORE(CHECKS), LOAD_LOW(3));
}

/*
 * ipc(call, first, second, third, pointer): shmat's flags are the second. shmdt tells the address
 * alone, so a segment must be sealed from its first page on.
 */
static unsigned judge_ipc(struct judge *judge, unsigned interval, unsigned attach)
{
	struct emit *emit = &judge->emit;
	unsigned detach;

	emit_goto(emit, interval);
	EMIT(emit, STORE(ADDR_LOW), SET(0), STORE(ADDR_HIGH), STORE(LEN_HIGH), SET(1),
		STORE(LEN_LOW), STORE(CHECKS));
	emit_jump(emit, BPF_JSET, judge->policy->page - 1, emit->allow, emit->count);
	detach = EMIT(emit, LOAD_LOW(4));
	attach = emit_jump(emit, BPF_JEQ, IPC_SHMAT, attach, emit->allow);
	emit_jump(emit, BPF_JEQ, IPC_SHMDT, detach, attach);
	return EMIT(emit, LOAD_LOW(0), AND(0xffff));
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
	shrinks = address_from(
		judge, kept - judge->policy->page + 1, judge->emit.allow, judge->keep_break);
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
	unsigned next = arguments(judge, interval);

	if (effects & REPLACING) {
		heads[CALL_MMAP] = judge_mmap(judge, next);
		emit_jump(emit, BPF_JSET, SHM_REMAP, emit->unjudged, emit->allow);
		heads[CALL_SHMAT] = EMIT(emit, LOAD_LOW(2));
		heads[CALL_IPC] = judge_ipc(judge, interval, heads[CALL_SHMAT]);
	}
	if (effects & (MEMSEAL_NO_PROTECT | MEMSEAL_NO_WRITE | MEMSEAL_NO_EXEC))
		heads[CALL_MPROTECT] = judge_mprotect(judge, next);
	if (effects & MEMSEAL_NO_DISCARD)
		judge_advice(judge, next, heads);
	if (effects & MEMSEAL_NO_SEAL)
		heads[CALL_MSEAL] = checks(judge, MEMSEAL_NO_SEAL, next);
	if (mremap_matters(judge))
		heads[CALL_MREMAP] = checks(judge, CHECK_MREMAP, next);
	if (effects & MEMSEAL_NO_UNMAP) {
		heads[CALL_REMAP_FILE_PAGES] =
			checks(judge, MEMSEAL_NO_UNMAP | CHECK_ROUND_DOWN, next);
		heads[CALL_SHMDT] = checks(judge, MEMSEAL_NO_UNMAP | CHECK_POINT, next);
		heads[CALL_MUNMAP] = checks(judge, MEMSEAL_NO_UNMAP, next);
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
	judge_intervals(judge, interval, ret_heads);
	judge_others(judge, ret_heads);
	if (old_mmap_reaches(judge))
		ret_heads[CALL_OLD_MMAP] = emit->unjudged;
	ret_heads[CALL_PERSONALITY] = judge_personality(judge);
	ret_heads[CALL_BRK] = judge_brk(judge);
	if (judge->policy->no_exec)
		ret_heads[CALL_EXEC] = emit->refuse;
}
