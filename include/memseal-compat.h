/* SPDX-License-Identifier: MIT */
/*
 * memseal: the interfaces of other systems and of newer C libraries.
 */
#ifndef MEMSEAL_COMPAT_H
#define MEMSEAL_COMPAT_H

#include <memseal.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * OpenBSD's: seals len bytes from addr on, rounded up to pages, with MEMSEAL_MAPPING. Other than
 * there, addr must be page aligned and len must not be 0, and the heap and stacks are refused. For
 * memory that may still be made read-only, call memseal_range() with MEMSEAL_RATCHET, which needs
 * the filter engine.
 *
 * Returns 0, or -1 with errno:
 *
 * EINVAL      addr is not page aligned, len is 0 or wraps around; or part of [vdso] or [vvar],
 *             which can only be sealed as a whole; filter engine: part of a System V segment
 *             without its first page
 * EFAULT      the range holds a part of the heap or of a stack
 * ENOMEM      the range has a hole; or vm.max_map_count or the maximum number of filters of a
 *             process was reached, then a part may be sealed
 * EPERM       a seccomp filter refuses mseal(2)
 * EOPNOTSUPP  the kernel has no mseal(2), and the program has not consented to the filter engine;
 *             seccomp filters are not available either; or it cannot be determined what is sealed,
 *             because a seccomp filter refuses mremap(2)
 * ESRCH       the filter engine is needed, and a thread has a seccomp filter of its own, so that
 *             none can be installed for all threads
 * EACCES, ENOENT, EIO, EMFILE, ENFILE, EBADMSG  files in /proc/self could not be read
 */
int mimmutable(void *addr, size_t len) MEMSEAL_ATTR_CHECK;

/*
 * What was first proposed for Linux, in October 2023. The types named system calls; here each means
 * its effect, from every direction:
 *
 * MM_SEAL_MUNMAP, MM_SEAL_MMAP  MEMSEAL_NO_UNMAP: what is mapped over or moved away is unmapped too
 * MM_SEAL_MPROTECT              MEMSEAL_NO_PROTECT, _NO_WRITE and _NO_EXEC
 * MM_SEAL_MREMAP                MEMSEAL_NO_UNMAP, _NO_SHRINK and _NO_GROW
 * MM_SEAL_MSEAL                 MEMSEAL_NO_SEAL
 *
 * All of them together are what mseal(2) does. Fewer need the filter engine.
 *
 * Returns 0, or -1 with errno:
 *
 * EINVAL      types is 0 or has unknown bits, flags is not 0, addr is not page aligned, len is 0 or
 *             wraps around; or part of [vdso] or [vvar], which can only be sealed as a whole;
 *             filter engine: part of a System V segment without its first page
 * EFAULT      the range holds a part of the heap or of a stack
 * ENOMEM      the range has a hole; or vm.max_map_count or the maximum number of filters of a
 *             process was reached, then a part may be sealed
 * EPERM       a seccomp filter refuses mseal(2)
 * EOPNOTSUPP  no engine here holds the effects, or the program has not consented to the filter
 *             engine; or it cannot be determined what is sealed, because a seccomp filter refuses
 *             mremap(2)
 * EBUSY       the filter engine is needed, and an io_uring is open
 * ESRCH       the filter engine is needed, and a thread has a seccomp filter of its own, so that
 *             none can be installed for all threads
 * EACCES, ENOENT, EIO, EMFILE, ENFILE, EBADMSG  files in /proc/self could not be read
 */
#ifndef MM_SEAL_MSEAL
#define MM_SEAL_MSEAL    0x1
#define MM_SEAL_MPROTECT 0x2
#define MM_SEAL_MUNMAP   0x4
#define MM_SEAL_MMAP     0x8
#define MM_SEAL_MREMAP   0x10
#endif
int mseal_types(void *addr, size_t len, unsigned types, unsigned flags) MEMSEAL_ATTR_CHECK;

/* Types of a later proposal, named after the seals of memfd_create(2): effects of memseal_range().
 */
#ifndef MSEAL_SEAL
#define MSEAL_SEAL   MEMSEAL_NO_SEAL
#define MSEAL_SHRINK MEMSEAL_NO_SHRINK
#define MSEAL_GROW   MEMSEAL_NO_GROW
#define MSEAL_WRITE  MEMSEAL_NO_WRITE
#endif

#if defined(__has_include)
#if __has_include(<features.h>)
#include <features.h>
#endif
#endif
#if !defined(__GLIBC__) || __GLIBC__ < 2 || (__GLIBC__ == 2 && __GLIBC_MINOR__ < 43)
/*
 * mseal(2) itself, with the prototype of glibc 2.43, which declares it in <sys/mman.h>. Nothing is
 * checked beforehand; flags must be 0.
 *
 * Returns 0, or -1 with errno:
 *
 * EINVAL  addr is not page aligned, the range wraps around, flags is not 0, or the range holds a
 *         part of a mapping that cannot be split
 * ENOMEM  the range has a hole, or vm.max_map_count was reached; then a part may be sealed
 * EPERM   a seccomp filter refuses the call
 * ENOSYS  the kernel does not have the call
 */
int mseal(void *addr, size_t len, unsigned long flags);
#endif

#ifdef __cplusplus
}
#endif

#endif
