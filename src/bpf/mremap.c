/* SPDX-License-Identifier: MIT */
#include "bpf/judge.h"

#define MREMAP_MAYMOVE   1
#define MREMAP_FIXED     2
#define MREMAP_DONTUNMAP 4

_Static_assert(MREMAP_MAYMOVE == MEMSEAL_NO_UNMAP, "taken from the flags as it is");
_Static_assert(MREMAP_DONTUNMAP << 4 == MEMSEAL_NO_DISCARD, "taken from the flags by a shift");

/* No huge page is smaller: on ARM, those of 4 KiB come in 16, those of 16 and 64 KiB in 2 MiB. */
static uint32_t smallest_huge(const struct judge *judge)
{
	uint32_t pages = 16 * judge->policy->page;

	return pages > judge->arch->huge ? pages : judge->arch->huge;
}

/*
 * The target of a move is unmapped first. Where it is aligned to a huge page, the mapping that is
 * moved may consist of them, and then more is unmapped than the new length says.
 */
static unsigned target(struct judge *judge, unsigned interval)
{
	static const struct operand operands[] = {
		{ 4, ADDR_LOW, ADDR_HIGH },
		{ 2, LEN_LOW, LEN_HIGH },
	};
	struct emit *emit = &judge->emit;
	unsigned huge = judge_huge(judge, interval);

	emit_jump(emit, BPF_JSET, smallest_huge(judge) - 1, interval, huge);
	emit_jump(emit, BPF_JSET, judge->policy->page - 1, emit->allow, emit->count);
	EMIT(emit, LOAD(ADDR_LOW));
	judge_empty(judge);
	EMIT(emit, SET(REPLACING), STORE(CHECKS));
	return judge_operands(judge, operands, ARRAY_SIZE(operands));
}

/* mseal refuses every mremap that begins in a sealed page, even one that changes nothing there. */
static unsigned first_page(struct judge *judge, unsigned interval)
{
	static const struct operand address = { 0, ADDR_LOW, ADDR_HIGH };
	struct emit *emit = &judge->emit;

	emit_goto(emit, interval);
	EMIT(emit, SET(0), STORE(LEN_HIGH), SET(1), STORE(LEN_LOW), SET(MEMSEAL_NO_UNMAP),
		STORE(CHECKS));
	return judge_operands(judge, &address, 1);
}

unsigned judge_mremap_second(struct judge *judge)
{
	struct emit *emit = &judge->emit;
	unsigned interval, page;

	judge->second = emit->allow;
	if (!judge->target_effects)
		return emit->allow;
	tree_emit(emit, &judge->targets, REPLACING, judge->scratch, emit->allow);
	interval = judge_interval(judge);
	page = first_page(judge, interval);
	interval = target(judge, interval);
	emit_jump(emit, BPF_JSET, MREMAP_FIXED, interval, page);
	judge->second = EMIT(emit, LOAD_LOW(3));
	emit_jump(emit, BPF_JSET, CHECK_SECOND, judge->second, emit->allow);
	return EMIT(emit, LOAD(CHECKS));
}

/*
 * The part that a shrink cuts off: ADDR + NEW for LEN - NEW bytes. The kernel adds without a look
 * at overflows, and so does this: a new length close to the highest one cuts memory before ADDR. To
 * kernels without tags what is one to others belongs to ADDR, which 5.10 does not look at before:
 * the sum with it may wrap to any address, and below the tag bits both sums are the same.
 */
static unsigned cut_off(struct judge *judge, unsigned interval)
{
	struct emit *emit = &judge->emit;
	unsigned next;

	emit_goto(emit, interval);
	EMIT(emit, SET(MEMSEAL_NO_UNMAP | MEMSEAL_NO_SHRINK | CHECK_SECOND), STORE(CHECKS));
	if (!judge->arch->last_window) /* the kernel may be a 32-bit one, whose sums wrap there */
		EMIT(emit, SET(0), STORE(ADDR_HIGH));
	else
		EMIT(emit, LOAD(ADDR_HIGH), ADD_X, AND(judge->arch->high), STORE(ADDR_HIGH));
	EMIT(emit, LOADX(NEW_HIGH), LOAD(LEN_HIGH), SUB_X, STORE(LEN_HIGH));
	next = emit->count;
	EMIT(emit, LOAD(ADDR_HIGH), ADD(1), STORE(ADDR_HIGH));
	emit_jump(emit, BPF_JGE | BPF_X, 0, next, emit->count);
	EMIT(emit, LOAD(HUGE_LOW), SUB_X, STORE(LEN_LOW), LOAD(ADDR_LOW), ADD_X, STORE(ADDR_LOW));
	next = emit->count;
	EMIT(emit, LOAD(LEN_HIGH), SUB(1), STORE(LEN_HIGH));
	emit_jump(emit, BPF_JGE | BPF_X, 0, next, emit->count);
	return EMIT(emit, LOADX(NEW_LOW), LOAD(HUGE_LOW));
}

/* The whole old range; of old length 0, which copies a shared mapping, its page. */
static unsigned whole(struct judge *judge, unsigned interval)
{
	struct emit *emit = &judge->emit;
	unsigned one;

	emit_goto(emit, interval);
	one = EMIT(emit, SET(1), STORE(LEN_LOW));
	emit_jump(emit, BPF_JEQ, 0, one, interval);
	return EMIT(emit, LOADX(LEN_LOW), LOAD(LEN_HIGH), OR_X);
}

/* What moves are huge pages if they may be. */
static unsigned moved_huge(struct judge *judge, unsigned next)
{
	struct emit *emit = &judge->emit;

	emit_goto(emit, next);
	return EMIT(emit, LOAD(HUGE_LOW), STORE(LEN_LOW));
}

/*
 * Goes on at next if ADDR and LEN end within the address space. Linux moves no other range, but
 * those before 5.16 and all 32-bit ones first cut off what a shorter length leaves, and the sum
 * that says where wraps to any address.
 */
static unsigned within_space(struct judge *judge, unsigned next)
{
	struct emit *emit = &judge->emit;
	uint32_t last = judge->arch->last_window ? judge->arch->high : 0;
	unsigned carry;

	if (!(judge->effects & (MEMSEAL_NO_UNMAP | MEMSEAL_NO_SHRINK)))
		return next;
	emit_jump(emit, BPF_JGE | BPF_X, 0, next, emit->refuse);
	carry = EMIT(emit, LOADX(LEN_LOW), LOAD(ADDR_LOW), ADD_X);
	carry = emit_jump(emit, BPF_JEQ, last, carry, next);
	emit_jump(emit, BPF_JGT, last, emit->refuse, carry);
	EMIT(emit, TAX, LOAD(ADDR_HIGH), ADD_X);
	emit_jump(emit, BPF_JGT, last, emit->refuse, emit->count);
	return EMIT(emit, LOAD(LEN_HIGH));
}

/*
 * Moves, to a given place or leaving an empty mapping behind. A has the flags, X the effect of the
 * resize. Without a place there is no second interval; its first page, which is judged then, is
 * part of this one.
 */
static unsigned moved(struct judge *judge, unsigned next)
{
	struct emit *emit = &judge->emit;

	emit_goto(emit, next);
	return EMIT(emit, AND(MREMAP_DONTUNMAP), SHL(4), OR_X, OR(MEMSEAL_NO_UNMAP | CHECK_SECOND),
		STORE(CHECKS));
}

/* Goes on at move with the resize's effect in X if the mapping leaves its place for certain. */
static unsigned resized(struct judge *judge, uint64_t effect, unsigned move, unsigned in_place)
{
	struct emit *emit = &judge->emit;

	emit_jump(emit, BPF_JSET, MREMAP_FIXED | MREMAP_DONTUNMAP, move, in_place);
	return EMIT(emit, SETX((uint32_t)effect), LOAD_LOW(3));
}

/* Lengths count in whole pages. The sum wraps, as the kernel's PAGE_ALIGN() does. */
static unsigned page_align(struct judge *judge, uint32_t low, uint32_t high)
{
	struct emit *emit = &judge->emit;
	uint32_t page = judge->policy->page;
	unsigned no_carry = EMIT(emit, LOAD(low), ADD(page - 1), AND(-page), STORE(low));

	EMIT(emit, LOAD(high), ADD(1), STORE(high));
	emit_jump(emit, BPF_JGT, -page, emit->count, no_carry);
	return EMIT(emit, LOAD(low));
}

/*
 * Since 5.16 a mapping of huge pages is cut and moved in whole ones, of a size that its address is
 * aligned to, but how long it is said to be counts in small pages. HUGE_LOW is LEN_LOW, up to the
 * last byte of a huge page where ADDR may be that of one.
 */
static unsigned huge_align(struct judge *judge)
{
	struct emit *emit = &judge->emit;
	unsigned store = EMIT(emit, STORE(HUGE_LOW)), plain;

	plain = EMIT(emit, LOAD(LEN_LOW));
	emit_goto(emit, store);
	store = EMIT(emit, SUB(1), OR_X);
	emit_jump(emit, BPF_JEQ, 0, plain, store);
	EMIT(emit, TAX, SUB(1), OR_X, SUB_X, TAX, LOAD(LEN_LOW)); /* X: bits below the lowest one */
	emit_jump(emit, BPF_JSET, smallest_huge(judge) - 1, plain, emit->count);
	return EMIT(emit, LOAD(ADDR_LOW));
}

unsigned judge_mremap(struct judge *judge, unsigned interval)
{
	struct emit *emit = &judge->emit;
	unsigned all = whole(judge, interval);
	unsigned move = moved(judge, within_space(judge, moved_huge(judge, all)));
	unsigned grow, shrink, same, low;

	emit_goto(emit, all);
	EMIT(emit, AND(MREMAP_MAYMOVE), OR(MEMSEAL_NO_GROW), STORE(CHECKS));
	grow = resized(judge, MEMSEAL_NO_GROW, move, emit->count);
	shrink = cut_off(judge, interval);
	shrink = resized(judge, MEMSEAL_NO_SHRINK, move, shrink);
	same = resized(judge, 0, move, judge->second);

	same = emit_jump(emit, BPF_JEQ | BPF_X, 0, same, grow);
	emit_jump(emit, BPF_JGT | BPF_X, 0, shrink, same);
	low = EMIT(emit, LOADX(NEW_LOW), LOAD(LEN_LOW));
	same = emit_jump(emit, BPF_JEQ | BPF_X, 0, low, grow);
	emit_jump(emit, BPF_JGT | BPF_X, 0, shrink, same);
	EMIT(emit, LOADX(NEW_HIGH), LOAD(LEN_HIGH));
	page_align(judge, NEW_LOW, NEW_HIGH);
	huge_align(judge);
	return page_align(judge, LEN_LOW, LEN_HIGH);
}
