/* SPDX-License-Identifier: MIT */
/*
 * Tables and JSON, with the options that all reports share, over libsmartcols.
 *
 *	enum { COL_NAME, COL_SIZE, COLUMNS };
 *	static const struct table_column columns[COLUMNS] = {
 *		[COL_NAME] = { "NAME", 0, "what it is called" },
 *		[COL_SIZE] = { "SIZE", TABLE_RIGHT, "bytes" },
 *	};
 *	static const struct option longs[] = { TABLE_LONG_OPTIONS, { 0 } };
 *	struct table_options options = { 0 };
 *	struct table *table;
 *	int c;
 *
 *	while ((c = next_option(argc, argv, TABLE_SHORT_OPTIONS, longs)) != -1) {
 *		if (c == 'h')
 *			return print_help();  (which ends with table_help(columns, COLUMNS))
 *		if (c == 'V')
 *			return print_version();
 *		table_option(&options, c);
 *	}
 *	table = table_new("things", columns, COLUMNS, &options);
 *	for each thing:
 *		table_row(table);
 *		table_text(table, COL_NAME, name);
 *		table_size(table, COL_SIZE, bytes);
 *	table_print(table);
 *
 * This prints a table with headings, or with --json {"things":[{"name":"...","size":n}, ...]}. Keys
 * are the names of the columns in lower case; a cell that was not set is null in JSON and empty in
 * tables. Bytes from outside may be given as they are: control characters never reach the
 * terminal, and JSON is always valid (bytes that are not UTF-8 become U+FFFD there, \xNN in
 * tables). What goes wrong here is told and ends the program with STATUS_USAGE or STATUS_FAILURE.
 */
#ifndef MEMSEAL_CLI_TABLE_H
#define MEMSEAL_CLI_TABLE_H

#include <getopt.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct table; /* opaque */

enum table_flags {
	TABLE_RIGHT = 1 << 0, /* numbers */
	TABLE_EXTRA = 1 << 1, /* shown only if --output names it */
};

struct table_column {
	const char *name; /* in capitals */
	unsigned flags;   /* enum table_flags */
	const char *help;
};

struct table_options {
	bool json, noheadings, raw;
	const char *output; /* NULL: all but the extra ones */
};

/* clang-format off */
#define TABLE_SHORT_OPTIONS ":hJno:rV"
#define TABLE_LONG_OPTIONS                          \
	{"help", no_argument, NULL, 'h'},           \
	{"json", no_argument, NULL, 'J'},           \
	{"noheadings", no_argument, NULL, 'n'},     \
	{"output", required_argument, NULL, 'o'},   \
	{"raw", no_argument, NULL, 'r'},            \
	{"version", no_argument, NULL, 'V'}
/* clang-format on */

/* Takes the option c of getopt_long(3) if it is about the table: all but -h and -V. */
bool table_option(struct table_options *options, int c);

/* The part of --help about these options and the columns. */
void table_help(const struct table_column *columns, size_t n);

/* An empty table; columns outlives it. In JSON the array is called name. */
struct table *table_new(const char *name, const struct table_column *columns, size_t n,
	const struct table_options *options);

/* A new row, which the functions below fill. They ignore columns that are not shown. */
void table_row(struct table *table);

void table_text(struct table *table, size_t column, const char *text); /* NULL: null */
void table_number(struct table *table, size_t column, uint64_t number);
void table_address(struct table *table, size_t column, uint64_t address); /* "0x..." */
void table_flag(struct table *table, size_t column, bool flag); /* yes, no; true, false in JSON */

/* Bytes: 1.5M in a table, 1572864 with --raw and --json. */
void table_size(struct table *table, size_t column, uint64_t bytes);

/* A number with one decimal. */
void table_tenths(struct table *table, size_t column, uint64_t tenths);

/* For a cell that was set: "red", "green" or "yellow". Only a terminal sees it. */
void table_color(struct table *table, size_t column, const char *color);

/* Prints and frees the table. */
void table_print(struct table *table);

/* Frees one that is not to be printed. */
void table_free(struct table *table);

#endif
