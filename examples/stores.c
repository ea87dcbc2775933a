/* SPDX-License-Identifier: MIT */
/*
 * What a seal is not: sealed memory that is writable stays writable. Frozen memory is what cannot
 * be written any more, neither by a store nor by way of /proc/self/mem.
 */
#include <errno.h>
#include <fcntl.h>
#include <memseal.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static int surprises;

__attribute__((noreturn)) static void fail(const char *what, int error)
{
	fprintf(stderr, "%s: %s\n", what, strerror(error));
	exit(1);
}

/* In a child, which may be killed for it. */
static const char *store(char *mem)
{
	int status;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		*(volatile char *)mem = 'X';
		_exit(*(volatile char *)mem == 'X' ? 0 : 1);
	}
	if (pid < 0 || waitpid(pid, &status, 0) < 0)
		fail("fork", errno);
	if (WIFSIGNALED(status))
		return WTERMSIG(status) == SIGSEGV ? "SIGSEGV" : "another signal";
	return WEXITSTATUS(status) == 0 ? "works" : "is lost";
}

/* Writes what is there already. */
static const char *write_by_proc(char *mem)
{
	int fd = open("/proc/self/mem", O_RDWR | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		fail("/proc/self/mem", errno);
	n = pwrite(fd, mem, 1, (off_t)(uintptr_t)mem);
	close(fd);
	if (n == 1)
		return "works";
	return errno == EIO ? "EIO" : strerror(errno);
}

static void try(const char *what, char *mem, const char *by_store, const char *by_proc)
{
	const char *stored = store(mem), *written = write_by_proc(mem);

	printf("%s: a store %s, /proc/self/mem %s\n", what, stored, written);
	surprises += strcmp(stored, by_store) != 0 || strcmp(written, by_proc) != 0;
}

int main(void)
{
	size_t size = (size_t)sysconf(_SC_PAGESIZE);
	struct memseal_arena *arena;
	char *writable, *readable, *frozen;
	int r = memseal_arena_new(size, &arena);

	/* No mseal(2) here. A filter can do it, once the program agrees to what that costs. */
	if (r == -EOPNOTSUPP) {
		puts("this kernel has no mseal(2): a filter is used");
		r = memseal_filter_allow(MEMSEAL_EXEC_REFUSE);
		if (r == 0)
			r = memseal_arena_new(size, &arena);
	}
	if (r < 0)
		fail("memseal_arena_new", -r);
	writable = memseal_map(size, PROT_READ | PROT_WRITE, MEMSEAL_MAPPING);
	readable = memseal_map(size, PROT_READ, MEMSEAL_MAPPING);
	if (!writable || !readable)
		fail("memseal_map", errno);
	frozen = memseal_arena_alloc(arena, 100, 1);
	if (!frozen)
		fail("memseal_arena_alloc", errno);

	try("sealed, writable", writable, "works", "works");
	try("sealed, read-only", readable, "SIGSEGV", "works");
	try("an arena before it is frozen", frozen, "works", "works");
	r = memseal_arena_freeze(arena);
	if (r < 0)
		fail("memseal_arena_freeze", -r);
	try("the arena, frozen", frozen, "SIGSEGV", "EIO");
	return surprises ? 1 : 0;
}
