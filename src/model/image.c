/* SPDX-License-Identifier: MIT */
#include "model/image.h"

#include <elf.h>
#include <errno.h>

#include "base/page.h"
#include "base/uapi.h"
#include "model/maps.h"

/* From bytes of either order at any address; a constant size makes it one load. */
static inline __attribute__((always_inline)) uint64_t read_uint(
	const unsigned char *p, size_t size, bool big_endian)
{
	uint64_t value = 0;

	for (size_t i = 0; i < size; i++)
		value |= (uint64_t)p[i] << 8 * (big_endian ? size - 1 - i : i);
	return value;
}

/* A field of an ELF structure of either class; `object` knows the class and the byte order. */
#define FIELD_AS(type, object, bytes, member)                                          \
	read_uint((bytes) + offsetof(type, member), sizeof(((const type *)0)->member), \
		(object)->big_endian)
#define FIELD(type, object, bytes, member)                                           \
	((object)->class == IMAGE_64 ? FIELD_AS(Elf64_##type, object, bytes, member) \
				     : FIELD_AS(Elf32_##type, object, bytes, member))
#define SIZE(type, class) ((class) == IMAGE_64 ? sizeof(Elf64_##type) : sizeof(Elf32_##type))

/* Cut off, or something else altogether? */
static int check_ident(const unsigned char *p, size_t len)
{
	static const unsigned char magic[] = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3 };

	for (size_t i = 0; i < len && i < sizeof(magic); i++) {
		if (p[i] != magic[i])
			return -ENOEXEC;
	}
	if (len < EI_NIDENT)
		return -ENODATA;
	if (p[EI_CLASS] != ELFCLASS32 && p[EI_CLASS] != ELFCLASS64)
		return -ENOEXEC;
	if (p[EI_DATA] != ELFDATA2LSB && p[EI_DATA] != ELFDATA2MSB)
		return -ENOEXEC;
	return 0;
}

/* What fs/binfmt_elf.c asks of the header; PN_XNUM, which it does not know, included. */
static bool header_valid(const struct image_header *header)
{
	uint64_t end;

	return (header->type == ET_EXEC || header->type == ET_DYN) && header->phnum > 0 &&
	       header->phnum != PN_XNUM && header->phentsize == SIZE(Phdr, header->class) &&
	       !add_overflows(header->phoff, image_phdrs_size(header), &end);
}

int image_header(const void *bytes, size_t len, struct image_header *ret)
{
	const unsigned char *p = bytes;
	struct image_header header;
	int r;

	r = check_ident(p, len);
	if (r < 0)
		return r;
	header.class = p[EI_CLASS] == ELFCLASS64 ? IMAGE_64 : IMAGE_32;
	header.big_endian = p[EI_DATA] == ELFDATA2MSB;
	if (len < SIZE(Ehdr, header.class))
		return -ENODATA;
	header.type = (uint16_t)FIELD(Ehdr, &header, p, e_type);
	header.machine = (uint16_t)FIELD(Ehdr, &header, p, e_machine);
	header.entry = FIELD(Ehdr, &header, p, e_entry);
	header.phoff = FIELD(Ehdr, &header, p, e_phoff);
	header.phnum = (uint16_t)FIELD(Ehdr, &header, p, e_phnum);
	header.phentsize = (uint16_t)FIELD(Ehdr, &header, p, e_phentsize);
	if (!header_valid(&header))
		return -ENOEXEC;
	*ret = header;
	return 0;
}

size_t image_phdrs_size(const struct image_header *header)
{
	return (size_t)header->phnum * header->phentsize;
}

int image_init(struct image *ret, const struct image_header *header, const void *phdrs, size_t len)
{
	if (len < image_phdrs_size(header))
		return -ENODATA;
	ret->phdrs = phdrs;
	ret->phnum = header->phnum;
	ret->phentsize = header->phentsize;
	ret->class = header->class;
	ret->big_endian = header->big_endian;
	return 0;
}

void image_init_native(struct image *ret, const void *phdrs, uint16_t phnum)
{
	ret->phdrs = phdrs;
	ret->phnum = phnum;
	ret->class = sizeof(void *) == 8 ? IMAGE_64 : IMAGE_32;
	ret->phentsize = (uint16_t)SIZE(Phdr, ret->class);
	ret->big_endian = __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__;
}

static unsigned prot_of(uint32_t flags)
{
	return (flags & PF_R ? MAPPING_READ : 0U) | (flags & PF_W ? MAPPING_WRITE : 0U) |
	       (flags & PF_X ? MAPPING_EXEC : 0U);
}

static bool segment_valid(const struct image_segment *segment, enum image_class class)
{
	uint64_t last = class == IMAGE_64 ? UINT64_MAX : UINT32_MAX;

	if (segment->type == PT_NULL) /* unused: its other fields may be anything */
		return true;
	if (segment->type == PT_LOAD && segment->filesz > segment->memsz)
		return false;
	return range_within(segment->vaddr, segment->memsz, last) &&
	       range_within(segment->offset, segment->filesz, last);
}

int image_segment(const struct image *image, unsigned i, struct image_segment *ret)
{
	const unsigned char *p = image->phdrs + (size_t)i * image->phentsize;
	struct image_segment segment;

	segment.type = (uint32_t)FIELD(Phdr, image, p, p_type);
	segment.prot = prot_of((uint32_t)FIELD(Phdr, image, p, p_flags));
	segment.offset = FIELD(Phdr, image, p, p_offset);
	segment.filesz = FIELD(Phdr, image, p, p_filesz);
	segment.vaddr = FIELD(Phdr, image, p, p_vaddr);
	segment.memsz = FIELD(Phdr, image, p, p_memsz);
	if (!segment_valid(&segment, image->class))
		return -ENOEXEC;
	*ret = segment;
	return 0;
}

static uint32_t segment_type(const struct image *image, unsigned i)
{
	const unsigned char *p = image->phdrs + (size_t)i * image->phentsize;

	return (uint32_t)FIELD(Phdr, image, p, p_type);
}

int image_load(const struct image *image, unsigned i, struct image_segment *ret)
{
	struct image_segment segment;

	if (segment_type(image, i) != PT_LOAD)
		return 0;
	if (image_segment(image, i, &segment) < 0)
		return -ENOEXEC;
	if (!segment.memsz)
		return 0;
	*ret = segment;
	return 1;
}

int image_find(const struct image *image, uint32_t type, struct image_segment *ret)
{
	for (unsigned i = 0; i < image->phnum; i++) {
		if (segment_type(image, i) == type)
			return image_segment(image, i, ret);
	}
	return -ENOENT;
}

int image_relro(const struct image *image, uint64_t page, struct span *ret)
{
	struct image_segment segment;
	int r;

	r = image_find(image, PT_GNU_RELRO, &segment);
	if (r == -ENOENT)
		segment = (struct image_segment){ 0 };
	else if (r < 0)
		return r;
	ret->start = page_down(segment.vaddr, page);
	ret->end = page_down(segment.vaddr + segment.memsz, page);
	return 0;
}

static bool mutable_pages(const struct image *image, unsigned i, uint64_t page, struct span *ret)
{
	struct image_segment segment;

	if (segment_type(image, i) != PT_OPENBSD_MUTABLE || image_segment(image, i, &segment) < 0 ||
		!segment.memsz)
		return false;
	ret->start = page_down(segment.vaddr, page);
	return !page_up_overflows(segment.vaddr + segment.memsz, page, &ret->end);
}

bool image_mutable(const struct image *image, uint64_t page, struct span within, struct span *ret)
{
	struct span first = { within.end, within.end }, span;

	for (unsigned i = 0; i < image->phnum; i++) {
		if (!mutable_pages(image, i, page, &span))
			continue;
		span.start = max_u64(span.start, within.start);
		span.end = min_u64(span.end, within.end);
		if (span.start < span.end && span.start < first.start)
			first = span;
	}
	if (first.start == first.end)
		return false;
	*ret = first;
	return true;
}

int image_extent(const struct image *image, uint64_t page, struct span *ret)
{
	struct span span = { UINT64_MAX, 0 };
	struct image_segment segment;
	int r;

	for (unsigned i = 0; i < image->phnum; i++) {
		r = image_load(image, i, &segment);
		if (r < 0)
			return r;
		if (!r)
			continue;
		span.start = min_u64(span.start, segment.vaddr);
		span.end = max_u64(span.end, segment.vaddr + segment.memsz);
	}
	span.start = page_down(span.start, page);
	if (page_up_overflows(span.end, page, &span.end) || span.start >= span.end)
		return -ENOEXEC;
	*ret = span;
	return 0;
}

struct dynamic_facts {
	bool pie;    /* DF_1_PIE: binutils 2.26, lld 9 */
	bool soname; /* a shared object, even one that can be run, as libc.so.6 can */
};

static struct dynamic_facts read_dynamic(
	const struct image_header *header, const unsigned char *p, size_t len)
{
	size_t size = SIZE(Dyn, header->class);
	struct dynamic_facts facts = { false, false };

	for (; p && len >= size; p += size, len -= size) {
		uint64_t tag = FIELD(Dyn, header, p, d_tag);

		if (tag == DT_NULL)
			break;
		if (tag == DT_SONAME)
			facts.soname = true;
		else if (tag == DT_FLAGS_1)
			facts.pie = FIELD(Dyn, header, p, d_un.d_val) & DF_1_PIE;
	}
	return facts;
}

static bool has_interpreter(const struct image *image)
{
	for (unsigned i = 0; i < image->phnum; i++) {
		if (segment_type(image, i) == PT_INTERP)
			return true;
	}
	return false;
}

enum image_type image_type(const struct image_header *header, const struct image *image,
	const void *dynamic, size_t len)
{
	struct dynamic_facts facts = read_dynamic(header, dynamic, len);
	bool interpreter = has_interpreter(image);

	if (header->type == ET_EXEC)
		return interpreter ? IMAGE_EXEC : IMAGE_STATIC;
	if (facts.pie)
		return interpreter ? IMAGE_PIE : IMAGE_STATIC_PIE;
	return interpreter && !facts.soname ? IMAGE_PIE : IMAGE_DYN;
}

/*
 * Cuts a record of size bytes, padded to a multiple of align, off the front of a buffer. The last
 * record may lack its padding.
 */
static const unsigned char *take(
	const unsigned char **at, size_t *left, uint64_t size, size_t align)
{
	const unsigned char *record = *at;
	uint64_t padded;

	if (size > *left)
		return NULL;
	padded = min_u64((size + align - 1) & ~(uint64_t)(align - 1), *left);
	*at += padded;
	*left -= (size_t)padded;
	return record;
}

/* The data of a property, of *ret_size bytes, or NULL. */
static const unsigned char *find_property(const struct image *image, const unsigned char *p,
	size_t left, uint64_t wanted, uint64_t *ret_size)
{
	size_t align = image->class == IMAGE_64 ? 8 : 4;

	while (left >= 8) {
		uint64_t type = read_uint(p, 4, image->big_endian);
		uint64_t size = read_uint(p + 4, 4, image->big_endian);
		const unsigned char *record = take(&p, &left, 8 + size, align);

		if (!record)
			return NULL;
		*ret_size = size;
		if (type == wanted)
			return record + 8;
	}
	return NULL;
}

/* The same, in the first note of properties. */
static const unsigned char *find_noted(const struct image *image, const void *notes, size_t len,
	uint64_t wanted, uint64_t *ret_size)
{
	const unsigned char *p = notes;

	while (len >= sizeof(Elf64_Nhdr)) {
		/* Both classes have the same note header; GNU notes are padded to 4. */
		uint64_t name_size = FIELD_AS(Elf64_Nhdr, image, p, n_namesz);
		uint64_t desc_size = FIELD_AS(Elf64_Nhdr, image, p, n_descsz);
		uint64_t type = FIELD_AS(Elf64_Nhdr, image, p, n_type);
		const unsigned char *name, *desc;

		take(&p, &len, sizeof(Elf64_Nhdr), 4);
		name = take(&p, &len, name_size, 4);
		desc = name ? take(&p, &len, desc_size, 4) : NULL;
		if (!desc)
			return NULL;
		if (type == NT_GNU_PROPERTY_TYPE_0 && name_size == 4 && name[0] == 'G' &&
			name[1] == 'N' && name[2] == 'U' && name[3] == '\0')
			return find_property(image, desc, (size_t)desc_size, wanted, ret_size);
	}
	return NULL;
}

bool image_note_memory_seal(const struct image *image, const void *notes, size_t len)
{
	uint64_t size;

	return find_noted(image, notes, len, GNU_PROPERTY_MEMORY_SEAL, &size) && size == 0;
}

bool image_note_bti(const struct image *image, const void *notes, size_t len)
{
	uint64_t size;
	const unsigned char *data =
		find_noted(image, notes, len, GNU_PROPERTY_AARCH64_FEATURE_1_AND, &size);

	return data && size == 4 &&
	       (read_uint(data, 4, image->big_endian) & GNU_PROPERTY_AARCH64_FEATURE_1_BTI);
}
