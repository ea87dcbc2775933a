/* SPDX-License-Identifier: MIT */
#include "engine/kernel.h"

#include <errno.h>
#include <memseal.h>
#include <sys/mman.h>
#include <sys/prctl.h>

#include "base/page.h"
#include "base/sys.h"

#define UNKNOWN_FLAG 0x40000000 /* of mremap(2): EINVAL, sealed or not */

bool kernel_filtered(void)
{
	return sys_prctl(PR_GET_SECCOMP, 0, 0, 0, 0) != 0;
}

/*
 * mremap(2) of a page onto itself looks up the mapping, refuses if it is sealed, and has nothing to
 * do otherwise (mm/mremap.c: the seal is checked before "no resize" returns).
 */
int kernel_ask_sealed(uint64_t addr, size_t page, bool filtered)
{
	long r = sys_mremap(addr, page, page, 0, 0);

	if (!sys_failed(r))
		return 0;
	if (r == -EFAULT)
		return -ENOMEM;
	if (r != -EPERM)
		return -EOPNOTSUPP;
	if (!filtered)
		return 1;
	/* A seal, which comes after a look at the flags; or a filter, which comes before. */
	r = sys_mremap(addr, page, page, UNKNOWN_FLAG, 0);
	return r == -EINVAL ? 1 : r == -EPERM ? KERNEL_UNASKED : -EOPNOTSUPP;
}

int kernel_sealed(uint64_t addr, size_t page)
{
	return kernel_ask_sealed(addr, page, true);
}

static int ask_new_page(size_t page)
{
	long at = sys_mmap(0, page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int r;

	if (sys_failed(at))
		return -ENOMEM;
	r = kernel_sealed((uintptr_t)at, page);
	sys_undo_mmap((uintptr_t)at, page);
	return r == 0 ? 0 : -EOPNOTSUPP;
}

/* The stack will do, unless the program has sealed it. */
int kernel_sealed_works(size_t page)
{
	uint64_t here = page_down((uintptr_t)__builtin_frame_address(0), page);

	return kernel_sealed(here, page) == 0 ? 0 : ask_new_page(page);
}

/* Bytes of [start, end) that are sealed now, as far as they can be told. */
static uint64_t count_sealed(uint64_t start, uint64_t end, size_t page)
{
	uint64_t sealed = 0;

	for (uint64_t at = start; at < end; at += page)
		if (kernel_sealed(at, page) == 1)
			sealed += page;
	return sealed;
}

struct look {
	uint64_t addr;
	bool sealed;
};

static int look_job(struct scratch *scratch, void *arg)
{
	struct look *look = arg;
	const char *text = NULL;
	ssize_t len = own_maps_text(scratch, MAPS_SMAPS, &text);
	struct mapping mapping;
	struct maps maps;

	if (len < 0)
		return (int)len;
	maps_init(&maps, text, (size_t)len, MAPS_SMAPS);
	while (maps_next(&maps, &mapping) > 0)
		if (span_holds(mapping.span, look->addr))
			look->sealed = mapping.sealed;
	return 0;
}

/*
 * What mseal(2) answered may have been a filter's words. Where a filter answers mremap(2) too, the
 * kernel tells in smaps, which takes a thousand times as long.
 */
static int confirm(uint64_t addr, size_t page, bool filtered)
{
	struct look look = { .addr = addr };
	int r = kernel_ask_sealed(addr, page, filtered);

	/* A question that fails once is no answer, and smaps takes memory that may not be there. */
	if (r < 0)
		r = kernel_sealed(addr, page);
	if (r != 0 && r != 1)
		r = scratch_run(0, look_job, &look) == 0 && look.sealed;
	return r ? 0 : -EOPNOTSUPP;
}

int kernel_seal_unsealed(uint64_t start, uint64_t end, size_t page, bool filtered, uint64_t *sealed)
{
	int r = sys_mseal(start, end - start, 0);

	if (r == 0)
		r = confirm(start, page, filtered);
	/* ENOMEM at vm.max_map_count leaves the first part sealed. */
	*sealed += r == -ENOMEM ? count_sealed(start, end, page) : r < 0 ? 0 : end - start;
	return r;
}

/*
 * Are the mappings from `at` on sealed? kernel_sealed() of all of them up to *ret_end, or a
 * negative errno; -ENOMEM if nothing is there.
 */
static int run_sealed(const struct own_maps *maps, uint64_t at, uint64_t end, size_t page,
	bool filtered, uint64_t *ret_end)
{
	struct mapping mapping;
	int r = own_maps_at(maps, at, &mapping), sealed;

	*ret_end = end;
	if (r <= 0 || mapping.start > at)
		return r < 0 ? r : -ENOMEM;
	sealed = kernel_ask_sealed(at, page, filtered);
	/* Of two mappings behind a filter, one may be sealed and one not. */
	if (sealed == KERNEL_UNASKED)
		*ret_end = min_u64(end, mapping.end);
	while (sealed != KERNEL_UNASKED && mapping.end < end) {
		at = mapping.end;
		r = own_maps_at(maps, at, &mapping);
		if (r <= 0 || mapping.start > at ||
			kernel_ask_sealed(at, page, filtered) != sealed) {
			*ret_end = at;
			break;
		}
	}
	return sealed;
}

uint64_t kernel_count_sealed(const struct own_maps *maps, uint64_t start, uint64_t end, size_t page)
{
	uint64_t count = 0, next;

	for (uint64_t at = start; at < end; at = next)
		if (run_sealed(maps, at, end, page, true, &next) == 1)
			count += next - at;
	return count;
}

/*
 * Linux 6.17 to 7.0-rc5 (CVE-2026-23416) go wrong when one mseal call spans sealed and unsealed
 * mappings, so each call covers a run of unsealed ones only.
 */
int kernel_seal(const struct own_maps *maps, uint64_t start, uint64_t end, size_t page,
	bool filtered, uint64_t *sealed)
{
	uint64_t next;
	int r;

	for (uint64_t at = start; at < end; at = next) {
		r = run_sealed(maps, at, end, page, filtered, &next);
		if (r == 1)
			*sealed += next - at;
		else if (r == 0 || r == KERNEL_UNASKED) /* sealing again is fine */
			r = kernel_seal_unsealed(at, next, page, filtered, sealed);
		else
			next = at; /* not counted yet */
		if (r < 0) {
			*sealed += kernel_count_sealed(maps, next, end, page);
			return r;
		}
	}
	return 0;
}

/*
 * Discarding advice is refused on sealed memory only if it is anonymous, private and not writable
 * (mm/madvise.c, can_modify_vma_madv): nobody could have written those bytes.
 */
uint64_t kernel_effects(const struct mapping *mapping)
{
	uint64_t effects = MEMSEAL_MAPPING | MEMSEAL_NO_SEAL;
	bool anonymous = mapping->inode == 0 && !mapping->shared;

	if (anonymous && !(mapping->prot & MAPPING_WRITE) &&
		(mapping->kind == MAPPING_ANON || mapping->kind == MAPPING_HEAP))
		effects |= MEMSEAL_NO_DISCARD;
	return effects;
}
