/* SPDX-License-Identifier: MIT */
#include "bpf/new-code.h"

#include <errno.h>

#include "bpf/calls.h"

/* Values of the kernel's interface that are the same on all architectures here. */
#define PROT_WRITE        2
#define PROT_EXEC         4
#define MAP_ANONYMOUS     0x20
#define SHM_EXEC          0100000
#define IPC_SHMAT         21
#define IPC_CALL          0xffff
#define READ_IMPLIES_EXEC 0x0400000
#define PERSONALITY_QUERY 0xffffffff

/* All of these arguments have 32 bits. */
static unsigned gen_refuse_bits(struct emit *emit, unsigned arg, uint32_t bits)
{
	emit_jump(emit, BPF_JSET, bits, emit->refuse, emit->allow);
	return EMIT(emit, LOAD_LOW(arg));
}

static unsigned gen_mmap(struct emit *emit)
{
	unsigned anonymous = gen_refuse_bits(emit, 3, MAP_ANONYMOUS), writable;

	emit_goto(emit, anonymous);
	writable = emit_jump(emit, BPF_JSET, PROT_WRITE, emit->refuse, anonymous);
	emit_jump(emit, BPF_JSET, PROT_EXEC, writable, emit->allow);
	return EMIT(emit, LOAD_LOW(2));
}

/* The flags of shmat(2) are the third argument here, too. */
static unsigned gen_ipc(struct emit *emit)
{
	unsigned shmat = gen_refuse_bits(emit, 2, SHM_EXEC);

	emit_jump(emit, BPF_JEQ, IPC_SHMAT, shmat, emit->allow);
	return EMIT(emit, LOAD_LOW(0), AND(IPC_CALL));
}

static unsigned gen_personality(struct emit *emit)
{
	unsigned set = gen_refuse_bits(emit, 0, READ_IMPLIES_EXEC);

	emit_jump(emit, BPF_JEQ, PERSONALITY_QUERY, emit->allow, set);
	return EMIT(emit, LOAD_LOW(0));
}

static void gen_heads(struct emit *emit, unsigned heads[CALLS])
{
	for (size_t i = 0; i < CALLS; i++)
		heads[i] = emit->allow;
	heads[CALL_MMAP] = gen_mmap(emit);
	heads[CALL_MPROTECT] = gen_refuse_bits(emit, 2, PROT_EXEC);
	heads[CALL_OLD_MMAP] = emit->unjudged;
	heads[CALL_SHMAT] = gen_refuse_bits(emit, 2, SHM_EXEC);
	heads[CALL_IPC] = gen_ipc(emit);
	heads[CALL_PERSONALITY] = gen_personality(emit);
}

static unsigned gen_dispatch(struct emit *emit, const struct call_table *table,
	const unsigned heads[CALLS], uint32_t x32)
{
	unsigned next = emit->allow;

	for (size_t i = table->count; i--;) {
		unsigned head = heads[table->numbers[i].call];

		if (head != emit->allow)
			next = emit_jump(emit, BPF_JEQ, table->numbers[i].nr, head, next);
	}
	if (x32)
		EMIT(emit, AND(~x32));
	return EMIT(emit, LOAD_NR);
}

int bpf_no_new_code(enum bpf_arch arch, struct sock_filter ret_program[BPF_NEW_CODE_MAX])
{
	struct emit emit = { .end = ret_program + BPF_NEW_CODE_MAX, .capacity = BPF_NEW_CODE_MAX };
	const struct arch *own = arch_find(arch);
	unsigned heads[CALLS], sibling, native;

	if (!own)
		return -EINVAL;
	emit.unjudged = EMIT(&emit, RETURN(SECCOMP_RET_ERRNO | ENOSYS));
	emit.refuse = EMIT(&emit, RETURN(SECCOMP_RET_ERRNO | EACCES));
	emit.allow = EMIT(&emit, RETURN(SECCOMP_RET_ALLOW));
	gen_heads(&emit, heads);
	sibling = own->narrow.count ? gen_dispatch(&emit, &own->narrow, heads, 0) : emit.unjudged;
	sibling = emit_jump(&emit, BPF_JEQ, own->sibling, sibling, emit.unjudged);
	native = gen_dispatch(&emit, &own->calls, heads, own->x32);
	emit_jump(&emit, BPF_JEQ, own->audit, native, sibling);
	EMIT(&emit, LOAD_ARCH);
	if (emit.overflow)
		return -EINVAL;
	__builtin_memmove(ret_program, emit.end - emit.count, emit.count * sizeof(*ret_program));
	return (int)emit.count;
}
