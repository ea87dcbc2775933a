/* SPDX-License-Identifier: MIT */
/*
 * Constants of the kernel's interface that are newer than some C libraries, with the version that
 * brought them. Freestanding.
 */
#ifndef MEMSEAL_BASE_UAPI_H
#define MEMSEAL_BASE_UAPI_H

#include <elf.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/prctl.h>

/* include/uapi/linux/fcntl.h */
#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE 0x0010 /* 5.1 */
#endif

/* include/uapi/linux/memfd.h */
#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U /* 6.3 */
#endif

/* include/uapi/linux/random.h */
#ifndef GRND_INSECURE
#define GRND_INSECURE 0x0004 /* 5.6: never waits for entropy */
#endif

/* include/uapi/linux/openat2.h */
#ifndef RESOLVE_IN_ROOT
#define RESOLVE_IN_ROOT 0x10 /* 5.6 */
#endif

/* include/uapi/linux/mman.h and asm-generic/mman-common.h */
#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP 4 /* 5.7 */
#endif
#ifndef MADV_COLD
#define MADV_COLD    20 /* 5.4 */
#define MADV_PAGEOUT 21
#endif
#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ  22 /* 5.14: reads a page without being hurt if that cannot be done */
#define MADV_POPULATE_WRITE 23
#endif
#ifndef MADV_DONTNEED_LOCKED
#define MADV_DONTNEED_LOCKED 24 /* 5.18 */
#endif
#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25 /* 6.1 */
#endif
#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102 /* 6.13 */
#define MADV_GUARD_REMOVE  103
#endif

/* arch/arm64/include/uapi/asm/mman.h */
#ifndef PROT_BTI
#define PROT_BTI 0x10 /* 5.10 */
#endif

/* include/uapi/linux/prctl.h */
#ifndef PR_SET_MDWE
#define PR_SET_MDWE              65 /* 6.3 */
#define PR_GET_MDWE              66
#define PR_MDWE_REFUSE_EXEC_GAIN 1
#endif

/* include/uapi/linux/userfaultfd.h */
#ifndef UFFD_USER_MODE_ONLY
#define UFFD_USER_MODE_ONLY 1 /* 5.11 */
#endif

/* include/uapi/linux/elf.h */
#ifndef PT_GNU_PROPERTY
#define PT_GNU_PROPERTY 0x6474e553
#endif
#ifndef GNU_PROPERTY_AARCH64_FEATURE_1_AND /* not in musl's header */
#define GNU_PROPERTY_AARCH64_FEATURE_1_AND 0xc0000000
#define GNU_PROPERTY_AARCH64_FEATURE_1_BTI (1U << 0)
#endif
#ifndef PT_OPENBSD_MUTABLE /* sys/exec_elf.h of OpenBSD */
#define PT_OPENBSD_MUTABLE 0x65a3dbe5
#endif
/* binutils 2.44 */
#ifndef GNU_PROPERTY_MEMORY_SEAL
#define GNU_PROPERTY_MEMORY_SEAL 3
#endif

#endif
