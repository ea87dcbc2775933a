/* SPDX-License-Identifier: MIT */
/* The interface that was first proposed for Linux, with its calls for what they were to prevent. */
#include <errno.h>
#include <memseal-compat.h>

#include "base/util.h"

static const struct {
	unsigned type;
	uint64_t effects;
} types_table[] = {
	{ MM_SEAL_MSEAL, MEMSEAL_NO_SEAL },
	{ MM_SEAL_MPROTECT, MEMSEAL_NO_PROTECT | MEMSEAL_NO_WRITE | MEMSEAL_NO_EXEC },
	{ MM_SEAL_MUNMAP, MEMSEAL_NO_UNMAP },
	{ MM_SEAL_MMAP, MEMSEAL_NO_UNMAP },
	{ MM_SEAL_MREMAP, MEMSEAL_NO_UNMAP | MEMSEAL_NO_SHRINK | MEMSEAL_NO_GROW },
};

/* 0, which memseal_range() refuses, if there is one that is not known. */
static uint64_t effects_of(unsigned types)
{
	uint64_t effects = 0;

	for (size_t i = 0; i < ARRAY_SIZE(types_table); i++) {
		if (types & types_table[i].type)
			effects |= types_table[i].effects;
		types &= ~types_table[i].type;
	}
	return types ? 0 : effects;
}

EXPORT int mseal_types(void *addr, size_t len, unsigned types, unsigned flags)
{
	int r = flags ? -EINVAL : memseal_range(addr, len, effects_of(types));

	if (r < 0) {
		errno = -r;
		return -1;
	}
	return 0;
}
