/* SPDX-License-Identifier: MIT */
#include <errno.h>

#include "random.h"

#include "memseal.h"

/* xorshift64* */
uint64_t random_u64(struct random *random)
{
	random->state ^= random->state >> 12;
	random->state ^= random->state << 25;
	random->state ^= random->state >> 27;
	return random->state * UINT64_C(0x2545f4914f6cdd1d);
}

static uint64_t limit_of(enum bpf_arch arch)
{
	switch (arch) {
	case BPF_ARCH_X86_64:
		return UINT64_C(1) << 56;
	case BPF_ARCH_AARCH64:
		return UINT64_C(1) << 52;
	case BPF_ARCH_RISCV64:
		return UINT64_C(1) << 48;
	default:
		return UINT64_C(1) << 32;
	}
}

/* Where ranges begin: at the ends of the address space, at edges of 4 GiB, or just somewhere. */
static uint64_t random_base(struct random *random, uint64_t limit, uint64_t page)
{
	uint64_t base;

	switch (random_below(random, 6)) {
	case 0:
		base = 0;
		break;
	case 1:
		base = limit - (random_below(random, 256) + 1) * page;
		break;
	case 2:
		base = (random_below(random, 4) << 32) - random_below(random, 64) * page;
		break;
	case 3:
		base = (random_u64(random) << 32) - random_below(random, 64) * page;
		break;
	case 4:
		base = UINT64_C(0x555555554000);
		break;
	default:
		base = random_u64(random);
	}
	return base % limit / page * page;
}

/* Pages: mostly few, sometimes a power of two of them up to many windows. */
static uint64_t random_pages(struct random *random, uint64_t few)
{
	switch (random_below(random, 12)) {
	case 0:
		return UINT64_C(1) << random_below(random, 26);
	case 1:
		return random_below(random, UINT64_C(1) << random_below(random, 24));
	default:
		return random_below(random, few);
	}
}

static uint64_t random_effects(struct random *random, unsigned style)
{
	uint64_t jit = MEMSEAL_NO_UNMAP | MEMSEAL_NO_SHRINK | MEMSEAL_NO_GROW;

	switch (style) {
	case 0:
		return MEMSEAL_ALL;
	case 1:
		return random_below(random, 2) ? jit : MEMSEAL_ALL;
	case 2:
		return UINT64_C(1) << random_below(random, 8);
	default:
		return 1 + random_below(random, MEMSEAL_ALL);
	}
}

size_t random_ranges(struct random *random, const struct bpf_policy *policy,
	struct bpf_range *ret_ranges, size_t max)
{
	uint64_t page = policy->page, limit = limit_of(policy->arch);
	uint64_t at = random_base(random, limit, page);
	unsigned style = (unsigned)random_below(random, 4);
	uint64_t one = random_effects(random, 3);
	size_t count = 0;

	while (count < max) {
		struct bpf_range *range = &ret_ranges[count];
		uint64_t len = (1 + random_pages(random, 5)) * page;

		if (at >= limit || len > limit - at)
			break;
		range->start = at;
		range->end = at + len;
		range->effects =
			style == 3 && random_below(random, 2) ? one : random_effects(random, style);
		count++;
		if (random_once_in(random, 30)) /* the next one overlaps */
			at += random_below(random, len / page) * page;
		else
			at += len + random_pages(random, 4) * page;
	}
	return count;
}

void random_policy(struct random *random, enum bpf_arch arch, struct bpf_policy *ret_policy)
{
	static const uint32_t answers[] = {
		SECCOMP_RET_ERRNO | EPERM,
		SECCOMP_RET_ERRNO | EACCES,
		SECCOMP_RET_KILL_PROCESS,
		SECCOMP_RET_USER_NOTIF,
		SECCOMP_RET_LOG,
	};
	static const uint32_t larger[] = { 4096, 16384, 65536 };

	*ret_policy = (struct bpf_policy){
		.arch = arch,
		.page = arch == BPF_ARCH_AARCH64 ? larger[random_below(random, 3)] : 4096,
		.refuse = answers[random_below(random, ARRAY_SIZE(answers))],
		.unjudged = SECCOMP_RET_ERRNO | ENOSYS,
		.no_exec = random_below(random, 2),
	};
}

void random_heap(struct random *random, const struct bpf_range *ranges, size_t count,
	struct bpf_policy *policy)
{
	const struct bpf_range *range = &ranges[random_below(random, count)];
	uint64_t below = random_below(random, 4) * policy->page;

	if (random_below(random, 3))
		return;
	policy->brk_start = range->start > below ? range->start - below : 0;
	policy->brk_end = range->end - random_below(random, 2) * policy->page;
	policy->brk_end += random_below(random, 8) * policy->page;
}

/* An address near an edge of a range, seldom unaligned, tagged or anything. */
static uint64_t random_address(struct random *random, const struct model *model)
{
	const struct bpf_range *range = &model->ranges[random_below(random, model->count)];
	uint64_t page = model->policy->page;
	uint64_t addr = random_below(random, 2) ? range->start : range->end;

	switch (random_below(random, 8)) {
	case 0:
		addr -= random_below(random, 70) * page;
		break;
	case 1:
		addr += random_below(random, 70) * page;
		break;
	case 2:
	case 3:
		addr -= page;
		break;
	case 4:
		addr &= UINT64_C(0xffffffff00000000);
		break;
	default:
		break;
	}
	if (random_once_in(random, 16))
		addr += random_below(random, 3) - 1;
	if (random_once_in(random, 24))
		addr |= random_u64(random) << (48 + random_below(random, 16));
	if (random_once_in(random, 48))
		addr = random_u64(random);
	if (random_once_in(random, 24))
		addr ^= UINT64_C(1) << random_below(random, 64);
	return addr;
}

/* A length that ends at an edge of a range, at the end of a window or of all, or is small. */
static uint64_t random_length(struct random *random, const struct model *model, uint64_t addr)
{
	const struct bpf_range *range = &model->ranges[random_below(random, model->count)];
	uint64_t page = model->policy->page, len;

	switch (random_below(random, 10)) {
	case 0:
		return random_below(random, 2);
	case 1:
		len = range->start - addr;
		break;
	case 2:
		len = range->end - addr;
		break;
	case 3:
		len = -addr;
		break;
	case 4:
		len = (random_below(random, 3) << 32) - (random_below(random, 2) ? addr : 0);
		break;
	case 5:
		len = random_u64(random) >> random_below(random, 64);
		break;
	default:
		len = random_below(random, 32) * page;
	}
	if (random_once_in(random, 4))
		len += random_below(random, 3) - 1;
	if (random_once_in(random, 16))
		len += random_below(random, 2 * page) - page;
	return len;
}

/* A shrink from the end of the address space, or of all numbers, that cuts where a range may be. */
static void random_wrapping(struct random *random, const struct model *model, uint64_t *args)
{
	uint64_t page = model->policy->page;
	uint64_t end = random_below(random, 2) ? UINT64_C(1) << (32 + random_below(random, 32)) : 0;

	args[0] = end - random_below(random, 8) * page;
	args[1] = random_below(random, 8) * page;
	args[2] = random_below(random, 4) * page;
	if (random_below(random, 2)) {
		args[2] = random_address(random, model) - args[0];
		args[1] += args[2];
	}
}

/* New length and flags that mean something; the second wraps around to a range now and then. */
static void random_mremap(struct random *random, const struct model *model, uint64_t *args)
{
	uint64_t page = model->policy->page;

	args[4] = random_address(random, model);
	switch (random_below(random, 6)) {
	case 0:
		args[2] = args[1] + random_below(random, 3) - 1;
		break;
	case 1:
		args[2] = random_address(random, model) - args[0];
		if (random_below(random, 2))
			args[1] = args[2] + random_below(random, 8) * page;
		break;
	case 2:
		args[2] = random_length(random, model, args[4]);
		break;
	case 3:
		random_wrapping(random, model, args);
		break;
	default:
		args[2] = random_below(random, 32) * page + random_below(random, 3) - 1;
	}
	args[3] = random_once_in(random, 50) ? random_u64(random) : random_below(random, 8);
}

static const enum abi abis_of[][3] = {
	[BPF_ARCH_X86_64] = { ABI_X86_64, ABI_X32, ABI_I386 },
	[BPF_ARCH_I386] = { ABI_I386, ABI_I386, ABI_X86_64 },
	[BPF_ARCH_AARCH64] = { ABI_AARCH64, ABI_AARCH64, ABI_AARCH64 },
	[BPF_ARCH_ARM] = { ABI_ARM, ABI_ARM, ABI_ARM },
	[BPF_ARCH_RISCV64] = { ABI_RISCV64, ABI_RISCV64, ABI_RISCV64 },
};

/* Most often a call that can change memory, sometimes any number. */
static int random_number(struct random *random, enum abi abi, enum name *ret_name)
{
	int number = -1;

	*ret_name = NAMES;
	if (random_once_in(random, 20))
		return (int)(random_below(random, 600) | (abi == ABI_X32) << 30);
	if (random_once_in(random, 100))
		return (int)random_u64(random);
	while (number < 0) {
		*ret_name = (enum name)random_below(random, NAMES);
		if (random_below(random, 3) == 0)
			*ret_name = N_MREMAP;
		number = model_number(abi, *ret_name);
	}
	return number;
}

static uint64_t random_of(struct random *random, const uint64_t *values, size_t count)
{
	return random_once_in(random, 20) ? random_u64(random)
					  : values[random_below(random, count)];
}

/* The arguments that are neither addresses nor lengths. */
static void random_flags(struct random *random, enum name name, uint64_t *args)
{
	static const uint64_t commands[] = { 0xaa00, 0xc020aa00, 0x5401, 0xaa3f, 0xab00 };
	static const uint64_t personas[] = { 0xffffffff, 0x400000, 0x40000, 0x440000, 0 };
	static const uint64_t maps[] = { 0x10, 0x32, 0x22, 0x100022, 0x40032, 0x54040032, 0x1 };

	switch (name) {
	case N_MMAP:
	case N_MMAP2:
		args[3] = random_of(random, maps, ARRAY_SIZE(maps));
		__attribute__((fallthrough));
	case N_MPROTECT:
	case N_PKEY_MPROTECT:
		args[2] = random_below(random, 8) | random_once_in(random, 40) << 24;
		break;
	case N_MADVISE:
		args[2] = random_once_in(random, 2) ? random_below(random, 33)
						    : 98 + random_below(random, 10);
		break;
	case N_PROCESS_MADVISE:
		args[3] = random_below(random, 110);
		break;
	case N_IOCTL:
		args[1] = random_of(random, commands, ARRAY_SIZE(commands));
		break;
	case N_PRCTL:
		args[0] = 33 + random_below(random, 4);
		break;
	case N_PERSONALITY:
		args[0] = random_of(random, personas, ARRAY_SIZE(personas));
		break;
	case N_SHMAT:
		args[2] = random_below(random, 2) ? random_u64(random) : 040000;
		break;
	case N_IPC:
		args[0] = 20 + random_below(random, 4) + (random_below(random, 2) << 16);
		break;
	case N_MEMFD_CREATE:
		args[1] = random_below(random, 8);
		break;
	default:
		break;
	}
}

static uint64_t random_break(struct random *random, const struct model *model)
{
	const struct bpf_policy *policy = model->policy;
	uint64_t brk = random_below(random, 2) ? policy->brk_start : policy->brk_end;

	brk += (random_below(random, 9) - 4) * policy->page;
	return brk + random_below(random, 3) - 1;
}

void random_call(struct random *random, const struct model *model, struct seccomp_data *ret_data)
{
	enum abi abi = abis_of[model->policy->arch][random_below(random, 3)];
	uint64_t *args = (uint64_t *)ret_data->args;
	enum name name;

	if (random_once_in(random, 200))
		abi = (enum abi)random_below(random, ABIS);
	ret_data->nr = random_number(random, abi, &name);
	ret_data->arch = model_audit(abi);
	if (random_once_in(random, 2000))
		ret_data->arch =
			random_below(random, 2) ? 0x400000f3 : (uint32_t)random_u64(random);
	ret_data->instruction_pointer = random_u64(random);
	args[0] = random_address(random, model);
	args[1] = random_length(random, model, args[0]);
	for (size_t i = 2; i < 6; i++)
		args[i] = random_once_in(random, 4) ? random_address(random, model)
						    : random_u64(random);
	if (name == N_MREMAP)
		random_mremap(random, model, args);
	else if (name == N_BRK)
		args[0] = random_break(random, model);
	else
		random_flags(random, name, args);
}
