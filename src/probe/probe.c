/* SPDX-License-Identifier: MIT */
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/utsname.h>
#ifdef __GLIBC__
#include <gnu/libc-version.h>
#endif

#include "base/errors.h"
#include "base/opts.h"
#include "base/sys.h"
#include "probe/environment.h"
#include "probe/probe.h"

/* Bytes of memory to try things on: pages of every size that 64-bit kernels use fit in. */
#define SCRATCH 65536

/* Less than a page of any kernel, which rounds it up to one. */
#define ONE_PAGE 4096

/* Since when 64-bit kernels have mseal(2). */
#define MSEAL_MAJOR 6
#define MSEAL_MINOR 10

/* What the errno of a call that could not be made says about what it stands for. */
static enum memseal_support refusal(int ret)
{
	switch (ret) {
	case -ENOSYS:
		return MEMSEAL_SUPPORT_NO;
	case -EPERM:
	case -EACCES:
		return MEMSEAL_SUPPORT_FILTERED;
	default:
		return MEMSEAL_SUPPORT_UNKNOWN;
	}
}

static long map_scratch(int prot)
{
	return sys_mmap(0, SCRATCH, prot, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

/* A decimal number at *text, which is moved behind it; -EBADMSG for none or one too large. */
static int parse_number(const char **text)
{
	int value = -EBADMSG;

	for (; **text >= '0' && **text <= '9'; (*text)++) {
		value = value < 0 ? 0 : value;
		if (__builtin_mul_overflow(value, 10, &value) ||
			__builtin_add_overflow(value, **text - '0', &value))
			return -EBADMSG;
	}
	return value;
}

/* Is "major.minor..." at least that version? */
static bool version_at_least(const char *text, int major, int minor)
{
	int found_major = parse_number(&text), found_minor;

	if (found_major < 0 || *text++ != '.')
		return false;
	found_minor = parse_number(&text);
	return found_major > major || (found_major == major && found_minor >= minor);
}

/*
 * mseal(2) is not there, or does nothing. Container runtimes answer ENOSYS (or any other errno, 0
 * included) for calls that their profile does not know, so the release has the last word. Only
 * 64-bit kernels have it: to a 32-bit program they tell by the name of the machine, unless
 * personality(2) hides it.
 */
static enum memseal_support mseal_absent(void)
{
	struct utsname name;

	if (sys_uname(&name) < 0)
		return MEMSEAL_SUPPORT_UNKNOWN;
	if (sizeof(long) < 8 && !strstr(name.machine, "64"))
		return MEMSEAL_SUPPORT_NO;
	return version_at_least(name.release, MSEAL_MAJOR, MSEAL_MINOR) ? MEMSEAL_SUPPORT_FILTERED
									: MEMSEAL_SUPPORT_NO;
}

enum memseal_support probe_mseal_quick(void)
{
	long control = map_scratch(PROT_NONE), page;
	int ret;

	if (sys_failed(control) || sys_munmap((uintptr_t)control, SCRATCH) < 0)
		return MEMSEAL_SUPPORT_UNKNOWN;
	page = map_scratch(PROT_NONE);
	if (sys_failed(page))
		return MEMSEAL_SUPPORT_UNKNOWN;
	ret = sys_mseal((uintptr_t)page, ONE_PAGE, 0);
	if (ret == 0 && sys_munmap((uintptr_t)page, ONE_PAGE) == -EPERM)
		return MEMSEAL_SUPPORT_YES;
	if (ret == 0 || ret == -ENOSYS)
		return mseal_absent();
	return refusal(ret);
}

enum memseal_support probe_seccomp_quick(void)
{
	uint32_t action = SECCOMP_RET_ERRNO;
	int ret = sys_seccomp(SECCOMP_GET_ACTION_AVAIL, 0, &action);

	if (ret == 0)
		return MEMSEAL_SUPPORT_YES;
	/* EINVAL: without CONFIG_SECCOMP_FILTER. */
	return ret == -EINVAL || ret == -EOPNOTSUPP ? MEMSEAL_SUPPORT_NO : refusal(ret);
}

/*
 * The attempts. Each runs in the child, whose memory, descriptors and filters go with it, and
 * makes no other calls than those of base/sys.h.
 */

static int try_proc(void)
{
	int fd = sys_openat(AT_FDCWD, "/proc/self/maps", O_RDONLY | O_CLOEXEC, 0);
	char byte;

	if (fd == -ENOENT)
		return MEMSEAL_SUPPORT_NO;
	if (fd < 0)
		return refusal(fd);
	return sys_read(fd, &byte, 1) == 1 ? MEMSEAL_SUPPORT_YES : MEMSEAL_SUPPORT_UNKNOWN;
}

/*
 * Since Linux 6.12, proc_mem.force_override= of the kernel's command line can forbid it, with EIO
 * as for memory that nothing can write to.
 */
static int try_proc_mem_writes(void)
{
	int fd = sys_openat(AT_FDCWD, "/proc/self/mem", O_RDWR | O_CLOEXEC, 0);
	long page = map_scratch(PROT_READ | PROT_WRITE);
	ssize_t ret;

	if (fd < 0 || sys_failed(page))
		return fd < 0 ? refusal(fd) : MEMSEAL_SUPPORT_UNKNOWN;
	ret = sys_pwrite(fd, "a", 1, (uintptr_t)page);
	if (ret != 1)
		return refusal((int)ret);
	if (sys_mprotect((uintptr_t)page, SCRATCH, PROT_READ) < 0)
		return MEMSEAL_SUPPORT_UNKNOWN;
	ret = sys_pwrite(fd, "b", 1, (uintptr_t)page);
	if (ret == -EIO)
		return MEMSEAL_SUPPORT_NO;
	return ret == 1 && *(volatile char *)page == 'b' ? MEMSEAL_SUPPORT_YES : refusal((int)ret);
}

static int try_mseal(void)
{
	return probe_mseal_quick();
}

static int try_memfd_seals(void)
{
	int fd = sys_memfd_create("memseal-probe", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	int ret;

	if (fd < 0)
		return refusal(fd);
	if (sys_pwrite(fd, "a", 1, 0) != 1)
		return MEMSEAL_SUPPORT_UNKNOWN;
	ret = sys_fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
	if (ret < 0)
		return refusal(ret);
	return sys_pwrite(fd, "b", 1, 0) == -EPERM ? MEMSEAL_SUPPORT_YES : MEMSEAL_SUPPORT_NO;
}

static int try_memfd_secret(void)
{
	int fd = sys_memfd_secret(O_CLOEXEC);
	long page;

	if (fd < 0)
		return refusal(fd);
	if (sys_ftruncate(fd, SCRATCH) < 0)
		return MEMSEAL_SUPPORT_UNKNOWN;
	page = sys_mmap(0, SCRATCH, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	/* It counts against RLIMIT_MEMLOCK. Let the kernel write there: EFAULT rather than SIGBUS.
	 */
	if (sys_failed(page) || sys_uname((struct utsname *)page) < 0)
		return MEMSEAL_SUPPORT_UNKNOWN;
	return MEMSEAL_SUPPORT_YES;
}

/* ENOSPC says that there is no key left, or no such processor: so give all keys back before. */
static int try_pkeys(void)
{
	int ret;

	for (int key = 1; key < 16; key++)
		(void)sys_pkey_free(key);
	ret = sys_pkey_alloc(0, 0);
	if (ret >= 0)
		return MEMSEAL_SUPPORT_YES;
	return ret == -ENOSPC || ret == -EINVAL ? MEMSEAL_SUPPORT_NO : refusal(ret);
}

/*
 * Moving a page to where it is and giving it the protection it has change nothing, and are EPERM
 * if it is sealed. A page that is not tells whether the calls can be made at all.
 */
static int try_system_mappings_sealed(void)
{
	uint64_t vdso = getauxval(AT_SYSINFO_EHDR);
	long page = map_scratch(PROT_READ), ret;

	if (vdso == 0 || sys_failed(page))
		return MEMSEAL_SUPPORT_UNKNOWN;
	if (sys_mremap((uintptr_t)page, ONE_PAGE, ONE_PAGE, 0, 0) != page)
		return MEMSEAL_SUPPORT_UNKNOWN;
	ret = sys_mremap(vdso, ONE_PAGE, ONE_PAGE, 0, 0);
	if (ret == (long)vdso)
		return MEMSEAL_SUPPORT_NO;
	if (ret == -EPERM && sys_mprotect(vdso, ONE_PAGE, PROT_READ | PROT_EXEC) == -EPERM)
		return MEMSEAL_SUPPORT_YES;
	return MEMSEAL_SUPPORT_UNKNOWN;
}

/*
 * Only kernels with CONFIG_CHECKPOINT_RESTORE tell the size of what CRIU passes to PR_SET_MM. The
 * others say EINVAL, but EPERM without CAP_SYS_RESOURCE.
 */
static int try_checkpoint_restore(void)
{
	unsigned int size;
	int ret = sys_prctl(PR_SET_MM, PR_SET_MM_MAP_SIZE, (unsigned long)&size, 0, 0);

	if (ret == 0)
		return MEMSEAL_SUPPORT_YES;
	return ret == -EINVAL ? MEMSEAL_SUPPORT_NO : MEMSEAL_SUPPORT_UNKNOWN;
}

static int try_programs_32bit(void)
{
	long ret;

	/* It does not know how to run such an instruction, and says so on stderr. */
	if (environment_valgrind() == MEMSEAL_SUPPORT_YES)
		return MEMSEAL_SUPPORT_UNKNOWN;
	ret = arch_try_32bit();
	if (ret >= 0)
		return MEMSEAL_SUPPORT_YES;
	return ret == -EINVAL ? MEMSEAL_SUPPORT_NO : refusal((int)ret);
}

/*
 * The symbol came with glibc 2.43 (misc/Versions), so the number is the fact. Looking it up would
 * take the loader's lock, leave an error for the caller's next dlerror(3), and fail in static
 * programs. Other C libraries: no known way.
 */
static int try_libc_mseal(void)
{
#ifdef __GLIBC__
	return version_at_least(gnu_get_libc_version(), 2, 43) ? MEMSEAL_SUPPORT_YES
							       : MEMSEAL_SUPPORT_NO;
#else
	return MEMSEAL_SUPPORT_UNKNOWN;
#endif
}

static int read_number(const char *path)
{
	CLEANUP(sys_close_cleanup) int fd = sys_openat(AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0);
	char buf[32];
	const char *text = buf;
	ssize_t len;

	if (fd < 0)
		return fd;
	len = sys_read(fd, buf, sizeof(buf) - 1);
	if (len < 0)
		return (int)len;
	buf[len] = '\0';
	return parse_number(&text);
}

static int try_ptrace_scope(void)
{
	return read_number("/proc/sys/kernel/yama/ptrace_scope");
}

static int try_max_map_count(void)
{
	return read_number("/proc/sys/vm/max_map_count");
}

static int try_valgrind(void)
{
	return environment_valgrind();
}

static int try_rr(void)
{
	return environment_rr();
}

static int try_qemu_user(void)
{
	return environment_qemu_user();
}

static int try_gvisor(void)
{
	return environment_gvisor();
}

#define CALL_TO_REFUSE NR_uname
#define REFUSED_WITH   EDOM

static int try_seccomp(void)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, CALL_TO_REFUSE, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | REFUSED_WITH),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { ARRAY_SIZE(filter), filter };
	struct utsname name;
	int ret;

	if (sys_uname(&name) < 0)
		return MEMSEAL_SUPPORT_UNKNOWN;
	ret = sys_prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	if (ret == 0)
		ret = sys_seccomp(SECCOMP_SET_MODE_FILTER, 0, &program);
	/* EINVAL: CONFIG_SECCOMP without CONFIG_SECCOMP_FILTER. */
	if (ret < 0)
		return ret == -EINVAL ? MEMSEAL_SUPPORT_NO : refusal(ret);
	return sys_uname(&name) == -REFUSED_WITH ? MEMSEAL_SUPPORT_YES : MEMSEAL_SUPPORT_NO;
}

struct attempt {
	int (*try)(void);
	size_t answer; /* where in struct memseal_features */
	int killed;    /* the answer if it is the last thing that the child does */
	bool new_call; /* of a system call that rr may not know: it ends a recording if one works */
};

_Static_assert(sizeof(enum memseal_support) == sizeof(int), "all answers are of one size");

/* clang-format off */
#define ATTEMPT(name, if_killed, ...)                               \
	{                                                           \
		.try = try_##name,                                  \
		.answer = offsetof(struct memseal_features, name),  \
		.killed = if_killed, ##__VA_ARGS__                  \
	}
/* clang-format on */

static const struct attempt attempts[] = {
	/* To be the first: the only one that needs a dumpable process. */
	ATTEMPT(proc_mem_writes, MEMSEAL_SUPPORT_FILTERED),
	ATTEMPT(rr, MEMSEAL_SUPPORT_UNKNOWN),
	ATTEMPT(proc, MEMSEAL_SUPPORT_FILTERED),
	ATTEMPT(mseal, MEMSEAL_SUPPORT_FILTERED, .new_call = true),
	ATTEMPT(memfd_seals, MEMSEAL_SUPPORT_FILTERED),
	ATTEMPT(memfd_secret, MEMSEAL_SUPPORT_FILTERED, .new_call = true),
	ATTEMPT(pkeys, MEMSEAL_SUPPORT_FILTERED),
	ATTEMPT(system_mappings_sealed, MEMSEAL_SUPPORT_UNKNOWN),
	ATTEMPT(checkpoint_restore, MEMSEAL_SUPPORT_UNKNOWN, .new_call = true),
	ATTEMPT(libc_mseal, MEMSEAL_SUPPORT_UNKNOWN),
	ATTEMPT(ptrace_scope, -EPERM),
	ATTEMPT(max_map_count, -EPERM),
	ATTEMPT(valgrind, MEMSEAL_SUPPORT_UNKNOWN),
	ATTEMPT(qemu_user, MEMSEAL_SUPPORT_UNKNOWN),
	ATTEMPT(gvisor, MEMSEAL_SUPPORT_UNKNOWN),
	/* SIGSEGV is what kernels without 32-bit programs answer. */
	ATTEMPT(programs_32bit, MEMSEAL_SUPPORT_NO, .new_call = true),
	/* To be the last: the filter stays. */
	ATTEMPT(seccomp, MEMSEAL_SUPPORT_FILTERED),
};

/* The page that the child leaves its answers on. */
struct board {
	unsigned next; /* the attempt to make next */
	struct memseal_features found;
};

static void make_next_attempt(volatile struct board *board)
{
	const struct attempt *attempt = &attempts[board->next++];
	volatile void *slot = (volatile char *)&board->found + attempt->answer;
	volatile int *answer = slot;

	if (attempt->new_call && board->found.rr == MEMSEAL_SUPPORT_YES)
		return;
	*answer = attempt->killed;
	*answer = attempt->try();
}

/*
 * The child. Whatever a filter kills it for, it must not leave a core file, which would be one of
 * the caller's memory. So it is not dumpable; but then /proc/self/mem is not its own any more.
 */
NORETURN static void make_attempts(volatile struct board *board)
{
	if (board->next == 0)
		make_next_attempt(board);
	(void)sys_prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	while (board->next < ARRAY_SIZE(attempts))
		make_next_attempt(board);
	sys_exit_group(0);
}

/*
 * A child that is not heard: no handlers of pthread_atfork(3), no SIGCHLD (an exit signal of 0),
 * invisible to wait(2) without __WCLONE. All signals are blocked in it, so no handler of the
 * program runs there: the kernel kills it where it would have called one for SIGSYS.
 */
static pid_t fork_quietly(void)
{
	const uint64_t all = ~UINT64_C(0);
	uint64_t old;
	pid_t pid;
	int ret;

	ret = sys_sigprocmask(SIG_SETMASK, &all, &old);
	if (ret < 0)
		return ret;
	pid = sys_fork(0);
	if (pid != 0)
		sys_undo_sigmask(&old);
	return pid;
}

/* -ENOMEM, -EAGAIN, or another negative errno: no child can be made here. */
static int fill_board(struct board *board)
{
	while (board->next < ARRAY_SIZE(attempts)) {
		unsigned before = board->next;
		pid_t pid = fork_quietly();

		if (pid < 0)
			return pid;
		if (pid == 0)
			make_attempts(board);
		(void)sys_reap(pid);
		/* Killed before it began; by what, is not known. */
		if (*(volatile unsigned *)&board->next == before)
			board->next++;
	}
	return 0;
}

static int probe(struct memseal_features *ret)
{
	long page = sys_mmap(0, SCRATCH, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct board *board = (struct board *)page;
	int error;

	_Static_assert(sizeof(*board) <= ONE_PAGE, "");
	if (sys_failed(page))
		return -ENOMEM;
	board->found.ptrace_scope = -ENODATA;
	board->found.max_map_count = -ENODATA;
	error = fill_board(board);
	/* It cannot fork without SIGCHLD: do_fork() in linux-user/syscall.c. */
	if (error == -EINVAL)
		board->found.qemu_user = environment_qemu_user();
	*ret = board->found;
	sys_undo_mmap((uintptr_t)page, SCRATCH);
	return error == -EINVAL ? 0 : error;
}

/* What the struct was when version 0.1 was released: its last field then. */
#define SIZE_0_1 (offsetof(struct memseal_features, max_map_count) + sizeof(int))

EXPORT int memseal_probe(struct memseal_features *ret_features)
{
	struct memseal_features found = { 0 };
	int ret;

	if (!output_valid(ret_features, SIZE_0_1))
		return -EINVAL;
	/* What another answer to fork(2) leaves unknown is told as such. */
	ret = errors_only(probe(&found), 0, ERRORS_PROBE);
	if (!ret)
		output_write(ret_features, &found, sizeof(found));
	return ret;
}
