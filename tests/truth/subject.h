/* SPDX-License-Identifier: MIT */
/*
 * What the walk and the random sequences are about: things of the library that report that memory
 * is held, and whether an attacker inside the process can change it all the same. Nothing in here
 * believes the library: attacks are plain system calls, and what they did is seen by looking.
 */
#ifndef MEMSEAL_TESTS_TRUTH_SUBJECT_H
#define MEMSEAL_TESTS_TRUTH_SUBJECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What was promised about a span of whole pages. */
enum promise {
	PROMISE_PLACE =
		1 << 0, /* it is not unmapped, replaced or moved, and keeps its protection */
	PROMISE_BYTES = 1 << 1, /* no system call of any process changes its bytes */
};

struct promised {
	unsigned char *at;
	size_t len;
	unsigned promises; /* enum promise */
};

#define PROMISED_MAX 4

struct subject {
	const char *name;
	/* Makes what is to be held and fills it. Nothing goes wrong here: false ends the test. */
	bool (*make)(void);
	/* The call that the disturbances bear upon: 0, or the negative errno that it reports. */
	int (*hold)(void);
	/* What the library reports as held after hold() answered that: how many. */
	size_t (*held)(int answer, struct promised ret[PROMISED_MAX]);
	/* After a failure: is the memory as it was, and can it be used? NULL: there is no such
	 * promise. */
	bool (*usable)(void);
	/* Memory that another thread writes to meanwhile; NULL: none. */
	unsigned char *(*memory)(void);
	bool filter; /* tried with the filter engine alone, too */
};

extern const struct subject subjects[];
extern const size_t subject_count;

/* By every attack: NULL, or what it did, in words. A control that is not held must be changed. */
const char *attack_promised(const struct promised *promised);

#endif
