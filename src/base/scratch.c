/* SPDX-License-Identifier: MIT */
#include "base/scratch.h"

#include <errno.h>
#include <sys/mman.h>

#include "base/sys.h"

#define SCRATCH_FIRST ((size_t)1 << 20) /* pages that are not touched cost nothing */
#define SCRATCH_MOST  ((size_t)1 << 30)
#define SCRATCH_ALIGN 16

void *scratch_alloc(struct scratch *scratch, size_t len)
{
	size_t left;
	void *p = scratch_rest(scratch, &left);

	if (len > left)
		return NULL;
	scratch->used = (size_t)((unsigned char *)p - scratch->base) + len;
	return p;
}

void *scratch_rest(const struct scratch *scratch, size_t *ret_len)
{
	size_t at = (scratch->used + SCRATCH_ALIGN - 1) & ~(size_t)(SCRATCH_ALIGN - 1);

	if (at > scratch->size)
		at = scratch->size;
	*ret_len = scratch->size - at;
	return scratch->base + at;
}

static int run_mapped(size_t size, int (*job)(struct scratch *, void *), void *arg)
{
	long addr = sys_mmap(0, size, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	struct scratch scratch = { .size = size };
	int r;

	if (sys_failed(addr))
		return -ENOMEM;
	scratch.base = (unsigned char *)addr;
	r = job(&scratch, arg);
	sys_undo_mmap((uintptr_t)addr, size);
	return r;
}

static int run_on_stack(size_t size, int (*job)(struct scratch *, void *), void *arg)
{
	struct scratch scratch = { .base = __builtin_alloca_with_align(size, SCRATCH_ALIGN * 8),
		.size = size };

	__builtin_memset(scratch.base, 0, size);
	return job(&scratch, arg);
}

int scratch_run(size_t stack, int (*job)(struct scratch *, void *), void *arg)
{
	int r = stack ? run_on_stack(stack, job, arg) : -ENOSPC;

	for (size_t size = SCRATCH_FIRST; r == -ENOSPC && size <= SCRATCH_MOST; size *= 8)
		r = run_mapped(size, job, arg);
	return r == -ENOSPC ? -ENOMEM : r;
}
