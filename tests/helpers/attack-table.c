/* SPDX-License-Identifier: MIT */
/*
 * The expectations of the attack catalogue, for other tests: "attack-table" prints lock, kind,
 * attack and result, tab separated, with the lock "library" for what the library holds;
 * "attack-table LOCK" the table of docs/attacks.md for a lock.
 */
#include <stdio.h>
#include <string.h>

#include "attack/attack.h"

/* The columns of a table: kinds of memory under a lock, or the library's objects. */
struct table {
	const char *name;
	int columns;
	int lock;
};

#define LIBRARY ATTACK_LOCKS

static struct table table_of(int lock)
{
	if (lock == LIBRARY)
		return (struct table){ "library", ATTACK_OBJECTS, lock };
	return (struct table){ attack_lock_name(lock), ATTACK_KINDS, lock };
}

static const char *column_name(const struct table *table, int column)
{
	return table->lock == LIBRARY ? attack_object_name(column) : attack_kind_name(column);
}

static const char *cell(const struct table *table, int column, const char *attack)
{
	return table->lock == LIBRARY ? attack_object_expected(attack, column)
				      : attack_expected(attack, column, table->lock);
}

static void print_lines(const struct table *table)
{
	for (int column = 0; column < table->columns; column++)
		for (size_t i = 0; i < attack_count; i++)
			printf("%s\t%s\t%s\t%s\n", table->name, column_name(table, column),
				attack_catalogue[i].name,
				cell(table, column, attack_catalogue[i].name));
}

static void print_markdown(const struct table *table)
{
	printf("| attack |");
	for (int column = 0; column < table->columns; column++)
		printf(" %s |", column_name(table, column));
	printf("\n|---|");
	for (int column = 0; column < table->columns; column++)
		printf("---|");
	for (size_t i = 0; i < attack_count; i++) {
		printf("\n| %s |", attack_catalogue[i].name);
		for (int column = 0; column < table->columns; column++)
			printf(" %s |", cell(table, column, attack_catalogue[i].name));
	}
	printf("\n");
}

int main(int argc, char **argv)
{
	bool known = argc == 1;

	for (int lock = 0; lock <= LIBRARY; lock++) {
		struct table table = table_of(lock);

		if (argc == 1)
			print_lines(&table);
		if (argc != 2 || strcmp(argv[1], table.name) != 0)
			continue;
		print_markdown(&table);
		known = true;
	}
	if (!known)
		fprintf(stderr, "usage: attack-table [LOCK]\n");
	return known ? 0 : 2;
}
