/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <memseal-globals.h>
#include <sys/mman.h>

#include "base/errors.h"
#include "base/owner-lock.h"
#include "base/page.h"
#include "base/span.h"
#include "base/sys.h"
#include "memory/freeze.h"
#include "memory/globals-image.h"

/*
 * Of two freezes at once, one that fails would put writable pages where the other has frozen some.
 * A second copy of the library in the process serves other images.
 */
static struct owner_lock lock;

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

/*
 * What is frozen refuses to be frozen again, as does what somebody else has sealed. In a child that
 * was forked in the middle of a freeze, whatever came of it, it can be done from the start.
 */
static int freeze_once(const struct span *pages)
{
	int r = freeze_pages(pages->start, pages->end, PROT_READ);
	int holds =
		r == -EPERM || r == -EACCES ? freeze_holds(pages->start, pages->end, PROT_READ) : 0;

	return holds > 0 ? 0 : r;
}

/* The freeze that failed and could not be undone, and the process that it failed in. */
static struct {
	pid_t pid;
	struct span pages;
} failed;

static int freeze(const struct span *pages)
{
	int r;

	if (failed.pid == sys_getpid() && failed.pages.start == pages->start) {
		r = freeze_holds(pages->start, pages->end, PROT_READ);
		return r > 0 ? 0 : r < 0 ? r : -ENOTRECOVERABLE;
	}
	r = freeze_once(pages);
	if (r == -ENOTRECOVERABLE) {
		failed.pid = sys_getpid();
		failed.pages = *pages;
	}
	return r;
}

EXPORT int memseal_globals_freeze_in(void *start, void *end, void *pad, void *pad_end)
{
	struct span pages;
	int r = find_pages(start, end, pad, pad_end, &pages);

	if (r == 0) {
		owner_lock_take(&lock);
		r = freeze(&pages);
		owner_lock_release(&lock);
	}
	return errors_only(r, -EOPNOTSUPP, ERRORS_GLOBALS);
}
