/* SPDX-License-Identifier: MIT */
#include "launch/binfmt.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/directory.h"
#include "base/sys.h"

#define REGISTERED "/proc/sys/fs/binfmt_misc"

/* The kernel takes no more than 1920 bytes for one entry, and writes a byte as two digits. */
#define ENTRY_MAX 8192

/* What stands behind "KEY " at the start of a line, or NULL. */
static const char *value_of(const char *entry, const char *key)
{
	size_t len = strlen(key);
	const char *line = entry;

	while (line) {
		if (strncmp(line, key, len) == 0 && line[len] == ' ')
			return line + len + 1;
		line = strchr(line, '\n');
		if (line)
			line++;
	}
	return NULL;
}

static bool copy_line(char *ret, size_t size, const char *value)
{
	size_t len = value ? strcspn(value, "\n") : 0;

	if (len == 0 || len >= size)
		return false;
	memcpy(ret, value, len);
	ret[len] = '\0';
	return true;
}

/* Bytes as pairs of digits, up to the end of the line: how many, or 0. */
static size_t read_hex(const char *digits, unsigned char *ret, size_t size)
{
	size_t len = 0;

	for (; digits && *digits && *digits != '\n' && len < size; digits += 2) {
		char pair[3] = { digits[0], digits[1], '\0' }, *end;

		ret[len++] = (unsigned char)strtoul(pair, &end, 16);
		if (end != pair + 2)
			return 0;
	}
	return len;
}

static bool match_extension(const char *extension, const char *path)
{
	const char *dot = strrchr(path, '.');
	size_t len = strcspn(extension, "\n");

	/* The entry's file has the dot as well. */
	return dot && len > 1 && strlen(dot) == len && strncmp(dot, extension, len) == 0;
}

/* A head that is shorter is filled up with zeros. */
static bool match_magic(const char *entry, const unsigned char *head, size_t len)
{
	const char *offset = value_of(entry, "offset"), *mask_text = value_of(entry, "mask");
	unsigned char magic[BINFMT_HEAD], mask[BINFMT_HEAD];
	size_t start = offset ? strtoul(offset, NULL, 10) : BINFMT_HEAD;
	size_t size = read_hex(value_of(entry, "magic"), magic, sizeof(magic));

	memset(mask, 0xff, sizeof(mask));
	if (size == 0 || !range_within(start, size, BINFMT_HEAD) ||
		(mask_text && read_hex(mask_text, mask, sizeof(mask)) != size))
		return false;
	for (size_t i = 0; i < size; i++)
		if (((start + i < len ? head[start + i] : 0) ^ magic[i]) & mask[i])
			return false;
	return true;
}

bool binfmt_match(const char *entry, const char *path, const unsigned char *head, size_t len,
	struct binfmt *ret)
{
	const char *extension = value_of(entry, "extension"), *flags = value_of(entry, "flags:");
	struct binfmt found = { .credentials = false };

	if (strncmp(entry, "enabled\n", 8) != 0)
		return false;
	if (extension ? !match_extension(extension, path) : !match_magic(entry, head, len))
		return false;
	if (!copy_line(
		    found.interpreter, sizeof(found.interpreter), value_of(entry, "interpreter")))
		return false;
	found.credentials = flags && memchr(flags, 'C', strcspn(flags, "\n"));
	*ret = found;
	return true;
}

static bool read_entry(int dir, const char *name, char *ret_text)
{
	CLEANUP(sys_close_cleanup) int fd = sys_openat(dir, name, O_RDONLY | O_CLOEXEC, 0);
	ssize_t n = fd < 0 ? fd : sys_read(fd, ret_text, ENTRY_MAX - 1);

	ret_text[n < 0 ? 0 : n] = '\0';
	return n > 0;
}

struct search {
	const char *path;
	const unsigned char *head;
	size_t len;
	struct binfmt *ret;
	int found;
};

static void look_at(struct search *search, int dir, const char *name)
{
	struct binfmt other;
	char text[ENTRY_MAX];

	if (name[0] == '.' || strcmp(name, "register") == 0 || strcmp(name, "status") == 0 ||
		!read_entry(dir, name, text))
		return;
	if (binfmt_match(text, search->path, search->head, search->len,
		    search->found ? &other : search->ret))
		search->found++;
}

/* Of several that match, the one that was registered last is used. */
int binfmt_find(const char *path, const unsigned char *head, size_t len, struct binfmt *ret)
{
	CLEANUP(sys_close_cleanup)
	int fd = sys_openat(AT_FDCWD, REGISTERED, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
	struct directory dir = { .fd = fd };
	const char *name;
	struct search search = { .path = path, .head = head, .len = len, .ret = ret };

	while (fd >= 0 && directory_next(&dir, &name) > 0)
		look_at(&search, fd, name);
	return search.found == 0 ? -ENOENT : search.found == 1 ? 0 : -ENOTUNIQ;
}
