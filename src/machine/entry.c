/* SPDX-License-Identifier: MIT */
#include "machine/entry.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "machine/machine.h"
#include "machine/preload.h"

/* sh(1)'s, for what the kernel does not execute. */
#define NOT_EXECUTABLE 126

static int read_lib(FILE *diagnostics, char *ret, size_t size)
{
	static const char key[] = "dl_dst_lib=\"";
	char line[256];
	int r = -ENODATA;

	while (fgets(line, sizeof(line), diagnostics)) {
		char *value = line + sizeof(key) - 1;
		size_t len;

		if (r == 0 || strncmp(line, key, sizeof(key) - 1) != 0)
			continue;
		len = strcspn(value, "\"");
		if (value[len] != '"' || len >= size)
			continue;
		memcpy(ret, value, len);
		ret[len] = '\0';
		r = 0;
	}
	return r;
}

int entry_loader_lib(const char *loader, char *ret, size_t size)
{
	char command[PATH_MAX + 64];
	FILE *diagnostics;
	int status, r;

	if ((size_t)snprintf(command, sizeof(command), "exec '%s' --list-diagnostics 2>/dev/null",
		    loader) >= sizeof(command))
		return -ENODATA;
	diagnostics = popen(command, "re");
	if (!diagnostics)
		return -ENODATA;
	r = read_lib(diagnostics, ret, size);
	status = pclose(diagnostics);
	return r == -ENODATA && status == NOT_EXECUTABLE << 8 ? -ENOENT : r;
}

static bool loader_has(const char *loader, const char *lib)
{
	char answer[PATH_MAX];

	return loader && *lib && entry_loader_lib(loader, answer, sizeof(answer)) == 0 &&
	       strcmp(answer, lib) == 0;
}

const char *entry_text(void)
{
	return loader_has(machine_loader(), MEMSEAL_LIBDIR) ? ENTRY_LIB : MEMSEAL_MACHINE_PATH;
}

bool entry_makes_noise(const char *root, const char *entry)
{
	const char *loader = machine_loader_32();
	char answer[PATH_MAX];
	int r;

	if (!machine_runs_32_bits(root))
		return false;
	r = entry_loader_lib(loader, answer, sizeof(answer));
	if (r == -ENOENT)
		return false;
	return r < 0 || strcmp(entry, ENTRY_LIB) != 0 || strcmp(answer, MEMSEAL_LIBDIR_32) != 0 ||
	       machine_check_stub(root) < 0;
}

bool entry_is_in(const char *list, size_t len)
{
	return preload_has(list, len, MEMSEAL_MACHINE_PATH) ||
	       (preload_has(list, len, ENTRY_LIB) && loader_has(machine_loader(), MEMSEAL_LIBDIR));
}
