/* SPDX-License-Identifier: MIT */
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include <libsmartcols.h>

#include "cli/json.h"
#include "cli/report.h"
#include "cli/table.h"

struct table {
	struct libscols_table *scols;
	struct libscols_line *line; /* the row being filled */
	const struct table_column *columns;
	bool json, raw;
	struct libscols_column *shown[]; /* NULL: not shown */
};

bool table_option(struct table_options *options, int c)
{
	switch (c) {
	case 'J':
		options->json = true;
		return true;
	case 'n':
		options->noheadings = true;
		return true;
	case 'o':
		options->output = optarg;
		return true;
	case 'r':
		options->raw = true;
		return true;
	default:
		return false;
	}
}

void table_help(const struct table_column *columns, size_t n)
{
	printf(" -J, --json            JSON\n"
	       " -n, --noheadings      no headings\n"
	       " -o, --output LIST     columns, separated by commas; +LIST adds to the usual ones\n"
	       " -r, --raw             for scripts: single spaces, sizes in bytes, \\xNN for "
	       "blanks\n"
	       " -h, --help            this text\n"
	       " -V, --version         the version\n\n"
	       "Columns:\n");
	for (size_t i = 0; i < n; i++)
		printf(" %10s  %s%s\n", columns[i].name, columns[i].help,
			columns[i].flags & TABLE_EXTRA ? " (only if named)" : "");
}

static void check(int failed)
{
	if (failed)
		die(STATUS_FAILURE, "out of memory");
}

static void show_column(struct table *table, size_t i)
{
	const struct table_column *column = &table->columns[i];
	int flags = column->flags & TABLE_RIGHT ? SCOLS_FL_RIGHT : 0;

	if (table->shown[i])
		return;
	table->shown[i] = scols_table_new_column(table->scols, column->name, 0, flags);
	check(!table->shown[i]);
	/*
	 * "Number" means: print as it is. The values are written here, because libsmartcols passes
	 * on what is not UTF-8 and cannot tell an empty string from null.
	 */
	check(scols_column_set_json_type(table->shown[i], SCOLS_JSON_NUMBER));
}

static void show_usual(struct table *table, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!(table->columns[i].flags & TABLE_EXTRA))
			show_column(table, i);
}

static void show_named(struct table *table, size_t n, const char *name, size_t len)
{
	char unknown[64];

	for (size_t i = 0; i < n; i++)
		if (strncasecmp(table->columns[i].name, name, len) == 0 &&
			table->columns[i].name[len] == '\0') {
			show_column(table, i);
			return;
		}
	snprintf(unknown, sizeof(unknown), "%.*s", (int)len, name);
	die(STATUS_USAGE, "unknown column %s: --help lists them", quote(unknown).text);
}

static void show_columns(struct table *table, size_t n, const char *list)
{
	if (!list || *list == '+')
		show_usual(table, n);
	if (!list)
		return;
	list += *list == '+';
	for (;;) {
		size_t len = strcspn(list, ",");

		show_named(table, n, list, len);
		if (list[len] == '\0')
			return;
		list += len + 1;
	}
}

static bool colors_wanted(void)
{
	const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");

	return isatty(STDOUT_FILENO) && !(no_color && *no_color) && term &&
	       strcmp(term, "dumb") != 0;
}

struct table *table_new(const char *name, const struct table_column *columns, size_t n,
	const struct table_options *options)
{
	struct table *table = calloc(1, sizeof(*table) + n * sizeof(struct libscols_column *));

	check(!table);
	if (options->json && options->raw)
		die(STATUS_USAGE, "--json and --raw exclude each other: give one");
	table->columns = columns;
	table->json = options->json;
	table->raw = options->raw;
	table->scols = scols_new_table();
	check(!table->scols);
	check(scols_table_set_name(table->scols, name));
	scols_table_enable_json(table->scols, options->json);
	scols_table_enable_raw(table->scols, options->raw);
	scols_table_enable_noheadings(table->scols, options->noheadings);
	scols_table_enable_colors(table->scols, !options->json && colors_wanted());
	show_columns(table, n, options->output);
	return table;
}

void table_row(struct table *table)
{
	table->line = scols_table_new_line(table->scols, NULL);
	check(!table->line);
}

static void set(struct table *table, size_t column, const char *value)
{
	if (table->shown[column])
		check(scols_line_set_column_data(table->line, table->shown[column], value));
}

void table_text(struct table *table, size_t column, const char *text)
{
	char *string;

	if (!table->json || !text) {
		set(table, column, text);
		return;
	}
	string = json_string(text);
	check(!string);
	set(table, column, string);
	free(string);
}

void table_number(struct table *table, size_t column, uint64_t number)
{
	char text[32];

	snprintf(text, sizeof(text), "%" PRIu64, number);
	set(table, column, text);
}

void table_address(struct table *table, size_t column, uint64_t address)
{
	char text[32];

	snprintf(text, sizeof(text), "0x%" PRIx64, address);
	table_text(table, column, text);
}

void table_flag(struct table *table, size_t column, bool flag)
{
	if (table->json)
		set(table, column, flag ? "true" : "false");
	else
		set(table, column, flag ? "yes" : "no");
}

/* As lsblk(8) and its kin print sizes: 4K, 1.5M, rounded to one decimal. */
static void human_size(char *text, size_t size, uint64_t bytes)
{
	static const char units[] = "BKMGTPE";
	size_t unit = 0;
	uint64_t tenths = 0;

	while (unit + 1 < sizeof(units) - 1 && bytes >> (10 * (unit + 1)))
		unit++;
	if (unit > 0)
		tenths = ((bytes >> (10 * (unit - 1))) * 10 + 512) / 1024;
	else
		tenths = bytes * 10;
	if (tenths % 10)
		snprintf(text, size, "%" PRIu64 ".%u%c", tenths / 10, (unsigned)(tenths % 10),
			units[unit]);
	else
		snprintf(text, size, "%" PRIu64 "%c", tenths / 10, units[unit]);
}

void table_size(struct table *table, size_t column, uint64_t bytes)
{
	char text[32];

	if (table->json || table->raw) {
		table_number(table, column, bytes);
		return;
	}
	human_size(text, sizeof(text), bytes);
	set(table, column, text);
}

void table_tenths(struct table *table, size_t column, uint64_t tenths)
{
	char text[32];

	snprintf(text, sizeof(text), "%" PRIu64 ".%u", tenths / 10, (unsigned)(tenths % 10));
	set(table, column, text);
}

void table_color(struct table *table, size_t column, const char *color)
{
	if (table->shown[column])
		check(scols_cell_set_color(
			scols_line_get_column_cell(table->line, table->shown[column]), color));
}

void table_print(struct table *table)
{
	check(scols_print_table(table->scols));
	table_free(table);
}

void table_free(struct table *table)
{
	scols_unref_table(table->scols);
	free(table);
}
