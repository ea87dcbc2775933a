/* SPDX-License-Identifier: MIT */
#include "base/uapi.h"
#include "agent/namespace.h"

#include "agent/libc.h"
#include "agent/state.h"
#include "base/sys.h"
#include "model/image.h"

static const struct link_map *heads[NAMESPACES_MAX];

void namespace_add(const struct link_map *object)
{
	const struct link_map *head = object;

	while (head && head->l_prev)
		head = head->l_prev;
	/* Of all objects, the program alone has no name. */
	if (!head || !head->l_name || !head->l_name[0])
		return;
	for (unsigned i = 0; i < NAMESPACES_MAX; i++) {
		const struct link_map *free = NULL;

		if (__atomic_compare_exchange_n(
			    &heads[i], &free, head, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST) ||
			free == head)
			return;
	}
}

const struct link_map *namespace_get(unsigned n)
{
	return n < NAMESPACES_MAX ? __atomic_load_n(&heads[n], __ATOMIC_SEQ_CST) : NULL;
}

/* An object's first page holds its headers, if it was linked at address 0 as shared objects are. */
static bool read_headers(const struct link_map *map, struct image_header *ret)
{
	const void *start = (const void *)map->l_addr;

	if (!map->l_addr || map->l_addr % agent.page ||
		sys_madvise(map->l_addr, agent.page, MADV_POPULATE_READ) < 0)
		return false;
	return image_header(start, IMAGE_EHDR_SIZE, ret) == 0 &&
	       range_within(ret->phoff, image_phdrs_size(ret), agent.page);
}

/* Are these headers those of the object, whose dynamic section the loader knows? */
static bool describe(const struct link_map *map, struct dl_phdr_info *ret)
{
	struct image_segment dynamic;
	struct image_header header;
	struct image image;

	if (!read_headers(map, &header))
		return false;
	*ret = (struct dl_phdr_info){
		.dlpi_addr = map->l_addr,
		.dlpi_name = map->l_name,
		.dlpi_phdr = (const void *)(uintptr_t)(map->l_addr + header.phoff),
		.dlpi_phnum = header.phnum,
	};
	image_init_native(&image, ret->dlpi_phdr, ret->dlpi_phnum);
	return image_find(&image, PT_DYNAMIC, &dynamic) == 0 &&
	       map->l_addr + dynamic.vaddr == (uintptr_t)map->l_ld;
}

int namespace_iterate(
	const void *where, int (*fn)(struct dl_phdr_info *, size_t, void *), void *arg)
{
	struct dl_phdr_info info;
	int r = 0;

	for (const struct link_map *map = where; map && r == 0; map = map->l_next)
		if (describe(map, &info))
			r = fn(&info, sizeof(info), arg);
	return r;
}
