/* SPDX-License-Identifier: MIT */
#ifndef MEMSEAL_BASE_ARCH_I386_H
#define MEMSEAL_BASE_ARCH_I386_H

/* System call numbers: arch/x86/entry/syscalls/syscall_32.tbl */
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
#define NR_mincore          218
#define NR_madvise          219
#define NR_getdents64       220
#define NR_fcntl64          221
#define NR_gettid           224
#define NR_getxattr         229
#define NR_futex            240
#define NR_exit_group       252
#define NR_tgkill           270
#define NR_openat           295
#define NR_openat2          437
#define NR_mkdirat          296
#define NR_fstatat64        300
#define NR_unlinkat         301
#define NR_readlinkat       305
#define NR_faccessat        307
#define NR_ppoll            309
#define NR_process_vm_readv 347
#define NR_renameat2        353
#define NR_seccomp          354
#define NR_getrandom        355
#define NR_memfd_create     356
#define NR_execveat         358
#define NR_socket           359
#define NR_sendto           369
#define NR_sendmsg          370
#define NR_recvmsg          372
#define NR_socketpair       360
#define NR_membarrier       375
#define NR_pkey_alloc       381
#define NR_pkey_free        382
#define NR_statx            383
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
#define NR_remap_file_pages  257
#define NR_mbind             274
#define NR_move_pages        317
#define NR_fallocate         324
#define NR_pipe2             331
#define NR_prlimit64         340
#define NR_process_vm_writev 348
#define NR_userfaultfd       374
#define NR_pkey_mprotect     380
#define NR_shmget            395
#define NR_shmctl            396
#define NR_shmat             397
#define NR_io_uring_setup    425
#define NR_io_uring_enter    426
#define NR_process_madvise   440

/* 64-bit arguments take any two registers. */
#define ARCH_PAIRS_EVEN 0

/* The sixth argument goes by the stack: %ebp may be the frame pointer, and takes no constraint. */
static inline long arch_syscall(long nr, long a, long b, long c, long d, long e, long f)
{
	long ret;

	__asm__ volatile("pushl %7\n\tpushl %%ebp\n\tmovl 4(%%esp), %%ebp\n\t"
			 "int $0x80\n\t"
			 "popl %%ebp\n\taddl $4, %%esp"
			 : "=a"(ret)
			 : "a"(nr), "b"(a), "c"(b), "d"(c), "S"(d), "D"(e), "g"(f)
			 : "cc", "memory");
	return ret;
}

/*
 * A request to Valgrind, nothing to a processor: rotations by 64 bits in all that no compiler
 * writes (include/valgrind.h). Returns what is answered, 0 without Valgrind.
 */
static inline long arch_valgrind_request(const long request[6])
{
	long ret = 0;

	__asm__ volatile("roll $3, %%edi; roll $13, %%edi; roll $29, %%edi; roll $19, %%edi\n\t"
			 "xchgl %%ebx, %%ebx"
			 : "+d"(ret)
			 : "a"(request)
			 : "cc", "memory");
	return ret;
}

/* This is such a program. */
static inline long arch_try_32bit(void)
{
	return 0;
}

#endif
