/* SPDX-License-Identifier: MIT */
#include "engine/window.h"

#include <errno.h>
#include <sys/auxv.h>
#include <sys/mman.h>

#include "base/owner-lock.h"
#include "base/page.h"
#include "base/sys.h"
#include "base/uapi.h"
#include "engine/filter.h"
#include "engine/own-maps.h"

/* Places that are tried before there is said to be no room. */
#define TRIES 32

/*
 * Hints: a window whose filter is not in force is not used, and where memory lies already no other
 * is mapped.
 */
static uint64_t window;    /* where it begins, or 0 */
static uint64_t unchecked; /* the same, of one that may not be used yet */
static uint64_t next;      /* where the last memory ended: the first place to try */
static struct owner_lock making;

static bool find_zone(struct span *ret)
{
	return zone_find(
		getauxval(AT_RANDOM), ret); /* on the main thread's stack, above all else */
}

static int random_below(uint64_t limit, uint64_t *ret)
{
	uint64_t value;

	if (sys_getrandom(&value, sizeof(value), GRND_INSECURE) != sizeof(value))
		return -EADDRNOTAVAIL;
	*ret = value % limit;
	return 0;
}

static struct bpf_range range_of(uint64_t base)
{
	return (struct bpf_range){ base, base + ZONE_WINDOW, WINDOW_EFFECTS };
}

/* Asked of the kernel: vfork(2) shares this file's variables with a process of other filters. */
static bool in_force(uint64_t base)
{
	const struct bpf_range range = range_of(base);

	return base && base % ZONE_WINDOW == 0 && filter_in_force(&range, page_size());
}

struct pick {
	struct span zone;
	uint64_t first; /* the window to begin with, counted from the start of the zone */
	uint64_t base;
};

static int pick_job(struct scratch *scratch, void *arg)
{
	CLEANUP(own_maps_close) struct own_maps maps = { .fd = -1 };
	struct pick *pick = arg;
	uint64_t count = (pick->zone.end - pick->zone.start) / ZONE_WINDOW;
	int r = own_maps_open(scratch, &maps);

	for (uint64_t i = 0; r == 0 && i < count; i++) {
		uint64_t base = pick->zone.start + (pick->first + i) % count * ZONE_WINDOW;
		struct mapping mapping;

		r = own_maps_at(&maps, base, &mapping);
		if (r < 0)
			return r;
		if (r == 0 || mapping.start >= base + ZONE_WINDOW) {
			pick->base = base;
			return 0;
		}
		r = 0;
	}
	return r < 0 ? r : -EADDRNOTAVAIL;
}

/* A window in which nothing is mapped. */
static int pick_base(uint64_t *ret_base)
{
	struct pick pick;
	int r;

	if (!find_zone(&pick.zone))
		return -EADDRNOTAVAIL;
	r = random_below((pick.zone.end - pick.zone.start) / ZONE_WINDOW, &pick.first);
	if (r == 0)
		r = scratch_run(SCRATCH_SMALL, pick_job, &pick);
	if (r == 0)
		*ret_base = pick.base;
	return r;
}

/*
 * A ring may have been opened between the check and the filter, which keeps further ones from being
 * opened. Then the window waits until that one is closed.
 */
static int make(uint64_t *ret_base)
{
	struct filter_report report;
	uint64_t base = unchecked;
	struct bpf_range range;
	int r = 0;

	if (!in_force(base))
		r = pick_base(&base);
	if (r < 0)
		return r;
	/* It must be told afterwards, each time, whether it is in force. */
	if (!filter_told(page_size(), WINDOW_EFFECTS))
		return -EOPNOTSUPP;
	range = range_of(base);
	/* By an earlier call, or by a program that executed this one. */
	if (in_force(base))
		r = filter_check(&range, 1, &report.obstacle);
	else
		r = filter_hold(&range, 1, &report);
	if (r < 0) {
		unchecked = base;
		return r;
	}
	__atomic_store_n(&window, base, __ATOMIC_RELEASE);
	*ret_base = base;
	return 0;
}

/* The window, if it can be used; else 0. */
static uint64_t usable(void)
{
	uint64_t base = __atomic_load_n(&window, __ATOMIC_ACQUIRE);

	return in_force(base) ? base : 0;
}

int window_open(uint64_t *ret_base)
{
	uint64_t base = usable();
	int r = 0;

	if (!base) {
		owner_lock_take(&making);
		base = usable();
		if (!base)
			r = make(&base);
		owner_lock_release(&making);
	}
	if (r == 0)
		*ret_base = base;
	return r;
}

/* What to map, with a length of whole pages, and where it may lie. */
struct wanted {
	uint64_t len, align;
	int prot, flags, fd;
	uint64_t start, end;
};

/* The address, or a negative errno: -EEXIST if something lies there. */
static long map_at(const struct wanted *wanted, uint64_t at)
{
	return sys_mmap(at, (size_t)wanted->len, wanted->prot, wanted->flags | MAP_FIXED_NOREPLACE,
		wanted->fd, 0);
}

/* Behind the last memory: a place that no other thread will try; 0 if there is not room enough. */
static uint64_t claim(const struct wanted *wanted)
{
	uint64_t last = __atomic_load_n(&next, __ATOMIC_RELAXED), at;

	do {
		at = page_down(last + wanted->align - 1, wanted->align);
		if (at < wanted->start || at > wanted->end - wanted->len)
			return 0;
	} while (!__atomic_compare_exchange_n(
		&next, &last, at + wanted->len, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED));
	return at;
}

static int random_place(const struct wanted *wanted, uint64_t *ret)
{
	uint64_t places = (wanted->end - wanted->start - wanted->len) / wanted->align + 1, place;
	int r = random_below(places, &place);

	if (r == 0)
		*ret = wanted->start + place * wanted->align;
	return r;
}

/* A filter holds something here: a window, of whomever. They all begin at multiples of their size.
 */
static bool is_held(const struct wanted *wanted, uint64_t at)
{
	size_t page = page_size();

	for (uint64_t end = at + wanted->len; at < end;
		at = page_down(at, ZONE_WINDOW) + ZONE_WINDOW)
		if (filter_held(at, at + page, page, MEMSEAL_NO_UNMAP))
			return true;
	return false;
}

static int read_wanted(struct wanted *wanted, uint64_t room)
{
	if (wanted->len == 0 || page_up_overflows(wanted->len, page_size(), &wanted->len))
		return -EINVAL;
	wanted->align = max_u64(wanted->align, page_size());
	return wanted->len <= room && wanted->align <= ZONE_WINDOW ? 0 : -EADDRNOTAVAIL;
}

long window_map(size_t len, size_t align, int prot, int flags, int fd)
{
	struct wanted wanted = {
		.len = len, .align = align, .prot = prot, .flags = flags, .fd = fd
	};
	int r = read_wanted(&wanted, ZONE_WINDOW);
	uint64_t at;

	if (r == 0)
		r = window_open(&wanted.start);
	if (r < 0)
		return r;
	wanted.end = wanted.start + ZONE_WINDOW;
	at = claim(&wanted);
	for (int tries = 0; tries < TRIES; tries++) {
		long mapped = at ? map_at(&wanted, at) : -EEXIST;

		if (mapped != -EEXIST)
			return mapped;
		r = random_place(&wanted, &at);
		if (r < 0)
			return r;
		__atomic_store_n(&next, at + wanted.len, __ATOMIC_RELAXED);
	}
	return -EADDRNOTAVAIL;
}

long zone_map(size_t len, size_t align, int prot, int flags, int fd)
{
	struct wanted wanted = {
		.len = len, .align = align, .prot = prot, .flags = flags, .fd = fd
	};
	struct span zone;
	uint64_t at;
	int r;

	if (!find_zone(&zone))
		return -EADDRNOTAVAIL;
	r = read_wanted(&wanted, zone.end - zone.start);
	wanted.start = zone.start;
	wanted.end = zone.end;
	for (int tries = 0; r == 0 && tries < TRIES; tries++) {
		long mapped = -EEXIST;

		r = random_place(&wanted, &at);
		if (r == 0 && !is_held(&wanted, at))
			mapped = map_at(&wanted, at);
		if (mapped != -EEXIST)
			return mapped;
	}
	return r < 0 ? r : -EADDRNOTAVAIL;
}
