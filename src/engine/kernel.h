/* SPDX-License-Identifier: MIT */
/* The kernel engine: mseal(2). Freestanding. */
#ifndef MEMSEAL_ENGINE_KERNEL_H
#define MEMSEAL_ENGINE_KERNEL_H

#include "engine/own-maps.h"

#define KERNEL_UNASKED 2 /* a filter answered in the kernel's place */

/*
 * Is the mapping that holds this page sealed? 1 or 0; KERNEL_UNASKED: the filter engine keeps the
 * page from being unmapped (or a filter refuses every mremap(2): see kernel_sealed_works()), and
 * the kernel may have sealed it too; -ENOMEM: nothing is mapped there; -EOPNOTSUPP: the kernel
 * answers something else. Changes nothing.
 */
int kernel_sealed(uint64_t addr, size_t page) MUST_CHECK;

/*
 * Is there a seccomp filter in this thread, which may answer in the kernel's place? True also if
 * that cannot be told.
 */
bool kernel_filtered(void) MUST_CHECK;

/* As kernel_sealed(), in one call if kernel_filtered() has answered false. */
int kernel_ask_sealed(uint64_t addr, size_t page, bool filtered) MUST_CHECK;

/*
 * 0 if kernel_sealed() tells the truth about a page that nobody has sealed, else -EOPNOTSUPP, or
 * -ENOMEM if there is none to ask about.
 */
int kernel_sealed_works(size_t page) MUST_CHECK;

/*
 * Seals [start, end), which maps must cover without a hole, and show as it is now. Adds to *sealed
 * the bytes that are sealed on return, whether they were before or not; on failure too. The kernel
 * is asked once for each call of mseal(2) whether it did. filtered: kernel_filtered(), or true.
 *
 * -ENOMEM (vm.max_map_count, or the memory changed meanwhile), -EPERM (seccomp), -ENOSYS, -EINVAL
 * (part of a mapping that cannot be split: [vdso]), -EOPNOTSUPP (mseal(2) answered 0 and did
 * nothing, or see kernel_sealed()).
 */
int kernel_seal(const struct own_maps *maps, uint64_t start, uint64_t end, size_t page,
	bool filtered, uint64_t *sealed) MUST_CHECK NONNULL(1, 6);

/* Bytes of [start, end) that are sealed; maps must show it as it is now. */
uint64_t kernel_count_sealed(const struct own_maps *maps, uint64_t start, uint64_t end,
	size_t page) MUST_CHECK NONNULL(1);

/*
 * As kernel_seal(), for callers that know that all of it is mapped and nothing sealed yet.
 * filtered: kernel_filtered(), or true.
 */
int kernel_seal_unsealed(uint64_t start, uint64_t end, size_t page, bool filtered,
	uint64_t *sealed) MUST_CHECK NONNULL(5);

/* What the kernel engine holds on this mapping once it is sealed: MEMSEAL_NO_*. */
uint64_t kernel_effects(const struct mapping *mapping) NONNULL(1);

#endif
