/* SPDX-License-Identifier: MIT */
/*
 * Secrets of 64 bytes in a pool, by libsodium and in OpenSSL's secure heap, in turns: what it takes
 * to get one and put it back, and what 10,000 of them cost.
 */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <memseal.h>
#include <openssl/crypto.h>
#include <sodium.h>

#define SIZE    64
#define SECRETS 10000
#define ROUNDS  15

static struct memseal_pool *pool;

static void pool_init(void)
{
	if (memseal_pool_new(SIZE, SECRETS, &pool) < 0)
		errx(1, "no pool");
}

static void *pool_get(void)
{
	return memseal_pool_get(pool);
}

static void pool_put(void *secret)
{
	memseal_pool_put(pool, secret);
}

static void sodium_begin(void)
{
	if (sodium_init() < 0)
		errx(1, "no libsodium");
}

static void *sodium_get(void)
{
	return sodium_malloc(SIZE);
}

static void openssl_begin(void)
{
	if (CRYPTO_secure_malloc_init((size_t)1 << 20, SIZE) <= 0) /* a power of two */
		errx(1, "no secure heap");
}

static void *openssl_get(void)
{
	return CRYPTO_secure_zalloc(SIZE, "", 0);
}

static void openssl_put(void *secret)
{
	CRYPTO_secure_clear_free(secret, SIZE, "", 0);
}

static const struct keeper {
	const char *name;
	void (*begin)(void);
	void *(*get)(void);
	void (*put)(void *secret);
	int pairs; /* in a round */
} keepers[] = {
	{ "memseal", pool_init, pool_get, pool_put, 500000 },
	{ "libsodium", sodium_begin, sodium_get, sodium_free, 2000 },
	{ "OpenSSL", openssl_begin, openssl_get, openssl_put, 100000 },
};

#define KEEPERS (sizeof(keepers) / sizeof(keepers[0]))

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

/* Nanoseconds a pair, the secret written in between. */
static double measure(const struct keeper *keeper)
{
	double start = now();

	for (int i = 0; i < keeper->pairs; i++) {
		void *secret = keeper->get();

		if (!secret)
			errx(1, "%s has no secret", keeper->name);
		memset(secret, i | 1, SIZE);
		keeper->put(secret);
	}
	return (now() - start) / keeper->pairs;
}

static int by_value(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static double median(double *values)
{
	qsort(values, ROUNDS, sizeof(*values), by_value);
	return values[ROUNDS / 2];
}

static long locked_kib(void)
{
	FILE *file = fopen("/proc/self/status", "re");
	char line[256];
	long kib = 0;

	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "VmLck: %ld", &kib) == 1)
			break;
	if (file)
		fclose(file);
	return kib;
}

static int mappings(void)
{
	FILE *file = fopen("/proc/self/maps", "re");
	int c, count = 0;

	while (file && (c = getc(file)) != EOF)
		count += c == '\n';
	if (file)
		fclose(file);
	return count;
}

/* In a child of its own. */
static void keep_many(const struct keeper *keeper)
{
	pid_t pid = fork();

	if (pid == 0) {
		static void *secrets[SECRETS];
		long locked = locked_kib();
		int before = mappings(), count = 0;

		keeper->begin();
		while (count < SECRETS && (secrets[count] = keeper->get()))
			count++;
		printf("%-10s %7d %12ld %9d\n", keeper->name, count, locked_kib() - locked,
			mappings() - before);
		fflush(stdout);
		_exit(count == SECRETS ? 0 : 1);
	}
	if (pid < 0 || waitpid(pid, NULL, 0) != pid)
		err(1, "%s", keeper->name);
}

int main(void)
{
	static double times[KEEPERS][ROUNDS], ratios[KEEPERS][ROUNDS];

	puts("holds       secrets   locked KiB  mappings");
	fflush(stdout);
	for (size_t k = 0; k < KEEPERS; k++)
		keep_many(&keepers[k]);
	for (size_t k = 0; k < KEEPERS; k++)
		keepers[k].begin();
	for (size_t k = 0; k < KEEPERS; k++)
		measure(&keepers[k]); /* warm */
	for (int round = 0; round < ROUNDS; round++) {
		for (size_t k = 0; k < KEEPERS; k++) {
			times[k][round] = measure(&keepers[k]);
			ratios[k][round] = times[k][round] / times[0][round];
		}
	}
	puts("\na pair      ns (median)    ratio");
	for (size_t k = 0; k < KEEPERS; k++)
		printf("%-10s %12.1f %8.1f\n", keepers[k].name, median(times[k]),
			median(ratios[k]));
	return EXIT_SUCCESS;
}
