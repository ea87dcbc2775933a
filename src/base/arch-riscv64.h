/* SPDX-License-Identifier: MIT */
#ifndef MEMSEAL_BASE_ARCH_RISCV64_H
#define MEMSEAL_BASE_ARCH_RISCV64_H

#include <errno.h>

#include "base/arch-generic.h"

static inline long arch_syscall(long nr, long a, long b, long c, long d, long e, long f)
{
	register long a7 __asm__("a7") = nr;
	register long a0 __asm__("a0") = a;
	register long a1 __asm__("a1") = b;
	register long a2 __asm__("a2") = c;
	register long a3 __asm__("a3") = d;
	register long a4 __asm__("a4") = e;
	register long a5 __asm__("a5") = f;

	__asm__ volatile("ecall"
			 : "+r"(a0)
			 : "r"(a7), "r"(a1), "r"(a2), "r"(a3), "r"(a4), "r"(a5)
			 : "memory");
	return a0;
}

/*
 * A request to Valgrind, nothing to a processor: shifts of the zero register that no compiler
 * writes (VEX/priv/guest_riscv64_toIR.c). Returns what is answered, 0 without Valgrind.
 */
static inline long arch_valgrind_request(const long request[6])
{
	register long a3 __asm__("a3") = 0;
	register const long *a4 __asm__("a4") = request;

	__asm__ volatile(".option push\n\t.option norvc\n\t"
			 "srli zero, zero, 3\n\tsrli zero, zero, 13\n\t"
			 "srli zero, zero, 51\n\tsrli zero, zero, 61\n\t"
			 "or a0, a0, a0\n\t.option pop"
			 : "+r"(a3)
			 : "r"(a4)
			 : "memory");
	return a3;
}

/* personality(2) takes PER_LINUX32 from everyone here: no call tells. */
static inline long arch_try_32bit(void)
{
	return -EOPNOTSUPP;
}

#endif
