/* SPDX-License-Identifier: MIT */
#ifndef MEMSEAL_BASE_ARCH_ARM_H
#define MEMSEAL_BASE_ARCH_ARM_H

/* System call numbers of the EABI: arch/arm/tools/syscall.tbl */
#define NR_read             3
#define NR_write            4
#define NR_close            6
#define NR_execve           11
#define NR_getpid           20
#define NR_mount            21
#define NR_ptrace           26
#define NR_brk              45
#define NR_munmap           91
#define NR_fchmod           94
#define NR_wait4            114
#define NR_fsync            118
#define NR_clone            120
#define NR_uname            122
#define NR_mprotect         125
#define NR_personality      136
#define NR_flock            143
#define NR_sched_yield      158
#define NR_mremap           163
#define NR_prctl            172
#define NR_rt_sigprocmask   175
#define NR_rt_sigpending    176
#define NR_rt_sigtimedwait  177
#define NR_pread64          180
#define NR_pwrite64         181
#define NR_mmap2            192
#define NR_ftruncate64      194
#define NR_getresuid32      209
#define NR_getresgid32      211
#define NR_getdents64       217
#define NR_mincore          219
#define NR_madvise          220
#define NR_fcntl64          221
#define NR_gettid           224
#define NR_getxattr         229
#define NR_futex            240
#define NR_exit_group       248
#define NR_tgkill           268
#define NR_socket           281
#define NR_sendto           290
#define NR_sendmsg          296
#define NR_recvmsg          297
#define NR_socketpair       288
#define NR_openat           322
#define NR_openat2          437
#define NR_mkdirat          323
#define NR_fstatat64        327
#define NR_unlinkat         328
#define NR_readlinkat       332
#define NR_faccessat        334
#define NR_ppoll            336
#define NR_process_vm_readv 376
#define NR_renameat2        382
#define NR_seccomp          383
#define NR_getrandom        384
#define NR_memfd_create     385
#define NR_execveat         387
#define NR_membarrier       389
#define NR_pkey_alloc       395
#define NR_pkey_free        396
#define NR_statx            397
#define NR_pidfd_open       434
#define NR_pidfd_getfd      438
#define NR_memfd_secret     447
#define NR_mseal            462

/* The same, of calls that only the attack catalogue makes. */
#define NR_ioctl             54
#define NR_setitimer         104
#define NR_msync             144
#define NR_mlock             150
#define NR_munlock           151
#define NR_rt_sigaction      174
#define NR_remap_file_pages  253
#define NR_shmat             305
#define NR_shmget            307
#define NR_shmctl            308
#define NR_mbind             319
#define NR_move_pages        344
#define NR_fallocate         352
#define NR_pipe2             359
#define NR_prlimit64         369
#define NR_process_vm_writev 377
#define NR_userfaultfd       388
#define NR_pkey_mprotect     394
#define NR_io_uring_setup    425
#define NR_io_uring_enter    426
#define NR_process_madvise   440

/* 64-bit arguments take a pair of registers, of which the first is an even one. */
#define ARCH_PAIRS_EVEN 1

/*
 * Divisions of 64 bits are calls of a function here, and calls change r0 to r3: what is an argument
 * must have been computed before the first of these variables is set. No number in a variable of
 * its own: r7 may be the frame pointer.
 */
static inline long arch_syscall(long nr, long a, long b, long c, long d, long e, long f)
{
	register long r0 __asm__("r0");
	register long r1 __asm__("r1");
	register long r2 __asm__("r2");
	register long r3 __asm__("r3");
	register long r4 __asm__("r4");
	register long r5 __asm__("r5");
	register long r6 __asm__("r6");
	long saved;

	__asm__ volatile("" : "+r"(a), "+r"(b), "+r"(c), "+r"(d), "+r"(e), "+r"(f));
	r0 = a;
	r1 = b;
	r2 = c;
	r3 = d;
	r4 = e;
	r5 = f;
	r6 = nr;
	__asm__ volatile("mov %1, r7\n\tmov r7, r6\n\tsvc #0\n\tmov r7, %1"
			 : "+r"(r0), "=&r"(saved)
			 : "r"(r6), "r"(r1), "r"(r2), "r"(r3), "r"(r4), "r"(r5)
			 : "memory");
	return r0;
}

/*
 * A request to Valgrind, nothing to a processor: rotations by 64 bits in all that no compiler
 * writes (include/valgrind.h). Returns what is answered, 0 without Valgrind.
 */
static inline long arch_valgrind_request(const long request[6])
{
	register long r3 __asm__("r3") = 0;
	register const long *r4 __asm__("r4") = request;

	__asm__ volatile("mov r12, r12, ror #3\n\tmov r12, r12, ror #13\n\t"
			 "mov r12, r12, ror #29\n\tmov r12, r12, ror #19\n\t"
			 "orr r10, r10, r10"
			 : "+r"(r3)
			 : "r"(r4)
			 : "cc", "memory");
	return r3;
}

/* This is such a program. */
static inline long arch_try_32bit(void)
{
	return 0;
}

#endif
