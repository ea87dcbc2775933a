/* SPDX-License-Identifier: MIT */
#include "images/relro.h"

#include <sys/mman.h>
#include <sys/uio.h>

#include "base/sys.h"
#include "engine/protect.h"

/*
 * Not memcpy(3): AddressSanitizer replaces it in programs built with it, and takes whole pages, red
 * zones and all, for an overflow. The barrier keeps GCC from calling it nevertheless.
 */
__attribute__((no_sanitize("address"))) static void copy_pages(
	uint64_t *to, const uint64_t *from, size_t len)
{
	for (size_t i = 0; i < len / sizeof(*to); i++) {
		to[i] = from[i];
		__asm__ volatile("" : : : "memory");
	}
}

static void copy_by_hand(uint64_t *to, const struct prot_span *spans, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		size_t len = spans[i].end - spans[i].start;

		copy_pages(to, (const uint64_t *)(uintptr_t)spans[i].start, len);
		to += len / sizeof(*to);
	}
}

/* So many spans in one call. */
#define CALL_SPANS 16

/*
 * The kernel stores into pages that this process has not touched yet, and nothing of them stays in
 * a TLB, or in a hypervisor's copy of the page tables, to be flushed when they become read-only and
 * when they are moved. False: not all of them.
 */
static bool copy_by_kernel(uint64_t to, const struct prot_span *spans, size_t count)
{
	const pid_t self = sys_getpid();
	bool done = true;

	for (size_t i = 0; done && i < count;) {
		struct iovec from[CALL_SPANS], all = { (void *)(uintptr_t)to, 0 };
		size_t n = 0;

		for (; n < CALL_SPANS && i < count; n++, i++) {
			from[n] = (struct iovec){ (void *)(uintptr_t)spans[i].start,
				(size_t)span_len(spans[i].span) };
			all.iov_len += from[n].iov_len;
		}
		done = sys_process_vm_writev(self, from, n, &all, 1) == (ssize_t)all.iov_len;
		to += all.iov_len;
	}
	return done;
}

/* Some filters kill for the call. */
static void copy_all(uint64_t to, const struct prot_span *spans, size_t count, bool filtered)
{
	if (filtered || !copy_by_kernel(to, spans, count))
		copy_by_hand((uint64_t *)(uintptr_t)to, spans, count);
}

/* Neighbours that get the same at once: one call, if they are RELRO all. */
static int protect_all(uint64_t at, const struct prot_span *spans, size_t count)
{
	int r = 0;

	for (size_t i = 0, first = 0; r >= 0 && i < count; first = i) {
		uint64_t len = 0;

		for (; i < count && spans[i].prot == spans[first].prot; i++)
			len += span_len(spans[i].span);
		r = protect_pages(at, len, spans[first].prot);
		at += len;
	}
	return r;
}

/*
 * One mapping for all copies, protected and then cut up. mremap(2) replaces the old pages
 * under the lock of the address space: a reader sees the old bytes or the same bytes.
 */
int relro_repair(const struct prot_span *spans, size_t count, bool filtered, size_t *ret_failed)
{
	size_t total = prot_spans_size(spans, count), at = 0, i;
	long copy;
	int r;

	*ret_failed = 0;
	if (count == 0)
		return 0;
	copy = sys_mmap(0, total, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | (filtered ? MAP_POPULATE : 0), -1, 0);
	if (sys_failed(copy))
		return (int)copy;
	copy_all((uintptr_t)copy, spans, count, filtered);
	r = protect_all((uintptr_t)copy, spans, count);
	for (i = 0; r >= 0 && i < count; i++) {
		size_t len = spans[i].end - spans[i].start;
		long moved = sys_mremap((uintptr_t)copy + at, len, len,
			MREMAP_MAYMOVE | MREMAP_FIXED, spans[i].start);

		if (sys_failed(moved)) {
			r = (int)moved;
			break;
		}
		at += len;
	}
	if (r < 0) {
		*ret_failed = i;
		sys_undo_mmap((uintptr_t)copy + at, total - at);
	}
	return r < 0 ? r : 0;
}
