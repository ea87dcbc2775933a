/* SPDX-License-Identifier: MIT */
/* What smaps says about the images of this process: for tests of memseal_self(). */
#ifndef MEMSEAL_TESTS_HELPERS_IMAGES_H
#define MEMSEAL_TESTS_HELPERS_IMAGES_H

#include <link.h>

#include "helpers/memory.h"

struct images_count {
	const char *only; /* images whose name ends in this; NULL: all */
	size_t sealable, sealed, images;
	struct smaps_count spans[500];
	size_t span_count;
};

static inline bool name_ends_in(const char *name, const char *end)
{
	size_t len = name ? strlen(name) : 0;

	return !end || (len >= strlen(end) && strcmp(name + len - strlen(end), end) == 0);
}

/* Pages of read-only PT_LOAD, and pages of RELRO that are whole. */
static inline int count_image(struct dl_phdr_info *info, size_t size, void *arg)
{
	struct images_count *count = arg;
	uintptr_t page = page_size();

	(void)size;
	if (!name_ends_in(info->dlpi_name, count->only))
		return 0;
	count->images++;
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *phdr = &info->dlpi_phdr[i];
		uintptr_t start = info->dlpi_addr + phdr->p_vaddr, end = start + phdr->p_memsz;

		if (phdr->p_type == PT_GNU_RELRO)
			end &= ~(page - 1);
		else if (phdr->p_type == PT_LOAD && !(phdr->p_flags & PF_W))
			end = (end + page - 1) & ~(page - 1);
		else
			continue;
		start &= ~(page - 1);
		count->sealable += end - start;
		ck_assert_uint_lt(count->span_count, 500);
		count->spans[count->span_count++] = (struct smaps_count){ start, end, 0, 0 };
	}
	return 0;
}

static inline void add_to_spans(uintptr_t start, uintptr_t end, bool sealed, void *arg)
{
	struct images_count *count = arg;

	for (size_t i = 0; i < count->span_count; i++)
		smaps_add(start, end, sealed, &count->spans[i]);
}

static inline struct images_count count_images(const char *only)
{
	struct images_count count = { .only = only };

	dl_iterate_phdr(count_image, &count);
	smaps_each(add_to_spans, &count);
	for (size_t i = 0; i < count.span_count; i++)
		count.sealed += count.spans[i].sealed;
	return count;
}

#endif
