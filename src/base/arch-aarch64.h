/* SPDX-License-Identifier: MIT */
#ifndef MEMSEAL_BASE_ARCH_AARCH64_H
#define MEMSEAL_BASE_ARCH_AARCH64_H

#include "base/arch-generic.h"

static inline long arch_syscall(long nr, long a, long b, long c, long d, long e, long f)
{
	register long x8 __asm__("x8") = nr;
	register long x0 __asm__("x0") = a;
	register long x1 __asm__("x1") = b;
	register long x2 __asm__("x2") = c;
	register long x3 __asm__("x3") = d;
	register long x4 __asm__("x4") = e;
	register long x5 __asm__("x5") = f;

	__asm__ volatile("svc #0"
			 : "+r"(x0)
			 : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5)
			 : "memory");
	return x0;
}

/*
 * A request to Valgrind, nothing to a processor: rotations by 128 bits in all that no compiler
 * writes (include/valgrind.h). Returns what is answered, 0 without Valgrind.
 */
static inline long arch_valgrind_request(const long request[6])
{
	register long x3 __asm__("x3") = 0;
	register const long *x4 __asm__("x4") = request;

	__asm__ volatile("ror x12, x12, #3\n\tror x12, x12, #13\n\t"
			 "ror x12, x12, #51\n\tror x12, x12, #61\n\t"
			 "orr x10, x10, x10"
			 : "+r"(x3)
			 : "r"(x4)
			 : "cc", "memory");
	return x3;
}

/* Makes this process a 32-bit one for uname(2), if the kernel has 32-bit programs: else -EINVAL. */
static inline long arch_try_32bit(void)
{
	return arch_syscall(NR_personality, 8 /* PER_LINUX32 */, 0, 0, 0, 0, 0);
}

#endif
