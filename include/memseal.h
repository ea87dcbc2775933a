/* SPDX-License-Identifier: MIT */
/*
 * memseal: seals memory against tampering.
 *
 * Functions return 0, or what they document, or a negative errno from the list that each gives.
 * Outputs are named ret_* and are unchanged on failure unless a function says otherwise.
 *
 * Option structs start with their size. Pass NULL for the defaults, or a zeroed struct whose size
 * is set. They are not valid (-EINVAL) if they have bytes that this version of the library does not
 * know and that are not zero. Output structs start with their size too, which the caller sets.
 *
 * Any thread may call any function. A function is async-signal-safe only if it says so. The library
 * prints nothing. It ends the process only in memseal_pool_put() and memseal_pool_get(), by
 * abort(3), on corrupt memory.
 *
 * A seal is inherited by fork(2), shared with threads and with children of vfork(2), and ends at
 * execve(2). A filter survives execve(2): see memseal_filter_allow().
 *
 * Needs Linux 5.10 or later; a function that needs more says so.
 */
#ifndef MEMSEAL_H
#define MEMSEAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What compilers check and may assume. */
#if defined(__GNUC__)
#define MEMSEAL_ATTR_CHECK        __attribute__((warn_unused_result))
#define MEMSEAL_ATTR_NONNULL(...) __attribute__((nonnull(__VA_ARGS__)))
#define MEMSEAL_ATTR_MALLOC       __attribute__((malloc, warn_unused_result))
#define MEMSEAL_ATTR_SIZE(size)   __attribute__((alloc_size(size)))
#else
#define MEMSEAL_ATTR_CHECK
#define MEMSEAL_ATTR_NONNULL(...)
#define MEMSEAL_ATTR_MALLOC
#define MEMSEAL_ATTR_SIZE(size)
#endif

/*
 * Effects: what may no longer happen to a range, from any direction. MEMSEAL_NO_UNMAP, for example,
 * also forbids mapping something else over the range and moving it.
 */
#define MEMSEAL_NO_UNMAP   (UINT64_C(1) << 0) /* not unmapped, replaced or moved */
#define MEMSEAL_NO_SHRINK  (UINT64_C(1) << 1)
#define MEMSEAL_NO_GROW    (UINT64_C(1) << 2)
#define MEMSEAL_NO_PROTECT (UINT64_C(1) << 3) /* protection and protection key stay as they are */
#define MEMSEAL_NO_WRITE   (UINT64_C(1) << 4) /* may not become writable */
#define MEMSEAL_NO_EXEC    (UINT64_C(1) << 5) /* may not become executable */
#define MEMSEAL_NO_DISCARD (UINT64_C(1) << 6) /* bytes not dropped, by madvise(2) or others */
#define MEMSEAL_NO_SEAL    (UINT64_C(1) << 7) /* no further seal can be added */

/* The effects of every mseal(2). */
#define MEMSEAL_MAPPING                                                                \
	(MEMSEAL_NO_UNMAP | MEMSEAL_NO_SHRINK | MEMSEAL_NO_GROW | MEMSEAL_NO_PROTECT | \
		MEMSEAL_NO_WRITE | MEMSEAL_NO_EXEC)
#define MEMSEAL_ALL (MEMSEAL_MAPPING | MEMSEAL_NO_DISCARD | MEMSEAL_NO_SEAL)

/*
 * MEMSEAL_MAPPING, except that mprotect(2) may still reduce the protection: to any without
 * PROT_WRITE and PROT_EXEC.
 */
#define MEMSEAL_RATCHET (MEMSEAL_MAPPING & ~MEMSEAL_NO_PROTECT)

/* What enforces a seal. */
enum memseal_engine {
	MEMSEAL_ENGINE_AUTO = 0,   /* the kernel where it suffices, the filter for the rest */
	MEMSEAL_ENGINE_KERNEL = 1, /* mseal(2): 64-bit Linux 6.10 or later */
	MEMSEAL_ENGINE_FILTER = 2, /* a seccomp filter; for ranges, after consent: see below */
};

/* What happens to execve(2) in a process with filters. */
enum memseal_exec {
	MEMSEAL_EXEC_REFUSE = 1, /* refused with EPERM, from the consent on */
	MEMSEAL_EXEC_ALLOW = 2,  /* allowed; the new program inherits the filters: see below */
};

/*
 * Consents to the filter engine, once for the process. Without consent, whatever needs the filter
 * engine fails with -EOPNOTSUPP, and nothing is installed. What the program agrees to, from the
 * first filter on:
 *
 * - Every system call of every thread takes about 30 ns longer. Calls that change memory take
 *   slightly longer again, and about 40 ns for each further filter: seal in batches, with
 *   memseal_ranges().
 * - Filters cannot be removed. fork(2) inherits them, threads share them, and execve(2) does not
 *   drop them.
 * - In a process without CAP_SYS_ADMIN, no_new_privs (prctl(2)) is set for this process and its
 *   children: set-user-ID programs and file capabilities no longer give them privileges.
 * - Filters belong to threads. A process that shares this memory without being a thread, made with
 *   clone(CLONE_VM) before, does not get them: what only a filter holds is open to that process.
 * - While a range has MEMSEAL_NO_DISCARD, io_uring, userfaultfd and destructive process_madvise(2)
 *   are unavailable (ENOSYS). While a range may not be replaced, shmat(2) with SHM_REMAP, uselib(2)
 *   and memfds of huge pages are unavailable. docs/filter.md has the complete list.
 *
 * MEMSEAL_EXEC_REFUSE installs a filter at once, for all threads. It refuses execve(2) and
 * execveat(2), and so system(3), popen(3) and posix_spawn(3). fork(2) still works; children are
 * refused too.
 *
 * MEMSEAL_EXEC_ALLOW installs nothing now. execve(2) drops the sealed memory, but not the filters
 * that have its addresses. If the new program, or one that it executes, maps memory there, it can
 * neither unmap nor change it, and is likely to fail. Addresses are random, so the probability for
 * each exec is about (sealed bytes + bytes that the program maps) / 2^40: 5e-6 for 2 MiB. It is
 * close to 1 for programs at fixed addresses, which is why these cannot consent to this, and for
 * children that are started without randomization, by setarch -R or a debugger. Memory in a window,
 * see memseal_map(), does not count: no program is placed there. Only programs that were built with
 * ThreadSanitizer or MemorySanitizer reserve all addresses, and do not start under the filter of a
 * window.
 *
 * A second call with the same policy does nothing and returns 0. Children of fork(2) inherit the
 * consent; programs that are executed do not. Each copy of the library in a process needs consent
 * of its own. The seals of one copy are visible to the other (memseal_query()), which cannot undo
 * them.
 *
 * -EINVAL      there is no such policy
 * -EBUSY       another policy was chosen before
 * -ENOEXEC     MEMSEAL_EXEC_ALLOW: the program is not position independent, its addresses are not
 *              randomized, or /proc/sys/kernel/randomize_va_space cannot be read
 * -ESRCH       MEMSEAL_EXEC_REFUSE: a thread has a seccomp filter of its own, so that no filter can
 *              be installed for all threads; nothing was installed
 * -EOPNOTSUPP  the kernel has no seccomp filters, or refuses them; or a seccomp filter answered in
 *              the kernel's place
 * -ENOMEM      out of memory, or the process cannot have more filters
 */
int memseal_filter_allow(enum memseal_exec exec) MEMSEAL_ATTR_CHECK;

struct memseal_range {
	void *addr;       /* page aligned */
	size_t len;       /* bytes, rounded up to pages */
	uint64_t effects; /* MEMSEAL_NO_* */
};

struct memseal_opts {
	size_t size;                /* sizeof(struct memseal_opts) */
	enum memseal_engine engine; /* the engine to require, or MEMSEAL_ENGINE_AUTO */
	pid_t *ret_tid;             /* set on -ESRCH: the thread with a filter; or NULL */
};

/*
 * Seals len bytes from addr on, until the process ends. A seal cannot be undone; sealing again is
 * allowed. A child of fork(2) inherits it. execve(2) ends it, but does not drop filters.
 *
 * The kernel engine (64-bit Linux 6.10 or later) accepts effects that include all of
 * MEMSEAL_MAPPING. It also holds MEMSEAL_NO_SEAL, and MEMSEAL_NO_DISCARD on private anonymous
 * memory that is not writable. Everything else, and everything where mseal(2) is not available,
 * needs the filter engine, which holds any effects on any memory except stacks, after the program
 * has called memseal_filter_allow(). If no engine can hold an effect, nothing is sealed.
 *
 * The filter engine judges addresses. An effect without MEMSEAL_NO_UNMAP remains with the addresses
 * when the memory is unmapped, and applies to what is mapped there later. MEMSEAL_NO_WRITE refuses
 * every mprotect(2) to writable, also of memory that is writable already.
 *
 * No engine holds MEMSEAL_NO_GROW on a mapping with MAP_GROWSDOWN, which a page fault makes longer,
 * or MEMSEAL_NO_DISCARD on MAP_DROPPABLE memory (Linux 6.11). For MEMSEAL_NO_DISCARD, pages that
 * were given to MADV_FREE and not written since are taken back first, with the bytes that they
 * have; this reads /proc/self/smaps, the only file that tells of them, which takes about 10 us for
 * each mapping and 40 ms for each GiB that the process uses: seal in batches. Pages that were never
 * written can still be filled through a userfaultfd, which the process (kernel engine) or another
 * process has: write to them first. A child gets zeros for what had MADV_WIPEONFORK. Whoever may
 * write to a file or memfd that is mapped can still change, truncate or punch holes in it: frozen
 * memory, below, has no such file.
 *
 * Do not seal memory that free(3), munmap(2) or the end of a thread would return to the kernel: it
 * would leak, or be used after it was recycled. The brk heap, the stack of the main thread and that
 * of the calling thread are recognized and refused. Memory that malloc(3) allocated with mmap(2),
 * and the stacks of other threads, cannot be distinguished from other mappings.
 *
 * If other threads map, unmap or seal memory in the range at the same time, a part of it may be
 * sealed; if they give it to MADV_FREE, it may be dropped. Otherwise only -ENOMEM, -EPERM,
 * -EOPNOTSUPP and -EBUSY can leave a part sealed, which memseal_query() reports.
 *
 * -EINVAL      addr is not page aligned; len is 0 or wraps around; effects is 0 or has unknown
 *              bits; the range has a part of [vdso] or [vvar], which can only be sealed as a whole;
 *              filter engine with MEMSEAL_NO_UNMAP: it has a part of a System V shared memory
 *              segment without the segment's first page
 * -EFAULT      the range has a part of the brk heap or of a stack
 * -ENOMEM      the range has a hole (to the kernel, [vsyscall] is one); out of memory; or
 *              vm.max_map_count or the maximum number of filters of a process was reached
 * -EPERM       a seccomp filter refuses mseal(2); filter engine: MEMSEAL_NO_EXEC without
 *              MEMSEAL_NO_PROTECT while the personality is READ_IMPLIES_EXEC
 * -EOPNOTSUPP  no engine here holds all the effects on this memory; the program has not consented
 *              to the filter engine; neither mseal(2) nor seccomp filters are available; it cannot
 *              be determined what is sealed, because a seccomp filter refuses mremap(2) or a page
 *              is in the middle of a huge page of hugetlbfs; or a seccomp filter answered in the
 *              kernel's place, without sealing
 * -EBUSY       filter engine with MEMSEAL_NO_DISCARD: an io_uring is open, which can discard memory
 *              without a system call; close it first
 * -ESRCH       filter engine: a thread has a seccomp filter of its own, so that no filter can be
 *              installed for all threads; nothing was installed
 * -EACCES, -ENOENT, -EIO, -EMFILE, -ENFILE, -EBADMSG  files in /proc/self could not be read
 */
int memseal_range(void *addr, size_t len, uint64_t effects) MEMSEAL_ATTR_CHECK;

/*
 * Seals n ranges until the process ends. Ranges may overlap; then their effects add up. All ranges
 * are checked before the first is sealed. Then one filter is installed for everything that needs
 * it, in all threads or in none; more than about 1,250 ranges need further filters. Then the kernel
 * engine seals from the lowest address up, until a range fails. Nothing is installed for ranges
 * that filters hold already. opts may require an engine. Children of fork(2) inherit the seals.
 * execve(2) ends them, but does not drop filters.
 *
 * *ret_sealed, unless ret_sealed is NULL, is written on failure too: the number of bytes of the
 * ranges, rounded up to pages and each counted once, that are sealed on return with all their
 * effects, whoever sealed them; 0 if a check failed. The kernel is asked. Only -ENOMEM, -EPERM,
 * -EOPNOTSUPP and -EBUSY can leave a part sealed.
 *
 * -EINVAL      an addr is not page aligned; a len is 0 or wraps around; effects are 0 or have
 *              unknown bits; the options are not valid; ranges is NULL and n is not 0; a range has
 *              a part of [vdso] or [vvar], which can only be sealed as a whole; filter engine with
 *              MEMSEAL_NO_UNMAP: it has a part of a System V shared memory segment without the
 *              segment's first page
 * -EFAULT      a range has a part of the brk heap or of a stack
 * -ENOMEM      a range has a hole (to the kernel, [vsyscall] is one); out of memory; or
 *              vm.max_map_count or the maximum number of filters of a process was reached
 * -EPERM       a seccomp filter refuses mseal(2); filter engine: MEMSEAL_NO_EXEC without
 *              MEMSEAL_NO_PROTECT while the personality is READ_IMPLIES_EXEC
 * -EOPNOTSUPP  no engine here, or not the required one, holds all the effects on this memory; the
 *              engine is unknown; the program has not consented to the filter engine; neither
 *              mseal(2) nor seccomp filters are available; it cannot be determined what is sealed,
 *              because a seccomp filter refuses mremap(2) or a page is in the middle of a huge page
 *              of hugetlbfs; or a seccomp filter answered in the kernel's place, without sealing
 * -EBUSY       filter engine with MEMSEAL_NO_DISCARD: an io_uring is open, which can discard memory
 *              without a system call; filters remain if another thread opened it meanwhile
 * -ESRCH       filter engine: a thread has a seccomp filter of its own, so that no filter can be
 *              installed for all threads; nothing was installed
 * -EACCES, -ENOENT, -EIO, -EMFILE, -ENFILE, -EBADMSG  files in /proc/self could not be read
 */
int memseal_ranges(const struct memseal_range *ranges, size_t n, const struct memseal_opts *opts,
	size_t *ret_sealed) MEMSEAL_ATTR_CHECK;

struct memseal_status {
	size_t size;         /* sizeof(struct memseal_status), set by the caller */
	size_t bytes;        /* len, rounded up to pages */
	size_t sealed_bytes; /* how many of them the kernel engine has sealed */
	uint64_t kernel;     /* effects that the kernel engine holds on every page */
	uint64_t filter;     /* effects that the filter engine holds on every page */
};

/*
 * Reports how a range is sealed now, whoever sealed it. Asks the kernel page by page, with calls
 * that change nothing. Async-signal-safe.
 *
 * The kernel engine is asked with mremap(2) of a page onto itself, which fails with EPERM if the
 * page is sealed: less than 0.5 us a page. MEMSEAL_NO_DISCARD is never in kernel: it depends on the
 * kind of memory, which this call does not see. MEMSEAL_NO_GROW is not there for a mapping with
 * MAP_GROWSDOWN, which page faults make longer.
 *
 * The filter engine is asked with calls that every kernel refuses because of their arguments, and
 * that a filter refuses first, with EPERM, if it holds the page: about ten calls for a page that is
 * held. Any filter that refuses them counts, unless it also refuses them elsewhere.
 * MEMSEAL_NO_PROTECT implies, and is reported with, MEMSEAL_NO_WRITE and MEMSEAL_NO_EXEC;
 * MEMSEAL_NO_UNMAP implies, and is reported with, MEMSEAL_NO_SHRINK. A kernel seal is not reported
 * where a filter holds MEMSEAL_NO_UNMAP, because the filter answers first.
 *
 * -EINVAL      addr is not page aligned; len is 0 or wraps around; ret_status is NULL, or its size
 *              is less than version 0.1 had
 * -ENOMEM      a page of the range is not mapped
 * -EOPNOTSUPP  the kernel gives another answer: a seccomp filter refuses mremap(2), or a page is in
 *              the middle of a huge page of hugetlbfs
 */
int memseal_query(
	const void *addr, size_t len, struct memseal_status *ret_status) MEMSEAL_ATTR_CHECK;

/*
 * Maps len bytes of private anonymous memory, rounded up to pages and zeroed, with the protection
 * prot of mmap(2), and seals it until the process ends. Returns the address, or NULL with errno
 * set. On failure nothing stays mapped, unless a filter holds it already. A child of fork(2)
 * inherits the memory and its seal. execve(2) ends both, but does not drop filters.
 *
 * The effects MEMSEAL_RATCHET | MEMSEAL_NO_DISCARD, with or without MEMSEAL_NO_SHRINK (which
 * MEMSEAL_NO_UNMAP implies), are for sealing data often. They need memseal_filter_allow(). Map the
 * memory writable, write to it, and seal it with a plain mprotect(PROT_READ), which cannot be
 * undone. One filter, which the first call installs, serves all memory that is mapped with these
 * effects. Other effects that need the filter engine need one filter for each call, and a process
 * can have about 80 filters. The filter holds a window of 4 GiB at a random address, in a part of
 * the address space where the kernel places no program, heap, stack or library: programs that are
 * executed later inherit the filter and do not come near the window. Children of fork(2) use the
 * window of their parent.
 *
 * With MEMSEAL_NO_DISCARD, memory that can be read or executed but not written takes all its pages
 * at once: pages without memory could be filled through a userfaultfd. Such memory outside a window
 * stays zero.
 *
 * In a window, the address space is never returned, and what was written can be read until the
 * process ends. prot is the most that the memory will ever allow: no right is added, and a right
 * that was removed, also by PROT_NONE, is gone, except PROT_READ. On 32-bit machines, when the
 * window is full, and where a sanitizer has reserved that part of the address space, the memory is
 * mapped elsewhere and gets a filter of its own.
 *
 * EINVAL      len is 0, prot is not valid, or effects is 0 or has unknown bits
 * EOPNOTSUPP  no engine here holds all the effects on this memory; the program has not consented to
 *             the filter engine; it cannot be determined what is sealed, because a seccomp filter
 *             refuses mremap(2); or a seccomp filter answered in the kernel's place
 * ENOMEM      not enough memory or address space; vm.max_map_count was reached, or the process
 *             cannot have more filters
 * EPERM       a seccomp filter refuses mmap(2) or mseal(2); filter engine: MEMSEAL_NO_EXEC without
 *             MEMSEAL_NO_PROTECT while the personality is READ_IMPLIES_EXEC
 * EACCES      a security module or PR_SET_MDWE refuses the protection, or /proc/self may not be
 *             read
 * EAGAIN      the process locks all its memory (mlockall(2)), and RLIMIT_MEMLOCK is too low
 * EBUSY       filter engine with MEMSEAL_NO_DISCARD: an io_uring is open, which can discard memory
 *             without a system call
 * ESRCH       filter engine: a thread has a seccomp filter of its own, so that no filter can be
 *             installed for all threads
 * ENOENT, EIO, EMFILE, ENFILE, EBADMSG  files in /proc/self could not be read
 */
void *memseal_map(size_t len, int prot, uint64_t effects) MEMSEAL_ATTR_MALLOC MEMSEAL_ATTR_SIZE(1);

/*
 * Frozen memory: nobody can change its bytes ever again, including root and tracers, and it stays
 * where it is. It has a content lock (the bytes are in a memfd that is sealed against writing,
 * mapped shared and read-only) and a mapping lock (MEMSEAL_MAPPING). An attacker inside the process
 * can still make it unreadable, with madvise(2) MADV_GUARD_INSTALL (Linux 6.13), or keep it from
 * child processes, with MADV_DONTFORK. If the program has called memseal_filter_allow(), a filter
 * refuses both. Frozen memory is as fast to read as other memory.
 *
 * A child of fork(2) inherits frozen memory as frozen. What it inherited before the freeze is a
 * copy of its own, which the freeze does not affect. execve(2) ends it.
 *
 * Freezing needs an engine: mseal(2), or a program that has called memseal_filter_allow(). Before
 * Linux 6.7 it also needs /proc. With filters, each freeze installs one, and every later call that
 * changes memory takes about 40 ns longer.
 */

/*
 * An arena: memory for a table or a configuration that is built once and then frozen. It never
 * moves, and pointers into it stay valid.
 */
struct memseal_arena; /* opaque */

/*
 * Reserves capacity bytes of address space for an arena. Unused pages take no memory. Free it with
 * memseal_arena_free() unless it is frozen. A child of fork(2) has a copy, and may freeze that.
 *
 * -EINVAL      capacity is 0, or ret_arena is NULL
 * -EOPNOTSUPP  the arena could never be frozen: the kernel has no mseal(2) or a seccomp filter
 *              refuses it, and the program has not called memseal_filter_allow(); or a seccomp
 *              filter answered in the kernel's place
 * -EAGAIN      the process locks all its memory (mlockall(2)), and RLIMIT_MEMLOCK is too low
 * -ENOMEM      not enough address space, or vm.max_map_count was reached
 */
int memseal_arena_new(size_t capacity, struct memseal_arena **ret_arena) MEMSEAL_ATTR_CHECK;

/*
 * Returns size zeroed bytes, aligned to align, a power of two up to the page size. Any number of
 * threads may allocate at the same time. Lock-free, no system call, about 10 ns. A single
 * allocation cannot be freed. On failure, NULL with errno set:
 *
 * EINVAL  size is 0, or align is not a power of two up to the page size
 * ENOMEM  the capacity is used up
 * EPERM   the arena is frozen
 */
void *memseal_arena_alloc(struct memseal_arena *arena, size_t size,
	size_t align) MEMSEAL_ATTR_MALLOC MEMSEAL_ATTR_SIZE(2) MEMSEAL_ATTR_NONNULL(1);

/*
 * Freezes an arena for ever. Other threads may read it meanwhile, and see the same bytes at all
 * times; a thread that writes to it is killed by SIGSEGV. No thread may allocate from it meanwhile.
 * Unused capacity is returned. A second call returns 0; the kernel is asked each time. A child that
 * was forked during the freeze may freeze its copy, and cannot allocate from it (EPERM) before it
 * has tried.
 *
 * If memory of the arena was locked (mlock(2)), all of it is locked afterwards; other advice, of
 * madvise(2) and mbind(2), must be given again. The bytes are copied once: for a moment they take
 * twice the memory and address space, which counts against RLIMIT_AS and RLIMIT_DATA.
 *
 * On failure the arena is as it was before, except with -ENOTRECOVERABLE.
 *
 * -EINVAL      arena is NULL
 * -EOPNOTSUPP  no engine can hold it: the kernel has no mseal(2) or a seccomp filter refuses it,
 *              and the program has not called memseal_filter_allow(); or memfds with seals do not
 *              work; or a seccomp filter answered in the kernel's place
 * -ENOENT      /proc is not mounted, which kernels before Linux 6.7 need, and the filter engine
 * -EFBIG       the arena is larger than RLIMIT_FSIZE, which applies to memfds too
 * -EPERM       a seccomp filter or a security module refuses a call
 * -EACCES      a security module refuses files in memory, or /proc/self may not be read
 * -ESRCH       a thread has a seccomp filter of its own, so that none can be installed for all
 * -EBUSY       an io_uring is open where a filter is needed, or another thread or process has
 *              written to the memfd, or mapped it, before it was sealed
 * -EFAULT      a page of the arena cannot be read: it was made a guard page
 * -ENOTRECOVERABLE  the arena is frozen and a filter holds it, but an io_uring that was opened
 *              meanwhile may install guard pages in it or keep it from child processes; or the
 *              freeze failed and the memory could not be restored: do not use the arena any more.
 *              Later calls return the same, or 0 if they find the arena frozen and sealed
 * -EAGAIN      the process locks all its memory (mlockall(2)), and RLIMIT_MEMLOCK is too low
 * -ENOMEM, -ENOSPC  not enough memory or address space for the copy, or vm.max_map_count
 * -EMFILE, -ENFILE  no free file descriptor
 * -EIO, -EBADMSG    files in /proc/self could not be read where a filter is needed
 */
int memseal_arena_freeze(struct memseal_arena *arena) MEMSEAL_ATTR_CHECK;

/* Unmaps an arena that is not frozen. Does nothing with one that is frozen, or with NULL. */
void memseal_arena_free(struct memseal_arena *arena);

/*
 * A region for code that a program generates. Addresses where code is executed can never be
 * unmapped, replaced or made writable, and no mapping of a region is ever writable and executable
 * at the same time. Regions exist until the process ends. memseal_code(3) says what an attacker can
 * still do in each mode.
 */
struct memseal_code; /* opaque */

enum memseal_code_mode {
	/* MEMSEAL_CODE_DUAL where the kernel supports it, otherwise MEMSEAL_CODE_FLIP. */
	MEMSEAL_CODE_AUTO = 0,
	/*
	 * Two views of the same memory: one to execute, which can never become writable, and one
	 * elsewhere to write, which can never become executable. Both are sealed from the start.
	 * Code can be changed and published again.
	 */
	MEMSEAL_CODE_DUAL = 1,
	/*
	 * One view, for generators that write code where it is executed. Whole pages are private
	 * memory, readable and writable, until they are published. Then they are frozen, readable
	 * and executable, for ever.
	 */
	MEMSEAL_CODE_FLIP = 2,
};

struct memseal_code_opts {
	size_t size;                 /* sizeof(struct memseal_code_opts) */
	enum memseal_code_mode mode; /* the mode to require, or MEMSEAL_CODE_AUTO */
};

/*
 * Reserves capacity bytes of address space, rounded up to pages, for a code region. Unused pages
 * take no memory. opts is NULL for defaults. Create regions while the process can still be trusted.
 * While a region is created, other threads may fork only with fork(3), not with a system call of
 * their own. On failure nothing stays mapped, unless an engine has sealed it already. With filters,
 * a region with two views needs one filter, and a region with one view needs one for each call of
 * memseal_code_publish().
 *
 * A child of fork(3) shares the view for execution of a region with two views, and sees what the
 * parent publishes later. It has no view for writing: functions on the region fail with ENXIO. A
 * region with one view is copied; its published code is the same memory. After execve(2) only the
 * filters remain.
 *
 * -EINVAL      capacity is 0, ret_code is NULL, the options are not valid, or the mode is unknown
 * -EOPNOTSUPP  no engine can hold it: the kernel has no mseal(2) or a seccomp filter refuses it,
 *              and the program has not called memseal_filter_allow(); the kernel does not support
 *              the mode; or a seccomp filter answered in the kernel's place
 * -EPERM       the personality is READ_IMPLIES_EXEC, so that all readable memory is executable; or
 *              a seccomp filter refuses personality(2), membarrier(2) or mseal(2)
 * -EACCES      a security module refuses executable memory, or /proc/self may not be read
 * -EFBIG       two views: the region is larger than RLIMIT_FSIZE, which applies to memfds too
 * -ESRCH       a thread has a seccomp filter of its own, so that none can be installed for all
 * -EBUSY       an io_uring is open where a filter is needed
 * -EAGAIN      the process locks all its memory (mlockall(2)), and RLIMIT_MEMLOCK is too low
 * -ENOMEM, -ENOSPC  not enough memory or address space, vm.max_map_count was reached, or the
 *              process cannot have more filters
 * -EMFILE, -ENFILE  no free file descriptor
 * -ENOENT, -EIO, -EBADMSG  files in /proc/self could not be read where a filter is needed
 */
int memseal_code_new(size_t capacity, struct memseal_code **ret_code) MEMSEAL_ATTR_CHECK;
int memseal_code_new_opts(size_t capacity, const struct memseal_code_opts *opts,
	struct memseal_code **ret_code) MEMSEAL_ATTR_CHECK;

/* The mode of a region: MEMSEAL_CODE_DUAL or MEMSEAL_CODE_FLIP. */
enum memseal_code_mode memseal_code_mode(const struct memseal_code *code) MEMSEAL_ATTR_CHECK
	MEMSEAL_ATTR_NONNULL(1);

/*
 * Returns the address where size bytes will be executed. They are zero, and aligned to align, a
 * power of two up to the page size. In a region with one view an allocation takes whole pages. Any
 * number of threads may allocate at the same time. Lock-free. An allocation cannot be freed. On
 * failure, NULL with errno set:
 *
 * EINVAL  size is 0, or align is not a power of two up to the page size
 * ENOMEM  the capacity is used up
 * ENXIO   the region has two views, and this is a child of fork(3), which cannot write to them
 */
void *memseal_code_alloc(struct memseal_code *code, size_t size, size_t align) MEMSEAL_ATTR_CHECK
	MEMSEAL_ATTR_SIZE(2) MEMSEAL_ATTR_NONNULL(1);

/*
 * Returns the address where the code at exec_addr is written: elsewhere in a region with two views,
 * exec_addr itself in a region with one. exec_addr is in an allocation of memseal_code_alloc().
 * Generate position-dependent code for exec_addr. On failure, NULL with errno set:
 *
 * EINVAL  exec_addr was not allocated
 * EPERM   the region has one view, and the page was published
 * ENXIO   the region has two views, and this is a child of fork(3), which cannot write to them
 */
void *memseal_code_writable(struct memseal_code *code, void *exec_addr) MEMSEAL_ATTR_CHECK
	MEMSEAL_ATTR_NONNULL(1);

/*
 * Makes size bytes at exec_addr executable by any thread: synchronizes the instruction caches and,
 * where the kernel supports SYNC_CORE of membarrier(2), the instructions that other processors have
 * fetched. Do not execute the bytes before it has returned. Any number of threads may publish at
 * the same time, as long as they publish different bytes.
 *
 * With two views the bytes can be changed and published again. The program must make sure that no
 * thread executes code while it is changed. With one view all pages that contain the bytes are
 * frozen. Publishing them again returns 0, and writing to them ends the process (SIGSEGV). Each
 * publishing takes one or two mappings for ever.
 *
 * On failure nothing was published, except with -ENOTRECOVERABLE, and with -ENOMEM if membarrier(2)
 * was out of memory: then the calling thread may execute the bytes; publish them again for the
 * others.
 *
 * -EINVAL      code is NULL, size is 0, or not all of the bytes were allocated
 * -ENXIO       the region has two views, and this is a child of fork(3), which cannot write to them
 * -ENOMEM      membarrier(2) was out of memory; or, with one view, there is not enough memory or
 *              address space for the copy, or fewer than 128 mappings would be left of
 *              vm.max_map_count
 *
 * With one view also:
 *
 * -EALREADY    some of the pages, but not all, are published or being published
 * -EOPNOTSUPP  no engine can hold the pages: the kernel has no mseal(2) or a seccomp filter refuses
 *              it, and the program has not called memseal_filter_allow(); or memfds with seals do
 *              not work; or a seccomp filter answered in the kernel's place
 * -ENOENT      /proc is not mounted, which kernels before Linux 6.7 need, and the filter engine
 * -EFBIG       the pages are larger than RLIMIT_FSIZE, which applies to memfds too
 * -EPERM       a seccomp filter or a security module refuses a call
 * -EACCES      a security module refuses executable memory or files in memory, or /proc/self may
 *              not be read
 * -ESRCH       a thread has a seccomp filter of its own, so that none can be installed for all
 * -EBUSY       an io_uring is open where a filter is needed, or another thread or process has
 *              written to the memfd, or mapped it, before it was sealed
 * -EFAULT      a page cannot be read: it was made a guard page
 * -ENOTRECOVERABLE  the pages are frozen and a filter holds them, but an io_uring that was opened
 *              meanwhile may install guard pages in them or keep them from child processes; or
 *              publishing failed and the memory could not be restored: do not use the pages any
 *              more. Later calls return the same, or 0 if they find the pages frozen and sealed
 * -EAGAIN      the process locks all its memory (mlockall(2)), and RLIMIT_MEMLOCK is too low
 * -ENOSPC      not enough memory for the copy
 * -EMFILE, -ENFILE  no free file descriptor
 * -EIO, -EBADMSG    files in /proc/self could not be read where a filter is needed
 */
int memseal_code_publish(
	struct memseal_code *code, void *exec_addr, size_t size) MEMSEAL_ATTR_CHECK;

/*
 * Pools: many small secrets (keys, passwords, tokens) on few pages, which are kept out of swap,
 * core dumps, child processes and, where the kernel supports it, the kernel's own mapping of
 * memory: /proc/PID/mem, ptrace(2) and process_vm_readv(2) cannot access them then. The pages stay
 * mapped and writable until the process ends; their slots are handed out, wiped and handed out
 * again. A pool cannot be freed. After execve(2) nothing remains of it but its filter, if any.
 *
 * What protects a pool depends on the kernel, RLIMIT_MEMLOCK and the program.
 * memseal_pool_status() reports what is in force; memseal_pool_new_opts() can require it.
 */
struct memseal_pool; /* opaque */

#define MEMSEAL_POOL_SECRET  (UINT64_C(1) << 0) /* not in the kernel's mapping: memfd_secret(2) */
#define MEMSEAL_POOL_LOCKED  (UINT64_C(1) << 1) /* not swapped out: mlock(2) */
#define MEMSEAL_POOL_NO_DUMP (UINT64_C(1) << 2) /* not in core dumps */
#define MEMSEAL_POOL_NO_FORK (UINT64_C(1) << 3) /* not in children of fork(2) */
#define MEMSEAL_POOL_GUARDED (UINT64_C(1) << 4) /* inaccessible pages on both sides */
#define MEMSEAL_POOL_SEALED  (UINT64_C(1) << 5) /* MEMSEAL_MAPPING, guard pages included */
/* No advice of madvise(2) and no hole in the file drops the bytes of the slots. */
#define MEMSEAL_POOL_NO_DISCARD (UINT64_C(1) << 6)

struct memseal_pool_opts {
	size_t size;     /* sizeof(struct memseal_pool_opts) */
	uint64_t demand; /* MEMSEAL_POOL_* that must be in force */
};

/*
 * Creates a pool of slots, each of slot_size bytes and aligned to 16. memseal_pool_new() demands
 * nothing: memory that cannot be locked (RLIMIT_MEMLOCK) or sealed is used anyway.
 *
 * A slot takes its size and a canary of 8 bytes, rounded up to 16, of locked memory. In addition
 * the pool takes 16 bytes before the first slot, two guard pages, one page for itself and one bit
 * for each slot. It has five mappings, and touches all its pages. If the program has called
 * memseal_filter_allow(), each pool installs one filter. MEMSEAL_POOL_SECRET needs Linux 5.14, and
 * before Linux 6.5 also secretmem.enable=1.
 *
 * A child that another thread forks while the pool is created can inherit its memory.
 *
 * -EINVAL           slot_size or slots is 0, ret_pool is NULL, the options are not valid, or a
 *                   demand is unknown
 * -EOPNOTSUPP       a demand cannot be met, or /proc/self/smaps does not show whether it is: then
 *                   nothing remains, except memory that was sealed before a later seal failed; or
 *                   the kernel has neither memfd_secret(2) nor memfds, or a seccomp filter or a
 *                   security module refuses a call
 * -ENOMEM           not enough memory or address space; the pool is larger than RAM and swap
 *                   together (unless vm.overcommit_memory is 1), or than RLIMIT_FSIZE, which
 *                   applies to such memory; or vm.max_map_count was reached
 * -EMFILE, -ENFILE  no free file descriptor: one is needed, and closed again
 */
int memseal_pool_new(
	size_t slot_size, size_t slots, struct memseal_pool **ret_pool) MEMSEAL_ATTR_CHECK;
int memseal_pool_new_opts(size_t slot_size, size_t slots, const struct memseal_pool_opts *opts,
	struct memseal_pool **ret_pool) MEMSEAL_ATTR_CHECK;

/*
 * Returns an exclusive, zeroed slot. Lock-free, no system call, about 20 ns. Ends the process by
 * abort(3) if the pool's own data was overwritten. On failure, NULL with errno set:
 *
 * ENOMEM  no slot is free
 * ENXIO   this is a child of fork(2), which has not inherited the slots
 */
void *memseal_pool_get(struct memseal_pool *pool) MEMSEAL_ATTR_MALLOC MEMSEAL_ATTR_NONNULL(1);

/*
 * Wipes a slot and returns it to the pool. Lock-free, no system call, about 20 ns. Does nothing
 * with NULL, and in a child of fork(2). Ends the process by abort(3) if memory is corrupt: the slot
 * was returned already, the address is not that of a slot, or something was written directly before
 * the slot's start or after its end, up to the next slot.
 */
void memseal_pool_put(struct memseal_pool *pool, void *slot) MEMSEAL_ATTR_NONNULL(1);

struct memseal_pool_status {
	size_t size;         /* sizeof(struct memseal_pool_status), set by the caller */
	uint64_t holds;      /* MEMSEAL_POOL_* that are in force */
	size_t slots;        /* of the pool */
	size_t used;         /* slots in use */
	size_t locked_bytes; /* bytes of the slots that are locked in memory */
};

/*
 * Reports what is in force now for the whole pool. Reads /proc/self/smaps and asks filters, so that
 * it shows what was undone since the pool was created, by munlock(2) for example. memseal_pool(3)
 * says what can be undone.
 *
 * -EINVAL  ret_status is NULL, or its size is less than version 0.1 had
 * -ENXIO   this is a child of fork(2), which has not inherited the slots
 * -EACCES, -ENOENT, -EIO, -EMFILE, -ENFILE, -EBADMSG, -ENOMEM  /proc/self/smaps could not be read
 */
int memseal_pool_status(const struct memseal_pool *pool,
	struct memseal_pool_status *ret_status) MEMSEAL_ATTR_CHECK MEMSEAL_ATTR_NONNULL(1);

struct memseal_self_opts {
	size_t size;        /* sizeof(struct memseal_self_opts) */
	size_t *ret_sealed; /* bytes that this call sealed, or NULL; written on failure too */
};

/*
 * Seals the images of this program: text, read-only data and RELRO of the program, its libraries
 * and the dynamic loader, and [vdso] and [vvar]. Needs the kernel engine: 64-bit Linux 6.10 or
 * later. What was sealed before stays as it is. Children of fork(2) inherit the seals, execve(2)
 * ends them.
 *
 * RELRO is copied to anonymous memory first; otherwise MADV_DONTNEED could restore the bytes of the
 * file, as they were before relocation. Objects that dlopen(3) loaded are pinned (RTLD_NODELETE):
 * dlclose(3) no longer unloads them. Objects that are loaded later are not sealed; call
 * memseal_self() again for them. Do not call it while another thread is in dlopen(3) or dlclose(3).
 *
 * -EINVAL      the options are not valid
 * -EOPNOTSUPP  the kernel has no mseal(2); it cannot be determined what is sealed, because a
 *              seccomp filter refuses mremap(2); or a seccomp filter answered in the kernel's place
 * -EPERM       a seccomp filter refuses mseal(2)
 * -ENOMEM      out of memory, or vm.max_map_count was reached; a part may be sealed
 * -ENOEXEC     the headers of a loaded image are damaged; the other images are sealed
 * -ETXTBSY     text or read-only data of an image is writable now; the rest is sealed
 * -EBUSY       an object could not be pinned; nothing is sealed
 * -EACCES, -ENOENT, -EIO, -EMFILE, -ENFILE, -EBADMSG  /proc/self/maps could not be read
 */
int memseal_self(const struct memseal_self_opts *opts) MEMSEAL_ATTR_CHECK;

/* What was found out about a feature. */
enum memseal_support {
	MEMSEAL_SUPPORT_UNKNOWN = 0, /* could not be found out */
	MEMSEAL_SUPPORT_NO = 1,
	MEMSEAL_SUPPORT_YES = 2,
	MEMSEAL_SUPPORT_FILTERED = 3, /* perhaps; a seccomp filter or a container refuses */
};

struct memseal_features {
	size_t size; /* sizeof(struct memseal_features), set by the caller */

	enum memseal_support mseal;        /* a page was sealed, and could not be unmapped */
	enum memseal_support memfd_seals;  /* a memfd was sealed, and writing failed */
	enum memseal_support memfd_secret; /* a file of memfd_secret(2) was mapped and used */
	enum memseal_support seccomp;      /* a filter was installed, and refused a call */
	enum memseal_support pkeys;        /* a protection key was allocated */
	enum memseal_support libc_mseal;   /* the C library has a function mseal() */

	enum memseal_support proc;                   /* /proc is mounted and may be read */
	enum memseal_support proc_mem_writes;        /* /proc/PID/mem wrote to a read-only page */
	enum memseal_support system_mappings_sealed; /* [vdso] is sealed; by the kernel itself,
							unless this process sealed it before */
	enum memseal_support checkpoint_restore;     /* the kernel lets CRIU restore processes, and
							CRIU drops their seals */
	enum memseal_support programs_32bit; /* they run here; memseal seals 64-bit programs only */

	/* These run the process instead of a kernel, or on top of one. */
	enum memseal_support valgrind;
	enum memseal_support rr;
	enum memseal_support qemu_user;
	enum memseal_support gvisor;

	/* Numbers, or a negative errno if they could not be read. */
	int ptrace_scope;  /* kernel.yama.ptrace_scope; -ENOENT: no Yama, or /proc is not mounted */
	int max_map_count; /* vm.max_map_count */
};

/*
 * Tests what this kernel, C library and container support. A child of fork(2) makes the attempts,
 * so that the caller is left with neither a sealed page nor a filter; if a filter kills the child,
 * another one continues. The children run no handlers and send no SIGCHLD; only a wait for any
 * child with __WALL or __WCLONE, in another thread at the same time, may see them. Environment
 * variables are not used. Any number of threads may call it. Takes about 0.4 ms, and as long as
 * fork(2) takes to copy the page tables of a large process.
 *
 * A shorter struct, of an older version, is filled as far as it goes; the tail of a longer one is
 * zeroed. The answers may differ for a program that this one executes: filters remain.
 *
 * -EINVAL           ret_features is NULL, or its size is less than version 0.1 had
 * -ENOMEM, -EAGAIN  not enough memory, or no process, for the attempts
 */
int memseal_probe(struct memseal_features *ret_features) MEMSEAL_ATTR_CHECK;

/*
 * Programs: starting one so that its images are sealed before its main() runs.
 */

/* Why a program cannot be sealed when it starts. */
enum memseal_refusal {
	MEMSEAL_REFUSAL_NONE = 0,
	MEMSEAL_REFUSAL_STATIC,           /* no dynamic loader that could load the agent */
	MEMSEAL_REFUSAL_LOADER,           /* it is a dynamic loader or a shared object itself */
	MEMSEAL_REFUSAL_UNKNOWN_LOADER,   /* its dynamic loader is neither glibc's nor musl's */
	MEMSEAL_REFUSAL_SETID,            /* set-user-ID or set-group-ID */
	MEMSEAL_REFUSAL_FILE_CAPS,        /* file capabilities */
	MEMSEAL_REFUSAL_FOREIGN,          /* built for another architecture */
	MEMSEAL_REFUSAL_UNREADABLE,       /* it may be executed but not read */
	MEMSEAL_REFUSAL_NOT_ELF,          /* neither an ELF program nor a script */
	MEMSEAL_REFUSAL_NO_AGENT,         /* the agent is missing or damaged */
	MEMSEAL_REFUSAL_NO_MSEAL,         /* the kernel has no mseal(2) */
	MEMSEAL_REFUSAL_FILTERED,         /* a seccomp filter refuses mseal(2) */
	MEMSEAL_REFUSAL_NO_PROC,          /* no /proc: the agent reads its mappings there */
	MEMSEAL_REFUSAL_NO_FILTER,        /* no seccomp filters, or a filter refuses further ones */
	MEMSEAL_REFUSAL_NOT_PIE,          /* filter engine: linked to a fixed address */
	MEMSEAL_REFUSAL_NO_ASLR,          /* filter engine: addresses may not be random */
	MEMSEAL_REFUSAL_CALLER_IDS,       /* real and effective user or group differ */
	MEMSEAL_REFUSAL_NO_ROOM,          /* RLIMIT_AS or RLIMIT_DATA is too low for the agent */
	MEMSEAL_REFUSAL_AGENT_PATH,       /* the loader would split or expand the agent's path */
	MEMSEAL_REFUSAL_AGENT_UNREADABLE, /* the real user may not read the agent */
	MEMSEAL_REFUSAL_AGENT_NOEXEC,     /* the agent may not be mapped as code: a noexec mount */
	MEMSEAL_REFUSAL_SECURE,        /* a security module may have the loader ignore the agent */
	MEMSEAL_REFUSAL_NEW_CODE,      /* no_new_code: it has writable, executable memory */
	MEMSEAL_REFUSAL_NO_CODE_GUARD, /* no_new_code: neither Linux 6.3 nor seccomp filters */
};

struct memseal_program; /* opaque */

struct memseal_run_opts {
	size_t size;         /* sizeof(struct memseal_run_opts) */
	bool no_dlopen;      /* do not touch objects that are loaded after the start */
	bool allow_unsealed; /* run a program even if it cannot be sealed */
	const char *agent;   /* path of libmemseal-agent.so; NULL: the one installed with memseal */
	/*
	 * MEMSEAL_ENGINE_AUTO: the kernel engine where it works, otherwise the filter engine. A
	 * filter is inherited by the programs that this one executes, although it protects nothing
	 * of theirs: memseal-run(1) describes the consequences. It sets no_new_privs in a process
	 * without CAP_SYS_ADMIN.
	 */
	enum memseal_engine engine;
	bool strict;      /* also lock the bytes of the images: --strict of memseal-run(1) */
	bool data;        /* also seal the mappings of the images' writable data: --data */
	bool no_new_code; /* memory that was writable never becomes executable: --no-new-code */
	/* patterns of objects that are left unsealed, NULL behind the last: --except; or NULL */
	const char *const *except;
};

/*
 * Finds a program as a shell does. A name with a slash is a path; any other is searched in
 * path_list, directories separated by colons; NULL means "/bin:/usr/bin". Follows #! and
 * interpreters that are registered with the kernel (binfmt_misc) to the program that will run, and
 * finds out whether that can be sealed by a process with the IDs, capabilities and limits of this
 * one: change these before. Free the result with memseal_program_free().
 *
 * -EINVAL  name is NULL; the options or the engine are not valid; or a pattern is empty, has a
 *          comma or a colon, or is too long: all have 1023 characters, with one between two
 * -ENOENT  there is no such program, or name is empty (shells exit with 127)
 * -EACCES, -ENOEXEC, -EISDIR, -ELOOP, -ENOTDIR, -ENAMETOOLONG, -EIO  the program was found but
 *          cannot be executed (shells exit with 126)
 * -ENOMEM  out of memory
 * -EMFILE, -ENFILE  no free file descriptor
 */
int memseal_program_find(const char *name, const char *path_list,
	const struct memseal_run_opts *opts,
	struct memseal_program **ret_program) MEMSEAL_ATTR_CHECK MEMSEAL_ATTR_NONNULL(4);

/*
 * Returns why the program cannot be sealed, or MEMSEAL_REFUSAL_NONE. *ret_object, unless ret_object
 * is NULL, is the file that this is about; valid until the program is freed.
 */
enum memseal_refusal memseal_program_refusal(const struct memseal_program *program,
	const char **ret_object) MEMSEAL_ATTR_CHECK MEMSEAL_ATTR_NONNULL(1);

/* Returns the reason in words, without a full stop; never NULL. */
const char *memseal_refusal_text(enum memseal_refusal refusal) MEMSEAL_ATTR_CHECK;

/*
 * Replaces the calling process by the program, as execve(2) does, with the agent in LD_PRELOAD. If
 * the program was refused and the options allow that, it is started as it is. Returns only on
 * failure. If envp comes from an earlier memseal-run(1), the options data, no_new_code and strict
 * of that one stay on. With no_new_code the calling thread itself cannot make new code any more,
 * also if this function fails.
 *
 * -EOPNOTSUPP  the program was refused, and the options do not allow it unsealed; or, with
 *              no_new_code, new code cannot be refused here
 * -ENOMEM      out of memory
 * -E2BIG, -EACCES, -EAGAIN, -EFAULT, -EINVAL, -EIO, -EISDIR, -ELIBBAD, -ELOOP, -EMFILE,
 * -ENAMETOOLONG, -ENFILE, -ENOENT, -ENOEXEC, -ENOTDIR, -EPERM, -ETXTBSY  execve(2) failed
 */
int memseal_program_exec(const struct memseal_program *program, char *const argv[],
	char *const envp[]) MEMSEAL_ATTR_NONNULL(1, 2);

/* Frees a program. Does nothing with NULL. */
void memseal_program_free(struct memseal_program *program);

/*
 * Other processes: their mappings, and what is sealed. Needs the right to read /proc/PID/smaps: the
 * same user and a dumpable process, or CAP_SYS_PTRACE. Only seals of mseal(2) are visible from
 * outside: memory that a filter protects is reported as not sealed.
 */

enum memseal_kind {
	MEMSEAL_KIND_TEXT = 0,
	MEMSEAL_KIND_RODATA,
	MEMSEAL_KIND_RELRO,
	MEMSEAL_KIND_DATA,
	MEMSEAL_KIND_BSS,
	MEMSEAL_KIND_HEAP,
	MEMSEAL_KIND_STACK,
	MEMSEAL_KIND_ANON,
	MEMSEAL_KIND_VDSO,
	MEMSEAL_KIND_VVAR,
	MEMSEAL_KIND_VSYSCALL,
	MEMSEAL_KIND_FILE,
	MEMSEAL_KIND_MEMFD,
	MEMSEAL_KIND_SHM,
	MEMSEAL_KIND_SPECIAL,
};

struct memseal_mapping {
	size_t size;             /* sizeof(struct memseal_mapping), set by the caller */
	uint64_t start, end;     /* addresses in that process; end is the first byte after it */
	uint64_t sealable_bytes; /* bytes that can be sealed: text, rodata, RELRO; vdso, vvar */
	char perm[5];            /* "r-xp", as /proc/PID/maps prints it */
	enum memseal_kind kind;  /* of most of its pages */
	bool sealed;
	bool content_locked; /* sealed, and no write to memory can change it; one to its file may */
	const char *object; /* path or name as the kernel prints it; of memory of an image without a
			       file of its own, the image's; or NULL. Valid until the process is
			       closed */
	const char *why; /* why it is not sealed, or what happens to it all the same: static text,
			    or NULL */
	uint64_t exec_open_bytes; /* bytes that struct memseal_coverage counts as exec_open_bytes */
};

/* The state of a process, for memseal_process_coverage(). */
enum memseal_state {
	MEMSEAL_STATE_UNKNOWN = 0,  /* no image was found */
	MEMSEAL_STATE_UNSEALED = 1, /* nothing of the images is sealed */
	MEMSEAL_STATE_PARTIAL = 2,
	/*
	 * Everything sealable is sealed, and no other memory is executable except generated code:
	 * anonymous memory and memfds, which why then names.
	 */
	MEMSEAL_STATE_SEALED = 3,
};

struct memseal_coverage {
	size_t size;             /* sizeof(struct memseal_coverage), set by the caller */
	uint64_t sealable_bytes; /* pages of non-writable PT_LOAD and of RELRO, of all images */
	uint64_t sealed_bytes;   /* of these that are sealed and not writable */
	/*
	 * Bytes that are executable and not sealed text of an image: text that is not sealed, is
	 * writable, or can be changed through another mapping; generated code; code that is mapped
	 * a second time; code that no ELF headers explain. [vsyscall] is not counted.
	 */
	uint64_t exec_open_bytes;
	unsigned images;
	enum memseal_state state;
	const char *why; /* the worst of exec_open_bytes except unsealed text, or what is wrong with
			    the headers, or why the state is unknown: static text, or NULL */
};

struct memseal_process; /* opaque; one thread at a time */

/* Size of a process's name, as in /proc/PID/comm: any bytes, and a NUL. */
#define MEMSEAL_NAME_SIZE 16

struct memseal_process_opts {
	size_t size;      /* sizeof(struct memseal_process_opts) */
	const char *proc; /* where proc(5) is mounted; NULL means "/proc" */
};

/*
 * Takes a snapshot of the address space of a process. It shows one program, even if the process
 * executes another meanwhile. Close it with memseal_process_close(). One thread at a time may use a
 * snapshot. Can wait for ever for a process that maps files of a file system that does not answer.
 *
 * -EINVAL  pid is not positive, ret_process is NULL, or the options are not valid
 * -ESRCH   there is no such process, it has ended meanwhile, or it is a zombie
 * -ENXIO   it is a kernel thread, which has no address space
 * -EACCES, -EPERM  the process may not be inspected; or the headers of an image may not be read:
 *          not in memory, because of Yama, and not in its file, which was removed or replaced
 * -EAGAIN  the process executed another program during each attempt
 * -E2BIG   the images of the process have more than a million program headers, or its smaps file
 *          has more than 128 MiB: about 170,000 mappings, or 30,000 with paths of 4 KiB
 * -EBADMSG the output of the kernel was not understood
 * -ENOENT  proc(5) is not mounted there
 * -EOPNOTSUPP  this kernel has no /proc/PID/smaps
 * -ENOMEM  out of memory
 * -EMFILE, -ENFILE  no free file descriptor
 * -EIO     a file could not be read
 */
int memseal_process_open(pid_t pid, const struct memseal_process_opts *opts,
	struct memseal_process **ret_process) MEMSEAL_ATTR_CHECK;

/*
 * Stores the next mapping, in order of addresses. Returns 1, or 0 after the last. *ret_mapping is
 * changed only with 1; its size does not change. A shorter struct, of an older version, is filled
 * as far as it goes; the tail of a longer one is zeroed.
 *
 * -EINVAL  ret_mapping is NULL, or its size is less than version 0.1 had
 */
int memseal_process_next_mapping(struct memseal_process *process,
	struct memseal_mapping *ret_mapping) MEMSEAL_ATTR_CHECK MEMSEAL_ATTR_NONNULL(1);

/*
 * Counts how much of what can be sealed is sealed. A shorter struct, of an older version, is filled
 * as far as it goes; the tail of a longer one is zeroed; its size does not change.
 *
 * -EINVAL  ret_coverage is NULL, or its size is less than version 0.1 had
 */
int memseal_process_coverage(const struct memseal_process *process,
	struct memseal_coverage *ret_coverage) MEMSEAL_ATTR_CHECK MEMSEAL_ATTR_NONNULL(1);

/* Returns the name of the process; valid until the process is closed. */
const char *memseal_process_comm(const struct memseal_process *process) MEMSEAL_ATTR_CHECK
	MEMSEAL_ATTR_NONNULL(1);

struct memseal_seal_opts {
	size_t size;       /* sizeof(struct memseal_seal_opts) */
	const char *agent; /* path of libmemseal-attach.so; NULL: the one installed with memseal */
	bool strict;       /* also lock the bytes of the images: --strict of memseal-attach(1) */
	bool data;         /* also seal the mappings of the images' writable data: --data */
	bool no_dlopen;    /* do not touch objects that are loaded later */
	bool init;         /* process 1, too */
	bool dry_run;      /* find out whether it can be done, and do nothing */
};

/* Size of a reason in words, with its NUL. */
#define MEMSEAL_REASON_SIZE 256

struct memseal_seal_report {
	size_t size;           /* sizeof(struct memseal_seal_report), set by the caller */
	uint64_t sealed_bytes; /* that were not sealed before, the agent's own included */
	uint64_t paused;       /* ns that the threads of the process stood still */
	unsigned threads;      /* how many stood still */
	bool later;            /* objects that are loaded from now on are sealed, too */
	char reason[MEMSEAL_REASON_SIZE]; /* what failed or was left out, in words; "": nothing */
};

/*
 * Seals the images of a process that runs: the program, its libraries and what it loads later, as
 * memseal-run(1) does at the start. The process must be the one of the snapshot, and still execute
 * the same program; the snapshot is not brought up to date. A child of the calling process stops
 * all threads of the process with ptrace(2), maps the agent, has one thread run it, and sets them
 * free, after some milliseconds. If the child is killed meanwhile, the process goes on as if
 * nothing had been, sealed or not. The agent stays mapped. The seals end with the process, or when
 * it executes another program. x86-64 only.
 *
 * The caller needs the right to trace the process (ptrace(2), "Ptrace access mode checking"), by a
 * process that is not its ancestor; CAP_SYS_ADMIN, if the process has a seccomp filter. Any thread.
 *
 * ret_report, unless NULL, is written on success and on failure; a shorter struct, of an older
 * version, as far as it goes; the tail of a longer one is zeroed; its size does not change.
 *
 * 0        what there is of its images is sealed. Ask memseal_process_coverage() of a new snapshot
 * -EINVAL  process is NULL, it is the calling process, or the options or the report are not valid
 * -ESRCH   it ended, or executes another program
 * -EPERM   it may not be traced; it is process 1 and the options do not allow that; or a call was
 *          refused to it, of mseal(2) itself or of what the agent needs
 * -EALREADY  it has an agent from its start, or one of another version or with fewer options
 * -EBUSY   it is traced; a thread does not stop, or none is where it can be entered: try again; or
 *          it still loads an object
 * -EOPNOTSUPP  another architecture, 32-bit code or a shadow stack; no mseal(2); or no code to come
 *          back by was found
 * -ENOEXEC  the headers of an image are damaged, or the agent is not of this version
 * -ETXTBSY  text or read-only data of an image is writable
 * -EFAULT  the agent failed there with a signal
 * -ETIMEDOUT  it took too long: it may be sealed or not
 * -ENOENT, -EACCES  there is no agent, or it cannot be read
 * -ENOMEM, -EMFILE, -ENFILE  a limit was reached, here or there
 * -EIO     a file could not be read
 */
int memseal_process_seal(struct memseal_process *process, const struct memseal_seal_opts *opts,
	struct memseal_seal_report *ret_report) MEMSEAL_ATTR_CHECK;

/* Frees a snapshot. Does nothing with NULL. */
void memseal_process_close(struct memseal_process *process);

/*
 * Stores the name of a process; needs no right to inspect it. A name has at most 15 bytes and a
 * NUL; longer names of kernel threads are cut.
 *
 * -EINVAL  pid is not positive, ret_name is NULL, or the options are not valid
 * -ESRCH   there is no such process; a zombie has a name
 * -EACCES, -EPERM, -EBADMSG, -EIO  the name could not be read
 * -ENOENT  proc(5) is not mounted there
 * -ENOMEM  out of memory
 * -EMFILE, -ENFILE  no free file descriptor
 */
int memseal_process_name(pid_t pid, const struct memseal_process_opts *opts,
	char ret_name[MEMSEAL_NAME_SIZE]) MEMSEAL_ATTR_CHECK;

/* Returns the word for a state: "sealed", "partial", "unsealed", "unknown". */
const char *memseal_state_name(enum memseal_state state) MEMSEAL_ATTR_CHECK;

/* Returns the word for a kind, as in tables and JSON: "text", "relro", ... */
const char *memseal_kind_name(enum memseal_kind kind) MEMSEAL_ATTR_CHECK;

/*
 * Calls fn for each process of the system, in no particular order, until it returns a value other
 * than 0, and returns that value; otherwise 0.
 *
 * -EINVAL  fn is NULL, or the options are not valid
 * -ENOENT  proc(5) is not mounted there
 * -EACCES, -EMFILE, -ENFILE, -EIO  the directory could not be read
 */
int memseal_process_each(const struct memseal_process_opts *opts, int (*fn)(pid_t pid, void *arg),
	void *arg) MEMSEAL_ATTR_CHECK;

/* Returns the version of the library, such as "1.2.3". */
const char *memseal_version(void) MEMSEAL_ATTR_CHECK;

#ifdef __cplusplus
}
#endif

#endif
