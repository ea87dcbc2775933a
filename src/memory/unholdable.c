/* SPDX-License-Identifier: MIT */
#include "memory/unholdable.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/personality.h>

#include "base/page.h"
#include "base/sys.h"
#include "base/uapi.h"
#include "engine/personality.h"

/* Then mprotect(2) adds a right. */
static bool reading_may_execute(void)
{
	int personality = personality_get();

	return personality < 0 || personality & READ_IMPLIES_EXEC;
}

/*
 * PROCMAP_QUERY does not tell, but mprotect(2) with PROT_GROWSDOWN does: EINVAL, before anything
 * else, for a mapping that does not grow. One that grows gets the protection that it has; where
 * that would not be the same one, it is not asked.
 */
static bool may_grow(const struct mapping *mapping)
{
	/* mmap(2) has MAP_GROWSDOWN for no other memory. */
	if (mapping->shared || mapping->inode || mapping->kind != MAPPING_ANON)
		return false;
	/* What is executable may have PROT_BTI, which the mapping does not show. */
	if (mapping->prot & MAPPING_EXEC || reading_may_execute())
		return true;
	return sys_mprotect(mapping->start, page_size(), (int)mapping->prot | PROT_GROWSDOWN) !=
	       -EINVAL;
}

bool unholdable_suspected(const struct mapping *mapping, uint64_t effects)
{
	if (effects & MEMSEAL_NO_DISCARD && !mapping->shared)
		return true;
	return effects & MEMSEAL_NO_GROW && may_grow(mapping);
}

/* Through this file the kernel writes to what is not writable, too; the byte is the same. */
static int rewrite(int mem, uint64_t at)
{
	char byte;

	return sys_pread(mem, &byte, 1, at) == 1 && sys_pwrite(mem, &byte, 1, at) == 1 ? 0 : -EIO;
}

/* A page that is dirty is not dropped, whatever it was given to before. */
static int take_back_page(uint64_t at, bool writable, int mem)
{
	int r = writable ? sys_madvise(at, page_size(), MADV_POPULATE_WRITE) : rewrite(mem, at);

	return r == 0 || r == -ENOMEM ? r : -EOPNOTSUPP;
}

/* The pages that are in memory: others have nothing to lose, or are in swap space. */
static int take_back(struct span pages, bool writable, int mem)
{
	unsigned char present[256];
	size_t page = page_size();
	uint64_t at = pages.start, len;
	int r = 0;

	for (; r == 0 && at < pages.end; at += len) {
		len = min_u64(pages.end - at, sizeof(present) * page);
		r = sys_mincore(at, len, present) < 0 ? -EOPNOTSUPP : 0;
		for (size_t i = 0; r == 0 && i < len / page; i++)
			if (present[i] & 1)
				r = take_back_page(at + i * page, writable, mem);
	}
	return r;
}

static int take_back_from(const struct mapping *mapping, struct span pages)
{
	CLEANUP(sys_close_cleanup) int mem = -1;
	bool writable = mapping->prot & MAPPING_WRITE;

	if (!writable)
		mem = sys_openat(AT_FDCWD, "/proc/thread-self/mem", O_RDWR | O_CLOEXEC, 0);
	if (!writable && mem < 0)
		return mem;
	return take_back(pages, writable, mem);
}

/* Private memory without a file behind it: a private /dev/zero is, too. */
static bool is_anonymous(const struct mapping *mapping)
{
	static const char zero[] = "/dev/zero";

	if (mapping->shared)
		return false;
	return mapping->inode == 0 ||
	       (mapping->name_len == sizeof(zero) - 1 &&
		       !__builtin_memcmp(mapping->name, zero, sizeof(zero) - 1));
}

static int check_part(const struct part *part, const struct mapping *mapping)
{
	if (part->effects & MEMSEAL_NO_GROW && mapping->grows)
		return -EOPNOTSUPP;
	if (!(part->effects & MEMSEAL_NO_DISCARD))
		return 0;
	if (mapping->droppable)
		return -EOPNOTSUPP;
	/* Dirty pages are the rule; a clean one was given to MADV_FREE, or read back from swap. */
	if (!mapping->clean || !is_anonymous(mapping))
		return 0;
	return take_back_from(mapping, span_common(part->span, mapping->span));
}

/*
 * pagemap and mincore() show a page of MADV_FREE as any other. To populate all memory for writing
 * would take it back without asking, and take a page for each that was never written.
 */
static int smaps_job(struct scratch *scratch, void *arg)
{
	const struct parts *parts = arg;
	const struct part *first = parts->at, *end = first + parts->count;
	struct mapping mapping;
	const char *text = NULL;
	ssize_t len = own_maps_text(scratch, MAPS_SMAPS, &text);
	struct maps maps;
	int r = 0;

	if (len < 0)
		return (int)len;
	maps_init(&maps, text, (size_t)len, MAPS_SMAPS);
	while (r == 0 && maps_next(&maps, &mapping) > 0) {
		while (first < end && first->end <= mapping.start)
			first++;
		for (const struct part *part = first; r == 0 && part < end; part++) {
			if (part->start >= mapping.end)
				break;
			r = check_part(part, &mapping);
		}
	}
	return r;
}

int unholdable(const struct parts *parts)
{
	return scratch_run(0, smaps_job, (void *)parts);
}
