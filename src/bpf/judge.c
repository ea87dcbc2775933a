/* SPDX-License-Identifier: MIT */
#include "bpf/judge.h"

#include "bpf/mremap.h"

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

/* Any effect but NO_SEAL: those on protection may be broken at the target. */
static bool mremap_matters(const struct gen *gen)
{
	return gen->effects &
		       (BPF_REPLACING | MEMSEAL_NO_SHRINK | MEMSEAL_NO_GROW | MEMSEAL_NO_DISCARD) ||
	       gen->target_effects;
}

/* Goes on at next, which stores A in CHECKS. */
static unsigned gen_checks(struct gen *gen, uint64_t effects, unsigned next)
{
	emit_goto(&gen->emit, next);
	return EMIT(&gen->emit, SET((uint32_t)effects));
}

/* In place of an attached segment, its first byte: shmdt does not tell the length. */
static unsigned gen_point(struct gen *gen, unsigned interval)
{
	emit_goto(&gen->emit, interval);
	return EMIT(&gen->emit, SET(0), STORE(LEN_HIGH), SET(1), STORE(LEN_LOW));
}

/* ADDR and LEN are not simply what the first two arguments say. */
static unsigned gen_special(struct gen *gen, unsigned interval, unsigned plain)
{
	struct emit *emit = &gen->emit;
	unsigned huge = gen_round_up_huge(gen, plain);
	unsigned first = gen_point(gen, interval);

	first = emit_jump(emit, BPF_JSET, CHECK_POINT, first, huge);
	if (!mremap_matters(gen))
		return first;
	return emit_jump(emit, BPF_JSET, CHECK_MREMAP, gen_mremap(gen, interval), first);
}

/* Judges the first arguments; A goes to CHECKS. All calls share this, to save room. */
static unsigned gen_arguments(struct gen *gen, unsigned interval)
{
	static const struct operand operands[] = {
		{ 0, ADDR_LOW, ADDR_HIGH },
		{ 1, LEN_LOW, LEN_HIGH },
		{ 2, NEW_LOW, NEW_HIGH },
	};
	struct emit *emit = &gen->emit;
	unsigned aligned, unaligned;

	emit_goto(emit, interval);
	aligned = gen_unless_empty(gen);
	unaligned = gen_special(gen, interval, aligned);
	emit_jump(emit, BPF_JSET, CHECK_POINT | CHECK_HUGE | CHECK_MREMAP, unaligned, aligned);
	aligned = EMIT(emit, LOAD(CHECKS));
	emit_jump(emit, BPF_JSET, CHECK_ROUND_DOWN, aligned, emit->allow);
	unaligned = EMIT(emit, LOAD(CHECKS));
	emit_jump(emit, BPF_JSET, gen->policy->page - 1, unaligned, aligned);
	EMIT(emit, LOAD(ADDR_LOW));
	gen_operands(gen, operands, mremap_matters(gen) ? 3 : 2);
	return EMIT(emit, STORE(CHECKS));
}

static unsigned gen_mmap(struct gen *gen, unsigned next)
{
	struct emit *emit = &gen->emit;

	emit_goto(emit, next);
	EMIT(emit, AND(MAP_HUGETLB), SHL(12), TAX, LOAD_LOW(2), AND(PROT_WRITE_EXEC), SHL(3), OR_X,
		OR(MEMSEAL_NO_UNMAP | MEMSEAL_NO_PROTECT));
	emit_jump(emit, BPF_JSET, MAP_FIXED, emit->count, emit->allow);
	return EMIT(emit, LOAD_LOW(3));
}

static unsigned gen_mprotect(struct gen *gen, unsigned next)
{
	struct emit *emit = &gen->emit;

	emit_goto(emit, next);
	EMIT(emit, AND(PROT_WRITE_EXEC), SHL(3), OR(MEMSEAL_NO_PROTECT));
	/* It starts where the mapping does, which the registers do not tell. */
	emit_jump(emit, BPF_JSET, PROT_GROWSDOWN, emit->unjudged, emit->count);
	return EMIT(emit, LOAD_LOW(2));
}

/* The advice is an argument, but process_madvise has its addresses in memory. */
static void gen_advice(struct gen *gen, unsigned next, unsigned heads[CALLS])
{
	struct emit *emit = &gen->emit;
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
static unsigned gen_ipc(struct gen *gen, unsigned interval, unsigned attach)
{
	struct emit *emit = &gen->emit;
	unsigned detach;

	emit_goto(emit, interval);
	EMIT(emit, STORE(ADDR_LOW), SET(0), STORE(ADDR_HIGH), STORE(LEN_HIGH), SET(1),
		STORE(LEN_LOW), STORE(CHECKS));
	emit_jump(emit, BPF_JSET, gen->policy->page - 1, emit->allow, emit->count);
	detach = EMIT(emit, LOAD_LOW(4));
	attach = emit_jump(emit, BPF_JEQ, IPC_SHMAT, attach, emit->allow);
	emit_jump(emit, BPF_JEQ, IPC_SHMDT, detach, attach);
	return EMIT(emit, LOAD_LOW(0), AND(0xffff));
}

/* Goes on at yes if ADDR >= value. */
static unsigned gen_address_from(struct gen *gen, uint64_t value, unsigned yes, unsigned no)
{
	struct emit *emit = &gen->emit;
	uint32_t high = (uint32_t)(value >> 32);

	emit_jump(emit, BPF_JGE, (uint32_t)value, yes, no);
	EMIT(emit, LOAD(ADDR_LOW));
	emit_jump(emit, BPF_JEQ, high, emit->count, no);
	emit_jump(emit, BPF_JGT, high, yes, emit->count);
	return EMIT(emit, LOAD(ADDR_HIGH));
}

/* The end of the last range in the heap that may not go: a new break below it would unmap it. */
static uint64_t heap_kept(const struct gen *gen)
{
	const struct bpf_policy *policy = gen->policy;
	uint64_t kept = 0;

	for (size_t i = 0; i < gen->held.count; i++) {
		const struct bpf_range *range = &gen->held.at[i];

		if (range->effects & (MEMSEAL_NO_UNMAP | MEMSEAL_NO_SHRINK) &&
			range->start < policy->brk_end && range->end > policy->brk_start)
			kept = max_u64(kept, range->end);
	}
	return kept;
}

static unsigned gen_brk(struct gen *gen)
{
	static const struct operand address = { 0, ADDR_LOW, ADDR_HIGH };
	uint64_t kept = heap_kept(gen);
	unsigned shrinks;

	if (!kept)
		return gen->emit.allow;
	/* The kernel rounds the new break up. What lies before the heap only asks where it ends. */
	shrinks = gen_address_from(
		gen, kept - gen->policy->page + 1, gen->emit.allow, gen->keep_break);
	gen_address_from(gen, gen->policy->brk_start, shrinks, gen->emit.allow);
	return gen_operands(gen, &address, 1);
}

/* Calls that change how others are to be judged, or that name memory in memory. */
static void gen_others(struct gen *gen, unsigned heads[CALLS])
{
	struct emit *emit = &gen->emit;

	if (gen->effects & (MEMSEAL_NO_UNMAP | MEMSEAL_NO_SHRINK)) {
		emit_jump(emit, BPF_JEQ, PR_SET_MM, emit->unjudged, emit->allow);
		heads[CALL_PRCTL] = EMIT(emit, LOAD_LOW(0));
	}
	if (gen->effects & BPF_REPLACING) {
		heads[CALL_USELIB] = emit->unjudged;
		emit_jump(emit, BPF_JSET, MFD_HUGETLB, emit->unjudged, emit->allow);
		heads[CALL_MEMFD_CREATE] = EMIT(emit, LOAD_LOW(1));
	}
	if (gen->effects & MEMSEAL_NO_DISCARD) {
		heads[CALL_IO_URING] = emit->unjudged;
		heads[CALL_USERFAULTFD] = emit->unjudged;
		emit_jump(emit, BPF_JEQ, UFFD_IOCTLS, emit->unjudged, emit->allow);
		heads[CALL_IOCTL] = EMIT(emit, LOAD_LOW(1), AND(0xff00));
	}
}

/* With READ_IMPLIES_EXEC, mprotect and mmap add PROT_EXEC to what may be read. */
static unsigned gen_personality(struct gen *gen)
{
	struct emit *emit = &gen->emit;
	bool matters = false;
	unsigned next;

	for (size_t i = 0; i < gen->held.count; i++)
		matters |= bpf_read_may_exec(&gen->held.at[i]);
	if (!matters)
		return emit->allow;
	next = emit_jump(emit, BPF_JSET, READ_IMPLIES_EXEC, emit->unjudged, emit->allow);
	emit_jump(emit, BPF_JEQ, PERSONALITY_QUERY, emit->allow, next);
	return EMIT(emit, LOAD_LOW(0));
}

/* 32-bit registers reach 8 GiB: an address and a length. */
static bool old_mmap_reaches(const struct gen *gen)
{
	for (size_t i = 0; i < gen->held.count; i++)
		if (gen->held.at[i].effects & BPF_REPLACING &&
			gen->held.at[i].start < UINT64_C(2) << 32)
			return true;
	return false;
}

/* Calls whose interval and effects stand in their registers. */
static void gen_interval_calls(struct gen *gen, unsigned interval, unsigned heads[CALLS])
{
	struct emit *emit = &gen->emit;
	uint64_t effects = gen->effects;
	unsigned next = gen_arguments(gen, interval);

	if (effects & BPF_REPLACING) {
		heads[CALL_MMAP] = gen_mmap(gen, next);
		emit_jump(emit, BPF_JSET, SHM_REMAP, emit->unjudged, emit->allow);
		heads[CALL_SHMAT] = EMIT(emit, LOAD_LOW(2));
		heads[CALL_IPC] = gen_ipc(gen, interval, heads[CALL_SHMAT]);
	}
	if (effects & (MEMSEAL_NO_PROTECT | MEMSEAL_NO_WRITE | MEMSEAL_NO_EXEC))
		heads[CALL_MPROTECT] = gen_mprotect(gen, next);
	if (effects & MEMSEAL_NO_DISCARD)
		gen_advice(gen, next, heads);
	if (effects & MEMSEAL_NO_SEAL)
		heads[CALL_MSEAL] = gen_checks(gen, MEMSEAL_NO_SEAL, next);
	if (mremap_matters(gen))
		heads[CALL_MREMAP] = gen_checks(gen, CHECK_MREMAP, next);
	if (effects & MEMSEAL_NO_UNMAP) {
		heads[CALL_REMAP_FILE_PAGES] =
			gen_checks(gen, MEMSEAL_NO_UNMAP | CHECK_ROUND_DOWN, next);
		heads[CALL_SHMDT] = gen_checks(gen, MEMSEAL_NO_UNMAP | CHECK_POINT, next);
		heads[CALL_MUNMAP] = gen_checks(gen, MEMSEAL_NO_UNMAP, next);
		heads[CALL_MAP_SHADOW_STACK] = heads[CALL_MUNMAP];
	}
}

void gen_calls(struct gen *gen, unsigned ret_heads[CALLS])
{
	struct emit *emit = &gen->emit;
	unsigned harmless, interval;

	for (size_t i = 0; i < CALLS; i++)
		ret_heads[i] = emit->allow;
	harmless = gen_mremap_second(gen);
	gen_tree(emit, &gen->held, MEMSEAL_ALL, gen->scratch, harmless);
	interval = gen_interval(gen);
	gen_interval_calls(gen, interval, ret_heads);
	gen_others(gen, ret_heads);
	if (old_mmap_reaches(gen))
		ret_heads[CALL_OLD_MMAP] = emit->unjudged;
	ret_heads[CALL_PERSONALITY] = gen_personality(gen);
	ret_heads[CALL_BRK] = gen_brk(gen);
	if (gen->policy->no_exec)
		ret_heads[CALL_EXEC] = emit->refuse;
}
