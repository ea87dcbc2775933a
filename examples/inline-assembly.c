/* SPDX-License-Identifier: MIT */
/*
 * The kernel itself refuses: the same attempts without a C library in between, by the machine's own
 * instruction for system calls. What hooks functions cannot see these.
 */
#include <errno.h>
#include <memseal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Returns what the kernel does: a negative error, or the result. */
static long call(long nr, long a, long b, long c, long d, long e, long f)
{
#if defined(__x86_64__)
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;
	register long r9 __asm__("r9") = f;
	long ret;

	__asm__ volatile("syscall"
			 : "=a"(ret)
			 : "a"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return ret;
#elif defined(__aarch64__)
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
#elif defined(__riscv)
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
#else
#error "no system call instruction for this machine here yet"
#endif
}

static int surprises;

static const char *answer(int error)
{
	if (error == 0)
		return "allowed";
	return error == EPERM ? "refused (EPERM)" : strerror(error);
}

/* The last address space there is are the errors. */
static void report(const char *what, long result, int expected)
{
	int error = result < 0 && result > -4096 ? (int)-result : 0;

	printf("  %s: %s\n", what, answer(error));
	surprises += error != expected;
}

/* If all is allowed, nothing is mapped there when it is done. */
static void attack(char *mem, long size, int expected)
{
	long at = (long)mem, rw = PROT_READ | PROT_WRITE;
	long over = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;

	report("mprotect", call(SYS_mprotect, at, size, rw, 0, 0, 0), expected);
	report("mremap", call(SYS_mremap, at, size, size / 2, 0, 0, 0), expected);
	report("mmap over it", call(SYS_mmap, at, size, rw, over, -1, 0), expected);
	report("munmap", call(SYS_munmap, at, size, 0, 0, 0, 0), expected);
}

int main(void)
{
	size_t size = 2 * (size_t)sysconf(_SC_PAGESIZE);
	char *plain = mmap(NULL, size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *sealed = memseal_map(size, PROT_READ, MEMSEAL_ALL);

	/* No mseal(2) here. A filter can do it, once the program agrees to what that costs. */
	if (!sealed && errno == EOPNOTSUPP) {
		puts("this kernel has no mseal(2): a filter is used");
		if (memseal_filter_allow(MEMSEAL_EXEC_REFUSE) == 0)
			sealed = memseal_map(size, PROT_READ, MEMSEAL_ALL);
	}
	if (plain == MAP_FAILED || !sealed) {
		perror("cannot map and seal");
		return 1;
	}
	puts("memory that is not sealed:");
	attack(plain, (long)size, 0);
	puts("sealed memory:");
	attack(sealed, (long)size, EPERM);
	printf("still there: %d\n", sealed[size - 1]);
	return surprises ? 1 : 0;
}
