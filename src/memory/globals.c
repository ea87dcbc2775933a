/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <memseal-globals.h>
#include <pthread.h>
#include <sys/mman.h>

#include "base/page.h"
#include "engine/own-maps.h"
#include "memory/freeze.h"
#include "memory/globals-image.h"
#include "memory/range.h"

/*
 * Of two freezes at once, one that fails would put writable pages where the other has frozen some.
 * A second copy of the library in the process serves other images.
 */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* The marked variables, with as much of the padding behind them as their last page takes. */
static int find_pages(
	const void *start, const void *end, const void *pad, const void *pad_end, struct span *ret)
{
	uint64_t page = page_size(), last;

	if (!start || start >= end || end > pad || pad >= pad_end)
		return -EINVAL;
	if (page_up_overflows((uintptr_t)end, page, &last))
		return -EINVAL;
	/* What lies between, or before the first on its page, is not ours to freeze. */
	if ((uintptr_t)start % page != 0 || end != pad || last > (uintptr_t)pad_end)
		return -ENOEXEC;
	*ret = (struct span){ .start = (uintptr_t)start, .end = last };
	return globals_image_check(ret->start, ret->end);
}

/* Nobody but a freeze makes the data of an image shared and read-only. */
static int find_frozen(struct scratch *scratch, void *arg)
{
	CLEANUP(own_maps_close) struct own_maps maps = { .fd = -1 };
	const struct span *pages = arg;
	struct mapping mapping;
	int r = own_maps_open(scratch, &maps);

	for (uint64_t at = pages->start; r >= 0 && at < pages->end; at = mapping.end) {
		r = own_maps_at(&maps, at, &mapping);
		if (r < 0)
			return r;
		if (r == 0 || mapping.start > at || !mapping.shared ||
			(mapping.prot & MAPPING_WRITE))
			return 0;
	}
	return r < 0 ? r : 1;
}

/* What is frozen refuses to be frozen again, as does what somebody else has sealed. */
static int freeze_once(struct span *pages)
{
	int r = freeze_pages(pages->start, pages->end, PROT_READ);

	if (r != -EPERM && r != -EACCES)
		return r;
	return scratch_run(find_frozen, pages) > 0 ? 0 : r;
}

EXPORT int memseal_globals_freeze_in(void *start, void *end, void *pad, void *pad_end)
{
	struct span pages;
	int r = find_pages(start, end, pad, pad_end, &pages);

	if (r < 0)
		return r;
	pthread_mutex_lock(&lock);
	r = freeze_once(&pages);
	pthread_mutex_unlock(&lock);
	return r;
}
