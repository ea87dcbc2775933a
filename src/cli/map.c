/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <memseal.h>

#include "cli/look.h"
#include "cli/report.h"
#include "cli/table.h"

enum {
	COL_START,
	COL_END,
	COL_SIZE,
	COL_PERM,
	COL_KIND,
	COL_SEALED,
	COL_CONTENT,
	COL_OBJECT,
	COL_WHY,
	COLUMNS,
};

static const struct table_column columns[COLUMNS] = {
	[COL_START] = { "START", TABLE_RIGHT, "first address" },
	[COL_END] = { "END", TABLE_RIGHT, "first address behind it" },
	[COL_SIZE] = { "SIZE", TABLE_RIGHT, "size" },
	[COL_PERM] = { "PERM", 0, "protection, and p for private, s for shared" },
	[COL_KIND] = { "KIND", 0, "what most of its pages are" },
	[COL_SEALED] = { "SEALED", 0, "whether a kernel seal holds address and protection" },
	[COL_CONTENT] = { "CONTENT", 0,
		"locked if it is known that no write to memory reaches it" },
	[COL_OBJECT] = { "OBJECT", 0, "path or name" },
	[COL_WHY] = { "WHY", 0, "why it is not sealed, or sealed in vain" },
};

#define OPTION_UNSEALED 256

static const struct option long_options[] = {
	TABLE_LONG_OPTIONS,
	{ "unsealed", no_argument, NULL, OPTION_UNSEALED },
	{ 0 },
};

static int print_help(void)
{
	printf("Usage: memseal map [options] PID\n\n"
	       "The address space of a process, one row a mapping.\n\n"
	       "Options:\n"
	       "     --unsealed        only what can be sealed and is not; status 1 if there is "
	       "any\n");
	table_help(columns, COLUMNS);
	return STATUS_FINE;
}

static void add_row(struct table *table, const struct memseal_mapping *mapping)
{
	table_row(table);
	table_address(table, COL_START, mapping->start);
	table_address(table, COL_END, mapping->end);
	table_size(table, COL_SIZE, mapping->end - mapping->start);
	table_text(table, COL_PERM, mapping->perm);
	table_text(table, COL_KIND, memseal_kind_name(mapping->kind));
	table_flag(table, COL_SEALED, mapping->sealed);
	if (mapping->sealed || mapping->sealable_bytes)
		table_color(table, COL_SEALED, mapping->why ? "red" : "green");
	table_text(table, COL_CONTENT, mapping->content_locked ? "locked" : "open");
	table_text(table, COL_OBJECT, mapping->object);
	table_text(table, COL_WHY, mapping->why);
}

/* What a child finds out: each mapping, and behind it the name of its object. */
struct look_at {
	pid_t pid;
	int error, fd;
};

static void write_mapping(FILE *file, const struct memseal_mapping *mapping)
{
	size_t len = mapping->object ? strlen(mapping->object) : 0;

	fwrite(mapping, sizeof(*mapping), 1, file);
	fwrite(&len, sizeof(len), 1, file);
	fwrite(mapping->object, 1, len, file);
}

static void look_at(size_t i, void *arg)
{
	struct memseal_mapping mapping = { .size = sizeof(mapping) };
	struct look_at *look = arg;
	struct memseal_process *process;
	FILE *file;

	(void)i;
	look->error = memseal_process_open(look->pid, NULL, &process);
	if (look->error < 0)
		return;
	file = fdopen(look->fd, "w");
	while (file && memseal_process_next_mapping(process, &mapping) > 0)
		write_mapping(file, &mapping);
	if (!file || fclose(file) != 0)
		look->error = -ENOMEM;
}

/* The next mapping, or false at the end. Texts are at the same addresses in the child. */
static bool read_mapping(FILE *file, struct memseal_mapping *ret, char **name)
{
	size_t len;

	free(*name);
	*name = NULL;
	if (fread(ret, sizeof(*ret), 1, file) != 1 || fread(&len, sizeof(len), 1, file) != 1)
		return false;
	if (!ret->object)
		return true;
	*name = calloc(len + 1, 1);
	if (!*name || fread(*name, 1, len, file) != len)
		die(STATUS_FAILURE, "out of memory");
	ret->object = *name;
	return true;
}

static bool add_rows(struct table *table, FILE *file, bool unsealed_only)
{
	struct memseal_mapping mapping;
	bool unsealed = false;
	char *name = NULL;

	while (read_mapping(file, &mapping, &name)) {
		bool open = mapping.sealable_bytes && mapping.why;

		unsealed |= open;
		if (open || !unsealed_only)
			add_row(table, &mapping);
	}
	return unsealed;
}

/* The mappings as look_at() wrote them, or NULL and an errno. */
static FILE *look(pid_t pid, int *ret_error)
{
	struct look_at *look = look_memory(sizeof(*look));
	enum look done;

	look->pid = pid;
	look->fd = memfd_create("memseal-map", MFD_CLOEXEC);
	if (look->fd < 0)
		die(STATUS_FAILURE, "memfd_create: %s", strerror(errno));
	look_each(1, look_at, look, LOOK_SECONDS, look->fd, &done);
	*ret_error = done == LOOK_LATE ? -ETIMEDOUT : done == LOOK_LOST ? -ECHILD : look->error;
	if (*ret_error < 0 || lseek(look->fd, 0, SEEK_SET) < 0)
		return NULL;
	return fdopen(look->fd, "r");
}

static int print_map(pid_t pid, bool unsealed_only, const struct table_options *options)
{
	struct table *table = table_new("mappings", columns, COLUMNS, options);
	bool unsealed;
	int error;
	FILE *file = look(pid, &error);

	if (error < 0) {
		complain("%d: %s", pid, open_error_text(error));
		table_free(table);
		return open_error_status(error);
	}
	if (!file)
		die(STATUS_FAILURE, "out of memory");
	unsealed = add_rows(table, file, unsealed_only);
	fclose(file);
	table_print(table);
	return unsealed && unsealed_only ? STATUS_FINDINGS : STATUS_FINE;
}

int cmd_map(int argc, char **argv)
{
	struct table_options options = { 0 };
	bool unsealed_only = false;
	int c;

	while ((c = next_option(argc, argv, TABLE_SHORT_OPTIONS, long_options)) != -1) {
		if (c == 'h')
			return print_help();
		if (c == 'V')
			return print_version();
		if (c == OPTION_UNSEALED)
			unsealed_only = true;
		else
			table_option(&options, c);
	}
	if (argc - optind != 1)
		die(STATUS_USAGE, "give one process ID: see memseal map --help");
	return print_map(parse_pid(argv[optind]), unsealed_only, &options);
}
