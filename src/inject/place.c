/* SPDX-License-Identifier: MIT */
#include "inject/place.h"

#include <errno.h>
#include <link.h>

#include "base/page.h"
#include "base/sys.h"
#include "model/image.h"
#include "process/procfs.h"

#define CHUNK    16384
#define CODE_MAX ((uint64_t)512 << 20)

/* Overlapping, so that no gadget is cut. */
static void look_in(const struct mapping *mapping, int mem, struct cpu_gadgets *ret)
{
	unsigned char bytes[CHUNK];
	uint64_t at = mapping->start;

	while (at < mapping->end && !(ret->call && ret->sigreturn)) {
		size_t len = min_u64(sizeof(bytes), mapping->end - at);
		ssize_t n = sys_pread(mem, bytes, len, at);

		if (n <= CPU_GADGET_MAX)
			break;
		cpu_find_gadgets(bytes, (size_t)n, at, ret);
		at += (uint64_t)n == mapping->end - at ? (uint64_t)n : (uint64_t)n - CPU_GADGET_MAX;
	}
}

/* From the end: the C library and the loader are there, and the program, which may be large, last.
 */
int place_find_gadgets(const struct memseal_process *process, int mem, struct cpu_gadgets *ret)
{
	uint64_t looked = 0;

	*ret = (struct cpu_gadgets){ 0, 0 };
	for (size_t i = process->count; i-- > 0 && looked < CODE_MAX;) {
		const struct mapping *mapping = &process->mappings[i];

		if (!(mapping->prot & MAPPING_EXEC) || mapping->kind != MAPPING_FILE)
			continue;
		look_in(mapping, mem, ret);
		if (ret->call && ret->sigreturn)
			return 0;
		looked += span_len(mapping->span);
	}
	return -ENOENT;
}

/* Besides the net, what the kernel might need for a signal in the middle of it. */
#define ROOM (2 * CPU_NET_MAX)

bool place_is_stack(const struct memseal_process *process, uint64_t at)
{
	for (size_t i = 1; i < process->count; i++) {
		const struct mapping *mapping = &process->mappings[i], *below = mapping - 1;

		if (!span_holds(mapping->span, at - 1))
			continue;
		if (mapping->kind == MAPPING_STACK)
			return true; /* it grows */
		return mapping->prot & MAPPING_WRITE && mapping->inode == 0 &&
		       below->end == mapping->start && below->prot == 0 &&
		       at - mapping->start >= ROOM;
	}
	return false;
}

#define PHDRS_MAX 64

/* Where the program's data ends, or 0. Its headers are in its first page. */
static uint64_t find_data_end(const struct memseal_process *process, int mem)
{
	ElfW(Phdr) phdrs[PHDRS_MAX];
	struct image_segment segment;
	const uint64_t at = procfs_auxv(process->live, AT_PHDR),
		       count = procfs_auxv(process->live, AT_PHNUM);
	uint64_t bias = 0, end = 0;
	struct image image;

	if (!at || !count || count > PHDRS_MAX ||
		sys_pread(mem, phdrs, count * sizeof(*phdrs), at) !=
			(ssize_t)(count * sizeof(*phdrs)))
		return 0;
	image_init_native(&image, phdrs, (uint16_t)count);
	for (unsigned i = 0; i < count; i++) {
		if (image_load(&image, i, &segment) != 1)
			continue;
		if (page_down(segment.offset, page_size()) == 0)
			bias = page_down(at, page_size()) - page_down(segment.vaddr, page_size());
		if (segment.prot & MAPPING_WRITE)
			end = bias + segment.vaddr + segment.memsz;
	}
	return end;
}

struct span place_find_spare(const struct memseal_process *process, int mem)
{
	struct span spare = { .start = find_data_end(process, mem) };

	spare.end = page_down(spare.start + page_size() - 1, page_size());
	for (size_t i = 0; i < process->count; i++) {
		const struct mapping *mapping = &process->mappings[i];

		if (span_holds(mapping->span, spare.start) && mapping->prot & MAPPING_WRITE &&
			!mapping->shared && spare.end <= mapping->end)
			return spare;
	}
	return (struct span){ 0, 0 };
}
