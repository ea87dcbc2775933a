/* SPDX-License-Identifier: MIT */
/*
 * An assembler for classic BPF that works from the last instruction to the first. Every jump goes
 * forward, so the targets of a jump stand already when the jump is emitted, and no fix-up is ever
 * needed: what runs next is emitted before. Within one emit_block() instructions stand in the order
 * in which they run.
 *
 * A label counts the instructions from it to the end of the program. Conditional jumps reach 255
 * instructions: where a target is farther, an island (an unconditional jump) is placed behind the
 * jump, and shared by the jumps that can reach it.
 *
 * All returns stand at the very end. The kernel's check of scratch memory
 * (net/core/filter.c, check_load_and_stores) lets the state at a return run on into the instruction
 * that follows it, so a return in the middle would poison the code behind it.
 */
#ifndef MEMSEAL_BPF_EMIT_H
#define MEMSEAL_BPF_EMIT_H

#include <linux/filter.h>
#include <linux/seccomp.h>

#include "base/util.h"

struct emit {
	struct sock_filter *end; /* one behind the last instruction */
	unsigned count, capacity;
	bool overflow; /* more was emitted than capacity: the program is worthless */

	unsigned allow, refuse, unjudged; /* labels of the returns */

	/* The islands placed last: label, and what it stands for. */
	struct {
		unsigned at, target;
	} islands[16];
};

/* Straight code, in the order in which it runs. Returns the label of its first instruction. */
unsigned emit_block(struct emit *emit, const struct sock_filter *code, unsigned length);

/* A conditional jump: test is BPF_JEQ, BPF_JGT, BPF_JGE or BPF_JSET, or one of them | BPF_X. */
unsigned emit_jump(struct emit *emit, unsigned test, uint32_t k, unsigned yes, unsigned no);

/* Goes on at target: an instruction only if target is not what comes next. */
unsigned emit_goto(struct emit *emit, unsigned target);

/* A code block from a list of the instructions below. */
#define EMIT(emit, ...)                                               \
	emit_block(emit, (const struct sock_filter[]){ __VA_ARGS__ }, \
		sizeof((const struct sock_filter[]){ __VA_ARGS__ }) / sizeof(struct sock_filter))

#define OP(op, value)                      \
	{                                  \
		.code = (op), .k = (value) \
	}
#define LOAD_NR        OP(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr))
#define LOAD_ARCH      OP(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch))
#define LOAD_LOW(arg)  OP(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[arg]))
#define LOAD_HIGH(arg) OP(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[arg]) + 4)
#define LOAD(slot)     OP(BPF_LD | BPF_MEM, slot)
#define STORE(slot)    OP(BPF_ST, slot)
#define LOADX(slot)    OP(BPF_LDX | BPF_MEM, slot)
#define SET(value)     OP(BPF_LD | BPF_IMM, value)
#define SETX(value)    OP(BPF_LDX | BPF_IMM, value)
#define TAX            OP(BPF_MISC | BPF_TAX, 0)
#define TXA            OP(BPF_MISC | BPF_TXA, 0)
#define ADD(value)     OP(BPF_ALU | BPF_ADD | BPF_K, value)
#define ADD_X          OP(BPF_ALU | BPF_ADD | BPF_X, 0)
#define SUB(value)     OP(BPF_ALU | BPF_SUB | BPF_K, value)
#define SUB_X          OP(BPF_ALU | BPF_SUB | BPF_X, 0)
#define AND(value)     OP(BPF_ALU | BPF_AND | BPF_K, value)
#define OR(value)      OP(BPF_ALU | BPF_OR | BPF_K, value)
#define OR_X           OP(BPF_ALU | BPF_OR | BPF_X, 0)
#define SHL(value)     OP(BPF_ALU | BPF_LSH | BPF_K, value)
#define SHR_X          OP(BPF_ALU | BPF_RSH | BPF_X, 0)
#define RETURN(value)  OP(BPF_RET | BPF_K, value)

#endif
