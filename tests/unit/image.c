/* SPDX-License-Identifier: MIT */
/* ELF headers: made up in both classes and byte orders, broken, and those of this machine. */
#include <check.h>
#include <elf.h>
#include <errno.h>
#include <ftw.h>
#include <inttypes.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/sys.h"
#include "model/image.h"
#include "model/maps.h"

#define PAGE 4096

/* A writer of ELF bytes that shares nothing with the reader. */
struct form {
	enum image_class class;
	bool big_endian;
};

static const struct form forms[] = {
	{ IMAGE_32, false },
	{ IMAGE_32, true },
	{ IMAGE_64, false },
	{ IMAGE_64, true },
};

static void put(const struct form *form, unsigned char *at, unsigned size, uint64_t value)
{
	for (unsigned i = 0; i < size; i++)
		at[form->big_endian ? size - 1 - i : i] = (unsigned char)(value >> 8 * i);
}

#define EHDR_SIZE(form) ((size_t)((form)->class == IMAGE_64 ? 64 : 52))
#define PHDR_SIZE(form) ((size_t)((form)->class == IMAGE_64 ? 56 : 32))

/* Offsets from the ELF specification, figures 4-3 and 5-1. */
static void put_header(const struct form *form, unsigned char *at, const struct image_header *h)
{
	static const unsigned char ident[] = { 0x7f, 'E', 'L', 'F' };
	bool wide = form->class == IMAGE_64;
	unsigned word = wide ? 8 : 4;

	memset(at, 0, EHDR_SIZE(form));
	memcpy(at, ident, sizeof(ident));
	at[4] = wide ? 2 : 1;
	at[5] = form->big_endian ? 2 : 1;
	at[6] = 1;
	put(form, at + 16, 2, h->type);
	put(form, at + 18, 2, h->machine);
	put(form, at + 20, 4, 1);
	put(form, at + 24, word, h->entry);
	put(form, at + 24 + word, word, h->phoff);
	put(form, at + (wide ? 54 : 42), 2, h->phentsize);
	put(form, at + (wide ? 56 : 44), 2, h->phnum);
}

static void put_phdr(const struct form *form, unsigned char *at, uint32_t type, uint32_t flags,
	const struct image_segment *s)
{
	bool wide = form->class == IMAGE_64;
	unsigned word = wide ? 8 : 4;

	memset(at, 0, PHDR_SIZE(form));
	put(form, at, 4, type);
	put(form, at + (wide ? 4 : 24), 4, flags);
	put(form, at + (wide ? 8 : 4), word, s->offset);
	put(form, at + (wide ? 16 : 8), word, s->vaddr);
	put(form, at + (wide ? 32 : 16), word, s->filesz);
	put(form, at + (wide ? 40 : 20), word, s->memsz);
}

static struct image_header good_header(const struct form *form)
{
	return (struct image_header){
		.type = ET_DYN,
		.machine = 0x1234,
		.entry = 0x89abcdef,
		.phoff = EHDR_SIZE(form),
		.phnum = 3,
		.phentsize = (uint16_t)PHDR_SIZE(form),
	};
}

static int parse_header(
	const struct form *form, const struct image_header *want, struct image_header *ret)
{
	unsigned char bytes[IMAGE_EHDR_SIZE];

	put_header(form, bytes, want);
	return image_header(bytes, EHDR_SIZE(form), ret);
}

/* An image of one segment, in bytes that the caller provides. */
static struct image one_segment(const struct form *form, unsigned char *bytes, uint32_t type,
	uint32_t flags, const struct image_segment *segment)
{
	struct image_header header = good_header(form);
	struct image image;

	header.class = form->class;
	header.big_endian = form->big_endian;
	header.phnum = 1;
	put_phdr(form, bytes, type, flags, segment);
	ck_assert_int_eq(image_init(&image, &header, bytes, PHDR_SIZE(form)), 0);
	return image;
}

START_TEST(test_header)
{
	const struct form *form = &forms[_i];
	struct image_header want = good_header(form), got;

	ck_assert_int_eq(parse_header(form, &want, &got), 0);
	ck_assert_int_eq(got.class, form->class);
	ck_assert_int_eq(got.big_endian, form->big_endian);
	ck_assert_uint_eq(got.type, want.type);
	ck_assert_uint_eq(got.machine, want.machine);
	ck_assert_uint_eq(got.entry, want.entry);
	ck_assert_uint_eq(got.phoff, want.phoff);
	ck_assert_uint_eq(got.phnum, want.phnum);
	ck_assert_uint_eq(got.phentsize, want.phentsize);
	ck_assert_uint_eq(image_phdrs_size(&got), 3 * PHDR_SIZE(form));
}
END_TEST

/* At an odd address, of exactly the bytes there are: a sanitizer sees one byte too many. */
START_TEST(test_header_truncated)
{
	const struct form *form = &forms[_i];
	struct image_header want = good_header(form), got;

	for (size_t len = 0; len <= EHDR_SIZE(form); len++) {
		unsigned char bytes[IMAGE_EHDR_SIZE], *copy = malloc(len + 1);

		put_header(form, bytes, &want);
		memcpy(copy + 1, bytes, len);
		ck_assert_int_eq(
			image_header(copy + 1, len, &got), len < EHDR_SIZE(form) ? -ENODATA : 0);
		free(copy);
	}
}
END_TEST

START_TEST(test_header_not_elf)
{
	struct image_header want = good_header(&forms[2]), got, before;
	unsigned char bytes[IMAGE_EHDR_SIZE];

	memset(&got, 0xa5, sizeof(got));
	before = got;
	for (size_t i = 0; i < 6; i++) { /* the magic, the class and the byte order */
		put_header(&forms[2], bytes, &want);
		bytes[i] ^= 0x40;
		ck_assert_int_eq(image_header(bytes, sizeof(bytes), &got), -ENOEXEC);
		bytes[i] = 0;
		ck_assert_int_eq(image_header(bytes, sizeof(bytes), &got), -ENOEXEC);
	}
	ck_assert_int_eq(image_header("#!", 2, &got), -ENOEXEC);
	ck_assert_mem_eq(&got, &before, sizeof(got));
}
END_TEST

#define REFUSED(form, member, value)                                              \
	do {                                                                      \
		struct image_header refused_ = good_header(form), got_;           \
		ck_assert_int_eq(parse_header(form, &refused_, &got_), 0);        \
		refused_.member = (value);                                        \
		ck_assert_int_eq(parse_header(form, &refused_, &got_), -ENOEXEC); \
	} while (0)

START_TEST(test_header_refused)
{
	const struct form *form = &forms[_i];
	struct image_header most = good_header(form), got;

	REFUSED(form, type, ET_NONE);
	REFUSED(form, type, ET_REL);
	REFUSED(form, type, ET_CORE);
	REFUSED(form, phnum, 0);
	REFUSED(form, phnum, PN_XNUM);
	REFUSED(form, phentsize, 0);
	REFUSED(form, phentsize, (uint16_t)(PHDR_SIZE(form) - 1));
	REFUSED(form, phentsize, (uint16_t)(PHDR_SIZE(form) + 1));
	REFUSED(form, phentsize, form->class == IMAGE_64 ? 32 : 56);
	if (form->class == IMAGE_64)
		REFUSED(form, phoff, UINT64_MAX - 3 * PHDR_SIZE(form) + 1);
	most.phnum = 65534;
	ck_assert_int_eq(parse_header(form, &most, &got), 0);
	ck_assert_uint_eq(image_phdrs_size(&got), 65534 * PHDR_SIZE(form));
}
END_TEST

START_TEST(test_init_truncated)
{
	const struct form *form = &forms[_i];
	struct image_header want = good_header(form), header;
	unsigned char phdrs[3 * 56] = { 0 };
	struct image image;

	ck_assert_int_eq(parse_header(form, &want, &header), 0);
	for (size_t len = 0; len < 3 * PHDR_SIZE(form); len++)
		ck_assert_int_eq(image_init(&image, &header, phdrs, len), -ENODATA);
	ck_assert_int_eq(image_init(&image, &header, phdrs, 3 * PHDR_SIZE(form)), 0);
	ck_assert_uint_eq(image.phnum, 3);
}
END_TEST

START_TEST(test_segment)
{
	const struct form *form = &forms[_i];
	struct image_segment want = { 0, 0, 0x123000, 0x4321, 0x89abc010, 0x5432 }, got;
	unsigned char bytes[57];

	for (uint32_t flags = 0; flags < 8; flags++) {
		struct image image = one_segment(form, bytes + 1, 0x76543210, flags, &want);

		ck_assert_int_eq(image_segment(&image, 0, &got), 0);
		ck_assert_uint_eq(got.type, 0x76543210);
		ck_assert_uint_eq(got.prot, (flags & 1 ? MAPPING_EXEC : 0U) |
						    (flags & 2 ? MAPPING_WRITE : 0U) |
						    (flags & 4 ? MAPPING_READ : 0U));
		ck_assert_uint_eq(got.offset, want.offset);
		ck_assert_uint_eq(got.filesz, want.filesz);
		ck_assert_uint_eq(got.vaddr, want.vaddr);
		ck_assert_uint_eq(got.memsz, want.memsz);
	}
}
END_TEST

static void check_segment(const struct form *form, uint32_t type, uint64_t vaddr, uint64_t memsz,
	uint64_t offset, uint64_t filesz, int want)
{
	struct image_segment segment = { 0, 0, offset, filesz, vaddr, memsz }, got, before;
	unsigned char bytes[56];
	struct image image = one_segment(form, bytes, type, PF_R, &segment);

	memset(&got, 0xa5, sizeof(got));
	before = got;
	ck_assert_int_eq(image_segment(&image, 0, &got), want);
	if (want)
		ck_assert_mem_eq(&got, &before, sizeof(got));
}

START_TEST(test_segment_refused)
{
	const struct form *form = &forms[_i];
	uint64_t max = form->class == IMAGE_64 ? UINT64_MAX : UINT32_MAX;

	check_segment(form, PT_LOAD, max - 0x2000, 0x2000, 0, 0x2000, 0);
	check_segment(form, PT_LOAD, max - 0x2000, 0x2001, 0, 0x2000, -ENOEXEC);
	check_segment(form, PT_NOTE, max - 0x2000, 0x2001, 0, 0x2000, -ENOEXEC);
	check_segment(form, PT_LOAD, 0, 0x2000, max - 0x2000, 0x2000, 0);
	check_segment(form, PT_LOAD, 0, 0x3000, max - 0x2000, 0x2001, -ENOEXEC);
	check_segment(form, PT_LOAD, 0, 0x2000, 0, 0x2000, 0);
	check_segment(form, PT_LOAD, 0, 0x2000, 0, 0x2001, -ENOEXEC);
	check_segment(form, PT_NOTE, 0, 0, 0, 0x2001, 0);    /* a note that is not mapped */
	check_segment(form, PT_NULL, max, max, max, max, 0); /* an entry that is not used */
}
END_TEST

static const struct {
	uint64_t vaddr, memsz, start, end;
} relros[] = {
	{ 0x3dd0, 0x230, 0x3000, 0x4000 }, /* what GNU ld makes */
	{ 0x3000, 0x1000, 0x3000, 0x4000 },
	{ 0x3dd0, 0x22f, 0x3000, 0x3000 }, /* ends within its first page: nothing is protected */
	{ 0x3dd0, 0x1230, 0x3000, 0x5000 },
	{ 0x3dd0, 0x1231, 0x3000, 0x5000 }, /* the last byte stays writable */
	{ 0x3dd0, 0x222f, 0x3000, 0x5000 },
	{ 0x3dd0, 0, 0x3000, 0x3000 },
};

START_TEST(test_relro)
{
	for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
		struct image_segment segment = { .vaddr = relros[_i].vaddr,
			.memsz = relros[_i].memsz };
		unsigned char bytes[56];
		struct image image = one_segment(&forms[i], bytes, PT_GNU_RELRO, PF_R, &segment);
		struct span span;

		ck_assert_int_eq(image_relro(&image, PAGE, &span), 0);
		ck_assert_uint_eq(span.start, relros[_i].start);
		ck_assert_uint_eq(span.end, relros[_i].end);
	}
}
END_TEST

START_TEST(test_relro_absent_or_broken)
{
	struct image_segment segment = { .vaddr = 0x3000, .memsz = 0x1000 };
	unsigned char bytes[56];
	struct image image = one_segment(&forms[2], bytes, PT_LOAD, PF_R, &segment);
	struct span span;

	ck_assert_int_eq(image_relro(&image, PAGE, &span), 0);
	ck_assert_uint_eq(span.start, span.end);
	segment.vaddr = UINT64_MAX;
	image = one_segment(&forms[2], bytes, PT_GNU_RELRO, PF_R, &segment);
	ck_assert_int_eq(image_relro(&image, PAGE, &span), -ENOEXEC);
}
END_TEST

START_TEST(test_relro_large_page)
{
	struct image_segment segment = { .vaddr = 0x1fdd0, .memsz = 0x230 };
	unsigned char bytes[56];
	struct image image = one_segment(&forms[2], bytes, PT_GNU_RELRO, PF_R, &segment);
	struct span span;

	ck_assert_int_eq(image_relro(&image, 0x10000, &span), 0);
	ck_assert_uint_eq(span.start, 0x10000);
	ck_assert_uint_eq(span.end, 0x20000);
	segment.memsz = 0x1230; /* padded to 4 KiB pages only: the last 64 KiB page is left */
	image = one_segment(&forms[2], bytes, PT_GNU_RELRO, PF_R, &segment);
	ck_assert_int_eq(image_relro(&image, 0x10000, &span), 0);
	ck_assert_uint_eq(span.end, 0x20000);
}
END_TEST

static const struct {
	uint64_t from, to, start, end; /* nothing is found: an empty span */
} mutables[] = {
	{ 0x1000, 0x9000, 0x2000, 0x4000 }, /* both pages that the bytes lie in */
	{ 0x3000, 0x9000, 0x3000, 0x4000 },
	{ 0x2000, 0x3000, 0x2000, 0x3000 },
	{ 0x4000, 0x9000, 0x6000, 0x7000 }, /* its header comes first */
	{ 0x4000, 0x6000, 0, 0 },
	{ 0x7000, 0x9000, 0, 0 }, /* what is empty, or cannot be, is none */
	{ 0, 0x2000, 0, 0 },
};

START_TEST(test_mutable)
{
	enum { type = 0x65a3dbe5 }; /* <sys/exec_elf.h> of OpenBSD */
	static const ElfW(Phdr) phdrs[] = {
		{ .p_type = PT_LOAD, .p_flags = PF_R | PF_W, .p_memsz = 0x9000 },
		{ .p_type = type, .p_vaddr = 0x6fff, .p_memsz = 1 },
		{ .p_type = type, .p_vaddr = 0x8000, .p_memsz = 0 },
		{ .p_type = type, .p_vaddr = (ElfW(Addr)) - 0x10, .p_memsz = 0x8010 },
		{ .p_type = type, .p_vaddr = 0x2fff, .p_memsz = 2 },
	};
	const struct span within = { mutables[_i].from, mutables[_i].to };
	struct span found = { 0, 0 };
	struct image image;

	image_init_native(&image, phdrs, ARRAY_SIZE(phdrs));
	ck_assert_int_eq(image_mutable(&image, PAGE, within, &found), mutables[_i].end != 0);
	ck_assert_uint_eq(found.start, mutables[_i].start);
	ck_assert_uint_eq(found.end, mutables[_i].end);
}
END_TEST

START_TEST(test_extent)
{
	const struct form *form = &forms[_i];
	struct image_segment a = { .vaddr = 0x5123, .memsz = 0x10 },
			     b = { .vaddr = 0x3010, .memsz = 0x1000 },
			     c = { .vaddr = 0x90000, .memsz = 0x10 };
	struct image_header header = good_header(form);
	unsigned char bytes[3 * 56];
	struct span span;
	struct image image;

	header.class = form->class;
	header.big_endian = form->big_endian;
	put_phdr(form, bytes, PT_LOAD, PF_R, &a);
	put_phdr(form, bytes + PHDR_SIZE(form), PT_LOAD, PF_R, &b);
	put_phdr(form, bytes + 2 * PHDR_SIZE(form), PT_NOTE, PF_R, &c);
	ck_assert_int_eq(image_init(&image, &header, bytes, sizeof(bytes)), 0);
	ck_assert_int_eq(image_extent(&image, PAGE, &span), 0);
	ck_assert_uint_eq(span.start, 0x3000);
	ck_assert_uint_eq(span.end, 0x6000);
}
END_TEST

static void check_no_extent(uint32_t type, uint64_t vaddr, uint64_t memsz)
{
	struct image_segment segment = { .vaddr = vaddr, .memsz = memsz };
	struct span span = { 1, 2 };
	unsigned char bytes[56];
	struct image image = one_segment(&forms[2], bytes, type, PF_R, &segment);

	ck_assert_int_eq(image_extent(&image, PAGE, &span), -ENOEXEC);
	ck_assert_uint_eq(span.start, 1);
	ck_assert_uint_eq(span.end, 2);
}

START_TEST(test_extent_refused)
{
	check_no_extent(PT_NOTE, 0, 0x1000);
	check_no_extent(PT_LOAD, 0x1010, 0);
	check_no_extent(PT_LOAD, 0x1000, 0);
	check_no_extent(PT_LOAD, UINT64_MAX - 1, 1); /* its page wraps around */
	check_no_extent(PT_LOAD, UINT64_MAX, 1);
}
END_TEST

static const struct {
	uint16_t elf_type;
	bool interp, pie, soname;
	enum image_type type;
} types[] = {
	{ ET_EXEC, true, false, false, IMAGE_EXEC }, { ET_EXEC, false, false, false, IMAGE_STATIC },
	{ ET_DYN, true, true, false, IMAGE_PIE },
	{ ET_DYN, true, false, false, IMAGE_PIE }, /* before DF_1_PIE existed */
	{ ET_DYN, false, true, false, IMAGE_STATIC_PIE }, { ET_DYN, false, false, true, IMAGE_DYN },
	{ ET_DYN, false, false, false, IMAGE_DYN },
	{ ET_DYN, true, false, true, IMAGE_DYN }, /* libc.so.6 */
};

/* DT_NEEDED, [DT_SONAME], [DT_FLAGS_1], DT_NULL, and behind it what must not be read. */
static size_t put_dynamic(const struct form *form, unsigned char *at, bool pie, bool soname)
{
	unsigned word = form->class == IMAGE_64 ? 8 : 4, i = 0;
	uint64_t entries[5][2] = { { DT_NEEDED, 1 } };

	i = 1;
	if (soname)
		entries[i++][0] = DT_SONAME;
	if (pie) {
		entries[i][0] = DT_FLAGS_1;
		entries[i++][1] = DF_1_NOW | DF_1_PIE;
	}
	entries[i++][0] = DT_NULL;
	entries[i][0] = soname ? DT_NULL : DT_SONAME;
	for (unsigned n = 0; n < 5; n++) {
		put(form, at + (size_t)2 * n * word, word, entries[n][0]);
		put(form, at + (size_t)(2 * n + 1) * word, word, entries[n][1]);
	}
	return (size_t)10 * word;
}

START_TEST(test_type)
{
	struct image_segment none = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
		const struct form *form = &forms[i];
		uint32_t type = types[_i].interp ? PT_INTERP : PT_LOAD;
		struct image_header header = good_header(form);
		unsigned char bytes[56], dynamic[80];
		struct image image = one_segment(form, bytes, type, PF_R, &none);
		size_t len = put_dynamic(form, dynamic, types[_i].pie, types[_i].soname);

		header.class = form->class;
		header.big_endian = form->big_endian;
		header.type = types[_i].elf_type;
		ck_assert_int_eq(image_type(&header, &image, dynamic, len), types[_i].type);
	}
}
END_TEST

START_TEST(test_type_truncated)
{
	const struct form *form = &forms[2];
	struct image_segment none = { 0 };
	unsigned char bytes[56], dynamic[80];
	struct image image = one_segment(form, bytes, PT_LOAD, PF_R, &none);
	struct image_header header = good_header(form);

	header.class = IMAGE_64;
	header.big_endian = false;
	put_dynamic(form, dynamic, true, false); /* DT_FLAGS_1 is the second of 16 bytes each */
	ck_assert_int_eq(image_type(&header, &image, dynamic, 32), IMAGE_STATIC_PIE);
	ck_assert_int_eq(image_type(&header, &image, dynamic, 31), IMAGE_DYN);
	ck_assert_int_eq(image_type(&header, &image, NULL, 0), IMAGE_DYN);
}
END_TEST

/* A note of a name and a description, padded to 4; returns its size. */
static size_t put_note(const struct form *form, unsigned char *at, uint32_t type, const char *name,
	const void *desc, uint32_t len)
{
	uint32_t name_len = (uint32_t)strlen(name) + 1, padded = (name_len + 3) & ~3U;

	memset(at, 0, 12 + padded + ((len + 3) & ~3U));
	put(form, at, 4, name_len);
	put(form, at + 4, 4, len);
	put(form, at + 8, 4, type);
	memcpy(at + 12, name, name_len);
	memcpy(at + 12 + padded, desc, len);
	return 12 + padded + ((len + 3) & ~3U);
}

/* Properties: x86 features (4 bytes) and memory-seal, in that order or as asked. */
static uint32_t put_properties(
	const struct form *form, unsigned char *at, uint32_t second, uint32_t second_size)
{
	uint32_t padded = form->class == IMAGE_64 ? 8 : 4;

	memset(at, 0, 32);
	put(form, at, 4, GNU_PROPERTY_STACK_SIZE);
	put(form, at + 4, 4, 4);
	put(form, at + 8 + padded, 4, second);
	put(form, at + 12 + padded, 4, second_size);
	return 16 + padded;
}

static struct image bare_image(const struct form *form)
{
	return (struct image){ .class = form->class, .big_endian = form->big_endian };
}

START_TEST(test_memory_seal)
{
	const struct form *form = &forms[_i];
	unsigned char bytes[256], desc[64];
	struct image image = bare_image(form);
	uint32_t desc_len = put_properties(form, desc, 3, 0);
	size_t len = put_note(form, bytes, NT_GNU_BUILD_ID, "GNU", "0123456789012345678", 19);
	size_t before = len;

	ck_assert(!image_note_memory_seal(&image, bytes, len));
	len += put_note(form, bytes + len, NT_GNU_PROPERTY_TYPE_0, "GNU", desc, desc_len);
	ck_assert(image_note_memory_seal(&image, bytes, len));
	for (size_t cut = 0; cut < len; cut++)
		ck_assert(!image_note_memory_seal(&image, bytes, cut));

	/* Another vendor's, another type, another property, a property with data. */
	put_note(form, bytes + before, NT_GNU_PROPERTY_TYPE_0, "XNU", desc, desc_len);
	ck_assert(!image_note_memory_seal(&image, bytes, len));
	put_note(form, bytes + before, NT_GNU_BUILD_ID, "GNU", desc, desc_len);
	ck_assert(!image_note_memory_seal(&image, bytes, len));
	put_properties(form, desc, GNU_PROPERTY_NO_COPY_ON_PROTECTED, 0);
	put_note(form, bytes + before, NT_GNU_PROPERTY_TYPE_0, "GNU", desc, desc_len);
	ck_assert(!image_note_memory_seal(&image, bytes, len));
	put_properties(form, desc, 3, 4);
	len = before +
	      put_note(form, bytes + before, NT_GNU_PROPERTY_TYPE_0, "GNU", desc, desc_len + 8);
	ck_assert(!image_note_memory_seal(&image, bytes, len));
}
END_TEST

START_TEST(test_bti)
{
	const struct form *form = &forms[_i];
	unsigned char bytes[256], desc[64];
	struct image image = bare_image(form);
	uint32_t at = put_properties(form, desc, GNU_PROPERTY_AARCH64_FEATURE_1_AND, 4);
	uint32_t desc_len = at + (form->class == IMAGE_64 ? 8 : 4);
	size_t len;

	/* Pointers that are signed, which is not the same; then landing pads as well. */
	put(form, desc + at, 4, GNU_PROPERTY_AARCH64_FEATURE_1_PAC);
	len = put_note(form, bytes, NT_GNU_PROPERTY_TYPE_0, "GNU", desc, desc_len);
	ck_assert(!image_note_bti(&image, bytes, len));
	put(form, desc + at, 4,
		GNU_PROPERTY_AARCH64_FEATURE_1_PAC | GNU_PROPERTY_AARCH64_FEATURE_1_BTI);
	put_note(form, bytes, NT_GNU_PROPERTY_TYPE_0, "GNU", desc, desc_len);
	ck_assert(image_note_bti(&image, bytes, len));
	for (size_t cut = 0; cut < len; cut++)
		ck_assert(!image_note_bti(&image, bytes, cut));
	ck_assert(!image_note_memory_seal(&image, bytes, len));
	put_properties(form, desc, 3, 0);
	len = put_note(form, bytes, NT_GNU_PROPERTY_TYPE_0, "GNU", desc, desc_len);
	ck_assert(!image_note_bti(&image, bytes, len));
}
END_TEST

START_TEST(test_memory_seal_sizes_wrap)
{
	const struct form *form = &forms[_i];
	struct image image = bare_image(form);
	unsigned char bytes[64] = { 0 };

	for (unsigned at = 0; at < 8; at += 4) {
		for (uint32_t cut = 0; cut < 20; cut++) {
			memset(bytes, 0, sizeof(bytes));
			put(form, bytes + 8, 4, NT_GNU_PROPERTY_TYPE_0);
			put(form, bytes + at, 4, UINT32_MAX - cut);
			ck_assert(!image_note_memory_seal(&image, bytes, sizeof(bytes)));
			ck_assert(!image_note_bti(&image, bytes, sizeof(bytes)));
		}
	}
}
END_TEST

/* readelf(1) and the reader, over one file. */

struct oracle {
	unsigned segments;
	bool interp, pie, soname, exec, shared;
	uint64_t relro_vaddr, relro_memsz;
};

static const struct {
	const char *name;
	uint32_t type;
} segment_names[] = {
	{ "PHDR", PT_PHDR },
	{ "INTERP", PT_INTERP },
	{ "LOAD", PT_LOAD },
	{ "DYNAMIC", PT_DYNAMIC },
	{ "NOTE", PT_NOTE },
	{ "TLS", PT_TLS },
	{ "GNU_STACK", PT_GNU_STACK },
	{ "GNU_RELRO", PT_GNU_RELRO },
	{ "GNU_EH_FRAME", PT_GNU_EH_FRAME },
	{ "GNU_PROPERTY", PT_GNU_PROPERTY },
};

/* "  LOAD           0x001000 0x0000000000001000 0x0000000000001000 0x0001ed 0x0001ed R E 0x1000" */
static bool compare_segment(const char *line, const struct image *image, struct oracle *oracle)
{
	struct image_segment want = { 0 }, got;
	char name[32], perm[4] = ""; /* of a segment without rights, nothing is printed */
	const char *numbers = strstr(line, " 0x"); /* a name that is not known may have a blank */

	if (!numbers || sscanf(line, " %31s", name) != 1 ||
		sscanf(numbers, " %" SCNx64 " %" SCNx64 " %*x %" SCNx64 " %" SCNx64 " %3[RWE ]",
			&want.offset, &want.vaddr, &want.filesz, &want.memsz, perm) < 4)
		return false;
	ck_assert_uint_lt(oracle->segments, image->phnum);
	ck_assert_int_eq(image_segment(image, oracle->segments++, &got), 0);
	for (size_t i = 0; i < ARRAY_SIZE(segment_names); i++)
		ck_assert_int_eq(
			got.type == segment_names[i].type, !strcmp(name, segment_names[i].name));
	ck_assert_uint_eq(got.offset, want.offset);
	ck_assert_uint_eq(got.vaddr, want.vaddr);
	ck_assert_uint_eq(got.filesz, want.filesz);
	ck_assert_uint_eq(got.memsz, want.memsz);
	ck_assert_int_eq(!!(got.prot & MAPPING_READ), strchr(perm, 'R') != NULL);
	ck_assert_int_eq(!!(got.prot & MAPPING_WRITE), strchr(perm, 'W') != NULL);
	ck_assert_int_eq(!!(got.prot & MAPPING_EXEC), strchr(perm, 'E') != NULL);
	if (!strcmp(name, "INTERP"))
		oracle->interp = true;
	if (!strcmp(name, "GNU_RELRO")) {
		oracle->relro_vaddr = want.vaddr;
		oracle->relro_memsz = want.memsz;
	}
	return true;
}

static void read_oracle(const char *path, const struct image *image, struct oracle *ret)
{
	char command[4200], line[512];
	FILE *pipe;

	ck_assert_ptr_null(strchr(path, '\''));
	(void)snprintf(command, sizeof(command), "LC_ALL=C readelf -hlWd '%s' 2>/dev/null", path);
	pipe = popen(command, "r");
	ck_assert_ptr_nonnull(pipe);
	while (fgets(line, sizeof(line), pipe)) {
		if (compare_segment(line, image, ret))
			continue;
		if (!strncmp(line, "  Type:", 7)) {
			ret->exec = strstr(line, " EXEC ");
			ret->shared = strstr(line, " DYN ");
		}
		if (strstr(line, "(FLAGS_1)"))
			ret->pie = strstr(line, " PIE");
		if (strstr(line, "(SONAME)"))
			ret->soname = true;
	}
	ck_assert_int_eq(pclose(pipe), 0);
	ck_assert_msg(ret->segments == image->phnum, "%s", path);
}

static enum image_type oracle_type(const struct oracle *oracle)
{
	ck_assert(oracle->exec != oracle->shared);
	if (oracle->exec)
		return oracle->interp ? IMAGE_EXEC : IMAGE_STATIC;
	if (oracle->pie)
		return oracle->interp ? IMAGE_PIE : IMAGE_STATIC_PIE;
	return oracle->interp && !oracle->soname ? IMAGE_PIE : IMAGE_DYN;
}

static bool is_elf(const unsigned char *file, size_t size)
{
	unsigned type = size > 64 ? file[16] | file[17] : 0U; /* one of them is 0 */

	return (type == ET_EXEC || type == ET_DYN) && !memcmp(file, "\177ELF", 4);
}

static void compare_file(const char *path, const unsigned char *file, size_t size)
{
	const unsigned char *dynamic = NULL;
	struct image_segment segment = { 0 };
	struct image_header header;
	struct oracle oracle = { 0 };
	struct span relro;
	struct image image;

	ck_assert_int_eq(image_header(file, size, &header), 0);
	ck_assert(range_within(header.phoff, image_phdrs_size(&header), size));
	ck_assert_int_eq(
		image_init(&image, &header, file + header.phoff, image_phdrs_size(&header)), 0);
	read_oracle(path, &image, &oracle);
	ck_assert_int_eq(image_relro(&image, PAGE, &relro), 0);
	ck_assert_uint_eq(relro.start, oracle.relro_vaddr / PAGE * PAGE);
	ck_assert_uint_eq(relro.end, (oracle.relro_vaddr + oracle.relro_memsz) / PAGE * PAGE);
	if (!image_find(&image, PT_DYNAMIC, &segment) &&
		range_within(segment.offset, segment.filesz, size))
		dynamic = file + segment.offset;
	ck_assert_msg(image_type(&header, &image, dynamic, (size_t)segment.filesz) ==
			      oracle_type(&oracle),
		"%s", path);
}

/* Enough of a directory to meet all kinds of objects; readelf takes 5 ms a file. */
#define STRIDE  19
#define AT_MOST 30

static unsigned files_seen, files_compared;

static int visit(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
	CLEANUP(sys_close_cleanup) int fd = -1;
	unsigned char *file;
	size_t size = (size_t)st->st_size;

	(void)ftw;
	if (kind != FTW_F || !S_ISREG(st->st_mode) || !size || files_compared == AT_MOST)
		return 0;
	fd = sys_openat(AT_FDCWD, path, O_RDONLY, 0);
	if (fd == -EACCES) /* of another user */
		return 0;
	ck_assert_int_ge(fd, 0);
	file = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
	ck_assert_ptr_ne(file, MAP_FAILED);
	if (is_elf(file, size) && files_seen++ % STRIDE == 0) {
		compare_file(path, file, size);
		files_compared++;
	}
	ck_assert_int_eq(munmap(file, size), 0);
	return 0;
}

static const char *const directories[] = { "/usr/bin", "/usr/sbin", "/usr/lib" };

START_TEST(test_readelf_agrees)
{
	ck_assert_int_eq(nftw(directories[_i], visit, 16, FTW_PHYS), 0);
	ck_assert_uint_gt(files_compared, 0);
}
END_TEST

/* The program headers of this process, as the loader hands them out. */
static int check_native(struct dl_phdr_info *info, size_t size, void *count)
{
	static const unsigned prot[8] = { 0, 4, 2, 6, 1, 5, 3, 7 }; /* PF_* reads backwards */
	struct image_segment got;
	struct image image;

	(void)size;
	image_init_native(&image, info->dlpi_phdr, info->dlpi_phnum);
	for (unsigned i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *want = &info->dlpi_phdr[i];

		ck_assert_int_eq(image_segment(&image, i, &got), 0);
		ck_assert_uint_eq(got.type, want->p_type);
		ck_assert_uint_eq(got.prot, prot[want->p_flags & 7]);
		ck_assert_uint_eq(got.offset, want->p_offset);
		ck_assert_uint_eq(got.filesz, want->p_filesz);
		ck_assert_uint_eq(got.vaddr, want->p_vaddr);
		ck_assert_uint_eq(got.memsz, want->p_memsz);
	}
	++*(unsigned *)count;
	return 0;
}

START_TEST(test_native)
{
	unsigned count = 0;

	ck_assert_int_eq(dl_iterate_phdr(check_native, &count), 0);
	ck_assert_uint_ge(count, 3); /* this program, libc and the loader at least */
}
END_TEST

static Suite *image_suite(void)
{
	Suite *suite = suite_create("image");
	TCase *made = tcase_create("made up"), *machine = tcase_create("this machine");

	tcase_add_loop_test(made, test_header, 0, ARRAY_SIZE(forms));
	tcase_add_loop_test(made, test_header_truncated, 0, ARRAY_SIZE(forms));
	tcase_add_test(made, test_header_not_elf);
	tcase_add_loop_test(made, test_header_refused, 0, ARRAY_SIZE(forms));
	tcase_add_loop_test(made, test_init_truncated, 0, ARRAY_SIZE(forms));
	tcase_add_loop_test(made, test_segment, 0, ARRAY_SIZE(forms));
	tcase_add_loop_test(made, test_segment_refused, 0, ARRAY_SIZE(forms));
	tcase_add_loop_test(made, test_relro, 0, ARRAY_SIZE(relros));
	tcase_add_test(made, test_relro_absent_or_broken);
	tcase_add_test(made, test_relro_large_page);
	tcase_add_loop_test(made, test_mutable, 0, ARRAY_SIZE(mutables));
	tcase_add_loop_test(made, test_extent, 0, ARRAY_SIZE(forms));
	tcase_add_test(made, test_extent_refused);
	tcase_add_loop_test(made, test_type, 0, ARRAY_SIZE(types));
	tcase_add_test(made, test_type_truncated);
	tcase_add_loop_test(made, test_memory_seal, 0, ARRAY_SIZE(forms));
	tcase_add_loop_test(made, test_bti, 0, ARRAY_SIZE(forms));
	tcase_add_loop_test(made, test_memory_seal_sizes_wrap, 0, ARRAY_SIZE(forms));
	suite_add_tcase(suite, made);

	tcase_set_timeout(machine, 120);
	tcase_add_loop_test(machine, test_readelf_agrees, 0, ARRAY_SIZE(directories));
	tcase_add_test(machine, test_native);
	suite_add_tcase(suite, machine);
	return suite;
}

int main(void)
{
	SRunner *runner = srunner_create(image_suite());
	int failed;

	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
