/* SPDX-License-Identifier: MIT */
/* System call numbers of architectures without a table of their own. */
#ifndef MEMSEAL_BASE_ARCH_GENERIC_H
#define MEMSEAL_BASE_ARCH_GENERIC_H

/* include/uapi/asm-generic/unistd.h */
#define NR_getxattr         8
#define NR_fcntl            25
#define NR_flock            32
#define NR_mkdirat          34
#define NR_unlinkat         35
#define NR_mount            40
#define NR_ftruncate        46
#define NR_faccessat        48
#define NR_fchmod           52
#define NR_openat           56
#define NR_openat2          437
#define NR_close            57
#define NR_getdents64       61
#define NR_read             63
#define NR_write            64
#define NR_pread64          67
#define NR_pwrite64         68
#define NR_ppoll            73
#define NR_readlinkat       78
#define NR_newfstatat       79
#define NR_fsync            82
#define NR_personality      92
#define NR_exit_group       94
#define NR_futex            98
#define NR_ptrace           117
#define NR_sched_yield      124
#define NR_tgkill           131
#define NR_rt_sigprocmask   135
#define NR_rt_sigpending    136
#define NR_rt_sigtimedwait  137
#define NR_getresuid        148
#define NR_getresgid        150
#define NR_uname            160
#define NR_prctl            167
#define NR_getpid           172
#define NR_gettid           178
#define NR_socket           198
#define NR_sendto           206
#define NR_sendmsg          211
#define NR_recvmsg          212
#define NR_socketpair       199
#define NR_brk              214
#define NR_munmap           215
#define NR_mremap           216
#define NR_clone            220
#define NR_execve           221
#define NR_mmap             222
#define NR_mprotect         226
#define NR_mincore          232
#define NR_madvise          233
#define NR_wait4            260
#define NR_process_vm_readv 270
#define NR_renameat2        276
#define NR_seccomp          277
#define NR_getrandom        278
#define NR_memfd_create     279
#define NR_execveat         281
#define NR_membarrier       283
#define NR_pkey_alloc       289
#define NR_pkey_free        290
#define NR_statx            291
#define NR_pidfd_open       434
#define NR_pidfd_getfd      438
#define NR_memfd_secret     447
#define NR_mseal            462

/* The same, of calls that only the attack catalogue makes. */
#define NR_ioctl             29
#define NR_fallocate         47
#define NR_pipe2             59
#define NR_setitimer         103
#define NR_rt_sigaction      134
#define NR_shmget            194
#define NR_shmctl            195
#define NR_shmat             196
#define NR_msync             227
#define NR_mlock             228
#define NR_munlock           229
#define NR_remap_file_pages  234
#define NR_mbind             235
#define NR_move_pages        239
#define NR_prlimit64         261
#define NR_process_vm_writev 271
#define NR_userfaultfd       282
#define NR_pkey_mprotect     288
#define NR_io_uring_setup    425
#define NR_io_uring_enter    426
#define NR_process_madvise   440

#endif
