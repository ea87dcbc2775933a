/* SPDX-License-Identifier: MIT */
/* From what was found to what is to be done; nothing is changed here. Freestanding. */
#ifndef MEMSEAL_IMAGES_WORK_H
#define MEMSEAL_IMAGES_WORK_H

#include "bpf/bpf.h"
#include "engine/content.h"
#include "images/find.h"
#include "images/relro.h"

struct images_wanted {
	bool filter;                   /* a seccomp filter is to hold it, not mseal(2) */
	bool settled;                  /* nothing is being loaded: what is writable will stay so */
	bool strict;                   /* lock the bytes as well */
	bool data;                     /* hold writable data too */
	struct span own;               /* the caller's memory, or empty */
	const struct images_run *more; /* further memory, disjoint from images */
	size_t more_count;
};

/* Lists in scratch memory, each with room for all that there can be. */
struct images_work {
	struct prot_span *repairs; /* to be copied, or only protected */
	size_t repair_count;
	struct images_piece *locks;
	size_t lock_count;
	struct prot_span *spans; /* room, as many as locks */
	struct images_run *runs; /* nothing in a run is sealed yet: see kernel_seal() */
	size_t run_count;
	struct bpf_range *ranges; /* room, as many as runs */
};

/*
 * -ENOSPC: scratch is too small; or what find_private() answers. Marks images that are to be left.
 * Text and read-only data that are writable now are left too, and told in found->error (-ETXTBSY)
 * and *result.
 */
int images_work_plan(const struct images_process *process, const struct images_wanted *wanted,
	struct images_found *found, struct scratch *scratch, struct images_work *ret,
	struct images_result *result) MUST_CHECK NONNULL(1, 2, 3, 4, 5, 6);

#endif
