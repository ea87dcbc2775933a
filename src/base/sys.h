/* SPDX-License-Identifier: MIT */
/*
 * Every system call of the library and the agent. All return the kernel's answer: 0 or more, or a
 * negative errno. They never touch errno, need no libc, and go through sys_call(), which a test
 * build can tell to fail the Nth time (fault.h).
 */
#ifndef MEMSEAL_BASE_SYS_H
#define MEMSEAL_BASE_SYS_H

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/arch.h"
#include "base/fault.h"
#include "base/util.h"

struct io_uring_params;
struct iovec;
struct itimerval;
struct msghdr;
struct rlimit;
struct stat;
struct utsname;

/* The highest errno the kernel returns: include/linux/err.h, MAX_ERRNO. */
#define SYS_MAX_ERRNO 4095

static inline bool sys_failed(long ret)
{
	return (unsigned long)ret >= -(unsigned long)SYS_MAX_ERRNO;
}

static inline long sys_call(long nr, long a, long b, long c, long d, long e, long f)
{
	long ret;

	if (fault_hits(&ret))
		return ret;
	return arch_syscall(nr, a, b, c, d, e, f);
}

#define sys_call0(nr)             sys_call(nr, 0, 0, 0, 0, 0, 0)
#define sys_call1(nr, a)          sys_call(nr, (long)(a), 0, 0, 0, 0, 0)
#define sys_call2(nr, a, b)       sys_call(nr, (long)(a), (long)(b), 0, 0, 0, 0)
#define sys_call3(nr, a, b, c)    sys_call(nr, (long)(a), (long)(b), (long)(c), 0, 0, 0)
#define sys_call4(nr, a, b, c, d) sys_call(nr, (long)(a), (long)(b), (long)(c), (long)(d), 0, 0)
#define sys_call5(nr, a, b, c, d, e) \
	sys_call(nr, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), 0)
#define sys_call6(nr, a, b, c, d, e, f) \
	sys_call(nr, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f))

/*
 * File offsets have 64 bits everywhere. A 32-bit machine has calls of its own for them: they take
 * two registers, the low half first; a pair that must begin at an even one may leave one out.
 */
#if __SIZEOF_LONG__ == 4
#define SYS_LOW(value)  (uint32_t)(value)
#define SYS_HIGH(value) (uint32_t)((value) >> 32)
#endif

/* Descriptors. */

static inline int sys_fcntl(int fd, int op, long arg)
{
#if __SIZEOF_LONG__ == 4
	return (int)sys_call3(NR_fcntl64, fd, op, arg);
#else
	return (int)sys_call3(NR_fcntl, fd, op, arg);
#endif
}

/*
 * Moves a new descriptor out of 0 to 2: in a program that has closed one of them, other threads may
 * still write to it or read from it. What opens a descriptor here ends with this. The new one is
 * closed by execve(2).
 */
static inline int sys_above_stderr(int fd)
{
	int moved, flags;

	if (fd < 0 || fd > 2)
		return fd;
	/* An answer of 0 may be that of a filter, and standard input the program's. */
	flags = sys_fcntl(fd, F_GETFD, 0);
	if (flags < 0 || !(flags & FD_CLOEXEC))
		return -EOPNOTSUPP;
	moved = sys_fcntl(fd, F_DUPFD_CLOEXEC, 3);
	(void)arch_syscall(NR_close, fd, 0, 0, 0, 0, 0);
	return moved;
}

/* Memory. Addresses are integers here: most of them are not this program's objects. */

static inline int sys_mseal(uint64_t addr, size_t len, unsigned long flags)
{
	return (int)sys_call3(NR_mseal, addr, len, flags);
}

/*
 * A seccomp filter that answers 0 in the kernel's place has mapped nothing: -EOPNOTSUPP. wanted:
 * the only address that it can be, or 0.
 */
static inline long sys_placed(long addr, uint64_t wanted)
{
	if (sys_failed(addr) || (wanted ? (unsigned long)addr == wanted : addr != 0))
		return addr;
	return -EOPNOTSUPP;
}

#define SYS_MAP_FIXED 0x100010 /* MAP_FIXED | MAP_FIXED_NOREPLACE */

/* Returns the address or a negative errno; sys_failed() tells them apart. */
static inline long sys_mmap(uint64_t addr, size_t len, int prot, int flags, int fd, uint64_t offset)
{
#if __SIZEOF_LONG__ == 4
	long r = sys_call6(NR_mmap2, addr, len, prot, flags, fd, offset / 4096);
#else
	long r = sys_call6(NR_mmap, addr, len, prot, flags, fd, offset);
#endif

	return sys_placed(r, flags & SYS_MAP_FIXED ? addr : 0);
}

static inline int sys_munmap(uint64_t addr, size_t len)
{
	return (int)sys_call2(NR_munmap, addr, len);
}

/* The end of the heap; unchanged if end is 0. */
static inline uint64_t sys_brk(uint64_t end)
{
	return (unsigned long)sys_call1(NR_brk, end);
}

static inline int sys_mprotect(uint64_t addr, size_t len, int prot)
{
	return (int)sys_call3(NR_mprotect, addr, len, prot);
}

#define SYS_MREMAP_FIXED 2

/* Returns the address or a negative errno; sys_failed() tells them apart. */
static inline long sys_mremap(uint64_t addr, size_t old_len, size_t new_len, int flags, uint64_t to)
{
	long r = sys_call5(NR_mremap, addr, old_len, new_len, flags, to);

	return sys_placed(r, flags & SYS_MREMAP_FIXED ? to : flags == 0 ? addr : 0);
}

static inline int sys_madvise(uint64_t addr, size_t len, int advice)
{
	return (int)sys_call3(NR_madvise, addr, len, advice);
}

/* A byte for each page: the lowest bit is set if it is in memory. */
static inline int sys_mincore(uint64_t addr, size_t len, unsigned char *ret)
{
	return (int)sys_call3(NR_mincore, addr, len, ret);
}

/* Writes to the memory of a process: bytes, fewer than wanted if some could not be. */
static inline ssize_t sys_process_vm_writev(
	pid_t pid, const struct iovec *from, size_t nfrom, const struct iovec *to, size_t nto)
{
	return sys_call6(NR_process_vm_writev, pid, from, nfrom, to, nto, 0);
}

static inline int sys_memfd_create(const char *name, unsigned int flags)
{
	return sys_above_stderr((int)sys_call2(NR_memfd_create, name, flags));
}

static inline int sys_memfd_secret(unsigned int flags)
{
	return sys_above_stderr((int)sys_call1(NR_memfd_secret, flags));
}

static inline int sys_pkey_alloc(unsigned long flags, unsigned long rights)
{
	return (int)sys_call2(NR_pkey_alloc, flags, rights);
}

static inline int sys_pkey_free(int pkey)
{
	return (int)sys_call1(NR_pkey_free, pkey);
}

static inline int sys_msync(uint64_t addr, size_t len, int flags)
{
	return (int)sys_call3(NR_msync, addr, len, flags);
}

static inline int sys_mlock(uint64_t addr, size_t len)
{
	return (int)sys_call2(NR_mlock, addr, len);
}

/* Files. */

static inline int sys_openat(int dir, const char *path, int flags, mode_t mode)
{
	return sys_above_stderr((int)sys_call4(NR_openat, dir, path, flags | O_LARGEFILE, mode));
}

/* Of an existing file; resolve is one or more of RESOLVE_*. Linux 5.6. */
static inline int sys_openat2(int dir, const char *path, int flags, uint64_t resolve)
{
	/* linux/openat2.h, struct open_how: flags, mode, resolve */
	const uint64_t how[3] = { (unsigned)flags, 0, resolve };

	return sys_above_stderr((int)sys_call4(NR_openat2, dir, path, how, sizeof(how)));
}

static inline int sys_close(int fd)
{
	return (int)sys_call1(NR_close, fd);
}

static inline ssize_t sys_read(int fd, void *buf, size_t len)
{
	return sys_call3(NR_read, fd, buf, len);
}

static inline ssize_t sys_write(int fd, const void *buf, size_t len)
{
	return sys_call3(NR_write, fd, buf, len);
}

static inline ssize_t sys_pread(int fd, void *buf, size_t len, uint64_t offset)
{
#if __SIZEOF_LONG__ == 8
	return sys_call4(NR_pread64, fd, buf, len, offset);
#elif ARCH_PAIRS_EVEN
	return sys_call6(NR_pread64, fd, buf, len, 0, SYS_LOW(offset), SYS_HIGH(offset));
#else
	return sys_call5(NR_pread64, fd, buf, len, SYS_LOW(offset), SYS_HIGH(offset));
#endif
}

static inline ssize_t sys_pwrite(int fd, const void *buf, size_t len, uint64_t offset)
{
#if __SIZEOF_LONG__ == 8
	return sys_call4(NR_pwrite64, fd, buf, len, offset);
#elif ARCH_PAIRS_EVEN
	return sys_call6(NR_pwrite64, fd, buf, len, 0, SYS_LOW(offset), SYS_HIGH(offset));
#else
	return sys_call5(NR_pwrite64, fd, buf, len, SYS_LOW(offset), SYS_HIGH(offset));
#endif
}

static inline int sys_ftruncate(int fd, uint64_t len)
{
#if __SIZEOF_LONG__ == 8
	return (int)sys_call2(NR_ftruncate, fd, len);
#elif ARCH_PAIRS_EVEN
	return (int)sys_call4(NR_ftruncate64, fd, 0, SYS_LOW(len), SYS_HIGH(len));
#else
	return (int)sys_call3(NR_ftruncate64, fd, SYS_LOW(len), SYS_HIGH(len));
#endif
}

/* *ret is the kernel's struct stat; with _FILE_OFFSET_BITS=64, on 32-bit machines its stat64. */
static inline int sys_fstatat(int dir, const char *path, struct stat *ret, int flags)
{
#if __SIZEOF_LONG__ == 4
	return (int)sys_call4(NR_fstatat64, dir, path, ret, flags);
#else
	return (int)sys_call4(NR_newfstatat, dir, path, ret, flags);
#endif
}

/* What is behind a descriptor: *ret is the kernel's struct statx, of 256 bytes. */
static inline int sys_statx_fd(int fd, unsigned int mask, void *ret)
{
	return (int)sys_call5(NR_statx, fd, "", 0x1000 /* AT_EMPTY_PATH */, mask, ret);
}

/* Checks with the real user and group, as the kernel's call does. */
static inline int sys_faccessat(int dir, const char *path, int mode)
{
	return (int)sys_call3(NR_faccessat, dir, path, mode);
}

static inline int sys_flock(int fd, int op)
{
	return (int)sys_call2(NR_flock, fd, op);
}

static inline int sys_fsync(int fd)
{
	return (int)sys_call1(NR_fsync, fd);
}

static inline int sys_fchmod(int fd, mode_t mode)
{
	return (int)sys_call2(NR_fchmod, fd, mode);
}

static inline int sys_mkdirat(int dir, const char *path, mode_t mode)
{
	return (int)sys_call3(NR_mkdirat, dir, path, mode);
}

static inline int sys_unlinkat(int dir, const char *path, int flags)
{
	return (int)sys_call3(NR_unlinkat, dir, path, flags);
}

static inline int sys_renameat(int from_dir, const char *from, int to_dir, const char *to)
{
	return (int)sys_call5(NR_renameat2, from_dir, from, to_dir, to, 0);
}

/* Another file at the place of this one, or as the flags say: no file system of its own. */
static inline int sys_mount(const char *from, const char *to, unsigned long flags)
{
	return (int)sys_call5(NR_mount, from, to, NULL, flags, NULL);
}

static inline int sys_socket(int family, int type, int protocol)
{
	return sys_above_stderr((int)sys_call3(NR_socket, family, type, protocol));
}

static inline ssize_t sys_sendto(
	int fd, const void *buf, size_t len, int flags, const void *to, size_t to_len)
{
	return sys_call6(NR_sendto, fd, buf, len, flags, to, to_len);
}

static inline ssize_t sys_readlinkat(int dir, const char *path, char *buf, size_t len)
{
	return sys_call4(NR_readlinkat, dir, path, buf, len);
}

static inline ssize_t sys_getxattr(const char *path, const char *name, void *buf, size_t len)
{
	return sys_call4(NR_getxattr, path, name, buf, len);
}

static inline ssize_t sys_getdents64(int fd, void *buf, size_t len)
{
	return sys_call3(NR_getdents64, fd, buf, len);
}

static inline int sys_fallocate(int fd, int mode, uint64_t offset, uint64_t len)
{
#if __SIZEOF_LONG__ == 4
	return (int)sys_call6(NR_fallocate, fd, mode, SYS_LOW(offset), SYS_HIGH(offset),
		SYS_LOW(len), SYS_HIGH(len));
#else
	return (int)sys_call4(NR_fallocate, fd, mode, offset, len);
#endif
}

static inline int sys_ioctl(int fd, unsigned long op, void *arg)
{
	return (int)sys_call3(NR_ioctl, fd, op, arg);
}

/* Processes and threads. */

static inline pid_t sys_getpid(void)
{
	return (pid_t)sys_call0(NR_getpid);
}

static inline pid_t sys_gettid(void)
{
	return (pid_t)sys_call0(NR_gettid);
}

/* The real, the effective and the saved one, none may be NULL. */
static inline int sys_getresuid(uid_t *ret_real, uid_t *ret_effective, uid_t *ret_saved)
{
#if __SIZEOF_LONG__ == 4
	return (int)sys_call3(NR_getresuid32, ret_real, ret_effective, ret_saved);
#else
	return (int)sys_call3(NR_getresuid, ret_real, ret_effective, ret_saved);
#endif
}

static inline int sys_getresgid(gid_t *ret_real, gid_t *ret_effective, gid_t *ret_saved)
{
#if __SIZEOF_LONG__ == 4
	return (int)sys_call3(NR_getresgid32, ret_real, ret_effective, ret_saved);
#else
	return (int)sys_call3(NR_getresgid, ret_real, ret_effective, ret_saved);
#endif
}

struct pollfd;

/* timeout: two longs, seconds and ns. */
static inline int sys_ppoll(struct pollfd *fds, unsigned count, const long timeout[2])
{
	return (int)sys_call4(NR_ppoll, fds, count, timeout, NULL);
}

static inline int sys_tgkill(pid_t pid, pid_t tid, int sig)
{
	return (int)sys_call3(NR_tgkill, pid, tid, sig);
}

static inline int sys_futex(uint32_t *word, int op, uint32_t value, const void *timeout)
{
	return (int)sys_call4(NR_futex, word, op, value, timeout);
}

/*
 * clone(2) without a stack. If a seccomp filter answers 0 in the kernel's place, there is no child:
 * -EOPNOTSUPP.
 */
static inline __attribute__((always_inline)) pid_t sys_clone(int flags)
{
	const pid_t self = (pid_t)arch_syscall(NR_gettid, 0, 0, 0, 0, 0, 0);
	pid_t child = (pid_t)sys_call5(NR_clone, flags, 0, 0, 0, 0);

	if (child == 0 && self > 0 && arch_syscall(NR_gettid, 0, 0, 0, 0, 0, 0) == self)
		return -EOPNOTSUPP;
	return child;
}

/* fork(2) as a system call: flags may only hold the signal for the parent. */
static inline pid_t sys_fork(int exit_signal)
{
	return sys_clone(exit_signal);
}

/* vfork(2): the child shares memory and the caller's frame, and must end without returning. */
static inline __attribute__((always_inline)) pid_t sys_vfork(void)
{
	return sys_clone(0x4100 /* CLONE_VM | CLONE_VFORK */);
}

static inline int sys_pidfd_open(pid_t pid, unsigned int flags)
{
	return sys_above_stderr((int)sys_call2(NR_pidfd_open, pid, flags));
}

/* A duplicate of a descriptor of another process. */
static inline int sys_pidfd_getfd(int pidfd, int fd)
{
	return sys_above_stderr((int)sys_call3(NR_pidfd_getfd, pidfd, fd, 0));
}

static inline ssize_t sys_sendmsg(int fd, const struct msghdr *message, int flags)
{
	return sys_call3(NR_sendmsg, fd, message, flags);
}

static inline long sys_ptrace(long op, pid_t pid, uint64_t addr, uint64_t data)
{
	return sys_call4(NR_ptrace, op, pid, addr, data);
}

static inline pid_t sys_wait4(pid_t pid, int *ret_status, int options)
{
	return (pid_t)sys_call4(NR_wait4, pid, ret_status, options, 0);
}

static inline int sys_execve(const char *path, char *const argv[], char *const envp[])
{
	return (int)sys_call3(NR_execve, path, argv, envp);
}

static inline int sys_execveat(
	int dir, const char *path, char *const argv[], char *const envp[], int flags)
{
	return (int)sys_call5(NR_execveat, dir, path, argv, envp, flags);
}

/* The kernel's set of signals: 64 bits, whatever sigset_t is. ret_old may be NULL. */
static inline int sys_sigprocmask(int how, const uint64_t *set, uint64_t *ret_old)
{
	return (int)sys_call4(NR_rt_sigprocmask, how, set, ret_old, sizeof(*set));
}

/* The signals that are pending. */
static inline int sys_sigpending(uint64_t *ret)
{
	return (int)sys_call2(NR_rt_sigpending, ret, sizeof(*ret));
}

static inline int sys_prlimit(
	pid_t pid, int resource, const struct rlimit *limit, struct rlimit *ret_old)
{
	return (int)sys_call4(NR_prlimit64, pid, resource, limit, ret_old);
}

/* Not through sys_call(): it cannot fail. */
NORETURN static inline void sys_exit_group(int status)
{
	for (;;)
		arch_syscall(NR_exit_group, status, 0, 0, 0, 0, 0);
}

static inline int sys_prctl(
	int op, unsigned long a, unsigned long b, unsigned long c, unsigned long d)
{
	return (int)sys_call5(NR_prctl, op, a, b, c, d);
}

static inline int sys_membarrier(int command)
{
	return (int)sys_call2(NR_membarrier, command, 0);
}

/* 0xffffffff only asks. */
static inline int sys_personality(unsigned int persona)
{
	return (int)sys_call1(NR_personality, persona);
}

static inline int sys_seccomp(unsigned int op, unsigned int flags, void *args)
{
	return (int)sys_call3(NR_seccomp, op, flags, args);
}

/* Bytes written to buf. */
static inline ssize_t sys_getrandom(void *buf, size_t len, unsigned int flags)
{
	return sys_call3(NR_getrandom, buf, len, flags);
}

static inline int sys_uname(struct utsname *ret)
{
	return (int)sys_call1(NR_uname, ret);
}

/*
 * What puts things back is not told to fail: nothing could be done about it.
 */

/* Waits for a child of sys_fork(), whatever its signal is: -ECHILD if somebody else did. */
static inline pid_t sys_reap(pid_t pid)
{
	long ret;

	do
		ret = arch_syscall(NR_wait4, pid, 0, 0x40000000 /* __WALL */, 0, 0, 0);
	while (ret == -EINTR);
	return (pid_t)ret;
}

static inline void sys_undo_file(int dir, const char *path)
{
	(void)arch_syscall(NR_unlinkat, dir, (long)path, 0, 0, 0, 0);
}

static inline void sys_undo_mmap(uint64_t addr, size_t len)
{
	(void)arch_syscall(NR_munmap, (long)addr, (long)len, 0, 0, 0, 0);
}

static inline int sys_undo_mprotect(uint64_t addr, size_t len, int prot)
{
	return (int)arch_syscall(NR_mprotect, (long)addr, (long)len, prot, 0, 0, 0);
}

/* Maps a file, private and writable, over what is at addr. */
static inline int sys_undo_replace(uint64_t addr, size_t len, int fd, uint64_t offset)
{
	const int prot = 3 /* PROT_READ | PROT_WRITE */, flags = 0x12 /* MAP_PRIVATE | MAP_FIXED */;
#if __SIZEOF_LONG__ == 4
	long ret = arch_syscall(
		NR_mmap2, (long)addr, (long)len, prot, flags, fd, (long)(offset / 4096));
#else
	long ret = arch_syscall(NR_mmap, (long)addr, (long)len, prot, flags, fd, (long)offset);
#endif

	return sys_failed(ret) ? (int)ret : 0;
}

static inline void sys_undo_sigmask(const uint64_t *old)
{
	(void)arch_syscall(NR_rt_sigprocmask, SIG_SETMASK, (long)old, 0, sizeof(*old), 0, 0);
}

/* Takes one of the pending signals of the set away, if there is one; does not wait. */
static inline void sys_undo_signal(const uint64_t *set)
{
	static const long now[2] = { 0, 0 };

	(void)arch_syscall(NR_rt_sigtimedwait, (long)set, 0, (long)now, sizeof(*set), 0, 0);
}

/* For CLEANUP(): closes the descriptor, if there is one. */
static inline void sys_close_cleanup(int *fd)
{
	if (*fd >= 0)
		(void)arch_syscall(NR_close, *fd, 0, 0, 0, 0, 0);
}

#endif
