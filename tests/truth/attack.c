/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "truth/subject.h"

/* Of the mapping that holds an address: "rw-p", or "" if there is none. */
static void protection(const void *at, char ret[5])
{
	unsigned long start, end;
	FILE *maps = fopen("/proc/thread-self/maps", "re");
	char line[4400];

	ret[0] = '\0';
	while (maps && fgets(line, sizeof(line), maps)) {
		char prot[5];

		if (sscanf(line, "%lx-%lx %4s", &start, &end, prot) == 3 &&
			(uintptr_t)at >= start && (uintptr_t)at < end)
			memcpy(ret, prot, 5);
	}
	if (maps)
		fclose(maps);
}

static sigjmp_buf faulted;

static void leave(int sig)
{
	(void)sig;
	siglongjmp(faulted, 1);
}

/* By reading it: no system call can read secret memory. False too where nothing can be read. */
static bool same_bytes(const unsigned char *at, const unsigned char *bytes, size_t len)
{
	struct sigaction action = { .sa_handler = leave }, segv, bus;
	volatile bool same = false;

	sigaction(SIGSEGV, &action, &segv);
	sigaction(SIGBUS, &action, &bus);
	if (sigsetjmp(faulted, 1) == 0)
		same = memcmp(at, bytes, len) == 0;
	sigaction(SIGSEGV, &segv, NULL);
	sigaction(SIGBUS, &bus, NULL);
	return same;
}

static void write_by_proc(unsigned char *at)
{
	int fd = open("/proc/self/mem", O_RDWR | O_CLOEXEC);
	unsigned char byte = (unsigned char)(*at + 1);

	(void)!pwrite(fd, &byte, 1, (off_t)(uintptr_t)at);
	close(fd);
}

static void protect(unsigned char *at, size_t page)
{
	if (mprotect(at, page, PROT_READ | PROT_WRITE) == 0)
		*at = (unsigned char)(*at + 1);
}

static void map_over(unsigned char *at, size_t page)
{
	(void)mmap(
		at, page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
}

static void move_away(unsigned char *at, size_t page)
{
	void *to = mmap(NULL, page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)mremap(at, page, page, MREMAP_MAYMOVE | MREMAP_FIXED, to);
}

static void unmap(unsigned char *at, size_t page)
{
	(void)munmap(at, page);
}

static const struct {
	const char *name;
	void (*make)(unsigned char *at, size_t page);
} attacks[] = {
	{ "mprotect", protect },
	{ "munmap", unmap },
	{ "mmap(MAP_FIXED)", map_over },
	{ "mremap", move_away },
};

static const char *described(const char *attack, const unsigned char *at)
{
	static char text[128];

	snprintf(text, sizeof(text), "%s changed %p", attack, (const void *)at);
	return text;
}

const char *attack_promised(const struct promised *promised)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	unsigned char *bytes = malloc(promised->len);
	const char *found = NULL;
	char before[5], now[5];

	memcpy(bytes, promised->at, promised->len);
	for (size_t at = 0; !found && at < promised->len; at += page) {
		unsigned char *where = promised->at + at;

		protection(where, before);
		if (promised->promises & PROMISE_BYTES) {
			write_by_proc(where);
			if (!same_bytes(where, bytes + at, page))
				found = described("a write to /proc/self/mem", where);
		}
		for (size_t i = 0; !found && i < sizeof(attacks) / sizeof(attacks[0]); i++) {
			attacks[i].make(where, page);
			protection(where, now);
			if (strcmp(before, now) != 0 || !same_bytes(where, bytes + at, page))
				found = described(attacks[i].name, where);
		}
	}
	free(bytes);
	return found;
}
