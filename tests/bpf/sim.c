/* SPDX-License-Identifier: MIT */
#include <assert.h>
#include <stdbool.h>
#include <string.h>

#include "sim.h"

/* kernel/seccomp.c, seccomp_check_filter() */
static bool accepted(uint16_t code)
{
	static const uint16_t codes[] = {
		BPF_LD | BPF_W | BPF_ABS,
		BPF_LD | BPF_W | BPF_LEN,
		BPF_LDX | BPF_W | BPF_LEN,
		BPF_RET | BPF_K,
		BPF_RET | BPF_A,
		BPF_ALU | BPF_ADD | BPF_K,
		BPF_ALU | BPF_ADD | BPF_X,
		BPF_ALU | BPF_SUB | BPF_K,
		BPF_ALU | BPF_SUB | BPF_X,
		BPF_ALU | BPF_MUL | BPF_K,
		BPF_ALU | BPF_MUL | BPF_X,
		BPF_ALU | BPF_DIV | BPF_K,
		BPF_ALU | BPF_DIV | BPF_X,
		BPF_ALU | BPF_AND | BPF_K,
		BPF_ALU | BPF_AND | BPF_X,
		BPF_ALU | BPF_OR | BPF_K,
		BPF_ALU | BPF_OR | BPF_X,
		BPF_ALU | BPF_XOR | BPF_K,
		BPF_ALU | BPF_XOR | BPF_X,
		BPF_ALU | BPF_LSH | BPF_K,
		BPF_ALU | BPF_LSH | BPF_X,
		BPF_ALU | BPF_RSH | BPF_K,
		BPF_ALU | BPF_RSH | BPF_X,
		BPF_ALU | BPF_NEG,
		BPF_LD | BPF_IMM,
		BPF_LDX | BPF_IMM,
		BPF_MISC | BPF_TAX,
		BPF_MISC | BPF_TXA,
		BPF_LD | BPF_MEM,
		BPF_LDX | BPF_MEM,
		BPF_ST,
		BPF_STX,
		BPF_JMP | BPF_JA,
		BPF_JMP | BPF_JEQ | BPF_K,
		BPF_JMP | BPF_JEQ | BPF_X,
		BPF_JMP | BPF_JGE | BPF_K,
		BPF_JMP | BPF_JGE | BPF_X,
		BPF_JMP | BPF_JGT | BPF_K,
		BPF_JMP | BPF_JGT | BPF_X,
		BPF_JMP | BPF_JSET | BPF_K,
		BPF_JMP | BPF_JSET | BPF_X,
	};

	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
		if (codes[i] == code)
			return true;
	return false;
}

static bool touches_cell(uint16_t code)
{
	return code == BPF_ST || code == BPF_STX || code == (BPF_LD | BPF_MEM) ||
	       code == (BPF_LDX | BPF_MEM);
}

/* Each instruction for itself. */
static const char *check_one(const struct sock_filter *at, size_t left)
{
	if (!accepted(at->code))
		return "an instruction that seccomp does not take";
	if (at->code == (BPF_LD | BPF_W | BPF_ABS) &&
		(at->k >= sizeof(struct seccomp_data) || at->k & 3))
		return "a load from outside the data";
	if (touches_cell(at->code) && at->k >= BPF_MEMWORDS)
		return "no such scratch cell";
	if ((at->code == (BPF_ALU | BPF_DIV | BPF_K) && !at->k) ||
		(BPF_CLASS(at->code) == BPF_ALU && BPF_SRC(at->code) == BPF_K &&
			(BPF_OP(at->code) == BPF_LSH || BPF_OP(at->code) == BPF_RSH) && at->k > 31))
		return "an impossible division or shift";
	if (BPF_CLASS(at->code) != BPF_JMP)
		return NULL;
	if (at->code == (BPF_JMP | BPF_JA) ? at->k >= left : at->jt >= left || at->jf >= left)
		return "a jump beyond the end";
	return NULL;
}

/* A cell is read only where every way to it has written it; a return does not end a way. */
static const char *check_cells(const struct sock_filter *program, size_t length, size_t *ret_at)
{
	uint16_t reaching[BPF_MAXINSNS], written = 0;

	memset(reaching, 0xff, sizeof(reaching));
	for (size_t i = 0; i < length; i++) {
		const struct sock_filter *at = &program[i];

		written &= reaching[i];
		if (at->code == BPF_ST || at->code == BPF_STX) {
			written |= (uint16_t)(1 << at->k);
		} else if (touches_cell(at->code)) {
			*ret_at = i;
			if (!(written & 1 << at->k))
				return "a scratch cell that may not have been written";
		} else if (at->code == (BPF_JMP | BPF_JA)) {
			reaching[i + 1 + at->k] &= written;
			written = UINT16_MAX;
		} else if (BPF_CLASS(at->code) == BPF_JMP) {
			reaching[i + 1 + at->jt] &= written;
			reaching[i + 1 + at->jf] &= written;
			written = UINT16_MAX;
		}
	}
	return NULL;
}

const char *sim_check(const struct sock_filter *program, size_t length, size_t *ret_at)
{
	*ret_at = 0;
	if (!length || length > BPF_MAXINSNS)
		return "a length that the kernel does not take";
	for (size_t i = 0; i < length; i++) {
		const char *wrong = check_one(&program[i], length - i - 1);

		*ret_at = i;
		if (wrong)
			return wrong;
	}
	if (program[length - 1].code != (BPF_RET | BPF_K) &&
		program[length - 1].code != (BPF_RET | BPF_A))
		return "no return at the end";
	return check_cells(program, length, ret_at);
}

static uint32_t compute(uint16_t code, uint32_t a, uint32_t b)
{
	switch (BPF_OP(code)) {
	case BPF_ADD:
		return a + b;
	case BPF_SUB:
		return a - b;
	case BPF_AND:
		return a & b;
	case BPF_OR:
		return a | b;
	case BPF_LSH:
		return b < 32 ? a << b : 0;
	case BPF_RSH:
		return b < 32 ? a >> b : 0;
	default:
		assert(!"arithmetic that the generator does not use");
		return 0;
	}
}

static bool jumps(uint16_t code, uint32_t a, uint32_t b)
{
	switch (BPF_OP(code)) {
	case BPF_JEQ:
		return a == b;
	case BPF_JGT:
		return a > b;
	case BPF_JGE:
		return a >= b;
	default:
		return a & b;
	}
}

uint32_t sim_run(
	const struct sock_filter *program, const struct seccomp_data *data, size_t *ret_steps)
{
	const struct sock_filter *at = program;
	uint32_t a = 0, x = 0, cells[BPF_MEMWORDS];

	for (size_t steps = 1;; steps++, at++) {
		uint32_t b = BPF_SRC(at->code) == BPF_X ? x : at->k;

		switch (BPF_CLASS(at->code)) {
		case BPF_LD:
			if (BPF_MODE(at->code) == BPF_ABS)
				memcpy(&a, (const char *)data + at->k, sizeof(a));
			else
				a = BPF_MODE(at->code) == BPF_MEM ? cells[at->k] : at->k;
			break;
		case BPF_LDX:
			x = BPF_MODE(at->code) == BPF_MEM ? cells[at->k] : at->k;
			break;
		case BPF_ST:
			cells[at->k] = a;
			break;
		case BPF_STX:
			cells[at->k] = x;
			break;
		case BPF_ALU:
			a = compute(at->code, a, b);
			break;
		case BPF_JMP:
			if (BPF_OP(at->code) == BPF_JA)
				at += at->k;
			else
				at += jumps(at->code, a, b) ? at->jt : at->jf;
			break;
		case BPF_RET:
			if (ret_steps)
				*ret_steps = steps;
			return BPF_RVAL(at->code) == BPF_A ? a : at->k;
		default: /* BPF_MISC */
			if (BPF_MISCOP(at->code) == BPF_TAX)
				x = a;
			else
				a = x;
		}
	}
}

bool sim_always_allows(const struct sock_filter *program, uint32_t arch, int nr)
{
	uint32_t a = 0;

	for (const struct sock_filter *at = program;; at++)
		switch (at->code) {
		case BPF_LD | BPF_W | BPF_ABS:
			if (at->k == offsetof(struct seccomp_data, nr))
				a = (uint32_t)nr;
			else if (at->k == offsetof(struct seccomp_data, arch))
				a = arch;
			else
				return false;
			break;
		case BPF_RET | BPF_K:
			return at->k == SECCOMP_RET_ALLOW;
		case BPF_JMP | BPF_JA:
			at += at->k;
			break;
		case BPF_JMP | BPF_JEQ | BPF_K:
		case BPF_JMP | BPF_JGE | BPF_K:
		case BPF_JMP | BPF_JGT | BPF_K:
		case BPF_JMP | BPF_JSET | BPF_K:
			at += jumps(at->code, a, at->k) ? at->jt : at->jf;
			break;
		case BPF_ALU | BPF_AND | BPF_K:
			a &= at->k;
			break;
		default:
			return false;
		}
}
