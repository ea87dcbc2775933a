/* SPDX-License-Identifier: MIT */
#include "cli/beside.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

bool beside_memseal(const char *name, char *ret_path, size_t size)
{
	ssize_t len = readlink("/proc/self/exe", ret_path, size);
	char *slash;

	if (len <= 0 || (size_t)len >= size)
		return false;
	ret_path[len] = '\0';
	slash = strrchr(ret_path, '/');
	if (!slash || (size_t)(slash + 1 - ret_path) + strlen(name) >= size)
		return false;
	strcpy(slash + 1, name);
	/* What is there but closed to this user is not to be replaced by another one. */
	return access(ret_path, R_OK) == 0 || errno == EACCES;
}
