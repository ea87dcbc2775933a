/* SPDX-License-Identifier: MIT */
/*
 * A just-in-time compiler: libtcc compiles a C function into a code region, which is published, run
 * and attacked; beside it the same code in memory that was only made read-only and executable.
 *
 * libtcc writes code where it will run, so the region has one view: MEMSEAL_CODE_FLIP. It also asks
 * for its memory to be writable and executable at once, by mprotect(2), and gives up if that is
 * refused. Nothing needs that here: mprotect() below is found by libtcc in place of libc's, and
 * leaves executing to memseal_code_publish(). What is compiled shares its pages with its variables,
 * which become constants then.
 */
#include <errno.h>
#include <fcntl.h>
#include <libtcc.h>
#include <memseal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static const char source[] = "int fib(int n) { return n < 2 ? n : fib(n - 1) + fib(n - 2); }";

static unsigned writable_code; /* mappings that could be written and executed, at any look */

/* Looks at all mappings; prints the protection of that one. */
static void look(const char *what, const void *addr)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	unsigned long start, end, at = (uintptr_t)addr;
	char line[1024], prot[5];

	while (maps && fgets(line, sizeof(line), maps)) {
		if (sscanf(line, "%lx-%lx %4s", &start, &end, prot) != 3)
			continue;
		writable_code += strchr(prot, 'w') && strchr(prot, 'x');
		if (what && at >= start && at < end)
			printf("%s: %s\n", what, prot);
	}
	if (maps)
		fclose(maps);
}

int mprotect(void *addr, size_t len, int prot)
{
	int r = (int)syscall(SYS_mprotect, addr, len, prot & ~PROT_EXEC);

	look(prot & PROT_EXEC ? "libtcc wants it executable" : NULL, addr);
	return r;
}

static void die(const char *what, int error)
{
	fprintf(stderr, "jit-tcc: %s: %s\n", what, strerror(error));
	exit(1);
}

/* For code that is written where it runs; without mseal(2), by a filter. */
static struct memseal_code *new_region(size_t size)
{
	struct memseal_code_opts opts = { .size = sizeof(opts), .mode = MEMSEAL_CODE_FLIP };
	struct memseal_code *code;
	int r = memseal_code_new_opts(size, &opts, &code);

	if (r == -EOPNOTSUPP && memseal_filter_allow(MEMSEAL_EXEC_REFUSE) == 0)
		r = memseal_code_new_opts(size, &opts, &code);
	if (r < 0)
		die("memseal_code_new", -r);
	return code;
}

/* The memory that holds the function, and its size. */
static void *compile(TCCState *tcc, size_t *ret_size)
{
	struct memseal_code *code;
	int size, r;
	void *mem;

	tcc_set_output_type(tcc, TCC_OUTPUT_MEMORY);
	tcc_set_options(tcc, "-nostdlib");
	if (tcc_compile_string(tcc, source) < 0)
		die("tcc_compile_string", EINVAL);
	size = tcc_relocate(tcc, NULL);
	if (size < 0)
		die("tcc_relocate", EINVAL);
	code = new_region((size_t)size);
	mem = memseal_code_alloc(code, (size_t)size, 64);
	if (!mem)
		die("memseal_code_alloc", errno);
	look("allocated", mem);
	if (tcc_relocate(tcc, memseal_code_writable(code, mem)) < 0)
		die("tcc_relocate", EINVAL);
	r = memseal_code_publish(code, mem, (size_t)size);
	if (r < 0)
		die("memseal_code_publish", -r);
	look("published", mem);
	*ret_size = (size_t)size;
	return mem;
}

static void *copy_to_plain_memory(const void *mem, size_t size)
{
	void *plain = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (plain == MAP_FAILED)
		die("mmap", errno);
	memcpy(plain, mem, size);
	if (syscall(SYS_mprotect, plain, size, PROT_READ | PROT_EXEC) < 0)
		die("mprotect", errno);
	look("plain", plain);
	return plain;
}

static int make_writable(void *mem, size_t size)
{
	return (int)syscall(SYS_mprotect, mem, size, PROT_READ | PROT_WRITE);
}

static int unmap(void *mem, size_t size)
{
	return munmap(mem, size);
}

static int replace(void *mem, size_t size)
{
	void *at = mmap(
		mem, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);

	return at == MAP_FAILED ? -1 : 0;
}

static int write_by_proc(void *mem, size_t size)
{
	int fd = open("/proc/self/mem", O_RDWR | O_CLOEXEC);

	(void)size;
	return pwrite(fd, "\xcc", 1, (off_t)(uintptr_t)mem) == 1 ? 0 : -1;
}

/* In a child, so that the next one finds everything as it was. */
static const char *attempt(int (*attack)(void *mem, size_t size), void *mem, size_t size)
{
	int status;
	pid_t pid = fork();

	if (pid == 0)
		_exit(attack(mem, size) == 0 ? 0 : errno);
	if (pid < 0 || waitpid(pid, &status, 0) < 0 || !WIFEXITED(status))
		return "?";
	return WEXITSTATUS(status) ? strerrorname_np(WEXITSTATUS(status)) : "done";
}

int main(void)
{
	static const struct {
		const char *name;
		int (*attack)(void *mem, size_t size);
	} attacks[] = {
		{ "mprotect to writable", make_writable },
		{ "munmap", unmap },
		{ "mmap over it", replace },
		{ "/proc/self/mem", write_by_proc },
	};
	TCCState *tcc = tcc_new();
	void *mem, *plain, *symbol;
	int (*fib)(int);
	size_t size;

	mem = compile(tcc, &size);
	symbol = tcc_get_symbol(tcc, "fib");
	memcpy(&fib, &symbol, sizeof(fib));
	printf("fib(20) = %d\n", fib(20));
	plain = copy_to_plain_memory(mem, size);
	fflush(stdout);
	for (size_t i = 0; i < sizeof(attacks) / sizeof(attacks[0]); i++) {
		printf("%s: plain memory %s, ", attacks[i].name,
			attempt(attacks[i].attack, plain, size));
		printf("code region %s\n", attempt(attacks[i].attack, mem, size));
		fflush(stdout);
	}
	look(NULL, NULL);
	printf("fib(20) = %d\n", fib(20));
	printf("mappings ever seen writable and executable: %u\n", writable_code);
	tcc_delete(tcc);
	return 0;
}
