/* SPDX-License-Identifier: MIT */
/* Comes first when it is linked: something else is before, between and behind the variables. */
#include "globals.h"

static int before IN_BETWEEN("aaa_before") = 1;

#include <memseal-globals.h>

static int between IN_BETWEEN("memseal_between") = 2;
static MEMSEAL_RO_AFTER_INIT char text[] = "more text";
#ifdef EXPORTED
MEMSEAL_RO_AFTER_INIT int exported = 1;
#endif
static int behind IN_BETWEEN("zzz_behind") = 3;
static int data = 4;
static int zero;

const struct span *more_marked(void)
{
	static MEMSEAL_RO_AFTER_INIT long local __attribute__((aligned(1024)));
	static const struct span spans[] = {
		{ "text", text, sizeof(text) },
		{ "local", &local, sizeof(local) },
		{ NULL, NULL, 0 },
	};

	return spans;
}

const struct span *more_plain(void)
{
	static const struct span spans[] = {
		{ "before", &before, sizeof(before) },
		{ "between", &between, sizeof(between) },
		{ "behind", &behind, sizeof(behind) },
		{ "data", &data, sizeof(data) },
		{ "zero", &zero, sizeof(zero) },
		{ NULL, NULL, 0 },
	};

	return spans;
}

void more_set(void)
{
	text[0] = 'M';
}
