/* SPDX-License-Identifier: MIT */
#include "attack.h"
const char *attack_expected(const char *attack, enum attack_kind kind, enum attack_lock lock)
{
	(void)attack;
	(void)kind;
	(void)lock;
	return NULL;
}
