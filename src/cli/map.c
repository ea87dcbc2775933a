/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include <memseal.h>

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
	[COL_CONTENT] = { "CONTENT", 0, "locked if no write to memory reaches it, else open" },
	[COL_OBJECT] = { "OBJECT", 0, "path or name" },
	[COL_WHY] = { "WHY", 0, "why it is not sealed" },
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
	if (mapping->sealed || mapping->sealable)
		table_color(table, COL_SEALED, mapping->why ? "red" : "green");
	table_text(table, COL_CONTENT, mapping->content_locked ? "locked" : "open");
	table_text(table, COL_OBJECT, mapping->object);
	table_text(table, COL_WHY, mapping->why);
}

static int print_map(pid_t pid, bool unsealed_only, const struct table_options *options)
{
	struct table *table = table_new("mappings", columns, COLUMNS, options);
	struct memseal_process *process;
	struct memseal_mapping mapping = { .size = sizeof(mapping) };
	bool unsealed = false;
	int r = memseal_process_open(pid, NULL, &process);

	if (r < 0) {
		complain("%d: %s", pid, open_error_text(r));
		table_free(table);
		return open_error_status(r);
	}
	while (memseal_process_next_mapping(process, &mapping) > 0) {
		bool open = mapping.sealable && mapping.why;

		unsealed |= open;
		if (open || !unsealed_only)
			add_row(table, &mapping);
	}
	table_print(table);
	memseal_process_close(process);
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
