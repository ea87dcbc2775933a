/* SPDX-License-Identifier: MIT */
/*
 * A program as any other: uses its heap, its stack, mmap areas and a thread, says what came out of
 * it, and with an argument, what its address space looks like at the end.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define SMALL   64
#define LARGE   (1 << 18)
#define COUNT   200
#define SEGMENT 4096

static void *work(void *arg)
{
	unsigned long *sum = arg;
	char *blocks[COUNT];

	for (size_t i = 0; i < COUNT; i++) {
		size_t size = i % 50 ? SMALL : LARGE;

		blocks[i] = malloc(size);
		if (!blocks[i])
			abort();
		memset(blocks[i], (int)i, size);
	}
	for (size_t i = 0; i < COUNT; i++) {
		*sum += (unsigned char)blocks[i][SMALL - 1];
		free(blocks[i]);
	}
	return NULL;
}

/* Maps, makes read-only, unmaps, and maps over. */
static unsigned long map_and_unmap(void)
{
	char *at =
		mmap(NULL, 4 * SEGMENT, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (at == MAP_FAILED)
		return 0;
	at[0] = 1;
	if (mprotect(at, SEGMENT, PROT_READ) || munmap(at + SEGMENT, SEGMENT) ||
		mmap(at + SEGMENT, SEGMENT, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1,
			0) != at + SEGMENT)
		return 0;
	return (unsigned long)at[0] + (munmap(at, 4 * SEGMENT) == 0);
}

static int print_maps(void)
{
	FILE *file = fopen("/proc/self/maps", "re");
	int c;

	if (!file)
		return 1;
	while ((c = getc(file)) != EOF)
		putchar(c);
	return fclose(file) != 0;
}

int main(int argc, char **argv)
{
	unsigned long sum = 0;
	pthread_t thread;

	(void)argv;
	if (pthread_create(&thread, NULL, work, &sum) || pthread_join(thread, NULL))
		return 1;
	work(&sum);
	printf("sum %lu, mapped %lu\n", sum, map_and_unmap());
	return argc > 1 ? print_maps() : 0;
}
