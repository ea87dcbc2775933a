/* SPDX-License-Identifier: MIT */
/* The plan: known layouts, random ones against a model of single pages, and this process. */
#include <check.h>
#include <elf.h>
#include <errno.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/page.h"
#include "base/sys.h"
#include "model/image.h"
#include "model/maps.h"
#include "model/plan.h"

#define PAGE UINT64_C(0x1000)

/* An image under construction. */
struct build {
	ElfW(Phdr) phdrs[16];
	uint16_t phnum;
};

static void add_phdr(struct build *build, uint32_t type, uint32_t flags, uint64_t vaddr,
	uint64_t filesz, uint64_t memsz)
{
	ck_assert_uint_lt(build->phnum, ARRAY_SIZE(build->phdrs));
	build->phdrs[build->phnum++] = (ElfW(Phdr)){
		.p_type = type,
		.p_flags = flags,
		.p_offset = vaddr % PAGE,
		.p_vaddr = vaddr,
		.p_filesz = filesz,
		.p_memsz = memsz,
	};
}

static struct image image_of(const struct build *build)
{
	struct image image;

	image_init_native(&image, build->phdrs, build->phnum);
	return image;
}

static struct plan_extent extents[4096];

static struct plan empty_plan(void)
{
	return (struct plan){ .extents = extents, .capacity = ARRAY_SIZE(extents), .page = PAGE };
}

static int add(struct plan *plan, const struct build *build, uint64_t bias, unsigned number)
{
	struct image image = image_of(build);

	return plan_add_image(plan, &image, bias, number);
}

struct want {
	uint64_t start, end;
	enum plan_role role;
};

static void check_extents(const struct plan *plan, const struct want *want, size_t count)
{
	ck_assert_uint_eq(plan->count, count);
	for (size_t i = 0; i < count; i++) {
		ck_assert_uint_eq(plan->extents[i].start, want[i].start);
		ck_assert_uint_eq(plan->extents[i].end, want[i].end);
		ck_assert_int_eq(plan->extents[i].role, want[i].role);
	}
}

/* What GNU ld makes of a program, with addresses of one. */
static struct build gnu_ld(void)
{
	struct build build = { 0 };

	add_phdr(&build, PT_PHDR, PF_R, 0x40, 0x2d8, 0x2d8);
	add_phdr(&build, PT_LOAD, PF_R, 0, 0x628, 0x628);
	add_phdr(&build, PT_LOAD, PF_R | PF_X, 0x1000, 0x161, 0x161);
	add_phdr(&build, PT_LOAD, PF_R, 0x2000, 0xe4, 0xe4);
	add_phdr(&build, PT_LOAD, PF_R | PF_W, 0x3dd0, 0x1250, 0x4258);
	add_phdr(&build, PT_GNU_RELRO, PF_R, 0x3dd0, 0x230, 0x230);
	return build;
}

#define BIAS 0x555555554000

START_TEST(test_gnu_ld)
{
	static const struct want want[] = {
		{ BIAS, BIAS + 0x1000, PLAN_RODATA },
		{ BIAS + 0x1000, BIAS + 0x2000, PLAN_TEXT },
		{ BIAS + 0x2000, BIAS + 0x3000, PLAN_RODATA },
		{ BIAS + 0x3000, BIAS + 0x4000, PLAN_RELRO },
		{ BIAS + 0x4000, BIAS + 0x6000, PLAN_DATA },
		{ BIAS + 0x6000, BIAS + 0x9000, PLAN_BSS },
	};
	struct build build = gnu_ld();
	struct plan plan = empty_plan();

	ck_assert_int_eq(add(&plan, &build, BIAS, 7), 0);
	plan_sort(&plan);
	check_extents(&plan, want, ARRAY_SIZE(want));
	for (size_t i = 0; i < plan.count; i++)
		ck_assert_uint_eq(plan.extents[i].image, 7);
}
END_TEST

/* lld gives RELRO a segment of its own, some of it behind the file's bytes. */
START_TEST(test_relro_segment)
{
	static const struct want want[] = {
		{ 0x200000, 0x201000, PLAN_TEXT },
		{ 0x201000, 0x202000, PLAN_RELRO },
		{ 0x202000, 0x204000, PLAN_RELRO },
		{ 0x204000, 0x205000, PLAN_DATA },
	};
	struct build build = { 0 };
	struct plan plan = empty_plan();

	add_phdr(&build, PT_LOAD, PF_R | PF_X, 0x200000, 0x1000, 0x1000);
	add_phdr(&build, PT_LOAD, PF_R | PF_W, 0x201100, 0x700, 0x2f00);
	add_phdr(&build, PT_LOAD, PF_R | PF_W, 0x204000, 0x100, 0x100);
	add_phdr(&build, PT_GNU_RELRO, PF_R, 0x201100, 0x700, 0x2f00);
	ck_assert_int_eq(add(&plan, &build, 0, 0), 0);
	check_extents(&plan, want, ARRAY_SIZE(want));
}
END_TEST

/* ld -z noseparate-code, or pages larger than the linker thought of. */
START_TEST(test_shared_pages)
{
	static const struct want want[] = {
		{ 0x400000, 0x401000, PLAN_TEXT },
		{ 0x401000, 0x402000, PLAN_RODATA }, /* was text's, then two others' */
		{ 0x402000, 0x403000, PLAN_DATA },
		{ 0x403000, 0x404000, PLAN_BSS },
	};
	struct build build = { 0 };
	struct plan plan = empty_plan();

	add_phdr(&build, PT_LOAD, PF_R | PF_X, 0x400000, 0x1100, 0x1100);
	add_phdr(&build, PT_LOAD, PF_R | PF_W, 0x401100, 0x100, 0x100);
	add_phdr(&build, PT_LOAD, PF_R, 0x401200, 0x1000, 0x1000);
	add_phdr(&build, PT_LOAD, PF_R | PF_W, 0x402200, 0x10, 0x1000);
	ck_assert_int_eq(add(&plan, &build, 0, 0), 0);
	check_extents(&plan, want, ARRAY_SIZE(want));
}
END_TEST

START_TEST(test_odd_segments)
{
	static const struct want want[] = {
		{ 0x1000, 0x2000, PLAN_DATA },   /* writable and executable */
		{ 0x3000, 0x4000, PLAN_BSS },    /* no byte in the file */
		{ 0x5000, 0x6000, PLAN_RODATA }, /* no permission */
		{ 0x7000, 0x9000, PLAN_TEXT },   /* zero-filled behind the file's bytes */
	};
	struct build build = { 0 };
	struct plan plan = empty_plan();

	add_phdr(&build, PT_LOAD, PF_R | PF_W | PF_X, 0x1000, 0x1000, 0x1000);
	add_phdr(&build, PT_LOAD, PF_R, 0x2800, 0, 0);
	add_phdr(&build, PT_LOAD, PF_R | PF_W, 0x3800, 0, 0x100);
	add_phdr(&build, PT_LOAD, 0, 0x5000, 1, 1);
	add_phdr(&build, PT_LOAD, PF_R | PF_X, 0x7000, 1, 0x1001);
	ck_assert_int_eq(add(&plan, &build, 0, 0), 0);
	check_extents(&plan, want, ARRAY_SIZE(want));
}
END_TEST

/* A prelinked object may be loaded below its link-time address; the vDSO was linked up high. */
START_TEST(test_negative_bias)
{
	static const struct want want[] = { { 0x7000, 0x8000, PLAN_TEXT } };
	struct build build = { 0 };
	struct plan plan = empty_plan();

	add_phdr(&build, PT_LOAD, PF_R | PF_X, 0xffffffffff700000, 0x1000, 0x1000);
	ck_assert_int_eq(add(&plan, &build, 0x7000 - 0xffffffffff700000, 0), 0);
	check_extents(&plan, want, 1);
}
END_TEST

static void check_refused(const struct build *build, uint64_t bias)
{
	struct build good = gnu_ld();
	struct plan plan = empty_plan();
	size_t count;

	ck_assert_int_eq(add(&plan, &good, BIAS, 0), 0);
	count = plan.count;
	ck_assert_int_eq(add(&plan, build, bias, 1), -ENOEXEC);
	ck_assert_uint_eq(plan.count, count);
}

START_TEST(test_refused)
{
	struct build good = gnu_ld(), bad = good;

	check_refused(&good, BIAS + 1);
	check_refused(&good, UINT64_MAX - 0x4fff); /* a segment would wrap around */
	bad.phdrs[2].p_vaddr = 0x2000;             /* two segments at one address */
	bad.phdrs[2].p_memsz = 0x1000;
	check_refused(&bad, 0);
	bad = good;
	bad.phdrs[3].p_vaddr = 0x500; /* out of order */
	check_refused(&bad, 0);
	bad = good;
	bad.phdrs[4].p_filesz = bad.phdrs[4].p_memsz + 1;
	check_refused(&bad, 0);
	bad = good;
	bad.phdrs[4].p_memsz = UINT64_MAX - 0x4000; /* its last page wraps around */
	check_refused(&bad, 0);
	bad = good;
	bad.phdrs[5].p_memsz = UINT64_MAX; /* RELRO */
	check_refused(&bad, 0);
}
END_TEST

/* No loader looks at them, wherever they say they are. */
START_TEST(test_irrelevant_headers)
{
	struct build build = gnu_ld();
	struct plan plan = empty_plan();
	size_t count;

	ck_assert_int_eq(add(&plan, &build, BIAS, 0), 0);
	count = plan.count;
	add_phdr(&build, 0x6abcdef0, PF_R, UINT64_MAX - 15, 0x100, 0x100);
	add_phdr(&build, PT_NOTE, PF_R, UINT64_MAX - 15, 0x100, 0x100);
	add_phdr(&build, PT_GNU_STACK, PF_R | PF_W, 0, UINT64_MAX, UINT64_MAX);
	plan = empty_plan();
	ck_assert_int_eq(add(&plan, &build, BIAS, 0), 0);
	ck_assert_uint_eq(plan.count, count);
}
END_TEST

START_TEST(test_conflict_is_told)
{
	struct build build = gnu_ld();
	struct plan plan = empty_plan();

	ck_assert_int_eq(add(&plan, &build, BIAS, 0), 0);
	ck_assert_int_eq(add(&plan, &build, BIAS + 0x9000, 1), 0);
	plan_sort(&plan);
	ck_assert(!plan.conflict);
	ck_assert_int_eq(add(&plan, &build, BIAS + 0x11000, 2), 0);
	plan_sort(&plan);
	ck_assert(plan.conflict);
}
END_TEST

/* No segment wraps around, but the image does: its second segment would lie below its first. */
START_TEST(test_wraps_between_segments)
{
	struct build build = { 0 };
	struct plan plan = empty_plan();

	add_phdr(&build, PT_LOAD, PF_R | PF_X, 0, 0x1000, 0x1000);
	add_phdr(&build, PT_LOAD, PF_R, 0x5000, 0x1000, 0x1000);
	check_refused(&build, UINT64_MAX - 0x2fff);
	ck_assert_int_eq(add(&plan, &build, UINT64_MAX - 0x6fff, 0), 0);
	ck_assert_uint_eq(plan.count, 2);
}
END_TEST

START_TEST(test_no_space)
{
	struct build build = gnu_ld();

	for (size_t capacity = 0; capacity <= 7; capacity++) {
		struct plan plan = empty_plan();

		plan.capacity = capacity;
		ck_assert_int_eq(add(&plan, &build, BIAS, 0), capacity < 6 ? -ENOSPC : 0);
		ck_assert_uint_eq(plan.count, capacity < 6 ? 0 : 6);
	}
}
END_TEST

/* As many extents as an image can need: two for each header, RELRO's included. */
START_TEST(test_extents_max)
{
	struct build build = { 0 };
	struct plan plan = empty_plan();

	for (uint64_t i = 0; i < 4; i++)
		add_phdr(&build, PT_LOAD, PF_R | PF_W, i * 0x10000, 0x5000, 0xa000);
	add_phdr(&build, PT_GNU_RELRO, PF_R, 0x1000, 0, 0x2000);
	ck_assert_uint_eq(plan_extents_max(build.phnum), 10);
	plan.capacity = 10;
	ck_assert_int_eq(add(&plan, &build, 0, 0), 0);
	ck_assert_uint_eq(plan.count, 10);
}
END_TEST

static const struct {
	enum mapping_kind kind;
	unsigned prot;
	bool sealed;
	uint64_t at;
	enum plan_role role;
	enum plan_why why;
	const char *text;
} reasons[] = {
#define R (MAPPING_READ)
#define W (MAPPING_READ | MAPPING_WRITE)
#define X (MAPPING_READ | MAPPING_EXEC)
	{ MAPPING_FILE, X, false, 0x1000, PLAN_TEXT, PLAN_SEAL, "not sealed" },
	{ MAPPING_FILE, X, true, 0x1000, PLAN_TEXT, PLAN_SEALED, NULL },
	{ MAPPING_FILE, W | MAPPING_EXEC, false, 0x1000, PLAN_TEXT, PLAN_WRITABLE, "writable" },
	{ MAPPING_FILE, R, false, 0x2000, PLAN_RODATA, PLAN_SEAL, "not sealed" },
	{ MAPPING_ANON, R, false, 0x3000, PLAN_RELRO, PLAN_SEAL, "not sealed" },
	{ MAPPING_MEMFD, R, false, 0x3000, PLAN_RELRO, PLAN_SEAL, "not sealed" },
	{ MAPPING_FILE, W, false, 0x3000, PLAN_RELRO, PLAN_WRITABLE, "writable" },
	{ MAPPING_FILE, W, false, 0x4000, PLAN_DATA, PLAN_IS_DATA, "writable data" },
	{ MAPPING_FILE, R, false, 0x4000, PLAN_DATA, PLAN_IS_DATA, "writable data" },
	{ MAPPING_FILE, W, true, 0x4000, PLAN_DATA, PLAN_SEALED, NULL },
	{ MAPPING_HEAP, W, false, 0x6000, PLAN_BSS, PLAN_IS_DATA, "writable data" },
	{ MAPPING_HEAP, W, false, 0x9000, PLAN_NO_ROLE, PLAN_IS_HEAP, "heap" },
	{ MAPPING_HEAP, W, true, 0x9000, PLAN_NO_ROLE, PLAN_SEALED, NULL },
	{ MAPPING_STACK, W, false, 0x9000, PLAN_NO_ROLE, PLAN_IS_STACK, "stack" },
	{ MAPPING_VSYSCALL, MAPPING_EXEC, false, 0x9000, PLAN_NO_ROLE, PLAN_IS_VSYSCALL,
		"cannot be sealed" },
	{ MAPPING_VDSO, X, false, 0x9000, PLAN_NO_ROLE, PLAN_SEAL, "not sealed" },
	{ MAPPING_VVAR, R, false, 0x9000, PLAN_NO_ROLE, PLAN_SEAL, "not sealed" },
	{ MAPPING_VVAR, R, true, 0x9000, PLAN_NO_ROLE, PLAN_SEALED, NULL },
	{ MAPPING_FILE, R, false, 0x9000, PLAN_NO_ROLE, PLAN_IS_OTHER, "not part of an image" },
	{ MAPPING_ANON, W, false, 0x9000, PLAN_NO_ROLE, PLAN_IS_OTHER, "not part of an image" },
	{ MAPPING_SPECIAL, X, false, 0x9000, PLAN_NO_ROLE, PLAN_IS_OTHER, "not part of an image" },
};

START_TEST(test_reason)
{
	struct mapping mapping = {
		.start = BIAS + reasons[_i].at,
		.end = BIAS + reasons[_i].at + PAGE,
		.kind = reasons[_i].kind,
		.prot = reasons[_i].prot,
		.sealed = reasons[_i].sealed,
	};
	struct build build = gnu_ld();
	struct plan plan = empty_plan();
	struct plan_piece piece;
	const char *text;

	ck_assert_int_eq(add(&plan, &build, BIAS, 3), 0);
	plan_sort(&plan);
	ck_assert(plan_next_piece(&plan, &mapping, mapping.start, &piece));
	ck_assert_uint_eq(piece.start, mapping.start);
	ck_assert_uint_eq(piece.end, mapping.end);
	ck_assert_int_eq(piece.role, reasons[_i].role);
	ck_assert_int_eq(piece.why, reasons[_i].why);
	if (piece.role != PLAN_NO_ROLE)
		ck_assert_uint_eq(piece.image, 3);
	text = plan_why_text(piece.why);
	ck_assert_int_eq(!text, !reasons[_i].text);
	if (text)
		ck_assert_str_eq(text, reasons[_i].text);
}
END_TEST

/* The image covers less of the mapping than there is, and more: the mapping is what counts. */
START_TEST(test_system_mapping_is_whole)
{
	struct mapping mapping = {
		.start = 0x10000, .end = 0x13000, .kind = MAPPING_VDSO, .prot = X
	};
	struct build build = { 0 };
	struct plan plan = empty_plan();
	struct plan_piece piece;

	add_phdr(&build, PT_LOAD, PF_R | PF_X, 0, 0x10, 0x10);
	add_phdr(&build, PT_LOAD, PF_R, 0x2000, 0x2000, 0x2000);
	ck_assert_int_eq(add(&plan, &build, 0x10000, 5), 0);
	plan_sort(&plan);
	ck_assert(plan_next_piece(&plan, &mapping, mapping.start, &piece));
	ck_assert_uint_eq(piece.start, 0x10000);
	ck_assert_uint_eq(piece.end, 0x13000);
	ck_assert_int_eq(piece.role, PLAN_TEXT);
	ck_assert_uint_eq(piece.image, 5);
	ck_assert_int_eq(piece.why, PLAN_SEAL);
	ck_assert(!plan_next_piece(&plan, &mapping, piece.end, &piece));
}
END_TEST

START_TEST(test_outside_the_mapping)
{
	struct mapping mapping = { .start = 0x10000, .end = 0x13000 };
	struct plan plan = empty_plan();
	struct plan_piece piece;

	plan_sort(&plan);
	ck_assert(plan_next_piece(&plan, &mapping, 0x12000, &piece));
	ck_assert_uint_eq(piece.start, 0x12000);
	ck_assert_uint_eq(piece.end, 0x13000);
	ck_assert(!plan_next_piece(&plan, &mapping, 0xf000, &piece));
	ck_assert(!plan_next_piece(&plan, &mapping, 0x13000, &piece));
	ck_assert(!plan_next_piece(&plan, &mapping, 0x14000, &piece));
}
END_TEST

/*
 * Random images and mappings in a small space, page by page. The model knows of no extents: for
 * each page it walks through all headers, and the last one that claims the page wins.
 */

#define SPACE  512 /* pages */
#define IMAGES 6

struct page {
	enum plan_role role;
	unsigned image;
	unsigned claims; /* bit i: image i has a segment there */
};

static struct page space[SPACE];

static uint64_t random_state;

/* Steele, Lea and Flood's SplitMix64. */
static uint64_t random_below(uint64_t limit)
{
	uint64_t z = random_state += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return (z ^ z >> 31) % limit;
}

/* At most 5 loads of a few pages, in order, often sharing a page, often starting mid-page. */
static struct build random_image(void)
{
	struct build build = { 0 };
	uint64_t at = random_below(2 * PAGE), loads = 1 + random_below(5), start = at;

	for (uint64_t i = 0; i < loads; i++) {
		uint64_t memsz = random_below(4) ? random_below(5 * PAGE) : random_below(64);
		uint64_t filesz = random_below(2) ? memsz : random_below(memsz + 1);

		if (!random_below(3))
			at = page_down(at, PAGE) + PAGE;
		if (random_below(2))
			add_phdr(&build, PT_NOTE, PF_R, at, 0, 0);
		add_phdr(&build, PT_LOAD, (uint32_t)random_below(8), at, filesz, memsz);
		at += memsz + (random_below(2) ? random_below(4 * PAGE) : 0);
	}
	if (random_below(4))
		add_phdr(&build, PT_GNU_RELRO, PF_R, start + random_below(at - start + 1), 0,
			random_below(6 * PAGE));
	return build;
}

static enum plan_role segment_role(const ElfW(Phdr) * phdr, uint64_t page_start)
{
	if (!(phdr->p_flags & PF_W))
		return phdr->p_flags & PF_X ? PLAN_TEXT : PLAN_RODATA;
	if (!phdr->p_filesz || page_start >= phdr->p_vaddr + phdr->p_filesz)
		return PLAN_BSS;
	return PLAN_DATA;
}

static void model_page(
	const struct build *build, uint64_t page_start, unsigned number, struct page *page)
{
	enum plan_role role = PLAN_NO_ROLE;

	for (unsigned i = 0; i < build->phnum; i++) {
		const ElfW(Phdr) *phdr = &build->phdrs[i];

		if (phdr->p_type == PT_LOAD && phdr->p_memsz && phdr->p_vaddr < page_start + PAGE &&
			phdr->p_vaddr + phdr->p_memsz > page_start)
			role = segment_role(phdr, page_start);
		if (phdr->p_type == PT_GNU_RELRO && role != PLAN_NO_ROLE &&
			page_start >= phdr->p_vaddr / PAGE * PAGE &&
			page_start + PAGE <= phdr->p_vaddr + phdr->p_memsz)
			role = PLAN_RELRO;
	}
	if (role == PLAN_NO_ROLE)
		return;
	page->role = role;
	page->image = number;
	page->claims |= 1U << number;
}

static void model_image(const struct build *build, uint64_t bias, unsigned number)
{
	for (uint64_t i = bias / PAGE; i < SPACE; i++)
		model_page(build, i * PAGE - bias, number, &space[i]);
}

static enum plan_why no_role_why(const struct mapping *mapping)
{
	static const enum plan_why by_kind[] = {
		[MAPPING_ANON] = PLAN_IS_OTHER,
		[MAPPING_FILE] = PLAN_IS_OTHER,
		[MAPPING_MEMFD] = PLAN_IS_OTHER,
		[MAPPING_SHM] = PLAN_IS_OTHER,
		[MAPPING_HEAP] = PLAN_IS_HEAP,
		[MAPPING_STACK] = PLAN_IS_STACK,
	};

	return mapping->sealed ? PLAN_SEALED : by_kind[mapping->kind];
}

static enum plan_why model_why(const struct page *page, const struct mapping *mapping)
{
	if (mapping->sealed)
		return PLAN_SEALED;
	if (page->role == PLAN_DATA || page->role == PLAN_BSS)
		return PLAN_IS_DATA;
	return mapping->prot & MAPPING_WRITE ? PLAN_WRITABLE : PLAN_SEAL;
}

/* With images that overlap, any of those that claim a page may have it. */
static bool page_agrees(const struct plan_piece *piece, const struct page *page,
	const struct mapping *mapping, bool exact)
{
	if (piece->role == PLAN_NO_ROLE || !exact)
		return (piece->role == PLAN_NO_ROLE) == !page->claims &&
		       (!page->claims || page->claims >> piece->image & 1);
	return piece->role == page->role && piece->image == page->image &&
	       piece->why == model_why(page, mapping);
}

/* An assertion for each page would take most of the time. */
static bool piece_agrees(
	const struct plan_piece *piece, const struct mapping *mapping, uint64_t at, bool exact)
{
	bool agrees = piece->start == at && piece->end > at && piece->end <= mapping->end;

	for (uint64_t i = at / PAGE; agrees && i < piece->end / PAGE; i++)
		agrees = page_agrees(piece, &space[i], mapping, exact);
	return agrees && (piece->role != PLAN_NO_ROLE || piece->why == no_role_why(mapping));
}

/* The pieces tile the mapping; each page of them is what the model says. */
static void check_random_mapping(const struct plan *plan, bool exact)
{
	struct mapping mapping = {
		.start = random_below(SPACE) * PAGE,
		.kind = (enum mapping_kind)random_below(MAPPING_STACK + 1),
		.prot = (unsigned)random_below(8),
		.sealed = !random_below(4),
	};
	uint64_t at = mapping.start;
	struct plan_piece piece;
	bool agrees = true;

	mapping.end = mapping.start + (1 + random_below(SPACE - mapping.start / PAGE)) * PAGE;
	for (; agrees && plan_next_piece(plan, &mapping, at, &piece); at = piece.end)
		agrees = piece_agrees(&piece, &mapping, at, exact);
	ck_assert(agrees);
	ck_assert_uint_eq(at, mapping.end);
}

static void check_sorted(const struct plan *plan)
{
	bool sorted = true;

	for (size_t i = 0; i < plan->count; i++) {
		const struct plan_extent *extent = &plan->extents[i];

		sorted &= extent->start < extent->end && (!i || extent[-1].end <= extent->start);
	}
	ck_assert(sorted);
}

static void check_random_plan(bool overlap)
{
	static const uint64_t room = 64; /* pages; more than an image has */
	unsigned order[IMAGES];
	struct plan plan = empty_plan();

	for (size_t i = 0; i < SPACE; i++)
		space[i] = (struct page){ .role = PLAN_NO_ROLE };
	for (unsigned i = 0; i < IMAGES; i++) { /* in any order */
		unsigned j = (unsigned)random_below(i + 1);

		order[i] = order[j];
		order[j] = i;
	}
	for (unsigned i = 0; i < IMAGES; i++) {
		struct build build = random_image();
		uint64_t page = overlap ? random_below(3 * room) : order[i] * room;
		size_t count = plan.count;

		ck_assert_int_eq(add(&plan, &build, page * PAGE, i), 0);
		ck_assert_uint_le(plan.count - count, plan_extents_max(build.phnum));
		model_image(&build, page * PAGE, i);
	}
	plan_sort(&plan);
	check_sorted(&plan);
	for (unsigned i = 0; i < 20; i++)
		check_random_mapping(&plan, !overlap);
}

START_TEST(test_random)
{
	random_state = (uint64_t)_i;
	for (unsigned i = 0; i < 2000; i++)
		check_random_plan(false);
}
END_TEST

START_TEST(test_random_overlap)
{
	random_state = (uint64_t)_i;
	for (unsigned i = 0; i < 2000; i++)
		check_random_plan(true);
}
END_TEST

/* Three images claim one page; the first two claim more. */
START_TEST(test_overlap)
{
	static const struct plan_extent want[] = {
		{ 0x1000, 0x3000, PLAN_TEXT, 4 },
		{ 0x3000, 0x5000, PLAN_TEXT, 2 },
	};
	struct build two = { 0 }, three = { 0 };
	struct plan plan = empty_plan();

	add_phdr(&two, PT_LOAD, PF_R | PF_X, 0, 0x2000, 0x2000);
	add_phdr(&three, PT_LOAD, PF_R | PF_X, 0, 0x3000, 0x3000);
	ck_assert_int_eq(add(&plan, &two, 0x2000, 9), 0);
	ck_assert_int_eq(add(&plan, &three, 0x2000, 2), 0);
	ck_assert_int_eq(add(&plan, &two, 0x1000, 4), 0);
	plan_sort(&plan);
	ck_assert_uint_eq(plan.count, ARRAY_SIZE(want));
	for (size_t i = 0; i < plan.count; i++) {
		ck_assert_uint_eq(plan.extents[i].start, want[i].start);
		ck_assert_uint_eq(plan.extents[i].end, want[i].end);
		ck_assert_uint_eq(plan.extents[i].image, want[i].image);
	}
}
END_TEST

/* Many images, added from the top: the order in which a loader often has them. */
START_TEST(test_many_images)
{
	struct build build = gnu_ld();
	struct plan plan = empty_plan();
	const unsigned count = ARRAY_SIZE(extents) / 6;

	for (unsigned i = 0; i < count; i++)
		ck_assert_int_eq(add(&plan, &build, (uint64_t)(count - i) * 0x10000, i), 0);
	plan_sort(&plan);
	check_sorted(&plan);
	ck_assert_uint_eq(plan.count, (size_t)count * 6);
}
END_TEST

/* This process: does the loader's work look as planned? */

static char live[4 << 20];

static int add_live(struct dl_phdr_info *info, size_t size, void *arg)
{
	struct plan *plan = arg;
	struct image image;

	(void)size;
	image_init_native(&image, info->dlpi_phdr, info->dlpi_phnum);
	ck_assert_int_eq(plan_add_image(plan, &image, info->dlpi_addr, 0), 0);
	return 0;
}

static void check_live_piece(const struct plan_piece *piece, const struct mapping *mapping)
{
	switch (piece->role) {
	case PLAN_TEXT:
		ck_assert_uint_eq(mapping->prot, MAPPING_READ | MAPPING_EXEC);
		break;
	case PLAN_RODATA:
	case PLAN_RELRO:
		ck_assert_uint_eq(mapping->prot, MAPPING_READ);
		break;
	case PLAN_DATA:
	case PLAN_BSS:
		ck_assert_uint_eq(mapping->prot, MAPPING_READ | MAPPING_WRITE);
		break;
	case PLAN_NO_ROLE:
		ck_assert_int_ne(piece->why, PLAN_IS_DATA);
		/* The kernel joins bss with other writable anonymous memory beside it. */
		if (mapping->inode != 0 || !(mapping->prot & MAPPING_WRITE))
			ck_assert_uint_eq(piece->end - piece->start, mapping->end - mapping->start);
		break;
	}
}

static size_t read_maps(void)
{
	CLEANUP(sys_close_cleanup) int fd = sys_openat(AT_FDCWD, "/proc/self/maps", O_RDONLY, 0);
	size_t len = 0;
	ssize_t n;

	ck_assert_int_ge(fd, 0);
	while ((n = sys_read(fd, live + len, sizeof(live) - len)) > 0)
		len += (size_t)n;
	ck_assert_int_eq(n, 0);
	return len;
}

START_TEST(test_live)
{
	uint64_t bytes[PLAN_NO_ROLE + 1] = { 0 }, planned = 0;
	struct plan plan = empty_plan();
	struct mapping mapping;
	struct plan_piece piece;
	struct maps maps;

	plan.page = (uint64_t)sysconf(_SC_PAGESIZE);
	dl_iterate_phdr(add_live, &plan);
	plan_sort(&plan);
	for (size_t i = 0; i < plan.count; i++)
		planned += plan.extents[i].end - plan.extents[i].start;
	maps_init(&maps, live, read_maps(), MAPS_PLAIN);
	while (maps_next(&maps, &mapping) == 1) {
		uint64_t at = mapping.start;

		for (; plan_next_piece(&plan, &mapping, at, &piece); at = piece.end) {
			check_live_piece(&piece, &mapping);
			bytes[piece.role] += piece.end - piece.start;
		}
	}
	ck_assert_int_eq(maps_next(&maps, &mapping), 0);
	for (int role = PLAN_TEXT; role < PLAN_NO_ROLE; role++) {
		ck_assert_uint_gt(bytes[role], 0);
		planned -= bytes[role];
	}
	ck_assert_uint_eq(planned, 0); /* whatever the images claim is mapped */
}
END_TEST

static Suite *plan_suite(void)
{
	Suite *suite = suite_create("plan");
	TCase *known = tcase_create("known"), *random = tcase_create("random"),
	      *self = tcase_create("self");

	tcase_add_test(known, test_gnu_ld);
	tcase_add_test(known, test_irrelevant_headers);
	tcase_add_test(known, test_conflict_is_told);
	tcase_add_test(known, test_relro_segment);
	tcase_add_test(known, test_shared_pages);
	tcase_add_test(known, test_odd_segments);
	tcase_add_test(known, test_negative_bias);
	tcase_add_test(known, test_refused);
	tcase_add_test(known, test_wraps_between_segments);
	tcase_add_test(known, test_no_space);
	tcase_add_test(known, test_extents_max);
	tcase_add_loop_test(known, test_reason, 0, ARRAY_SIZE(reasons));
	tcase_add_test(known, test_system_mapping_is_whole);
	tcase_add_test(known, test_outside_the_mapping);
	tcase_add_test(known, test_overlap);
	tcase_add_test(known, test_many_images);
	suite_add_tcase(suite, known);

	tcase_set_timeout(random, 60);
	tcase_add_loop_test(random, test_random, 0, 4);
	tcase_add_loop_test(random, test_random_overlap, 0, 2);
	suite_add_tcase(suite, random);

	tcase_add_test(self, test_live);
	suite_add_tcase(suite, self);
	return suite;
}

int main(void)
{
	SRunner *runner = srunner_create(plan_suite());
	int failed;

	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
