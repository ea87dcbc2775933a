/* SPDX-License-Identifier: MIT */
/*
 * The part of a 64-bit address space where the kernel puts nothing of its own accord. Let T be the
 * end of what it uses by itself (DEFAULT_MAP_WINDOW, or else TASK_SIZE), where stacks begin:
 *
 *	programs at fixed addresses, with their heap     from 0 up
 *	mmap areas from the top, the usual layout        from T down
 *	mmap areas from the bottom (setarch -L, or an
 *	unlimited stack)                                 from T/3 up, arm64: T/4
 *	position independent programs, with their heap   from 2T/3 up
 *
 * (ELF_ET_DYN_BASE in arch/.../include/asm/elf.h; TASK_UNMAPPED_BASE and STACK_TOP in
 * .../processor.h; mmap_base() in mm/util.c and arch/x86/mm/mmap.c. Randomization takes from the
 * first line for mmap and adds to the two behind, T/8 at most, and that only with vm.mmap_rnd_bits
 * at its highest; T/4 with riscv64's sv39.) Between the last two, the zone is from T/2 to 5T/8. On
 * x86-64 that is 0x4000_0000_0000 to 0x5000_0000_0000, which AddressSanitizer, Go, the JVM and V8
 * keep clear of as well. A stack limit of many terabytes that is none the less a limit moves the
 * mmap areas down by as much: then they may begin in the zone.
 */
#ifndef MEMSEAL_MODEL_ZONE_H
#define MEMSEAL_MODEL_ZONE_H

#include "base/span.h"
#include "base/util.h"

/* Memory is given out in windows of this size, at multiples of it. */
#define ZONE_WINDOW (UINT64_C(1) << 32)

/*
 * The zone, by an address at the top of the main thread's stack: T is the next power of two. false:
 * there is none, as on 32-bit machines, where it would be smaller than a window.
 */
bool zone_find(uint64_t stack, struct span *ret) MUST_CHECK NONNULL(2);

#endif
