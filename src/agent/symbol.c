/* SPDX-License-Identifier: MIT */
#include "agent/symbol.h"

#include "agent/libc.h"
#include "images/symbols.h"

struct search {
	const char *name;
	uintptr_t skip;
	void *found;
};

static bool holds(const struct dl_phdr_info *info, uintptr_t addr)
{
	for (unsigned i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *phdr = &info->dlpi_phdr[i];

		if (phdr->p_type == PT_LOAD &&
			addr - (info->dlpi_addr + phdr->p_vaddr) < phdr->p_memsz)
			return true;
	}
	return false;
}

static const ElfW(Dyn) * find_dynamic(const struct dl_phdr_info *info)
{
	for (unsigned i = 0; i < info->dlpi_phnum; i++)
		if (info->dlpi_phdr[i].p_type == PT_DYNAMIC)
			return (const void *)(info->dlpi_addr + info->dlpi_phdr[i].p_vaddr);
	return NULL;
}

static int search_object(struct dl_phdr_info *info, size_t size, void *arg)
{
	struct search *search = arg;
	struct symbols symbols;

	(void)size;
	if (!holds(info, search->skip) &&
		symbols_read(info->dlpi_addr, find_dynamic(info), &symbols))
		search->found = symbols_find(&symbols, search->name);
	return search->found != NULL;
}

void *symbol_find(const char *name, const void *skip)
{
	struct search search = { .name = name, .skip = (uintptr_t)skip };

	dl_iterate_phdr(search_object, &search);
	return search.found;
}
