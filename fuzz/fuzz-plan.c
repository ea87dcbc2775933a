/* SPDX-License-Identifier: MIT */
/*
 * Any program headers at any address, then any mappings. The input is a sequence of records: an
 * image (a bias, a count, headers of 8 numbers) or a mapping.
 */
#include <elf.h>
#include <errno.h>

#include "fuzz.h"
#include "model/image.h"
#include "model/plan.h"

#define PAGE     4096
#define MAX_SIZE 512

static struct plan_extent extents[MAX_SIZE];

/* 16 bits each: small enough that segments meet, with a bit that makes a number huge. */
static uint64_t take_number(const uint8_t **data, size_t *size)
{
	uint16_t small;

	fuzz_take(data, size, &small, sizeof(small));
	return small & 0x8000 ? UINT64_MAX - (small & 0x7fff) : (uint64_t)small << 2;
}

static uint64_t take_pages(const uint8_t **data, size_t *size)
{
	uint8_t pages;

	fuzz_take(data, size, &pages, sizeof(pages));
	return pages * (uint64_t)PAGE;
}

static void take_phdr(const uint8_t **data, size_t *size, Elf64_Phdr *ret)
{
	static const uint32_t types[] = { PT_LOAD, PT_LOAD, PT_LOAD, PT_GNU_RELRO };
	uint8_t kind;

	fuzz_take(data, size, &kind, sizeof(kind));
	*ret = (Elf64_Phdr){
		.p_type = types[kind % 4],
		.p_flags = kind / 4 % 8,
		.p_vaddr = take_number(data, size),
		.p_filesz = take_number(data, size),
		.p_memsz = take_number(data, size),
	};
	if (kind & 0x80) /* else headers in order would be rare */
		ret->p_vaddr += ret[-1].p_vaddr + ret[-1].p_memsz;
	if (kind & 0x40)
		ret->p_memsz = ret->p_filesz;
}

/* The extents lie where the image does, do not meet, and leave no page of a segment out. */
static void check_image(
	const struct image *image, uint64_t bias, const struct plan_extent *first, size_t count)
{
	struct span span = { 0, 0 };
	uint64_t end = 0;

	if (!count)
		return;
	CHECK(image_extent(image, PAGE, &span) == 0);
	for (size_t i = 0; i < count; i++) {
		CHECK(first[i].start >= end && first[i].start < first[i].end);
		CHECK((first[i].start | first[i].end) % PAGE == 0);
		CHECK(first[i].role < PLAN_NO_ROLE);
		end = first[i].end;
	}
	CHECK(first[0].start == span.start + bias && end == span.end + bias);
}

static void add_image(struct plan *plan, const uint8_t **data, size_t *size, unsigned number)
{
	Elf64_Phdr phdrs[1 + 8] = { 0 };
	struct image image = {
		.phdrs = (const unsigned char *)(phdrs + 1),
		.phentsize = sizeof(phdrs[0]),
		.class = IMAGE_64,
		.big_endian = __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__,
	};
	uint64_t bias = take_pages(data, size);
	size_t before = plan->count;
	uint8_t count;
	int r;

	fuzz_take(data, size, &count, sizeof(count));
	image.phnum = count % 9;
	if (count & 0x80)
		bias = -bias;
	if (count & 0x40)
		bias++;
	for (unsigned i = 1; i <= image.phnum; i++)
		take_phdr(data, size, &phdrs[i]);
	r = plan_add_image(plan, &image, bias, number);
	CHECK(r == 0 || r == -ENOEXEC || r == -ENOSPC);
	CHECK(r == 0 || plan->count == before);
	CHECK(plan->count - before <= plan_extents_max(image.phnum));
	CHECK(r != -ENOSPC || plan_extents_max(image.phnum) > plan->capacity - before);
	CHECK(r != 0 || bias % PAGE == 0);
	if (r == 0)
		check_image(&image, bias, plan->extents + before, plan->count - before);
}

static uint64_t planned_bytes(const struct plan *plan, uint64_t start, uint64_t end)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < plan->count; i++) {
		uint64_t from = max_u64(plan->extents[i].start, start);
		uint64_t to = min_u64(plan->extents[i].end, end);

		bytes += from < to ? to - from : 0;
	}
	return bytes;
}

/* Sorting keeps the pages, each once. */
static void check_sorted(const struct plan_extent *before, size_t count, const struct plan *plan)
{
	for (size_t i = 0; i < plan->count; i++) {
		CHECK(plan->extents[i].start < plan->extents[i].end);
		CHECK(!i || plan->extents[i - 1].end <= plan->extents[i].start);
	}
	for (size_t i = 0; i < count; i++)
		CHECK(planned_bytes(plan, before[i].start, before[i].end) ==
			before[i].end - before[i].start);
}

/* The pieces tile the mapping exactly, and those of images are as many bytes as the extents. */
static void check_mapping(const struct plan *plan, const struct mapping *mapping)
{
	bool whole = mapping->kind == MAPPING_VDSO || mapping->kind == MAPPING_VVAR;
	uint64_t at = mapping->start, bytes = 0;
	struct plan_piece piece;

	for (; plan_next_piece(plan, mapping, at, &piece); at = piece.end) {
		CHECK(piece.start == at && piece.end > at && piece.end <= mapping->end);
		CHECK((piece.why == PLAN_SEALED) == mapping->sealed);
		CHECK(!!plan_why_text(piece.why) == !mapping->sealed);
		CHECK(piece.why != PLAN_SEAL || whole ||
			(plan_role_sealable(piece.role) && !(mapping->prot & MAPPING_WRITE)));
		if (piece.role != PLAN_NO_ROLE)
			bytes += piece.end - piece.start;
	}
	CHECK(at == mapping->end);
	CHECK(whole || bytes == planned_bytes(plan, mapping->start, mapping->end));
}

static void take_mapping(const struct plan *plan, const uint8_t **data, size_t *size)
{
	struct mapping mapping = { 0 };
	uint8_t bits;

	fuzz_take(data, size, &bits, sizeof(bits));
	mapping.start = take_pages(data, size);
	mapping.end = mapping.start + PAGE + take_pages(data, size);
	mapping.kind = bits % (MAPPING_SPECIAL + 1);
	mapping.prot = bits >> 4 & 7;
	mapping.sealed = bits >> 7;
	check_mapping(plan, &mapping);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct plan_extent before[MAX_SIZE];
	struct plan plan = { .extents = extents, .page = PAGE };
	uint8_t images, capacity;
	size_t count;

	fuzz_take(&data, &size, &images, sizeof(images));
	fuzz_take(&data, &size, &capacity, sizeof(capacity));
	plan.capacity = capacity & 0x80 ? MAX_SIZE : capacity;
	for (unsigned i = 0; i < images % 8; i++)
		add_image(&plan, &data, &size, i);
	count = plan.count;
	memcpy(before, extents, sizeof(extents));
	plan_sort(&plan);
	CHECK(plan.count <= count);
	check_sorted(before, count, &plan);
	for (unsigned i = 0; i < 32 && size; i++)
		take_mapping(&plan, &data, &size);
	return 0;
}
