/* SPDX-License-Identifier: MIT */
#include "engine/own-maps.h"

#include <errno.h>

#include "base/sys.h"

/* The whole text, into scratch memory. Its length, or a negative errno. */
static ssize_t read_text(struct scratch *scratch, const char **ret_text)
{
	CLEANUP(sys_close_cleanup) int fd = -1;
	size_t room, len = 0;
	char *text = scratch_rest(scratch, &room);
	ssize_t n;

	fd = sys_openat(AT_FDCWD, "/proc/self/maps", O_RDONLY | O_CLOEXEC, 0);
	if (fd < 0)
		return fd;
	do {
		if (len == room)
			return -ENOSPC;
		n = sys_read(fd, text + len, room - len);
		if (n < 0 && n != -EINTR)
			return n;
		if (n > 0)
			len += (size_t)n;
	} while (n != 0);
	if (scratch_alloc(scratch, len) != text)
		return -ENOSPC;
	*ret_text = text;
	return (ssize_t)len;
}

int own_maps_read(struct scratch *scratch, struct own_maps *ret)
{
	const char *text = NULL;
	ssize_t len = read_text(scratch, &text);
	struct mapping *mappings;
	size_t room, count = 0;
	struct maps maps;
	int r;

	if (len < 0)
		return (int)len;
	mappings = scratch_rest(scratch, &room);
	maps_init(&maps, text, (size_t)len, MAPS_PLAIN);
	for (;;) {
		if ((count + 1) * sizeof(*mappings) > room)
			return -ENOSPC;
		r = maps_next(&maps, &mappings[count]);
		if (r <= 0)
			break;
		count++;
	}
	if (r < 0)
		return r;
	if (scratch_alloc(scratch, count * sizeof(*mappings)) != mappings)
		return -ENOSPC;
	*ret = (struct own_maps){ .mappings = mappings, .count = count };
	return 0;
}

size_t own_maps_find(const struct own_maps *maps, uint64_t addr)
{
	size_t low = 0, high = maps->count;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (maps->mappings[mid].end <= addr)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}
