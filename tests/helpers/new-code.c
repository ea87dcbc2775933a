/* SPDX-License-Identifier: MIT */
/*
 * new-code KIND: makes code as an attacker would, of memory that was written, and says "code", or
 * "refused" and why. The first three are tests of paxtest: mprotanon, mprotheap, mprotstack.
 */
#include <alloca.h>
#include <err.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <unistd.h>

static char data[3 * 65536];

static int finish(int failed)
{
	if (failed && errno != EACCES)
		err(1, "not for want of permission");
	puts(failed ? "refused" : "code");
	return 0;
}

/* The first whole page of memory that the program had for writing. */
static int by_mprotect(void *memory)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char *start = (char *)(((uintptr_t)memory + page - 1) & ~(page - 1));

	memset(start, 0x5a, page);
	return finish(mprotect(start, page, PROT_READ | PROT_EXEC));
}

static int by_mmap(int prot)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	return finish(mmap(NULL, page, prot, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED);
}

static int by_shmat(void)
{
	int id = shmget(IPC_PRIVATE, 4096, 0700), failed;

	if (id < 0)
		err(1, "shmget");
	failed = shmat(id, NULL, SHM_EXEC) == (void *)-1;
	shmctl(id, IPC_RMID, NULL);
	return finish(failed);
}

int main(int argc, char **argv)
{
	const char *kind = argc > 1 ? argv[1] : "";

	if (strcmp(kind, "anon") == 0)
		return by_mprotect(mmap(NULL, sizeof(data), PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	if (strcmp(kind, "heap") == 0)
		return by_mprotect(malloc(2 * 65536));
	if (strcmp(kind, "stack") == 0)
		return by_mprotect(alloca(2 * 65536));
	if (strcmp(kind, "data") == 0)
		return by_mprotect(data);
	if (strcmp(kind, "mapped") == 0)
		return by_mmap(PROT_READ | PROT_WRITE | PROT_EXEC);
	if (strcmp(kind, "shared") == 0)
		return by_shmat();
	errx(2, "%s: no such kind", kind);
}
