/* SPDX-License-Identifier: MIT */
#include "launch/search.h"

#include <errno.h>
#include <string.h>

int search_path(const char *path_list, search_fn *is_there, void *arg)
{
	int found = -ENOENT;

	for (const char *dir = path_list;; dir++) {
		size_t len = strcspn(dir, ":");
		int r = len ? is_there(arg, dir, len) : is_there(arg, ".", 1);

		if (r == 0)
			return 0;
		/* What may not be executed is passed over, and remembered. */
		if (r == -EACCES)
			found = r;
		dir += len;
		if (*dir == '\0')
			return found;
	}
}
