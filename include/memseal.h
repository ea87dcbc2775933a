/* SPDX-License-Identifier: MIT */
/*
 * memseal: memory that must not change.
 *
 * Conventions. Functions return 0 (or what they document) or a negative errno out of the list that
 * each gives. Outputs are called ret_* and are untouched on failure unless a function says
 * otherwise. Option structs start with their size: pass NULL for defaults, or a zeroed struct whose
 * size is set; unknown bytes that are not zero are -EINVAL. All functions may be called from any
 * thread. None is async-signal-safe unless it says so. Nothing is printed, and nothing exits but
 * for memseal_pool_put() and memseal_pool_get(), which abort on corrupt memory.
 *
 * A seal is inherited by fork(2), shared with threads and vfork(2) children, and gone after
 * execve(2); of one that the filter engine holds the filter stays: see memseal_filter_allow().
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

/* What compilers check, or may rely on. */
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
 * Effects: what may no longer happen to a range, from any direction. "No unmap", for instance, also
 * forbids mapping something else over the range and moving it away.
 */
#define MEMSEAL_NO_UNMAP   (UINT64_C(1) << 0) /* not unmapped, replaced or moved */
#define MEMSEAL_NO_SHRINK  (UINT64_C(1) << 1)
#define MEMSEAL_NO_GROW    (UINT64_C(1) << 2)
#define MEMSEAL_NO_PROTECT (UINT64_C(1) << 3) /* protection and protection key stay as they are */
#define MEMSEAL_NO_WRITE   (UINT64_C(1) << 4) /* may not become writable */
#define MEMSEAL_NO_EXEC    (UINT64_C(1) << 5) /* may not become executable */
#define MEMSEAL_NO_DISCARD (UINT64_C(1) << 6) /* bytes not dropped by madvise(2) and its kin */
#define MEMSEAL_NO_SEAL    (UINT64_C(1) << 7) /* no further mseal(2) adds anything */

/* What mseal(2) always gives. */
#define MEMSEAL_MAPPING                                                                \
	(MEMSEAL_NO_UNMAP | MEMSEAL_NO_SHRINK | MEMSEAL_NO_GROW | MEMSEAL_NO_PROTECT | \
		MEMSEAL_NO_WRITE | MEMSEAL_NO_EXEC)
#define MEMSEAL_ALL (MEMSEAL_MAPPING | MEMSEAL_NO_DISCARD | MEMSEAL_NO_SEAL)

/* As MEMSEAL_MAPPING, but protection may still be reduced: by mprotect(2) to any without W and X.
 */
#define MEMSEAL_RATCHET (MEMSEAL_MAPPING & ~MEMSEAL_NO_PROTECT)

/* What enforces a seal. */
enum memseal_engine {
	MEMSEAL_ENGINE_AUTO = 0,   /* the kernel where it suffices, the filter for the rest */
	MEMSEAL_ENGINE_KERNEL = 1, /* mseal(2): 64-bit Linux 6.10 or later */
	MEMSEAL_ENGINE_FILTER = 2, /* a seccomp filter; for ranges, after memseal_filter_allow() */
};

/* What becomes of execve(2) in a process with filters. */
enum memseal_exec {
	MEMSEAL_EXEC_REFUSE = 1, /* it is refused, with EPERM, from memseal_filter_allow() on */
	MEMSEAL_EXEC_ALLOW = 2,  /* it is allowed, and inherits the filters: see below */
};

/*
 * Consents to the filter engine, once for the process: without it, what needs the engine is
 * -EOPNOTSUPP and nothing is installed. What the program agrees to, from the first filter on:
 *
 * - Every system call of every thread costs about 30 ns more; those that change memory a little
 *   more again, and about 40 ns for each further filter, so seal in batches: memseal_ranges().
 * - Filters stay. fork(2) inherits them, threads share them, execve(2) does not drop them.
 * - A process without CAP_SYS_ADMIN is set no_new_privs (prctl(2)), and so are its children for
 *   ever: programs that are set-user-ID, or have file capabilities, gain nothing from it.
 * - Filters are of threads: a process that shares this memory without being one, made with
 *   clone(CLONE_VM) before, gets none, and what only a filter holds is open to it.
 * - A range with MEMSEAL_NO_DISCARD makes io_uring, userfaultfd and destructive process_madvise(2)
 *   unavailable (ENOSYS), one that may not be replaced shmat(2) with SHM_REMAP, uselib(2) and
 *   memfds of huge pages. docs/filter.md has the whole list.
 *
 * With MEMSEAL_EXEC_REFUSE, the filter that refuses execve(2) and execveat(2), and with them
 * system(3), popen(3) and posix_spawn(3), is installed at once, for all threads. fork(2) goes on
 * working; children are refused as well.
 *
 * With MEMSEAL_EXEC_ALLOW nothing is installed now. After execve(2) the filters hold the same
 * addresses, in an address space that knows nothing of it. If the new program, or one that it
 * executes, maps memory there, it cannot unmap or change it, and is likely to fail. Addresses are
 * random, so the chance is about (sealed bytes + bytes that the program maps) / 2^40 for every
 * exec: 5e-6 for 2 MiB. It is 1 for programs at fixed addresses, which is why this is refused to
 * them; it is as high for a child that is started without randomization, by setarch -R or by a
 * debugger. Memory in a window, see memseal_map(), does not count: programs are not placed there.
 * Only those that ThreadSanitizer or MemorySanitizer was built into reserve all addresses and then
 * refuse to start.
 *
 * A second call with the same policy is 0. Children of fork(2) inherit the consent, programs that
 * are executed do not. Each copy of the library in a process has its own; what one has installed,
 * the other sees (memseal_query()) and cannot undo.
 *
 * -EINVAL      no such policy
 * -EBUSY       another policy was chosen before
 * -ENOEXEC     MEMSEAL_EXEC_ALLOW: the program is not position independent, or its addresses are
 *              not randomized, or /proc/sys/kernel/randomize_va_space cannot be read
 * -ESRCH       MEMSEAL_EXEC_REFUSE: a thread has a seccomp filter of its own; nothing is installed
 * -EOPNOTSUPP  the kernel has no seccomp filters, or refuses them
 * -ENOMEM      no memory, or no more filters in this process
 */
int memseal_filter_allow(enum memseal_exec exec) MEMSEAL_ATTR_CHECK;

struct memseal_range {
	void *addr;       /* page aligned */
	size_t len;       /* bytes, rounded up to pages */
	uint64_t effects; /* MEMSEAL_NO_* */
};

struct memseal_opts {
	size_t size;                /* sizeof(struct memseal_opts) */
	enum memseal_engine engine; /* the engine to insist on, or MEMSEAL_ENGINE_AUTO */
	pid_t *ret_tid;             /* written with -ESRCH: the thread with a filter; or NULL */
};

/*
 * Seals a range for the life of the process. There is no way back.
 *
 * The kernel engine is all or nothing: it takes effects that include MEMSEAL_MAPPING. It also holds
 * MEMSEAL_NO_SEAL (there is nothing left to add), and MEMSEAL_NO_DISCARD for private anonymous
 * memory that is not writable. The rest, and all of it where mseal(2) is not to be had, goes to the
 * filter engine, which holds any effects on any memory but stacks. It needs consent once:
 * memseal_filter_allow(). What cannot be held is -EOPNOTSUPP, and nothing is sealed.
 *
 * The filter engine judges addresses. An effect without MEMSEAL_NO_UNMAP stays with the addresses
 * when the memory there is unmapped, and bears upon what is mapped there later. MEMSEAL_NO_WRITE
 * refuses every mprotect(2) to writable, of memory that is writable already too. With
 * MEMSEAL_NO_DISCARD, pages that were never touched can still be filled through a userfaultfd that
 * another process holds: touch them before.
 *
 * Sealing again is fine. What free(3), munmap(2) or the end of a thread would return to the kernel
 * must not be sealed: it would leak, or be used after it was recycled. The brk heap, the main
 * thread's stack and that of the calling thread are recognized and refused; memory that malloc(3)
 * took from mmap(2) and the stacks of other threads look like any other mapping and cannot be told
 * apart: do not pass them.
 *
 * -EINVAL      addr is not page aligned, len is 0 or wraps, no or unknown effects; part of [vdso]
 *              or [vvar], which are sealed whole or not at all; filter engine: part of a System V
 *              segment with MEMSEAL_NO_UNMAP, which must begin with the segment's first page
 * -EFAULT      the range holds part of the brk heap or of a stack
 * -ENOMEM      the range has a hole ([vsyscall] is one to the kernel), or vm.max_map_count or the
 *              most filters a process can have were reached: then a part may be sealed, which
 *              memseal_query() tells
 * -EPERM       a seccomp filter refuses mseal(2); filter engine: MEMSEAL_NO_EXEC without
 *              MEMSEAL_NO_PROTECT while the personality is READ_IMPLIES_EXEC
 * -EOPNOTSUPP  no engine here holds all the effects on this memory, or the program has not
 *              consented to the one that does; neither mseal(2) nor seccomp filters are to be had;
 *              it cannot be told what is sealed (see memseal_query())
 * -EBUSY       filter engine, MEMSEAL_NO_DISCARD: an io_uring is open, which can discard memory
 *              without a system call; close it before
 * -ESRCH       filter engine: a thread has a seccomp filter of its own, so that none can be
 *              installed for all; nothing is
 * -EACCES, -ENOENT, -EIO, -EMFILE, -ENFILE, -EBADMSG  /proc/self could not be read
 */
int memseal_range(void *addr, size_t len, uint64_t effects) MEMSEAL_ATTR_CHECK;

/*
 * Seals n ranges as memseal_range() does. They may overlap: then their effects add up. All are
 * checked before the first is sealed. Then one filter is installed for whatever needs it, in all
 * threads or in none (more than about 1,250 ranges take further ones), and then the kernel seals
 * from the lowest address up, until one fails. Nothing more is installed for ranges that filters
 * hold already.
 *
 * Only -ENOMEM, -EPERM, -EOPNOTSUPP and -EBUSY (an io_uring that another thread opened meanwhile)
 * can leave a part sealed. *ret_sealed, unless NULL, is written on failure too: the bytes of the
 * ranges, rounded up to pages and each counted once, that are sealed on return with all their
 * effects, whoever sealed them; 0 if a check failed and nothing was tried. The kernel is asked, not
 * what was called.
 *
 * Errors as memseal_range(); -EINVAL also for options, -EOPNOTSUPP for an unknown engine.
 */
int memseal_ranges(const struct memseal_range *ranges, size_t n, const struct memseal_opts *opts,
	size_t *ret_sealed) MEMSEAL_ATTR_CHECK;

struct memseal_status {
	size_t size;         /* sizeof(struct memseal_status), set by the caller */
	size_t bytes;        /* what was asked about, rounded up to pages */
	size_t sealed_bytes; /* how much of that the kernel engine has sealed */
	uint64_t kernel;     /* effects that the kernel engine holds on every page */
	uint64_t filter;     /* effects that the filter engine holds on every page */
};

/*
 * What holds a range now. Asks the kernel page by page, by calls that change nothing, whoever
 * sealed. mremap(2) of a page onto itself answers EPERM if sealed: below 0.5 us a page. Of kernel,
 * MEMSEAL_NO_DISCARD is never reported: it depends on the kind of memory, which this does not see.
 *
 * A filter is asked by calls that every kernel refuses for their arguments, but a filter that holds
 * the page sooner, with EPERM: about ten calls for a page that it holds. Any filter that refuses so
 * counts, unless it refuses everywhere. MEMSEAL_NO_PROTECT shows MEMSEAL_NO_WRITE and
 * MEMSEAL_NO_EXEC as well, and MEMSEAL_NO_UNMAP shows MEMSEAL_NO_SHRINK, since they imply them. A
 * kernel seal on pages where a filter holds MEMSEAL_NO_UNMAP is not seen, and not reported: the
 * filter answers first. Async-signal-safe.
 *
 * -EINVAL      addr is not page aligned, len is 0 or wraps around, or the size in ret_status is
 * less than version 0.1 had -ENOMEM      a page of the range is not mapped -EOPNOTSUPP  the kernel
 * answers otherwise: a seccomp filter refuses mremap(2), or a page is in the middle of a huge page
 * of hugetlbfs
 */
int memseal_query(
	const void *addr, size_t len, struct memseal_status *ret_status) MEMSEAL_ATTR_CHECK;

/*
 * Maps private anonymous memory, len bytes rounded up to pages, and seals it. The address, or NULL
 * with errno set as memseal_range() and mmap(2) document. Nothing stays mapped on failure, unless a
 * filter holds it.
 *
 * With the effects MEMSEAL_RATCHET | MEMSEAL_NO_DISCARD (MEMSEAL_NO_SHRINK may be left out, for
 * MEMSEAL_NO_UNMAP implies it), and after memseal_filter_allow(), this is
 * how to seal data often: map it writable, write it, and seal it with a plain mprotect(PROT_READ),
 * from which there is no way back. All memory that is mapped so shares one filter, which the first
 * call installs (any other effects that the filter engine holds take another filter for each call,
 * and a process can have some 80). It lies in one window of 4 GiB, at random where no program,
 * heap, stack or library is ever placed: after execve(2) the filter is not in the way of what is
 * executed.
 *
 * The address space is never returned, and what was written can be read until the process ends.
 * prot is the most that the memory will ever be: no right is added, and one that was taken, by
 * PROT_NONE too, is gone for ever but for PROT_READ. On 32-bit machines, when the window is
 * full, and where a sanitizer has reserved all addresses, such memory has a filter of its own, as
 * any other.
 */
void *memseal_map(size_t len, int prot, uint64_t effects) MEMSEAL_ATTR_MALLOC MEMSEAL_ATTR_SIZE(1);

/*
 * Frozen memory: its bytes can never be changed again, by anybody, root and tracers included, and
 * it stays where it is. It is a content lock (the bytes are in a memfd that is sealed against
 * writing, mapped shared and read-only) under a mapping lock (MEMSEAL_MAPPING). What is left to an
 * attacker inside the process is to make it unreadable: by madvise(2) MADV_GUARD_INSTALL, and for
 * children by MADV_DONTFORK. Programs that have consented to filters are spared that as well:
 * memseal_filter_allow(). Reading it costs what reading other memory costs.
 *
 * What a child of fork(2) inherits is frozen there too. What it inherited before the freeze is its
 * own, and stays as it was. Freezing needs Linux 5.1, and /proc before Linux 6.7; and an engine:
 * mseal(2), or the consent to filters. One filter is installed for each freeze then, which costs
 * every later call that changes memory about 40 ns.
 */

/*
 * An arena: memory for a table or a configuration that is built once and then frozen. Pointers into
 * it stay valid, it never moves.
 */
struct memseal_arena; /* opaque */

/*
 * A new arena of that many bytes at most. They are reserved in the address space; pages that are
 * not used take no memory. Free with memseal_arena_free() as long as it is not frozen. A child of
 * fork(2) has a copy, and may freeze that.
 *
 * -EINVAL      capacity is 0
 * -EOPNOTSUPP  it could never be frozen: the kernel has no mseal(2), and the program has not called
 *              memseal_filter_allow()
 * -EAGAIN      mlockall(2), and RLIMIT_MEMLOCK
 * -ENOMEM      not enough address space, or vm.max_map_count
 */
int memseal_arena_new(size_t capacity, struct memseal_arena **ret_arena) MEMSEAL_ATTR_CHECK;

/*
 * size zeroed bytes, aligned to align: a power of two up to the size of a page. There is no freeing
 * of one allocation. Takes a few nanoseconds, and no lock. NULL, and errno:
 *
 * EINVAL  size is 0, or align is no such power of two
 * ENOMEM  the arena's capacity is used up
 * EPERM   it is frozen
 */
void *memseal_arena_alloc(struct memseal_arena *arena, size_t size,
	size_t align) MEMSEAL_ATTR_MALLOC MEMSEAL_ATTR_SIZE(2) MEMSEAL_ATTR_NONNULL(1);

/*
 * Freezes an arena for ever. Other threads may read it meanwhile, and see the same bytes all the
 * time; one that writes to it is killed (SIGSEGV), so end that before. None is to allocate from it
 * meanwhile. Capacity that was not used is given back. Freezing again is 0: the kernel is asked
 * each time. A child of a fork(2) in the middle of it may freeze its copy, and cannot allocate from
 * it before it has tried.
 *
 * Memory that was locked (mlock(2)) is locked afterwards, all of it; other advice (madvise(2),
 * mbind(2)) has to be given again. For a moment the bytes are there twice, and their address space
 * as well (RLIMIT_AS, RLIMIT_DATA).
 *
 * On failure the arena is as before and may be used, but for -ENOTRECOVERABLE.
 *
 * -EINVAL      arena is NULL
 * -EOPNOTSUPP  no engine can hold it (see memseal_arena_new()), or the kernel has no memfds with
 *              seals
 * -ENOENT      /proc is not mounted, which a kernel before Linux 6.7 needs, and filters do
 * -EFBIG       it is larger than RLIMIT_FSIZE, which bears upon memfds
 * -EPERM, -EACCES  a seccomp filter or a security module refuses it, or files in memory
 * -ESRCH       a thread has a seccomp filter of its own
 * -EBUSY       an io_uring is open (see memseal_ranges()), or another thread or process has written
 *              to the memfd, or mapped it, before it was sealed
 * -EFAULT      a page of it cannot be read (a guard page)
 * -ENOTRECOVERABLE  it is frozen and held by a filter, but an io_uring that was opened meanwhile
 *              may make guard pages of it or keep it from children; or it failed, and could not be
 *              undone: it can be read at best. Later calls say the same, but 0 if it is frozen
 * -EAGAIN      mlockall(2), and RLIMIT_MEMLOCK
 * -ENOMEM, -ENOSPC, -EMFILE, -ENFILE, and what reading /proc/self answers
 */
int memseal_arena_freeze(struct memseal_arena *arena) MEMSEAL_ATTR_CHECK;

/* Unmaps an arena; one that is frozen stays, and this does nothing. NULL is fine. */
void memseal_arena_free(struct memseal_arena *arena);

/*
 * A region for code that a program generates: memory whose addresses to execute can never be
 * unmapped, replaced or made writable. Nothing in it is ever writable and executable by the same
 * address. Regions live as long as the process. See memseal_code(3) for what is left to an attacker
 * in either mode.
 */
struct memseal_code; /* opaque */

enum memseal_code_mode {
	/* DUAL where the kernel has it (Linux 5.1), else FLIP. */
	MEMSEAL_CODE_AUTO = 0,
	/*
	 * Two views of the same bytes: one to execute, that never becomes writable, and one to
	 * write, elsewhere, that never becomes executable. Both are held from the start. Code can
	 * be changed and published again.
	 */
	MEMSEAL_CODE_DUAL = 1,
	/*
	 * One view, for generators that write where the code is to be executed. Whole pages are
	 * private memory, readable and writable, until they are published: then they are frozen,
	 * readable and executable, for ever.
	 */
	MEMSEAL_CODE_FLIP = 2,
};

struct memseal_code_opts {
	size_t size;                 /* sizeof(struct memseal_code_opts) */
	enum memseal_code_mode mode; /* the mode to insist on, or MEMSEAL_CODE_AUTO */
};

/*
 * A new region of that many bytes, rounded up to pages; what is not used takes no memory. It must
 * be made while the process can still be trusted, from where fork(2) is not called meanwhile but by
 * fork(3). With filters, a region with two views takes one, and each publishing in the other mode.
 * opts is NULL for defaults. On failure nothing stays mapped, unless an engine holds it already.
 *
 * A child of fork(3) executes what it finds, sees what the parent publishes later into two views,
 * and has no view to write to: its functions say ENXIO. Of a region with one view it has a copy,
 * in which published code is the same memory.
 *
 * -EINVAL      capacity is 0, ret_code is NULL, options, or no such mode
 * -EOPNOTSUPP  no engine can hold it: the kernel has no mseal(2), and the program has not called
 *              memseal_filter_allow(); or the kernel cannot have the mode
 * -EPERM       the personality is READ_IMPLIES_EXEC, so that all memory is executable; or a filter
 *              refuses membarrier(2) or mseal(2)
 * -EACCES      a security module refuses it
 * -EFBIG       two views: more bytes than RLIMIT_FSIZE, which bears upon memfds
 * -ESRCH, -EBUSY  as memseal_ranges()
 * -ENOENT, -EAGAIN, -ENOMEM, -ENOSPC, -EMFILE, -ENFILE, and what reading /proc/self answers
 */
int memseal_code_new(size_t capacity, struct memseal_code **ret_code) MEMSEAL_ATTR_CHECK;
int memseal_code_new_opts(size_t capacity, const struct memseal_code_opts *opts,
	struct memseal_code **ret_code) MEMSEAL_ATTR_CHECK;

/* MEMSEAL_CODE_DUAL or MEMSEAL_CODE_FLIP. */
enum memseal_code_mode memseal_code_mode(const struct memseal_code *code) MEMSEAL_ATTR_CHECK
	MEMSEAL_ATTR_NONNULL(1);

/*
 * size zeroed bytes, aligned to align, a power of two up to the size of a page: the address where
 * they will be executed. Of a region with one view whole pages are taken. There is no freeing.
 * Takes no lock. NULL, and errno:
 *
 * EINVAL  size is 0, or align is no such power of two
 * ENOMEM  the region's capacity is used up
 * ENXIO   two views: this is a child of fork(3), which cannot write to them
 */
void *memseal_code_alloc(struct memseal_code *code, size_t size, size_t align) MEMSEAL_ATTR_CHECK
	MEMSEAL_ATTR_SIZE(2) MEMSEAL_ATTR_NONNULL(1);

/*
 * Where to write what is executed at an address that memseal_code_alloc() gave, or at one behind it
 * in the same allocation: elsewhere in a region with two views, at the same address in the other.
 * Code that depends on where it lies is written for the address to execute. NULL, and errno:
 *
 * EINVAL  nothing was allocated there
 * EPERM   one view: it was published
 * ENXIO   as memseal_code_alloc()
 */
void *memseal_code_writable(struct memseal_code *code, void *exec_addr) MEMSEAL_ATTR_CHECK
	MEMSEAL_ATTR_NONNULL(1);

/*
 * From its return on any thread may execute these bytes, at exec_addr: caches are taken care of,
 * and where the kernel has membarrier(2) with SYNC_CORE the other threads' processors as well.
 * Before, they must not be executed. Any number of threads may publish at a time, other bytes each.
 *
 * With two views the bytes can be written again, and published again. That no thread runs into the
 * middle of what is changed is for the caller to see to. With one view all pages that hold the
 * bytes are frozen; publishing them again is 0, and writing to them ends the process (SIGSEGV).
 *
 * On failure nothing was published, but for -ENOTRECOVERABLE, and an error of membarrier(2),
 * -ENOMEM: then this thread may execute the bytes; publish again for the others. With one view each
 * publishing takes one or two mappings for ever: it is -ENOMEM when less than 128 of
 * vm.max_map_count would be left for others.
 *
 * -EINVAL    code is NULL, size is 0, or it was not allocated there
 * -EALREADY  one view: a part of the pages, not all, is published, or is being published
 * -ENXIO     as memseal_code_alloc()
 * and with one view as memseal_arena_freeze()
 */
int memseal_code_publish(
	struct memseal_code *code, void *exec_addr, size_t size) MEMSEAL_ATTR_CHECK;

/*
 * Pools: many small secrets (keys, passwords, tokens) on few pages, which are kept out of swap,
 * core dumps, children, and, where the kernel can, out of its own reach: /proc/PID/mem, ptrace(2)
 * and process_vm_readv(2) do not see them then. The pages stay mapped and writable for ever; slots
 * of them are handed out, wiped and handed out again. A pool cannot be freed.
 *
 * Not everything can be had everywhere. memseal_pool_status() tells what holds, and
 * memseal_pool_new_opts() insists.
 */
struct memseal_pool; /* opaque */

#define MEMSEAL_POOL_SECRET  (UINT64_C(1) << 0) /* out of the kernel's reach: memfd_secret(2) */
#define MEMSEAL_POOL_LOCKED  (UINT64_C(1) << 1) /* not swapped out: mlock(2) */
#define MEMSEAL_POOL_NO_DUMP (UINT64_C(1) << 2) /* in no core dump */
#define MEMSEAL_POOL_NO_FORK (UINT64_C(1) << 3) /* not in children of fork(2) */
#define MEMSEAL_POOL_GUARDED (UINT64_C(1) << 4) /* a page before and behind is inaccessible */
#define MEMSEAL_POOL_SEALED  (UINT64_C(1) << 5) /* MEMSEAL_MAPPING holds; for the guards, too */
/* No advice or file operation drops its bytes. */
#define MEMSEAL_POOL_NO_DISCARD (UINT64_C(1) << 6)

struct memseal_pool_opts {
	size_t size;     /* sizeof(struct memseal_pool_opts) */
	uint64_t demand; /* MEMSEAL_POOL_* that must hold */
};

/*
 * A new pool of slots, each of slot_size bytes and aligned to 16. A slot takes its size and 8 bytes
 * of a canary, rounded up to 16, of memory that is locked; besides, the pool takes 16 bytes before
 * the first slot, two guard pages, one page of its own, and a bit a slot. It is 5 mappings. Nothing
 * is demanded: memory that cannot be locked (RLIMIT_MEMLOCK) or sealed is used all the same. All
 * its pages are touched. If mseal(2) is not to be had and the program has consented to filters, one
 * is installed for each pool.
 *
 * A child that another thread forks while this runs can inherit the memory.
 *
 * -EINVAL           slot_size or slots is 0; options; unknown demands
 * -EOPNOTSUPP       a demand does not hold, or /proc/self/smaps does not tell; nothing is left (but
 *                   for memory that was sealed when more could not be); the kernel has neither
 *                   memfd_secret(2) nor memfds, or a seccomp filter or a security module refuses
 *                   them
 * -ENOMEM           no memory, or more than the machine has, RAM and swap together (unless
 *                   vm.overcommit_memory is 1); not enough address space; or vm.max_map_count
 * -EMFILE, -ENFILE  no free file descriptor: one is needed while this runs
 */
int memseal_pool_new(
	size_t slot_size, size_t slots, struct memseal_pool **ret_pool) MEMSEAL_ATTR_CHECK;
int memseal_pool_new_opts(size_t slot_size, size_t slots, const struct memseal_pool_opts *opts,
	struct memseal_pool **ret_pool) MEMSEAL_ATTR_CHECK;

/*
 * A slot, zeroed, that nobody else has; or NULL, and errno. Takes no lock and no system call, and
 * some 20 ns.
 *
 * ENOMEM  no slot is free
 * ENXIO   this is a child of fork(2): the pool was left to the parent
 */
void *memseal_pool_get(struct memseal_pool *pool) MEMSEAL_ATTR_MALLOC MEMSEAL_ATTR_NONNULL(1);

/*
 * Wipes a slot and gives it back. NULL is fine, and in a child of fork(2) nothing happens. What
 * shows that memory is corrupt ends the process by abort(3), as nothing else in this library does:
 * a slot that was put before, or an address that is none, or a write before the start of the slot
 * or beyond its end, as far as the next one. So does memseal_pool_get() if what the pool remembers
 * was overwritten.
 */
void memseal_pool_put(struct memseal_pool *pool, void *slot) MEMSEAL_ATTR_NONNULL(1);

struct memseal_pool_status {
	size_t size;         /* sizeof(struct memseal_pool_status), set by the caller */
	uint64_t holds;      /* MEMSEAL_POOL_* */
	size_t slots;        /* in all */
	size_t used;         /* got, and not yet put */
	size_t locked_bytes; /* of the slots, that are not swapped out */
};

/*
 * What holds at this moment, of all the pool: asked of /proc/self/smaps and of filters, so that
 * what was undone since, by munlock(2) say, is not reported. See memseal_pool(3) for what can be.
 *
 * -EINVAL  the size in ret_status is less than version 0.1 had
 * -ENXIO   this is a child of fork(2)
 * -EACCES, -ENOENT, -EIO, -EMFILE, -ENFILE, -EBADMSG, -ENOMEM  /proc/self could not be read
 */
int memseal_pool_status(const struct memseal_pool *pool,
	struct memseal_pool_status *ret_status) MEMSEAL_ATTR_CHECK MEMSEAL_ATTR_NONNULL(1);

struct memseal_self_opts {
	size_t size;        /* sizeof(struct memseal_self_opts) */
	size_t *ret_sealed; /* bytes sealed by this call, or NULL; written on failure too */
};

/*
 * Seals the images of this program: text, read-only data and RELRO of the program, its libraries
 * and the dynamic loader, [vdso] and [vvar]. RELRO is copied to anonymous memory first, so that
 * MADV_DONTNEED cannot bring the file's unrelocated bytes back. Objects that dlopen(3) loaded are
 * pinned (RTLD_NODELETE): dlclose() no longer unloads them. Objects loaded later are not sealed;
 * call it again for them. Not to be called while another thread is in dlopen() or dlclose().
 *
 * -EINVAL      options
 * -EOPNOTSUPP  the kernel has no mseal(2), or it cannot be told what is sealed (memseal_query())
 * -EPERM       a seccomp filter refuses it
 * -ENOMEM      out of memory or of vm.max_map_count; a part may be sealed
 * -ENOEXEC     the headers of a loaded image are damaged; the other images are sealed
 * -ETXTBSY     text or read-only data of an image is writable now; the rest is sealed
 * -EBUSY       an object could not be pinned; nothing is sealed
 * -EACCES, -ENOENT, -EIO, -EMFILE, -ENFILE, -EBADMSG  /proc/self/maps could not be read
 */
int memseal_self(const struct memseal_self_opts *opts) MEMSEAL_ATTR_CHECK;

/* Answers of memseal_probe(). */
enum memseal_support {
	MEMSEAL_SUPPORT_UNKNOWN = 0, /* could not be found out */
	MEMSEAL_SUPPORT_NO = 1,
	MEMSEAL_SUPPORT_YES = 2,
	MEMSEAL_SUPPORT_FILTERED = 3, /* perhaps, but a seccomp filter or a container refuses */
};

struct memseal_features {
	size_t size; /* sizeof(struct memseal_features), set by the caller */

	enum memseal_support mseal;        /* a page was sealed, and stayed when unmapped */
	enum memseal_support memfd_seals;  /* a memfd was sealed against writing, and held */
	enum memseal_support memfd_secret; /* such a file was mapped and used */
	enum memseal_support seccomp;      /* a filter was installed, and refused a call */
	enum memseal_support pkeys;        /* a protection key was allocated */
	enum memseal_support libc_mseal;   /* the C library has a function mseal() */

	enum memseal_support proc;                   /* /proc is there and may be read */
	enum memseal_support proc_mem_writes;        /* /proc/PID/mem wrote to a read-only page */
	enum memseal_support system_mappings_sealed; /* [vdso] is sealed; by the kernel itself,
							unless this process sealed it before */
	enum memseal_support checkpoint_restore;     /* the kernel lets CRIU restore processes, and
							CRIU drops their seals */
	enum memseal_support programs_32bit; /* run here; memseal seals 64-bit programs only */

	/* What runs this process in place of, or on top of, a kernel. */
	enum memseal_support valgrind;
	enum memseal_support rr;
	enum memseal_support qemu_user;
	enum memseal_support gvisor;

	/* Numbers, or a negative errno: they could not be read. */
	int ptrace_scope;  /* kernel.yama.ptrace_scope; -ENOENT: no Yama, or no /proc */
	int max_map_count; /* vm.max_map_count */
};

/*
 * What this kernel, C library and container give, by trying it. A child of fork(2) does that, so
 * that neither a seal nor a filter that kills is left to the caller; another one goes on where a
 * filter killed it. No handler runs and SIGCHLD is not sent; a wait for any child by another
 * thread, with __WALL, may see it. Nothing is taken from the environment. Takes about 0.4 ms,
 * and what fork(2) takes to copy the page tables of a large process.
 *
 * A shorter struct, of an older version, is filled as far as it goes; the tail of a longer one is
 * zeroed.
 *
 * -EINVAL           ret_features is NULL, or its size is less than version 0.1 had
 * -ENOMEM, -EAGAIN  no memory or no process for the attempts
 */
int memseal_probe(struct memseal_features *ret_features) MEMSEAL_ATTR_CHECK;

/*
 * Programs: starting one whose images are sealed before its main() runs.
 */

/* Why a program cannot be sealed from its start. */
enum memseal_refusal {
	MEMSEAL_REFUSAL_NONE = 0,
	MEMSEAL_REFUSAL_STATIC,           /* no dynamic loader that could load the agent */
	MEMSEAL_REFUSAL_LOADER,           /* it is itself a dynamic loader or a shared object */
	MEMSEAL_REFUSAL_UNKNOWN_LOADER,   /* its dynamic loader is neither glibc's nor musl's */
	MEMSEAL_REFUSAL_SETID,            /* set-user-ID or set-group-ID */
	MEMSEAL_REFUSAL_FILE_CAPS,        /* file capabilities */
	MEMSEAL_REFUSAL_FOREIGN,          /* for another architecture */
	MEMSEAL_REFUSAL_UNREADABLE,       /* may be executed but not read */
	MEMSEAL_REFUSAL_NOT_ELF,          /* neither ELF nor a script */
	MEMSEAL_REFUSAL_NO_AGENT,         /* the agent is missing or damaged */
	MEMSEAL_REFUSAL_NO_MSEAL,         /* the kernel has no mseal(2) */
	MEMSEAL_REFUSAL_FILTERED,         /* a seccomp filter refuses mseal(2) */
	MEMSEAL_REFUSAL_NO_PROC,          /* no /proc: the agent reads its mappings there */
	MEMSEAL_REFUSAL_NO_FILTER,        /* no seccomp filters, or a filter refuses more */
	MEMSEAL_REFUSAL_NOT_PIE,          /* the filter engine: linked to a fixed address */
	MEMSEAL_REFUSAL_NO_ASLR,          /* the filter engine: addresses may not be random */
	MEMSEAL_REFUSAL_CALLER_IDS,       /* real and effective user or group differ */
	MEMSEAL_REFUSAL_NO_ROOM,          /* RLIMIT_AS or RLIMIT_DATA are too low for the agent */
	MEMSEAL_REFUSAL_AGENT_PATH,       /* the loader would split or expand the agent's path */
	MEMSEAL_REFUSAL_AGENT_UNREADABLE, /* the real user may not read the agent */
	MEMSEAL_REFUSAL_AGENT_NOEXEC,     /* it may not be mapped as code: a noexec mount */
	MEMSEAL_REFUSAL_SECURE,        /* a security module may have the loader ignore the agent */
	MEMSEAL_REFUSAL_NEW_CODE,      /* no_new_code: has writable, executable memory */
	MEMSEAL_REFUSAL_NO_CODE_GUARD, /* no_new_code: neither Linux 6.3 nor seccomp filters */
};

struct memseal_program; /* opaque */

struct memseal_run_opts {
	size_t size;         /* sizeof(struct memseal_run_opts) */
	bool no_dlopen;      /* leave objects alone that are loaded after the start */
	bool allow_unsealed; /* what cannot be sealed runs all the same */
	const char *agent;   /* path of libmemseal-agent.so; NULL: the one installed with memseal */
	/*
	 * What seals. MEMSEAL_ENGINE_AUTO: mseal(2) where it works, else a seccomp filter. The
	 * filter is inherited by the programs that this one executes, although it holds nothing of
	 * theirs: see memseal-run(1) for what that means. It sets no_new_privs in a process without
	 * CAP_SYS_ADMIN.
	 */
	enum memseal_engine engine;
	bool strict;      /* the bytes of the images are locked too: --strict of memseal-run(1) */
	bool data;        /* writable data of the images keeps its place and protection: --data */
	bool no_new_code; /* memory that was writable never becomes executable: --no-new-code */
};

/*
 * Finds a program as a shell does: a name with a slash is a path, any other is looked up in
 * path_list (colon separated; NULL: the system's default). Follows #!, and
 * interpreters that are registered with the kernel, to the program that will really run, and finds
 * out whether it can be sealed by a process with the ids, capabilities and limits of this one. Free
 * with memseal_program_free().
 *
 * -EINVAL  name is NULL, or options, or an unknown engine
 * -ENOENT  no such program, or name is empty  (shells exit with 127)
 * -EACCES, -ENOEXEC, -EISDIR, -ELOOP, -ENOTDIR, -ENAMETOOLONG, -EIO  found, but it cannot be
 *          executed                           (shells exit with 126)
 * -ENOMEM, -EMFILE, -ENFILE
 */
int memseal_program_find(const char *name, const char *path_list,
	const struct memseal_run_opts *opts,
	struct memseal_program **ret_program) MEMSEAL_ATTR_CHECK MEMSEAL_ATTR_NONNULL(4);

/* Why it cannot be sealed, or MEMSEAL_REFUSAL_NONE. *ret_object, unless NULL, is the file. */
enum memseal_refusal memseal_program_refusal(const struct memseal_program *program,
	const char **ret_object) MEMSEAL_ATTR_CHECK MEMSEAL_ATTR_NONNULL(1);

/* The reason in words, without a full stop; never NULL. */
const char *memseal_refusal_text(enum memseal_refusal refusal) MEMSEAL_ATTR_CHECK;

/*
 * Replaces the calling process, as execve(2) does, by the program, with the agent in LD_PRELOAD;
 * if it was refused, by the program as it is if the options allowed that. Returns only on failure.
 * Options of an earlier memseal run in envp stay, but for those that allow more. With no_new_code,
 * this thread cannot make new code any more either, should it return.
 *
 * -EOPNOTSUPP  it was refused and the options do not allow it unsealed; or with no_new_code, new
 *              code cannot be refused here
 * -ENOMEM, and what execve(2) documents
 */
int memseal_program_exec(const struct memseal_program *program, char *const argv[],
	char *const envp[]) MEMSEAL_ATTR_NONNULL(1, 2);

void memseal_program_free(struct memseal_program *program);

/*
 * Other processes: what is mapped there and what holds it. Needs the right to read
 * /proc/PID/smaps: the same user and a dumpable process, or CAP_SYS_PTRACE.
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
	size_t size;         /* sizeof(struct memseal_mapping), set by the caller */
	uint64_t start, end; /* addresses in that process; end is the first byte behind it */
	uint64_t sealable;   /* bytes of it that can be sealed: text, rodata, RELRO; vdso, vvar */
	char perm[5];        /* "r-xp", as /proc/PID/maps prints it */
	enum memseal_kind kind; /* of most of its pages */
	bool sealed;
	bool content_locked; /* sealed, and no write to memory reaches it; one to its file may */
	const char *object; /* path or name as the kernel prints it; of memory of an image without a
			       file of its own, the image's; or NULL. Lives as long as the process
			       stays open */
	const char *why;    /* why it is not sealed, or sealed in vain: static text, or NULL */
	uint64_t exec_open; /* bytes of it that struct memseal_coverage counts as exec_open */
};

/* What a process is called by memseal_process_coverage(). */
enum memseal_state {
	MEMSEAL_STATE_UNKNOWN = 0,  /* no image was found */
	MEMSEAL_STATE_UNSEALED = 1, /* nothing of its images is sealed */
	MEMSEAL_STATE_PARTIAL = 2,
	/*
	 * All that is sealable is sealed, and no other memory is executable but generated code:
	 * anonymous memory and memfds. Which why then names.
	 */
	MEMSEAL_STATE_SEALED = 3,
};

struct memseal_coverage {
	size_t size;       /* sizeof(struct memseal_coverage), set by the caller */
	uint64_t sealable; /* bytes: pages of non-writable PT_LOAD and of RELRO, of every image */
	uint64_t sealed;   /* bytes of them that are sealed and not writable */
	/*
	 * Bytes that are executable and not sealed text of an image: what of the images is not
	 * sealed, or writable, or can be changed through another mapping; generated code; code that
	 * is mapped a second time; code that no ELF headers explain. [vsyscall] is not counted.
	 */
	uint64_t exec_open;
	unsigned images;
	enum memseal_state state;
	const char *why; /* the worst of exec_open but unsealed text, or what is wrong with the
			    headers, or why the state is unknown: static text, or NULL */
};

struct memseal_process; /* opaque; one thread at a time */

/* A process's name, as /proc/PID/comm has it: any bytes, and a NUL. */
#define MEMSEAL_NAME_SIZE 16

struct memseal_process_opts {
	size_t size;      /* sizeof(struct memseal_process_opts) */
	const char *proc; /* where proc(5) is mounted; NULL: "/proc" */
};

/*
 * Takes a picture of a process's address space. Close with memseal_process_close().
 *
 * -EINVAL  pid is not positive, or options
 * -ESRCH   no such process, or it ended meanwhile; a zombie
 * -ENXIO   it has no address space: a kernel thread
 * -EACCES, -EPERM  it may not be looked at, or the headers of an image may not: neither in memory
 *          (Yama) nor in its file (which was removed or replaced)
 * -EAGAIN  it executed another program each time it was tried
 * -E2BIG   its images have more than a million program headers
 * -EBADMSG the kernel's text was not understood
 * -ENOENT  proc(5) is not mounted there
 * -EOPNOTSUPP  this kernel has no smaps file
 * -ENOMEM, -EMFILE, -ENFILE, -EIO
 */
int memseal_process_open(pid_t pid, const struct memseal_process_opts *opts,
	struct memseal_process **ret_process) MEMSEAL_ATTR_CHECK;

/*
 * The next mapping: 1, or 0 after the last, or -EINVAL: ret_mapping is NULL, or its size is less
 * than version 0.1 had. *ret_mapping is untouched unless 1; its size stays. A shorter struct, of an
 * older version, is filled as far as it goes; the tail of a longer one is zeroed.
 */
int memseal_process_next_mapping(struct memseal_process *process,
	struct memseal_mapping *ret_mapping) MEMSEAL_ATTR_CHECK MEMSEAL_ATTR_NONNULL(1);

/*
 * How much of what can be sealed is sealed: 0, or -EINVAL: ret_coverage is NULL, or its size is
 * less than version 0.1 had. Its size is used as that of a mapping.
 */
int memseal_process_coverage(const struct memseal_process *process,
	struct memseal_coverage *ret_coverage) MEMSEAL_ATTR_CHECK MEMSEAL_ATTR_NONNULL(1);

/* The process's name; lives as long as the process stays open. */
const char *memseal_process_comm(const struct memseal_process *process) MEMSEAL_ATTR_CHECK
	MEMSEAL_ATTR_NONNULL(1);

/* NULL is fine. */
void memseal_process_close(struct memseal_process *process);

/*
 * The name alone, which needs no right to look at the process; of a kernel thread the first bytes,
 * as theirs may be longer. -EINVAL, -ESRCH (no such process, a
 * zombie has a name), -EACCES, -EPERM, -EBADMSG, -ENOENT, -ENOMEM, -EMFILE, -ENFILE, -EIO: as
 * memseal_process_open().
 */
int memseal_process_name(pid_t pid, const struct memseal_process_opts *opts,
	char ret_name[MEMSEAL_NAME_SIZE]) MEMSEAL_ATTR_CHECK;

/* The word for a state: "sealed", "partial", "unsealed", "unknown". */
const char *memseal_state_name(enum memseal_state state) MEMSEAL_ATTR_CHECK;

/* The word for a kind in tables and JSON: "text", "relro", ... */
const char *memseal_kind_name(enum memseal_kind kind) MEMSEAL_ATTR_CHECK;

/*
 * The processes of the system, in no order: calls fn for each until it returns other than 0, and
 * returns that. -ENOENT, -EACCES, -EMFILE, -ENFILE, -EIO: /proc cannot be read. -EINVAL: options.
 */
int memseal_process_each(const struct memseal_process_opts *opts, int (*fn)(pid_t pid, void *arg),
	void *arg) MEMSEAL_ATTR_CHECK;

/* The version of the library, as "1.2.3". */
const char *memseal_version(void) MEMSEAL_ATTR_CHECK;

#ifdef __cplusplus
}
#endif

#endif
