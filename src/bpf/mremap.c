/* SPDX-License-Identifier: MIT */
#include "bpf/mremap.h"

#define MREMAP_MAYMOVE   1
#define MREMAP_FIXED     2
#define MREMAP_DONTUNMAP 4

_Static_assert(MREMAP_MAYMOVE == MEMSEAL_NO_UNMAP, "taken from the flags as it is");
_Static_assert(MREMAP_DONTUNMAP << 4 == MEMSEAL_NO_DISCARD, "taken from the flags by a shift");

/* No huge page is smaller: those of 16 and 64 KiB come in 2 MiB on ARM. */
static uint32_t smallest_huge(const struct gen *gen)
{
	uint32_t pages = BPF_HUGE_PAGES * gen->policy->page;

	return pages > gen->arch->huge ? pages : gen->arch->huge;
}

/*
 * The target of a move is unmapped first. Where it is aligned to a huge page, the mapping that is
 * moved may consist of them, and then more is unmapped than the new length says.
 */
static unsigned gen_target(struct gen *gen, unsigned interval)
{
	static const struct operand operands[] = {
		{ 4, ADDR_LOW, ADDR_HIGH },
		{ 2, LEN_LOW, LEN_HIGH },
	};
	struct emit *emit = &gen->emit;
	unsigned huge = gen_round_up_huge(gen, interval);

	emit_jump(emit, BPF_JSET, smallest_huge(gen) - 1, interval, huge);
	emit_jump(emit, BPF_JSET, gen->policy->page - 1, emit->allow, emit->count);
	EMIT(emit, LOAD(ADDR_LOW));
	gen_unless_empty(gen);
	EMIT(emit, SET(BPF_REPLACING), STORE(CHECKS));
	return gen_operands(gen, operands, ARRAY_SIZE(operands));
}

/* mseal refuses every mremap that begins in a sealed page, even one that changes nothing there. */
static unsigned gen_first_page(struct gen *gen, unsigned interval)
{
	static const struct operand address = { 0, ADDR_LOW, ADDR_HIGH };
	struct emit *emit = &gen->emit;

	emit_goto(emit, interval);
	EMIT(emit, SET(0), STORE(LEN_HIGH), SET(1), STORE(LEN_LOW), SET(MEMSEAL_NO_UNMAP),
		STORE(CHECKS));
	return gen_operands(gen, &address, 1);
}

unsigned gen_mremap_second(struct gen *gen)
{
	struct emit *emit = &gen->emit;
	unsigned interval, page;

	gen->second = emit->allow;
	if (!gen->target_effects)
		return emit->allow;
	gen_tree(emit, &gen->targets, BPF_REPLACING, gen->scratch, emit->allow);
	interval = gen_interval(gen);
	page = gen_first_page(gen, interval);
	interval = gen_target(gen, interval);
	emit_jump(emit, BPF_JSET, MREMAP_FIXED, interval, page);
	gen->second = EMIT(emit, LOAD_LOW(3));
	emit_jump(emit, BPF_JSET, CHECK_SECOND, gen->second, emit->allow);
	return EMIT(emit, LOAD(CHECKS));
}

/*
 * The part that a shrink cuts off: ADDR + NEW for LEN - NEW bytes. The kernel adds without a look
 * at overflows, and so does this: a new length close to the highest one cuts memory before ADDR. To
 * kernels without tags what is one to others belongs to ADDR, which 5.10 does not look at before:
 * the sum with it may wrap to any address, and below the tag bits both sums are the same.
 */
static unsigned gen_cut_off(struct gen *gen, unsigned interval)
{
	struct emit *emit = &gen->emit;
	unsigned next;

	emit_goto(emit, interval);
	EMIT(emit, SET(MEMSEAL_NO_UNMAP | MEMSEAL_NO_SHRINK | CHECK_SECOND), STORE(CHECKS));
	if (!gen->arch->last_window) /* the kernel may be a 32-bit one, whose sums wrap there */
		EMIT(emit, SET(0), STORE(ADDR_HIGH));
	else
		EMIT(emit, LOAD(ADDR_HIGH), ADD_X, AND(gen->arch->high), STORE(ADDR_HIGH));
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
static unsigned gen_whole(struct gen *gen, unsigned interval)
{
	struct emit *emit = &gen->emit;
	unsigned one;

	emit_goto(emit, interval);
	one = EMIT(emit, SET(1), STORE(LEN_LOW));
	emit_jump(emit, BPF_JEQ, 0, one, interval);
	return EMIT(emit, LOADX(LEN_LOW), LOAD(LEN_HIGH), OR_X);
}

/* What moves are huge pages if they may be. */
static unsigned gen_moved_huge(struct gen *gen, unsigned next)
{
	struct emit *emit = &gen->emit;

	emit_goto(emit, next);
	return EMIT(emit, LOAD(HUGE_LOW), STORE(LEN_LOW));
}

/*
 * Goes on at next if ADDR and LEN end within the address space. Linux moves no other range, but
 * those before 5.16 and all 32-bit ones first cut off what a shorter length leaves, and the sum
 * that says where wraps to any address.
 */
static unsigned gen_within_space(struct gen *gen, unsigned next)
{
	struct emit *emit = &gen->emit;
	uint32_t last = gen->arch->last_window ? gen->arch->high : 0;
	unsigned carry;

	if (!(gen->effects & (MEMSEAL_NO_UNMAP | MEMSEAL_NO_SHRINK)))
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
static unsigned gen_moved(struct gen *gen, unsigned next)
{
	struct emit *emit = &gen->emit;

	emit_goto(emit, next);
	return EMIT(emit, AND(MREMAP_DONTUNMAP), SHL(4), OR_X, OR(MEMSEAL_NO_UNMAP | CHECK_SECOND),
		STORE(CHECKS));
}

/* Goes on at move with the resize's effect in X if the mapping leaves its place for certain. */
static unsigned gen_resized(struct gen *gen, uint64_t effect, unsigned move, unsigned in_place)
{
	struct emit *emit = &gen->emit;

	emit_jump(emit, BPF_JSET, MREMAP_FIXED | MREMAP_DONTUNMAP, move, in_place);
	return EMIT(emit, SETX((uint32_t)effect), LOAD_LOW(3));
}

/* Lengths count in whole pages. The sum wraps, as the kernel's PAGE_ALIGN() does. */
static unsigned gen_page_align(struct gen *gen, uint32_t low, uint32_t high)
{
	struct emit *emit = &gen->emit;
	uint32_t page = gen->policy->page;
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
static unsigned gen_huge_align(struct gen *gen)
{
	struct emit *emit = &gen->emit;
	unsigned store = EMIT(emit, STORE(HUGE_LOW)), plain;

	plain = EMIT(emit, LOAD(LEN_LOW));
	emit_goto(emit, store);
	store = EMIT(emit, SUB(1), OR_X);
	emit_jump(emit, BPF_JEQ, 0, plain, store);
	EMIT(emit, TAX, SUB(1), OR_X, SUB_X, TAX, LOAD(LEN_LOW)); /* X: bits below the lowest one */
	emit_jump(emit, BPF_JSET, smallest_huge(gen) - 1, plain, emit->count);
	return EMIT(emit, LOAD(ADDR_LOW));
}

unsigned gen_mremap(struct gen *gen, unsigned interval)
{
	struct emit *emit = &gen->emit;
	unsigned all = gen_whole(gen, interval);
	unsigned move = gen_moved(gen, gen_within_space(gen, gen_moved_huge(gen, all)));
	unsigned grow, shrink, same, low;

	emit_goto(emit, all);
	EMIT(emit, AND(MREMAP_MAYMOVE), OR(MEMSEAL_NO_GROW), STORE(CHECKS));
	grow = gen_resized(gen, MEMSEAL_NO_GROW, move, emit->count);
	shrink = gen_cut_off(gen, interval);
	shrink = gen_resized(gen, MEMSEAL_NO_SHRINK, move, shrink);
	same = gen_resized(gen, 0, move, gen->second);

	same = emit_jump(emit, BPF_JEQ | BPF_X, 0, same, grow);
	emit_jump(emit, BPF_JGT | BPF_X, 0, shrink, same);
	low = EMIT(emit, LOADX(NEW_LOW), LOAD(LEN_LOW));
	same = emit_jump(emit, BPF_JEQ | BPF_X, 0, low, grow);
	emit_jump(emit, BPF_JGT | BPF_X, 0, shrink, same);
	EMIT(emit, LOADX(NEW_HIGH), LOAD(LEN_HIGH));
	gen_page_align(gen, NEW_LOW, NEW_HIGH);
	gen_huge_align(gen);
	return gen_page_align(gen, LEN_LOW, LEN_HIGH);
}
