/* SPDX-License-Identifier: MIT */
#include "base/directory.h"

#include "base/sys.h"

/* fs/readdir.c, struct linux_dirent64 */
struct entry {
	uint64_t inode;
	int64_t offset;
	uint16_t length; /* of the whole entry, a multiple of 8 */
	uint8_t type;
	char name[];
};

int directory_next(struct directory *directory, const char **ret_name)
{
	const struct entry *entry;

	if (directory->at == directory->len) {
		ssize_t n = sys_getdents64(
			directory->fd, directory->entries, sizeof(directory->entries));

		if (n <= 0)
			return (int)n;
		directory->at = 0;
		directory->len = (size_t)n;
	}
	entry = (const void *)(directory->entries + directory->at);
	directory->at += entry->length;
	*ret_name = entry->name;
	return 1;
}
