/* SPDX-License-Identifier: MIT */
#include "agent/symbol.h"

#include "agent/libc.h"
#include "base/util.h"

struct search {
	const char *name;
	uint32_t hash;
	uintptr_t skip;
	void *found;
};

struct tables {
	const ElfW(Sym) * symbols;
	const char *strings;
	const uint32_t *gnu_hash;
	const uint32_t *sysv_hash;
};

/* The hash function of DT_GNU_HASH: h * 33 + c. */
static uint32_t gnu_hash(const char *name)
{
	uint32_t h = 5381;

	for (; *name; name++)
		h = h * 33 + (unsigned char)*name;
	return h;
}

static bool same(const char *a, const char *b)
{
	while (*a && *a == *b) {
		a++;
		b++;
	}
	return *a == *b;
}

/* glibc adds the bias to these entries when it loads an object, musl leaves them alone. */
static const void *table_at(const struct dl_phdr_info *info, ElfW(Addr) value)
{
	return (const void *)(value < info->dlpi_addr ? value + info->dlpi_addr : value);
}

static bool find_tables(const struct dl_phdr_info *info, struct tables *ret)
{
	const ElfW(Dyn) *dyn = NULL;

	*ret = (struct tables){ .symbols = NULL };
	for (unsigned i = 0; i < info->dlpi_phnum; i++)
		if (info->dlpi_phdr[i].p_type == PT_DYNAMIC)
			dyn = (const void *)(info->dlpi_addr + info->dlpi_phdr[i].p_vaddr);
	for (; dyn && dyn->d_tag != DT_NULL; dyn++) {
		if (dyn->d_tag == DT_SYMTAB)
			ret->symbols = table_at(info, dyn->d_un.d_ptr);
		else if (dyn->d_tag == DT_STRTAB)
			ret->strings = table_at(info, dyn->d_un.d_ptr);
		else if (dyn->d_tag == DT_GNU_HASH)
			ret->gnu_hash = table_at(info, dyn->d_un.d_ptr);
		else if (dyn->d_tag == DT_HASH)
			ret->sysv_hash = table_at(info, dyn->d_un.d_ptr);
	}
	return ret->symbols && ret->strings && (ret->gnu_hash || ret->sysv_hash);
}

static bool matches(
	const struct search *search, const struct tables *tables, const ElfW(Sym) * symbol)
{
	return symbol->st_shndx != SHN_UNDEF && symbol->st_value != 0 &&
	       ELF64_ST_TYPE(symbol->st_info) == STT_FUNC &&
	       same(tables->strings + symbol->st_name, search->name);
}

/* gABI of DT_GNU_HASH: header of four words, Bloom filter, buckets, chains that end on bit 0. */
static const ElfW(Sym) * find_gnu(const struct search *search, const struct tables *tables)
{
	const uint32_t *table = tables->gnu_hash;
	uint32_t buckets = table[0], first = table[1], bloom = table[2];
	const uint32_t *bucket = table + 4 + bloom * (sizeof(ElfW(Addr)) / sizeof(*table));
	const uint32_t *chain = bucket + buckets;
	uint32_t i;

	if (buckets == 0)
		return NULL;
	i = bucket[search->hash % buckets];
	if (i < first)
		return NULL;
	for (;; i++) {
		if ((chain[i - first] | 1) == (search->hash | 1) &&
			matches(search, tables, &tables->symbols[i]))
			return &tables->symbols[i];
		if (chain[i - first] & 1)
			return NULL;
	}
}

/* DT_HASH tells how many symbols there are: the second word. */
static const ElfW(Sym) * find_sysv(const struct search *search, const struct tables *tables)
{
	for (uint32_t i = 0; i < tables->sysv_hash[1]; i++)
		if (matches(search, tables, &tables->symbols[i]))
			return &tables->symbols[i];
	return NULL;
}

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

static int search_object(struct dl_phdr_info *info, size_t size, void *arg)
{
	struct search *search = arg;
	const ElfW(Sym) * symbol;
	struct tables tables;

	(void)size;
	if (holds(info, search->skip) || !find_tables(info, &tables))
		return 0;
	symbol = tables.gnu_hash ? find_gnu(search, &tables) : find_sysv(search, &tables);
	if (symbol)
		search->found = (void *)(info->dlpi_addr + symbol->st_value);
	return symbol != NULL;
}

void *symbol_find(const char *name, const void *skip)
{
	struct search search = { .name = name, .hash = gnu_hash(name), .skip = (uintptr_t)skip };

	dl_iterate_phdr(search_object, &search);
	return search.found;
}
