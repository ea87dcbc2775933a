/* SPDX-License-Identifier: MIT */
#include "engine/relro.h"

#include <string.h>
#include <sys/mman.h>

#include "base/sys.h"

static size_t total_size(const struct relro_span *spans, size_t count)
{
	size_t total = 0;

	for (size_t i = 0; i < count; i++)
		total += spans[i].end - spans[i].start;
	return total;
}

static void copy_all(unsigned char *to, const struct relro_span *spans, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		size_t len = spans[i].end - spans[i].start;

		memcpy(to, (const void *)spans[i].start, len);
		to += len;
	}
}

/*
 * One mapping for all copies, made read-only at once, then cut up. mremap(2) replaces the old pages
 * under the lock of the address space: a reader sees the old bytes or the same bytes.
 */
int relro_repair(const struct relro_span *spans, size_t count, size_t *ret_failed)
{
	size_t total = total_size(spans, count), at = 0, i;
	long copy;
	int r;

	*ret_failed = 0;
	if (count == 0)
		return 0;
	copy = sys_mmap(0, total, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (sys_failed(copy))
		return (int)copy;
	copy_all((unsigned char *)copy, spans, count);
	r = sys_mprotect((uint64_t)copy, total, PROT_READ);
	for (i = 0; r >= 0 && i < count; i++) {
		size_t len = spans[i].end - spans[i].start;
		long moved = sys_mremap((uint64_t)copy + at, len, len,
			MREMAP_MAYMOVE | MREMAP_FIXED, spans[i].start);

		if (sys_failed(moved)) {
			r = (int)moved;
			break;
		}
		at += len;
	}
	if (r < 0) {
		*ret_failed = i;
		sys_undo_mmap((uint64_t)copy + at, total - at);
	}
	return r < 0 ? r : 0;
}
