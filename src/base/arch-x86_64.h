/* SPDX-License-Identifier: MIT */
#ifndef MEMSEAL_BASE_ARCH_X86_64_H
#define MEMSEAL_BASE_ARCH_X86_64_H

/* System call numbers: arch/x86/entry/syscalls/syscall_64.tbl */
#define NR_read             0
#define NR_write            1
#define NR_close            3
#define NR_mmap             9
#define NR_mprotect         10
#define NR_munmap           11
#define NR_brk              12
#define NR_rt_sigprocmask   14
#define NR_pread64          17
#define NR_pwrite64         18
#define NR_sched_yield      24
#define NR_mremap           25
#define NR_mincore          27
#define NR_madvise          28
#define NR_getpid           39
#define NR_socket           41
#define NR_sendto           44
#define NR_sendmsg          46
#define NR_recvmsg          47
#define NR_socketpair       53
#define NR_clone            56
#define NR_execve           59
#define NR_wait4            61
#define NR_uname            63
#define NR_fcntl            72
#define NR_flock            73
#define NR_fsync            74
#define NR_ftruncate        77
#define NR_fchmod           91
#define NR_ptrace           101
#define NR_getresuid        118
#define NR_getresgid        120
#define NR_rt_sigpending    127
#define NR_rt_sigtimedwait  128
#define NR_personality      135
#define NR_prctl            157
#define NR_mount            165
#define NR_gettid           186
#define NR_getxattr         191
#define NR_futex            202
#define NR_getdents64       217
#define NR_exit_group       231
#define NR_tgkill           234
#define NR_openat           257
#define NR_openat2          437
#define NR_mkdirat          258
#define NR_newfstatat       262
#define NR_unlinkat         263
#define NR_readlinkat       267
#define NR_faccessat        269
#define NR_ppoll            271
#define NR_process_vm_readv 310
#define NR_renameat2        316
#define NR_seccomp          317
#define NR_getrandom        318
#define NR_memfd_create     319
#define NR_execveat         322
#define NR_membarrier       324
#define NR_pkey_alloc       330
#define NR_pkey_free        331
#define NR_statx            332
#define NR_pidfd_open       434
#define NR_pidfd_getfd      438
#define NR_memfd_secret     447
#define NR_mseal            462

/* The same, of calls that only the attack catalogue makes. */
#define NR_rt_sigaction      13
#define NR_ioctl             16
#define NR_msync             26
#define NR_shmget            29
#define NR_shmat             30
#define NR_shmctl            31
#define NR_setitimer         38
#define NR_mlock             149
#define NR_munlock           150
#define NR_remap_file_pages  216
#define NR_mbind             237
#define NR_move_pages        279
#define NR_fallocate         285
#define NR_pipe2             293
#define NR_prlimit64         302
#define NR_process_vm_writev 311
#define NR_userfaultfd       323
#define NR_pkey_mprotect     329
#define NR_io_uring_setup    425
#define NR_io_uring_enter    426
#define NR_process_madvise   440

static inline long arch_syscall(long nr, long a, long b, long c, long d, long e, long f)
{
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;
	register long r9 __asm__("r9") = f;
	long ret;

	__asm__ volatile("syscall"
			 : "=a"(ret)
			 : "a"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return ret;
}

/*
 * A request to Valgrind, nothing to a processor: rotations by 128 bits in all that no compiler
 * writes (include/valgrind.h). Returns what is answered, 0 without Valgrind.
 */
static inline long arch_valgrind_request(const long request[6])
{
	long ret = 0;

	__asm__ volatile("rolq $3, %%rdi; rolq $13, %%rdi; rolq $61, %%rdi; rolq $51, %%rdi\n\t"
			 "xchgq %%rbx, %%rbx"
			 : "+d"(ret)
			 : "a"(request)
			 : "cc", "memory");
	return ret;
}

/* getpid(2) as 32-bit programs call it: SIGSEGV if the kernel has no 32-bit programs. */
static inline long arch_try_32bit(void)
{
	long ret;

	__asm__ volatile("int $0x80" : "=a"(ret) : "a"(20) : "r8", "r9", "r10", "r11", "memory");
	return ret;
}

#endif
