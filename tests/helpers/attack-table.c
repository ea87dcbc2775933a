/* SPDX-License-Identifier: MIT */
/*
 * The expectations of the attack catalogue, for other tests: "attack-table" prints lock, kind,
 * attack and result, tab separated; "attack-table LOCK" the table of docs/attacks.md for a lock.
 */
#include <stdio.h>
#include <string.h>

#include "attack/attack.h"

static void print_all(void)
{
	for (int lock = 0; lock < ATTACK_LOCKS; lock++)
		for (int kind = 0; kind < ATTACK_KINDS; kind++)
			for (size_t i = 0; i < attack_count; i++)
				printf("%s\t%s\t%s\t%s\n", attack_lock_name(lock),
					attack_kind_name(kind), attack_catalogue[i].name,
					attack_expected(attack_catalogue[i].name, kind, lock));
}

static void print_markdown(enum attack_lock lock)
{
	printf("| attack |");
	for (int kind = 0; kind < ATTACK_KINDS; kind++)
		printf(" %s |", attack_kind_name(kind));
	printf("\n|---|");
	for (int kind = 0; kind < ATTACK_KINDS; kind++)
		printf("---|");
	for (size_t i = 0; i < attack_count; i++) {
		printf("\n| %s |", attack_catalogue[i].name);
		for (int kind = 0; kind < ATTACK_KINDS; kind++)
			printf(" %s |", attack_expected(attack_catalogue[i].name, kind, lock));
	}
	printf("\n");
}

int main(int argc, char **argv)
{
	if (argc == 1) {
		print_all();
		return 0;
	}
	for (int lock = 0; lock < ATTACK_LOCKS; lock++)
		if (argc == 2 && strcmp(argv[1], attack_lock_name(lock)) == 0) {
			print_markdown(lock);
			return 0;
		}
	fprintf(stderr, "usage: attack-table [LOCK]\n");
	return 2;
}
