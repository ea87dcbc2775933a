/* SPDX-License-Identifier: MIT */
/* What the fuzzing targets share. */
#ifndef MEMSEAL_FUZZ_H
#define MEMSEAL_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Not assert(): NDEBUG must not switch it off. */
#define CHECK(condition)                                                                      \
	do {                                                                                  \
		if (!(condition)) {                                                           \
			(void)fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition); \
			abort();                                                              \
		}                                                                             \
	} while (0)

/* Called by libFuzzer for every input. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Cuts the next len bytes off the input; short inputs read as zero. */
static inline void fuzz_take(const uint8_t **data, size_t *size, void *ret, size_t len)
{
	size_t have = len < *size ? len : *size;

	memset(ret, 0, len);
	if (have)
		memcpy(ret, *data, have);
	*data += have;
	*size -= have;
}

#endif
