/* SPDX-License-Identifier: MIT */
/*
 * A million slots got and put by 8 threads: none has two owners at once, all are zero when got, and
 * in a pool that has enough for all nobody goes without. Without a test framework, so that it can
 * be built whole with ThreadSanitizer, which sees whether the bytes of a slot are ordered.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <memseal.h>

#define THREADS 8
#define PAIRS   125000 /* each */
#define SLOT    64
#define HELD    2000 /* by one thread at a time, at most */

struct round {
	struct memseal_pool *pool;
	unsigned held;   /* at a time, by each thread */
	bool may_lack;   /* there is not enough for all */
	unsigned *lacks; /* how often there was none */
};

struct worker {
	const struct round *round;
	unsigned char id;
};

static void fail(const char *what)
{
	fprintf(stderr, "%s\n", what);
	exit(EXIT_FAILURE);
}

static unsigned char *get(const struct round *round, unsigned char id)
{
	unsigned char *slot;

	while (!(slot = memseal_pool_get(round->pool))) {
		if (!round->may_lack || errno != ENOMEM)
			fail("there is no slot, and there must be one");
		__atomic_fetch_add(round->lacks, 1, __ATOMIC_RELAXED);
		sched_yield();
	}
	for (int i = 0; i < SLOT; i++)
		if (slot[i])
			fail("a slot is not zero");
	memset(slot, id, SLOT);
	return slot;
}

static void put(const struct round *round, unsigned char *slot, unsigned char id)
{
	for (int i = 0; i < SLOT; i++)
		if (slot[i] != id)
			fail("a slot has two owners");
	memseal_pool_put(round->pool, slot);
}

/* Holds as many as it may as a rule: then few are free, now here, now there. */
static void *work(void *arg)
{
	const struct worker *worker = arg;
	const struct round *round = worker->round;
	unsigned char *slots[HELD];
	unsigned seed = worker->id, held = 0, done = 0;

	while (done < PAIRS || held > 0) {
		seed = seed * 1103515245 + 12345;
		if (done < PAIRS && held < round->held && (held == 0 || seed >> 29)) {
			slots[held++] = get(round, worker->id);
			done++;
		} else {
			unsigned which = (seed >> 8) % held;

			put(round, slots[which], worker->id);
			slots[which] = slots[--held];
		}
	}
	return NULL;
}

static unsigned run(size_t slots, unsigned held, bool may_lack)
{
	unsigned lacks = 0;
	struct round round = { .held = held, .may_lack = may_lack, .lacks = &lacks };
	struct worker workers[THREADS];
	pthread_t threads[THREADS];

	if (memseal_pool_new(SLOT, slots, &round.pool) < 0)
		fail("there is no pool");
	for (int i = 0; i < THREADS; i++) {
		workers[i] = (struct worker){ &round, (unsigned char)(i + 1) };
		if (pthread_create(&threads[i], NULL, work, &workers[i]))
			fail("there is no thread");
	}
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	for (size_t i = 0; i < slots; i++)
		if (!memseal_pool_get(round.pool))
			fail("a slot is lost");
	if (memseal_pool_get(round.pool))
		fail("there is a slot too many");
	return lacks;
}

int main(void)
{
	run((size_t)THREADS * HELD, HELD, false); /* exactly as many as they can hold */
	run((size_t)THREADS * 20, 20, false);
	run(THREADS, 1, false);
	printf("%u times without a slot\n", run(THREADS / 2, 1, true));
	return EXIT_SUCCESS;
}
