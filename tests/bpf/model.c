/* SPDX-License-Identifier: MIT */
#include <assert.h>
#include <linux/audit.h>

#include "model.h"

#include "memseal.h"

typedef unsigned __int128 address; /* of any byte, and of the end of all */

#define NO_ (-1)

/* By column: x86-64, x32 (without its bit), i386, asm-generic, arm. */
static const short numbers[NAMES][5] = {
	[N_BRK] = { 12, 12, 45, 214, 45 },
	[N_EXECVE] = { 59, 520, 11, 221, 11 },
	[N_EXECVEAT] = { 322, 545, 358, 281, 387 },
	[N_IOCTL] = { 16, 514, 54, 29, 54 },
	[N_IO_URING_ENTER] = { 426, 426, 426, 426, 426 },
	[N_IO_URING_REGISTER] = { 427, 427, 427, 427, 427 },
	[N_IO_URING_SETUP] = { 425, 425, 425, 425, 425 },
	[N_IPC] = { NO_, NO_, 117, NO_, NO_ },
	[N_MADVISE] = { 28, 28, 219, 233, 220 },
	[N_MAP_SHADOW_STACK] = { 453, 453, 453, 453, 453 },
	[N_MEMFD_CREATE] = { 319, 319, 356, 279, 385 },
	[N_MMAP] = { 9, 9, 90, 222, NO_ },
	[N_MMAP2] = { NO_, NO_, 192, NO_, 192 },
	[N_MPROTECT] = { 10, 10, 125, 226, 125 },
	[N_MREMAP] = { 25, 25, 163, 216, 163 },
	[N_MSEAL] = { 462, 462, 462, 462, 462 },
	[N_MUNMAP] = { 11, 11, 91, 215, 91 },
	[N_PERSONALITY] = { 135, 135, 136, 92, 136 },
	[N_PKEY_MPROTECT] = { 329, 329, 380, 288, 394 },
	[N_PRCTL] = { 157, 157, 172, 167, 172 },
	[N_PROCESS_MADVISE] = { 440, 440, 440, 440, 440 },
	[N_REMAP_FILE_PAGES] = { 216, 216, 257, 234, 253 },
	[N_SHMAT] = { 30, 30, 397, 196, 305 },
	[N_SHMDT] = { 67, 67, 398, 197, 306 },
	[N_USELIB] = { 134, 134, 86, NO_, 86 },
	[N_USERFAULTFD] = { 323, 323, 374, 282, 388 },
};

static const struct {
	uint32_t audit;
	int column;
	bool narrow; /* 32-bit registers */
} abis[] = {
	[ABI_X86_64] = { AUDIT_ARCH_X86_64, 0, false },
	[ABI_X32] = { AUDIT_ARCH_X86_64, 1, false },
	[ABI_I386] = { AUDIT_ARCH_I386, 2, true },
	[ABI_AARCH64] = { AUDIT_ARCH_AARCH64, 3, false },
	[ABI_RISCV64] = { 0xc00000f3, 3, false },
	[ABI_ARM] = { AUDIT_ARCH_ARM, 4, true },
};

#define X32_BIT 0x40000000

uint32_t model_audit(enum abi abi)
{
	return abis[abi].audit;
}

int model_number(enum abi abi, enum name name)
{
	int number = numbers[name][abis[abi].column];

	return number < 0 ? -1 : abi == ABI_X32 ? number | X32_BIT : number;
}

/* NAMES: a call that cannot change memory. x32's own numbers were once taken without the bit. */
static enum name name_of(enum abi abi, int number)
{
	for (int name = 0; name < NAMES; name++)
		if (model_number(abi, (enum name)name) == number)
			return (enum name)name;
	if (abi == ABI_X86_64 && number >= 512)
		return name_of(ABI_X32, number | X32_BIT);
	if (abi == ABI_X32 && number < (X32_BIT | 512))
		return name_of(ABI_X86_64, number & ~X32_BIT);
	return NAMES;
}

static bool abi_of(const struct seccomp_data *data, enum abi *ret)
{
	for (int abi = 0; abi < ABIS; abi++)
		if (abis[abi].audit == data->arch) {
			*ret = data->arch == AUDIT_ARCH_X86_64 && data->nr & X32_BIT
				       ? ABI_X32
				       : (enum abi)abi;
			return true;
		}
	return false;
}

static bool is_x86(const struct model *model)
{
	return model->policy->arch == BPF_ARCH_X86_64 || model->policy->arch == BPF_ARCH_I386;
}

static bool is_32bit(const struct model *model)
{
	return model->policy->arch == BPF_ARCH_I386 || model->policy->arch == BPF_ARCH_ARM;
}

static uint64_t untagged(const struct model *model, uint64_t addr)
{
	switch (model->policy->arch) {
	case BPF_ARCH_X86_64:
	case BPF_ARCH_I386:
		return addr % (UINT64_C(1) << 57);
	case BPF_ARCH_AARCH64:
		return addr % (UINT64_C(1) << 56);
	case BPF_ARCH_RISCV64:
		return addr % (UINT64_C(1) << 48);
	default:
		return addr % (UINT64_C(1) << 32);
	}
}

/* Where the addresses of this process end, and those of a 32-bit kernel begin again. */
static address end_of_space(const struct model *model)
{
	return (address)untagged(model, is_32bit(model) ? UINT32_MAX : UINT64_MAX) + 1;
}

static bool some(const struct model *model, uint64_t effects)
{
	for (size_t i = 0; i < model->count; i++)
		if (model->ranges[i].effects & effects)
			return true;
	return false;
}

/* Bytes start to start + len, for each of which one of the effects would be broken. */
static enum verdict bytes(const struct model *model, address start, address len, uint64_t effects)
{
	for (size_t i = 0; i < model->count; i++) {
		const struct bpf_range *range = &model->ranges[i];

		if (len && range->effects & effects && start < range->end &&
			start + len > range->start)
			return REFUSED;
	}
	return ALLOWED;
}

static bool unaligned(const struct model *model, uint64_t addr)
{
	return addr % model->policy->page;
}

/* A call of which the kernel wants an aligned address, and else changes nothing. */
static enum verdict pages(const struct model *model, uint64_t addr, address len, uint64_t effects)
{
	if (unaligned(model, addr))
		return ALLOWED;
	return bytes(model, untagged(model, addr), len, effects);
}

/* A length of huge pages, of the largest kind that there may be. */
static address huge_align(uint64_t len)
{
	return ((address)len + 0x3fffffff) >> 30 << 30;
}

static const uint64_t replacing =
	MEMSEAL_NO_UNMAP | MEMSEAL_NO_PROTECT | MEMSEAL_NO_WRITE | MEMSEAL_NO_EXEC;

static enum verdict mmap_fixed(const struct model *model, const uint64_t *args)
{
	uint64_t effects = MEMSEAL_NO_UNMAP | MEMSEAL_NO_PROTECT;

	if (!(args[3] & 0x10))
		return ALLOWED;
	if (args[2] & 2)
		effects |= MEMSEAL_NO_WRITE;
	if (args[2] & 4)
		effects |= MEMSEAL_NO_EXEC;
	return pages(model, args[0], args[3] & 0x40000 ? huge_align(args[1]) : args[1], effects);
}

static enum verdict mprotect(const struct model *model, const uint64_t *args)
{
	uint64_t effects = MEMSEAL_NO_PROTECT;

	if (!some(model, MEMSEAL_NO_PROTECT | MEMSEAL_NO_WRITE | MEMSEAL_NO_EXEC))
		return ALLOWED;
	if (args[2] & 0x01000000)
		return UNJUDGED;
	if (args[2] & 2)
		effects |= MEMSEAL_NO_WRITE;
	if (args[2] & 4)
		effects |= MEMSEAL_NO_EXEC;
	return pages(model, args[0], args[1], effects);
}

static uint64_t page_align(const struct model *model, uint64_t len)
{
	return (len + model->policy->page - 1) / model->policy->page * model->policy->page;
}

static enum verdict worst(enum verdict a, enum verdict b)
{
	return a > b ? a : b;
}

static uint64_t smallest_huge(const struct model *model)
{
	uint64_t sixteen = 16 * (uint64_t)model->policy->page;

	return is_x86(model) && sixteen < 0x200000 ? 0x200000 : sixteen;
}

static enum verdict mremap_target(const struct model *model, const uint64_t *args)
{
	bool huge = args[4] % smallest_huge(model) == 0;

	return pages(model, args[4], huge ? huge_align(args[2]) : args[2], replacing);
}

/* A length that the kernel rounds up if the mapping at addr is of huge pages, as it may be. */
static address huge_length(const struct model *model, uint64_t addr, uint64_t len)
{
	address huge = (address)1 << 32;

	while (addr % huge)
		huge /= 2;
	return huge < smallest_huge(model) ? len : ((address)len + huge - 1) / huge * huge;
}

static enum verdict mremap_shrink(
	const struct model *model, uint64_t addr, uint64_t from, uint64_t to)
{
	uint64_t start = addr + to; /* may wrap */

	if (is_32bit(model))
		start %= UINT64_C(1) << 32;
	start = untagged(model, start); /* the sum with the tag may wrap as well */
	return worst(bytes(model, addr, 1, MEMSEAL_NO_UNMAP),
		bytes(model, start, huge_length(model, addr, from) - to,
			MEMSEAL_NO_UNMAP | MEMSEAL_NO_SHRINK));
}

/* No kernel moves a range that leaves the address space, but some cut off a part anywhere. */
static bool cuts_anywhere(const struct model *model, uint64_t addr, uint64_t from)
{
	return (address)addr + from >= end_of_space(model) &&
	       some(model, MEMSEAL_NO_UNMAP | MEMSEAL_NO_SHRINK);
}

static enum verdict mremap(const struct model *model, const uint64_t *args)
{
	/* For the kernel, the sum with the page is one of unsigned long. */
	uint64_t from = (args[1] + model->policy->page - 1) & -(uint64_t)model->policy->page;
	uint64_t to = (args[2] + model->policy->page - 1) & -(uint64_t)model->policy->page;
	uint64_t addr = untagged(model, args[0]);
	bool may_move = args[3] & 1, fixed = args[3] & 2, dont_unmap = args[3] & 4;
	uint64_t effects = 0;
	address old = from;

	if (unaligned(model, args[0]))
		return ALLOWED;
	if (!fixed && !dont_unmap && from == to)
		return bytes(model, addr, 1, MEMSEAL_NO_UNMAP);
	if (!fixed && !dont_unmap && from > to)
		return mremap_shrink(model, addr, from, to);
	if (fixed || dont_unmap || may_move)
		effects |= MEMSEAL_NO_UNMAP;
	if (dont_unmap)
		effects |= MEMSEAL_NO_DISCARD;
	if (to > from)
		effects |= MEMSEAL_NO_GROW;
	if (to < from)
		effects |= MEMSEAL_NO_SHRINK;
	if ((fixed || dont_unmap) && cuts_anywhere(model, addr, from))
		return REFUSED;
	if (fixed || dont_unmap)
		old = huge_length(model, addr, from);
	return worst(bytes(model, addr, old ? old : 1, effects),
		fixed ? mremap_target(model, args) : ALLOWED);
}

static bool keeps_bytes(uint32_t advice)
{
	switch (advice) {
	case 0 ... 3:
	case 11 ... 17:
	case 19 ... 23:
	case 25:
	case 101:
	case 103:
		return true;
	default:
		return false;
	}
}

static enum verdict brk(const struct model *model, uint64_t brk)
{
	const struct bpf_policy *policy = model->policy;

	brk = untagged(model, brk);
	if (brk < policy->brk_start)
		return ALLOWED; /* asks where the break is */
	for (size_t i = 0; i < model->count; i++) {
		const struct bpf_range *range = &model->ranges[i];

		/* All from the new break on goes, in whole pages. */
		if (range->effects & (MEMSEAL_NO_UNMAP | MEMSEAL_NO_SHRINK) &&
			range->start < policy->brk_end && range->end > policy->brk_start &&
			page_align(model, brk) < range->end)
			return KEPT_BREAK;
	}
	return ALLOWED;
}

static enum verdict shmat(const struct model *model, uint64_t flags)
{
	return some(model, replacing) && flags & 040000 ? UNJUDGED : ALLOWED;
}

static enum verdict ipc(const struct model *model, const uint64_t *args)
{
	switch (args[0] & 0xffff) {
	case 21:
		return shmat(model, args[2]);
	case 22:
		return pages(model, args[4], 1, MEMSEAL_NO_UNMAP);
	default:
		return ALLOWED;
	}
}

/* i386's old mmap: any address and length below 4 GiB. */
static enum verdict old_mmap(const struct model *model)
{
	return bytes(model, 0, (address)2 << 32, replacing) ? UNJUDGED : ALLOWED;
}

static enum verdict personality(const struct model *model, uint32_t persona)
{
	if (persona == 0xffffffff || !(persona & 0x400000))
		return ALLOWED;
	for (size_t i = 0; i < model->count; i++)
		if (model->ranges[i].effects & MEMSEAL_NO_EXEC &&
			!(model->ranges[i].effects & MEMSEAL_NO_PROTECT))
			return UNJUDGED;
	return ALLOWED;
}

static enum verdict unjudged_if(bool cannot_tell)
{
	return cannot_tell ? UNJUDGED : ALLOWED;
}

static enum verdict verdict(
	const struct model *model, enum abi abi, enum name name, const uint64_t *args)
{
	switch (name) {
	case N_MUNMAP:
	case N_MAP_SHADOW_STACK:
		return pages(model, args[0], args[1], MEMSEAL_NO_UNMAP);
	case N_REMAP_FILE_PAGES: /* rounds down, but is judged by bytes */
		return bytes(model, untagged(model, args[0]), args[1], MEMSEAL_NO_UNMAP);
	case N_MSEAL:
		return pages(model, args[0], args[1], MEMSEAL_NO_SEAL);
	case N_MMAP:
		if (abi == ABI_I386)
			return old_mmap(model);
		return mmap_fixed(model, args);
	case N_MMAP2:
		return mmap_fixed(model, args);
	case N_MPROTECT:
	case N_PKEY_MPROTECT:
		return mprotect(model, args);
	case N_MREMAP:
		return mremap(model, args);
	case N_MADVISE:
		if (keeps_bytes((uint32_t)args[2]))
			return ALLOWED;
		return pages(model, args[0], args[1], MEMSEAL_NO_DISCARD);
	case N_PROCESS_MADVISE:
		return unjudged_if(
			!keeps_bytes((uint32_t)args[3]) && some(model, MEMSEAL_NO_DISCARD));
	case N_BRK:
		return brk(model, args[0]);
	case N_SHMAT:
		return shmat(model, args[2]);
	case N_SHMDT:
		return pages(model, args[0], 1, MEMSEAL_NO_UNMAP);
	case N_IPC:
		return ipc(model, args);
	case N_MEMFD_CREATE:
		return unjudged_if(args[1] & 4 && some(model, replacing));
	case N_USELIB:
		return unjudged_if(some(model, replacing));
	case N_IO_URING_ENTER:
	case N_IO_URING_REGISTER:
	case N_IO_URING_SETUP:
	case N_USERFAULTFD:
		return unjudged_if(some(model, MEMSEAL_NO_DISCARD));
	case N_IOCTL:
		return unjudged_if(
			(args[1] >> 8 & 0xff) == 0xaa && some(model, MEMSEAL_NO_DISCARD));
	case N_PRCTL:
		return unjudged_if((uint32_t)args[0] == 35 &&
				   some(model, MEMSEAL_NO_UNMAP | MEMSEAL_NO_SHRINK));
	case N_PERSONALITY:
		return personality(model, (uint32_t)args[0]);
	case N_EXECVE:
	case N_EXECVEAT:
		return model->policy->no_exec ? REFUSED : ALLOWED;
	default:
		return ALLOWED;
	}
}

/* Interfaces that a process of an architecture can use, and those that exec alone leads to. */
static bool own_abi(const struct model *model, enum abi abi)
{
	switch (model->policy->arch) {
	case BPF_ARCH_X86_64:
	case BPF_ARCH_I386:
		return abi == ABI_X86_64 || abi == ABI_X32 || abi == ABI_I386;
	case BPF_ARCH_AARCH64:
		return abi == ABI_AARCH64;
	case BPF_ARCH_ARM:
		return abi == ABI_ARM;
	default:
		return abi == ABI_RISCV64;
	}
}

static bool after_exec(const struct model *model, uint32_t audit)
{
	switch (model->policy->arch) {
	case BPF_ARCH_AARCH64:
		return audit == AUDIT_ARCH_ARM;
	case BPF_ARCH_ARM:
		return audit == AUDIT_ARCH_AARCH64;
	case BPF_ARCH_RISCV64:
		return audit == 0x400000f3;
	default:
		return false;
	}
}

enum verdict model_verdict(const struct model *model, const struct seccomp_data *data)
{
	uint64_t args[6];
	enum abi abi;

	if (after_exec(model, data->arch))
		return ALLOWED;
	if (!abi_of(data, &abi) || !own_abi(model, abi))
		return UNJUDGED;
	for (size_t i = 0; i < 6; i++)
		args[i] = abis[abi].narrow ? (uint32_t)data->args[i] : data->args[i];
	return verdict(model, abi, name_of(abi, data->nr), args);
}
