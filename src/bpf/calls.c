/* SPDX-License-Identifier: MIT */
#include "bpf/calls.h"

#include <linux/audit.h>

#ifndef EM_RISCV
#define EM_RISCV 243
#endif
#ifndef AUDIT_ARCH_RISCV64
#define AUDIT_ARCH_RISCV64 (EM_RISCV | __AUDIT_ARCH_64BIT | __AUDIT_ARCH_LE)
#endif
#ifndef AUDIT_ARCH_RISCV32
#define AUDIT_ARCH_RISCV32 (EM_RISCV | __AUDIT_ARCH_LE)
#endif

/*
 * arch/x86/entry/syscalls/syscall_64.tbl. x32 uses the same numbers with a bit added, but for those
 * from 512 on: kernels before 5.4 took them without the bit as well.
 */
static const struct call_number x86_64_calls[] = {
	{ 9, CALL_MMAP },
	{ 10, CALL_MPROTECT },
	{ 11, CALL_MUNMAP },
	{ 12, CALL_BRK },
	{ 16, CALL_IOCTL },
	{ 25, CALL_MREMAP },
	{ 28, CALL_MADVISE },
	{ 30, CALL_SHMAT },
	{ 59, CALL_EXEC },
	{ 67, CALL_SHMDT },
	{ 134, CALL_USELIB },
	{ 135, CALL_PERSONALITY },
	{ 157, CALL_PRCTL },
	{ 216, CALL_REMAP_FILE_PAGES },
	{ 319, CALL_MEMFD_CREATE },
	{ 322, CALL_EXEC },
	{ 323, CALL_USERFAULTFD },
	{ 329, CALL_MPROTECT },
	{ 425, CALL_IO_URING },
	{ 426, CALL_IO_URING },
	{ 427, CALL_IO_URING },
	{ 440, CALL_PROCESS_MADVISE },
	{ 453, CALL_MAP_SHADOW_STACK },
	{ 462, CALL_MSEAL },
	{ 514, CALL_IOCTL },
	{ 520, CALL_EXEC },
	{ 545, CALL_EXEC },
};

/* arch/x86/entry/syscalls/syscall_32.tbl */
static const struct call_number i386_calls[] = {
	{ 11, CALL_EXEC },
	{ 45, CALL_BRK },
	{ 54, CALL_IOCTL },
	{ 86, CALL_USELIB },
	{ 90, CALL_OLD_MMAP },
	{ 91, CALL_MUNMAP },
	{ 117, CALL_IPC },
	{ 125, CALL_MPROTECT },
	{ 136, CALL_PERSONALITY },
	{ 163, CALL_MREMAP },
	{ 172, CALL_PRCTL },
	{ 192, CALL_MMAP },
	{ 219, CALL_MADVISE },
	{ 257, CALL_REMAP_FILE_PAGES },
	{ 356, CALL_MEMFD_CREATE },
	{ 358, CALL_EXEC },
	{ 374, CALL_USERFAULTFD },
	{ 380, CALL_MPROTECT },
	{ 397, CALL_SHMAT },
	{ 398, CALL_SHMDT },
	{ 425, CALL_IO_URING },
	{ 426, CALL_IO_URING },
	{ 427, CALL_IO_URING },
	{ 440, CALL_PROCESS_MADVISE },
	{ 453, CALL_MAP_SHADOW_STACK },
	{ 462, CALL_MSEAL },
};

/* arch/arm/tools/syscall.tbl. Kernels with the old ABI (OABI) have no seccomp filters. */
static const struct call_number arm_calls[] = {
	{ 11, CALL_EXEC },
	{ 45, CALL_BRK },
	{ 54, CALL_IOCTL },
	{ 86, CALL_USELIB },
	{ 91, CALL_MUNMAP },
	{ 125, CALL_MPROTECT },
	{ 136, CALL_PERSONALITY },
	{ 163, CALL_MREMAP },
	{ 172, CALL_PRCTL },
	{ 192, CALL_MMAP },
	{ 220, CALL_MADVISE },
	{ 253, CALL_REMAP_FILE_PAGES },
	{ 305, CALL_SHMAT },
	{ 306, CALL_SHMDT },
	{ 385, CALL_MEMFD_CREATE },
	{ 387, CALL_EXEC },
	{ 388, CALL_USERFAULTFD },
	{ 394, CALL_MPROTECT },
	{ 425, CALL_IO_URING },
	{ 426, CALL_IO_URING },
	{ 427, CALL_IO_URING },
	{ 440, CALL_PROCESS_MADVISE },
	{ 453, CALL_MAP_SHADOW_STACK },
	{ 462, CALL_MSEAL },
};

/* scripts/syscall.tbl, of old include/uapi/asm-generic/unistd.h: aarch64 and riscv64 */
static const struct call_number generic_calls[] = {
	{ 29, CALL_IOCTL },
	{ 92, CALL_PERSONALITY },
	{ 167, CALL_PRCTL },
	{ 196, CALL_SHMAT },
	{ 197, CALL_SHMDT },
	{ 214, CALL_BRK },
	{ 215, CALL_MUNMAP },
	{ 216, CALL_MREMAP },
	{ 221, CALL_EXEC },
	{ 222, CALL_MMAP },
	{ 226, CALL_MPROTECT },
	{ 233, CALL_MADVISE },
	{ 234, CALL_REMAP_FILE_PAGES },
	{ 279, CALL_MEMFD_CREATE },
	{ 281, CALL_EXEC },
	{ 282, CALL_USERFAULTFD },
	{ 288, CALL_MPROTECT },
	{ 425, CALL_IO_URING },
	{ 426, CALL_IO_URING },
	{ 427, CALL_IO_URING },
	{ 440, CALL_PROCESS_MADVISE },
	{ 453, CALL_MAP_SHADOW_STACK },
	{ 462, CALL_MSEAL },
};

#define TABLE(array)                       \
	{                                  \
		(array), ARRAY_SIZE(array) \
	}
#define X32_BIT 0x40000000

/*
 * Tags: x86's LAM_U57 drops bits 57 to 62, aarch64 the top byte, RISC-V's pointer masking up to 16
 * bits (7 where addresses need 57). A filter cannot see which of them a thread has switched on, so
 * tag bits never count: a range lies below all of them.
 */
static const struct arch archs[] = {
	[BPF_ARCH_X86_64] = {
		.audit = AUDIT_ARCH_X86_64,
		.sibling = AUDIT_ARCH_I386,
		.calls = TABLE(x86_64_calls),
		.narrow = TABLE(i386_calls),
		.x32 = X32_BIT,
		.high = 0x01ffffff,
		.huge = 1 << 21,
		.last_window = 0x00ffffff,
	},
	[BPF_ARCH_I386] = {
		.audit = AUDIT_ARCH_X86_64,
		.sibling = AUDIT_ARCH_I386,
		.calls = TABLE(x86_64_calls),
		.narrow = TABLE(i386_calls),
		.x32 = X32_BIT,
		.high = 0x01ffffff,
		.huge = 1 << 21,
		.last_window = 0,
	},
	[BPF_ARCH_AARCH64] = {
		.audit = AUDIT_ARCH_AARCH64,
		.sibling = AUDIT_ARCH_ARM,
		.calls = TABLE(generic_calls),
		.high = 0x00ffffff,
		.huge = 1 << 16,
		.last_window = 0x000fffff,
	},
	[BPF_ARCH_ARM] = {
		.audit = AUDIT_ARCH_ARM,
		.sibling = AUDIT_ARCH_AARCH64,
		.calls = TABLE(arm_calls),
		.high = 0,
		.huge = 1 << 16,
		.last_window = 0,
	},
	[BPF_ARCH_RISCV64] = {
		.audit = AUDIT_ARCH_RISCV64,
		.sibling = AUDIT_ARCH_RISCV32,
		.calls = TABLE(generic_calls),
		.high = 0x0000ffff,
		.huge = 1 << 16,
		.last_window = 0x0000ffff,
	},
};

const struct arch *arch_find(enum bpf_arch arch)
{
	return (size_t)arch < ARRAY_SIZE(archs) ? &archs[arch] : NULL;
}

/* Entries first to end of a list that holds judged calls alone, not empty. */
static unsigned gen_number_tree(struct emit *emit, const struct call_number *const *list,
	size_t first, size_t end, const unsigned heads[CALLS])
{
	size_t middle = (first + end) / 2;
	unsigned right = emit->allow, left;

	if (end - first > 4) {
		right = gen_number_tree(emit, list, middle, end, heads);
		left = gen_number_tree(emit, list, first, middle, heads);
		return emit_jump(emit, BPF_JGE, list[middle]->nr, right, left);
	}
	for (size_t i = end; i-- > first;)
		right = emit_jump(emit, BPF_JEQ, list[i]->nr, heads[list[i]->call], right);
	return right;
}

unsigned gen_numbers(struct emit *emit, const struct call_table *table, const unsigned heads[CALLS],
	uint32_t x32)
{
	const struct call_number *list[32];
	size_t count = 0;

	_Static_assert(ARRAY_SIZE(x86_64_calls) <= ARRAY_SIZE(list), "the longest table fits");
	for (size_t i = 0; i < table->count; i++)
		if (heads[table->numbers[i].call] != emit->allow)
			list[count++] = &table->numbers[i];
	if (!count)
		return emit->allow;
	gen_number_tree(emit, list, 0, count, heads);
	if (x32)
		EMIT(emit, AND(~x32));
	return EMIT(emit, LOAD_NR);
}
