/* SPDX-License-Identifier: MIT */
#include "images/symbols.h"

/* glibc adds the bias to these entries when it loads an object, musl leaves them alone. */
static const void *table_at(uintptr_t bias, ElfW(Addr) value)
{
	return (const void *)(value < bias ? value + bias : value);
}

bool symbols_read(uintptr_t bias, const ElfW(Dyn) * dynamic, struct symbols *ret)
{
	*ret = (struct symbols){ .bias = bias };
	for (const ElfW(Dyn) *dyn = dynamic; dyn && dyn->d_tag != DT_NULL; dyn++) {
		const void *table = table_at(bias, dyn->d_un.d_ptr);

		if (dyn->d_tag == DT_SYMTAB)
			ret->table = table;
		else if (dyn->d_tag == DT_STRTAB)
			ret->strings = table;
		else if (dyn->d_tag == DT_GNU_HASH)
			ret->gnu_hash = table;
		else if (dyn->d_tag == DT_HASH)
			ret->sysv_hash = table;
	}
	return ret->table && ret->strings && (ret->gnu_hash || ret->sysv_hash);
}

/* gABI of DT_GNU_HASH: header of four words, Bloom filter, buckets, chains that end on bit 0. */
struct gnu_table {
	uint32_t buckets, first;
	const uint32_t *bucket, *chain;
};

static struct gnu_table read_gnu(const uint32_t *words)
{
	const uint32_t *bucket = words + 4 + words[2] * (sizeof(ElfW(Addr)) / sizeof(*words));

	return (struct gnu_table){
		.buckets = words[0],
		.first = words[1],
		.bucket = bucket,
		.chain = bucket + words[0],
	};
}

/* The last chain tells. */
static uint32_t count_gnu(const uint32_t *words)
{
	struct gnu_table table = read_gnu(words);
	uint32_t last = 0;

	for (uint32_t i = 0; i < table.buckets; i++)
		if (table.bucket[i] > last)
			last = table.bucket[i];
	if (last < table.first)
		return table.first; /* none that can be found */
	while (!(table.chain[last - table.first] & 1))
		last++;
	return last + 1;
}

/* DT_HASH tells how many symbols there are: the second word. */
uint32_t symbols_count(const struct symbols *symbols)
{
	return symbols->sysv_hash ? symbols->sysv_hash[1] : count_gnu(symbols->gnu_hash);
}

static bool is_named(const char *a, const char *b)
{
	while (*a && *a == *b) {
		a++;
		b++;
	}
	return *a == *b;
}

static bool matches(const struct symbols *symbols, const char *name, uint32_t i)
{
	const ElfW(Sym) *symbol = &symbols->table[i];
	unsigned type = ELF64_ST_TYPE(symbol->st_info);

	return symbol->st_shndx != SHN_UNDEF && symbol->st_value != 0 &&
	       (type == STT_FUNC || type == STT_OBJECT) &&
	       is_named(symbols->strings + symbol->st_name, name);
}

/* The hash function of DT_GNU_HASH: h * 33 + c. */
static uint32_t hash_of(const char *name)
{
	uint32_t h = 5381;

	for (; *name; name++)
		h = h * 33 + (unsigned char)*name;
	return h;
}

/* The symbol's number, or 0, which is nobody's. */
static uint32_t find_gnu(const struct symbols *symbols, const char *name)
{
	struct gnu_table table = read_gnu(symbols->gnu_hash);
	uint32_t hash = hash_of(name), i;

	if (table.buckets == 0)
		return 0;
	i = table.bucket[hash % table.buckets];
	if (i < table.first)
		return 0;
	for (;; i++) {
		uint32_t link = table.chain[i - table.first];

		if ((link | 1) == (hash | 1) && matches(symbols, name, i))
			return i;
		if (link & 1)
			return 0;
	}
}

static uint32_t find_sysv(const struct symbols *symbols, const char *name)
{
	for (uint32_t i = 1; i < symbols->sysv_hash[1]; i++)
		if (matches(symbols, name, i))
			return i;
	return 0;
}

void *symbols_find(const struct symbols *symbols, const char *name)
{
	uint32_t i = symbols->gnu_hash ? find_gnu(symbols, name) : find_sysv(symbols, name);

	return i ? (void *)(symbols->bias + symbols->table[i].st_value) : NULL;
}
