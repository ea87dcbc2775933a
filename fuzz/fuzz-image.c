/* SPDX-License-Identifier: MIT */
/* Any bytes as an ELF file. */
#include <elf.h>
#include <errno.h>

#include "fuzz.h"
#include "model/image.h"
#include "model/maps.h"

#define PAGE 4096

static void check_header(const struct image_header *header, size_t size)
{
	CHECK(header->class == IMAGE_32 || header->class == IMAGE_64);
	CHECK(size >= (header->class == IMAGE_64 ? sizeof(Elf64_Ehdr) : sizeof(Elf32_Ehdr)));
	CHECK(header->type == ET_EXEC || header->type == ET_DYN);
	CHECK(header->phnum > 0 && header->phnum < PN_XNUM);
	CHECK(image_phdrs_size(header) <= (size_t)65534 * 56);
	CHECK(header->phoff + image_phdrs_size(header) >= header->phoff);
}

static void check_segment(const struct image *image, const struct image_segment *segment)
{
	uint64_t max = image->class == IMAGE_64 ? UINT64_MAX : UINT32_MAX;

	CHECK(segment->prot < 8);
	if (segment->type == PT_NULL)
		return;
	CHECK(segment->vaddr <= max && segment->memsz <= max - segment->vaddr);
	CHECK(segment->offset <= max && segment->filesz <= max - segment->offset);
	CHECK(segment->type != PT_LOAD || segment->filesz <= segment->memsz);
}

/* Every page of a PT_LOAD lies in the extent, and both ends of it are one's. */
static void check_extent(const struct image *image)
{
	bool starts = false, ends = false;
	struct image_segment segment;
	struct span span;

	if (image_extent(image, PAGE, &span) < 0)
		return;
	CHECK(span.start < span.end && (span.start | span.end) % PAGE == 0);
	for (unsigned i = 0; i < image->phnum; i++) {
		if (image_segment(image, i, &segment) < 0 || segment.type != PT_LOAD ||
			!segment.memsz)
			continue;
		CHECK(segment.vaddr >= span.start && segment.vaddr + segment.memsz <= span.end);
		starts |= segment.vaddr - span.start < PAGE;
		ends |= span.end - (segment.vaddr + segment.memsz) < PAGE;
	}
	CHECK(starts && ends);
}

static void check_relro(const struct image *image)
{
	struct image_segment segment;
	struct span span;
	int found = image_find(image, PT_GNU_RELRO, &segment);

	CHECK(image_relro(image, PAGE, &span) == (found == -ENOENT ? 0 : found));
	if (found == -ENOENT)
		CHECK(span.start == span.end);
	if (found)
		return;
	CHECK(span.start <= span.end && (span.start | span.end) % PAGE == 0);
	CHECK(segment.vaddr - span.start < PAGE);
	CHECK(segment.vaddr + segment.memsz - span.end < PAGE);
}

/* Runs of whole pages, ascending and apart; not all of very many. */
static void check_mutable(const struct image *image)
{
	struct span rest = { 0, (uint64_t)1 << 40 }, span;

	for (unsigned i = 0; i < 100 && image_mutable(image, PAGE, rest, &span); i++) {
		CHECK(rest.start <= span.start && span.start < span.end && span.end <= rest.end);
		CHECK((span.start | span.end) % PAGE == 0);
		rest.start = span.end;
	}
}

/* A copy of exactly the bytes there are, so that a sanitizer sees one too many. */
static void *copy_of(const uint8_t *data, size_t size)
{
	void *copy = malloc(size ? size : 1);

	CHECK(copy);
	if (size)
		memcpy(copy, data, size);
	return copy;
}

static void check_contents(const struct image_header *header, const struct image *image,
	const uint8_t *data, size_t size)
{
	struct image_segment segment;
	void *copy;

	for (unsigned i = 0; i < image->phnum && i < 16; i++) {
		if (image_segment(image, i, &segment) < 0)
			continue;
		check_segment(image, &segment);
		if (!range_within(segment.offset, segment.filesz, size))
			continue;
		copy = copy_of(data + segment.offset, (size_t)segment.filesz);
		if (segment.type == PT_DYNAMIC) {
			CHECK(image_type(header, image, copy, (size_t)segment.filesz) <=
				IMAGE_STATIC_PIE);
		} else {
			(void)image_note_memory_seal(image, copy, (size_t)segment.filesz);
			(void)image_note_bti(image, copy, (size_t)segment.filesz);
		}
		free(copy);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct image_header header;
	struct image image;
	size_t len;
	void *phdrs;
	int r;

	r = image_header(data, size, &header);
	if (r < 0) {
		CHECK(r == -ENOEXEC || (r == -ENODATA && size < IMAGE_EHDR_SIZE));
		return 0;
	}
	check_header(&header, size);
	len = image_phdrs_size(&header);
	if (!range_within(header.phoff, len, size))
		return 0;
	phdrs = copy_of(data + header.phoff, len);
	CHECK(image_init(&image, &header, phdrs, len - 1) == -ENODATA);
	CHECK(image_init(&image, &header, phdrs, len) == 0);
	check_extent(&image);
	check_relro(&image);
	check_mutable(&image);
	check_contents(&header, &image, data, size);
	free(phdrs);
	return 0;
}
