/* SPDX-License-Identifier: MIT */
#include "memory/globals-image.h"

#include <elf.h>
#include <errno.h>
#include <link.h>
#include <sys/auxv.h>

#include "images/symbols.h"
#include "model/image.h"
#include "model/maps.h"

struct check {
	uint64_t start, end;
	int result;
};

static bool overlaps(const struct check *check, uint64_t start, uint64_t end)
{
	return start < check->end && check->start < end;
}

/* 1 if the segment holds all the pages, 0 if none; -ENOEXEC if they must not be frozen there. */
static int check_segment(
	const struct check *check, uint64_t bias, const struct image_segment *segment)
{
	uint64_t start = bias + segment->vaddr, end = start + segment->memsz;

	/* What .tbss takes up in memory it has not got. */
	if (segment->type == PT_TLS)
		end = start + segment->filesz;
	if (!overlaps(check, start, end))
		return 0;
	if (segment->type == PT_TLS || segment->type == PT_GNU_RELRO)
		return -ENOEXEC;
	if (segment->type != PT_LOAD)
		return 0;
	if (segment->prot != (MAPPING_READ | MAPPING_WRITE))
		return -ENOEXEC;
	return start <= check->start && check->end <= end ? 1 : -ENOEXEC;
}

static int check_segments(const struct check *check, const struct dl_phdr_info *info)
{
	struct image_segment segment;
	struct image image;
	int found = 0, r = 0;

	image_init_native(&image, info->dlpi_phdr, info->dlpi_phnum);
	for (unsigned i = 0; r >= 0 && i < info->dlpi_phnum; i++) {
		r = image_segment(&image, i, &segment);
		if (r == 0)
			r = check_segment(check, info->dlpi_addr, &segment);
		found |= r > 0;
	}
	return r < 0 ? r : found;
}

/* GNU ld lists the names of a section's ends even if they are hidden: nobody is given these. */
static bool is_exported(const ElfW(Sym) * symbol)
{
	unsigned visibility = ELF64_ST_VISIBILITY(symbol->st_other);

	return symbol->st_shndx != SHN_UNDEF && symbol->st_shndx != SHN_ABS &&
	       ELF64_ST_TYPE(symbol->st_info) != STT_TLS &&
	       ELF64_ST_BIND(symbol->st_info) != STB_LOCAL &&
	       (visibility == STV_DEFAULT || visibility == STV_PROTECTED);
}

static bool inside(const struct check *check, uint64_t at)
{
	return at >= check->start && at < check->end;
}

static const ElfW(Dyn) * find_dynamic(const struct dl_phdr_info *info)
{
	for (unsigned i = 0; i < info->dlpi_phnum; i++)
		if (info->dlpi_phdr[i].p_type == PT_DYNAMIC)
			return (const void *)(info->dlpi_addr + info->dlpi_phdr[i].p_vaddr);
	return NULL;
}

/*
 * An image that uses an exported variable of a library may have been given a copy of its own (a
 * copy relocation), or the library may use one of the same name in another image: the one that is
 * frozen here would be one that nobody reads.
 */
static int check_exports(const struct check *check, const struct dl_phdr_info *info)
{
	struct symbols symbols;
	uint32_t count;

	if (!symbols_read(info->dlpi_addr, find_dynamic(info), &symbols))
		return -ENOEXEC;
	count = symbols_count(&symbols);
	for (uint32_t i = 0; i < count; i++)
		if (is_exported(&symbols.table[i]) &&
			inside(check, info->dlpi_addr + symbols.table[i].st_value))
			return -ENOTUNIQ;
	return 0;
}

/* What the program itself defines is what everybody uses. */
static bool is_program(const struct dl_phdr_info *info)
{
	return (uintptr_t)info->dlpi_phdr == getauxval(AT_PHDR);
}

static int check_image(struct dl_phdr_info *info, size_t size, void *arg)
{
	struct check *check = arg;
	int r = check_segments(check, info);

	(void)size;
	if (r == 0)
		return 0;
	if (r > 0)
		r = is_program(info) ? 0 : check_exports(check, info);
	check->result = r;
	return 1;
}

int globals_image_check(uint64_t start, uint64_t end)
{
	struct check check = { .start = start, .end = end, .result = -ENOEXEC };

	dl_iterate_phdr(check_image, &check);
	return check.result;
}
