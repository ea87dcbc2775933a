/* SPDX-License-Identifier: MIT */
/* mremap(2): moving it, changing its size, moving something onto it. */
#include <sys/mman.h>

#include "base/uapi.h"
#include "attack/family.h"

/* One page, where nothing is yet: 0, or -EEXIST. */
static int map_page(uint64_t addr, size_t page)
{
	long at = sys_mmap(addr, page, PROT_READ | PROT_WRITE,
		MAP_FIXED_NOREPLACE | MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (sys_failed(at))
		return (int)at;
	if ((uintptr_t)at == addr)
		return 0;
	(void)sys_munmap((uintptr_t)at, page);
	return -EEXIST;
}

/* Room of that size that nothing else is in, to move to. */
static long room(size_t len)
{
	return sys_mmap(0, len, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
}

/* The historical probe: changes nothing, but is refused. */
int attack_mremap_same(const struct attack_target *target, int arg)
{
	(void)arg;
	return attack_answer(sys_mremap(target->addr, target->len, target->len, 0, 0));
}

/* Where it is; that there is no room for it is no answer. */
int attack_mremap_grow(const struct attack_target *target, int arg)
{
	int r = attack_answer(
		sys_mremap(target->addr, target->len, target->len + target->page, 0, 0));

	(void)arg;
	return r == -ENOMEM ? attack_untried(r) : r;
}

/* With something behind it, so that it has to move. */
int attack_mremap_grow_away(const struct attack_target *target, int arg)
{
	int r = map_page(target->addr + target->len, target->page);

	(void)arg;
	if (r < 0 && r != -EEXIST)
		return attack_untried(r);
	return attack_answer(sys_mremap(
		target->addr, target->len, target->len + target->page, MREMAP_MAYMOVE, 0));
}

/* A mapping of one page right in front of it that wants to be two. */
int attack_mremap_grow_neighbour(const struct attack_target *target, int arg)
{
	uint64_t before = target->addr - target->page;
	int r = map_page(before, target->page);

	(void)arg;
	if (r < 0)
		return attack_untried(r);
	return attack_answer(sys_mremap(before, target->page, 2 * target->page, 0, 0));
}

/* Down to what lies in front of the watched page. */
int attack_mremap_shrink(const struct attack_target *target, int arg)
{
	(void)arg;
	if (target->watched == target->addr)
		return attack_untried(-EINVAL);
	return attack_answer(
		sys_mremap(target->addr, target->len, target->watched - target->addr, 0, 0));
}

/* To an address given: without one, the kernel takes 0 for it, which a big low mapping overlaps. */
static int move_away(const struct attack_target *target, int part, int flags)
{
	struct attack_span span = attack_span_of(target, part);
	long to = room(span.len);

	if (sys_failed(to))
		return attack_untried((int)to);
	return attack_answer(sys_mremap(span.addr, span.len, span.len,
		MREMAP_MAYMOVE | MREMAP_FIXED | flags, (uintptr_t)to));
}

int attack_mremap_away(const struct attack_target *target, int arg)
{
	return move_away(target, arg, 0);
}

/* Its pages go elsewhere, an empty mapping stays. */
int attack_mremap_dontunmap(const struct attack_target *target, int arg)
{
	return move_away(target, arg, MREMAP_DONTUNMAP);
}

/* Old size 0: a second mapping of the same shared pages. */
int attack_mremap_duplicate(const struct attack_target *target, int arg)
{
	(void)arg;
	return attack_answer(sys_mremap(target->addr, 0, target->len, MREMAP_MAYMOVE, 0));
}

int attack_mremap_onto(const struct attack_target *target, int arg)
{
	long from = attack_map_filled(target, target->len);

	if (sys_failed(from))
		return attack_untried((int)from);
	return attack_answer(sys_mremap((uintptr_t)from, target->len, target->len,
		MREMAP_MAYMOVE | MREMAP_FIXED | arg, target->addr));
}
