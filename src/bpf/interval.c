/* SPDX-License-Identifier: MIT */
#include "bpf/interval.h"

unsigned gen_operands(struct gen *gen, const struct operand *operands, size_t count)
{
	struct emit *emit = &gen->emit;
	bool own_32bit = !gen->arch->high, narrow = own_32bit || gen->arch->narrow.count;
	unsigned lows;

	for (size_t i = count; i--;)
		EMIT(emit, LOAD_LOW(operands[i].arg), STORE(operands[i].low));
	lows = emit->count;
	for (size_t i = own_32bit ? 0 : count; i--;) {
		EMIT(emit, STORE(operands[i].high));
		if (!i)
			EMIT(emit, AND(gen->arch->high));
		EMIT(emit, LOAD_HIGH(operands[i].arg));
	}
	if (narrow && !own_32bit) {
		emit_jump(emit, BPF_JEQ, gen->arch->sibling, lows, emit->count);
		EMIT(emit, LOAD_ARCH);
	}
	for (size_t i = narrow ? count : 0; i--;)
		EMIT(emit, STORE(operands[i].high));
	return narrow ? EMIT(emit, SET(0)) : emit->count;
}

unsigned gen_unless_empty(struct gen *gen)
{
	struct emit *emit = &gen->emit;

	emit_jump(emit, BPF_JEQ, 0, emit->allow, emit->count);
	return EMIT(emit, LOADX(LEN_LOW), LOAD(LEN_HIGH), OR_X);
}

unsigned gen_round_up_huge(struct gen *gen, unsigned next)
{
	struct emit *emit = &gen->emit;

	/* To the last byte of a GiB. Only arm64 with pages of 64 KiB can have larger huge pages. */
	emit_goto(emit, next);
	EMIT(emit, SUB(1), OR((UINT32_C(1) << 30) - 1), STORE(LEN_LOW));
	emit_jump(emit, BPF_JEQ, 0, next, emit->count);
	return EMIT(emit, LOAD(LEN_LOW));
}

unsigned gen_interval(struct gen *gen)
{
	struct emit *emit = &gen->emit;
	uint32_t high = gen->arch->high;
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
