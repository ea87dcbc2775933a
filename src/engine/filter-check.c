/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <memseal.h>
#include <sys/personality.h>

#include "base/directory.h"
#include "base/scratch.h"
#include "base/sys.h"
#include "engine/filter.h"
#include "engine/own-maps.h"
#include "engine/personality.h"

#define RING_NAME   "anon_inode:[io_uring]"
#define RING_THREAD "iou-" /* kernel/io_uring: iou-sqp-PID polls, iou-wrk-PID works */

struct check {
	const struct bpf_range *ranges;
	size_t count;
	enum filter_obstacle obstacle;
};

static bool begins_with(const char *text, size_t len, const char *start)
{
	size_t want = __builtin_strlen(start);

	return len >= want && !__builtin_memcmp(text, start, want);
}

static bool any_effect(const struct check *check, uint64_t effects)
{
	for (size_t i = 0; i < check->count; i++)
		if (check->ranges[i].effects & effects)
			return true;
	return false;
}

/*
 * Reads the entries of a directory: 1 if a test of one says so, else 0, or a negative errno. An
 * entry that is gone when the test comes to it is not one.
 */
static int any_entry(const char *path, bool (*test)(int dir, const char *name))
{
	CLEANUP(sys_close_cleanup)
	int dir = sys_openat(AT_FDCWD, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
	struct directory directory = { .fd = dir };
	const char *name;
	int r = dir;

	while (r >= 0 && (r = directory_next(&directory, &name)) > 0)
		if (test(dir, name))
			return 1;
	return r;
}

static bool is_ring(int dir, const char *name)
{
	char target[64];
	ssize_t len = sys_readlinkat(dir, name, target, sizeof(target));

	return len > 0 && begins_with(target, (size_t)len, RING_NAME);
}

/* A ring without a descriptor: registered with a thread, or kept by its polling thread. */
static bool is_ring_thread(int dir, const char *name)
{
	char path[48] = "", comm[16];
	size_t len = __builtin_strlen(name);
	CLEANUP(sys_close_cleanup) int fd = -1;
	ssize_t got;

	if (name[0] == '.' || len > sizeof(path) - sizeof("/comm"))
		return false;
	__builtin_memcpy(path, name, len);
	__builtin_memcpy(path + len, "/comm", sizeof("/comm"));
	fd = sys_openat(dir, path, O_RDONLY | O_CLOEXEC, 0);
	got = fd < 0 ? fd : sys_read(fd, comm, sizeof(comm));
	return got > 0 && begins_with(comm, (size_t)got, RING_THREAD);
}

static int found(struct check *check, enum filter_obstacle obstacle, int error)
{
	check->obstacle = obstacle;
	return error;
}

static int check_rings(struct check *check)
{
	int r = any_entry("/proc/thread-self/fd", is_ring);

	if (r == 0)
		r = any_entry("/proc/self/task", is_ring_thread);
	return r > 0 ? found(check, FILTER_IO_URING, -EBUSY) : r;
}

static int check_personality(struct check *check)
{
	bool matters = false;
	int r;

	for (size_t i = 0; i < check->count; i++)
		matters |= bpf_read_may_exec(&check->ranges[i]);
	r = matters ? personality_get() : 0;
	if (r > 0 && r & READ_IMPLIES_EXEC)
		return found(check, FILTER_READ_IMPLIES_EXEC, -EPERM);
	return r < 0 ? r : 0;
}

/* Effects of the ranges that hold a part of the mapping; and whether one holds its first page. */
static uint64_t effects_on(
	const struct check *check, const struct mapping *mapping, bool *ret_first_page)
{
	uint64_t effects = 0;

	*ret_first_page = false;
	for (size_t i = 0; i < check->count; i++) {
		const struct bpf_range *range = &check->ranges[i];

		if (!span_overlaps(range->span, mapping->span))
			continue;
		effects |= range->effects;
		if (range->effects & MEMSEAL_NO_UNMAP && range->start <= mapping->start)
			*ret_first_page = true;
	}
	return effects;
}

static int check_mapping(struct check *check, const struct mapping *mapping)
{
	bool first_page;
	uint64_t effects = effects_on(check, mapping, &first_page);

	/* The ring of a closed descriptor lives as long as its mapping. */
	if (any_effect(check, MEMSEAL_NO_DISCARD) &&
		begins_with(mapping->name, mapping->name_len, RING_NAME))
		return found(check, FILTER_IO_URING, -EBUSY);
	if (effects & BPF_REPLACING && mapping->kind == MAPPING_STACK)
		return found(check, FILTER_STACK, -EFAULT);
	if (effects & MEMSEAL_NO_UNMAP && begins_with(mapping->name, mapping->name_len, "/SYSV") &&
		(!first_page || mapping->offset))
		return found(check, FILTER_PART_OF_SEGMENT, -EINVAL);
	return 0;
}

static int check_text(struct scratch *scratch, void *arg)
{
	struct check *check = arg;
	const char *text = NULL;
	ssize_t len = own_maps_text(scratch, MAPS_PLAIN, &text);
	struct mapping mapping;
	struct maps maps;
	int r;

	if (len < 0)
		return (int)len;
	maps_init(&maps, text, (size_t)len, MAPS_PLAIN);
	while ((r = maps_next(&maps, &mapping)) > 0) {
		r = check_mapping(check, &mapping);
		if (r < 0)
			break;
	}
	return r;
}

int filter_check(const struct bpf_range *ranges, size_t count, enum filter_obstacle *ret_obstacle)
{
	struct check check = { .ranges = ranges, .count = count };
	int r = scratch_run(0, check_text, &check);

	if (r == 0)
		r = check_personality(&check);
	if (r == 0 && any_effect(&check, MEMSEAL_NO_DISCARD))
		r = check_rings(&check);
	*ret_obstacle = check.obstacle;
	return r;
}
