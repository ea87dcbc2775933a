/* SPDX-License-Identifier: MIT */
#include "engine/protect.h"

#include <errno.h>

#include "base/sys.h"

/*
 * An address within a page is what the kernel refuses before it looks at memory (mm/mprotect.c),
 * and no sandbox kills for, as some do for unusual protections.
 */
static bool kernel_answers(uint64_t start, int prot)
{
	return sys_mprotect(start + 1, 1, prot) == -EINVAL;
}

int protect_pages(uint64_t start, uint64_t len, int prot)
{
	int r = sys_mprotect(start, len, prot);

	return r == 0 && !kernel_answers(start, prot) ? -EOPNOTSUPP : r;
}
