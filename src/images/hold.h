/* SPDX-License-Identifier: MIT */
/* Images held by a seccomp filter, where mseal(2) is not there or not wanted. Freestanding. */
#ifndef MEMSEAL_IMAGES_HOLD_H
#define MEMSEAL_IMAGES_HOLD_H

#include "bpf/bpf.h"
#include "images/types.h"

/*
 * Holds MEMSEAL_MAPPING and MEMSEAL_NO_DISCARD on the runs, in any order, with one filter if they
 * fit into it. ranges is room for as many. On failure ret->failed says why; *ret is untouched
 * otherwise.
 *
 * Errors as filter_hold().
 */
int images_filter(const struct images_run *runs, size_t count, struct bpf_range *ranges,
	struct images_result *ret) MUST_CHECK NONNULL(4);

#endif
