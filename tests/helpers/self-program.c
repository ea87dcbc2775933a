/* SPDX-License-Identifier: MIT */
/*
 * A program that seals itself and goes on: linked dynamically, statically, with glibc and musl. It
 * says "sealed" and waits for a line, so that others can look at it, then does what programs do.
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <memseal-compat.h>

#ifdef WITH_DLOPEN
#include <dlfcn.h>
#endif

#define CHECK(what)                                                          \
	do {                                                                 \
		if (!(what)) {                                               \
			printf("line %d: %s: %d\n", __LINE__, #what, errno); \
			exit(1);                                             \
		}                                                            \
	} while (0)

static void *thread(void *arg)
{
	char *p = malloc(300000);

	CHECK(p);
	snprintf(p, 300000, "%s %f", "thread", 1.5);
	CHECK(strcmp(p, "thread 1.500000") == 0);
	free(p);
	return arg;
}

static void run_threads(void)
{
	pthread_t threads[8];
	void *ret;

	for (int i = 0; i < 8; i++)
		CHECK(pthread_create(&threads[i], NULL, thread, threads) == 0);
	for (int i = 0; i < 8; i++)
		CHECK(pthread_join(threads[i], &ret) == 0 && ret == threads);
}

static void try_ranges(void)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char *p = mmap(NULL, 3 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct memseal_status status = { .size = sizeof(status) };
	size_t end = (size_t)syscall(SYS_brk, 0); /* musl's sbrk() does nothing */
	char *heap = (char *)((end + page - 1) & ~(page - 1));

	CHECK(syscall(SYS_brk, heap + page) != (long)end);
	CHECK(p != MAP_FAILED);
	CHECK(memseal_range(p, page, MEMSEAL_MAPPING) == 0);
	CHECK(memseal_query(p, 3 * page, &status) == 0 && status.sealed_bytes == page);
	CHECK(munmap(p, page) == -1 && errno == EPERM);
	CHECK(munmap(p + page, page) == 0);
	CHECK(memseal_range(p, 3 * page, MEMSEAL_MAPPING) == -ENOMEM);
	CHECK(memseal_range((void *)((size_t)&page & ~(page - 1)), page, MEMSEAL_MAPPING) ==
		-EFAULT);
	CHECK(memseal_range(heap, page, MEMSEAL_MAPPING) == -EFAULT);
	CHECK(mimmutable(p, page) == 0 && mseal(p, page, 0) == 0);
}

static void load_another(const char *path)
{
#ifdef WITH_DLOPEN
	int (*answer)(int);
	void *handle = dlopen(path, RTLD_NOW);

	CHECK(handle);
	*(void **)&answer = dlsym(handle, "plugin_answer");
	CHECK(answer && answer(1) == 43);
	CHECK(dlclose(handle) == 0);
#else
	(void)path;
#endif
}

/* argv[1]: an object to load, or "again": executed by itself, unsealed */
int main(int argc, char **argv)
{
	size_t sealed = 0;
	struct memseal_self_opts opts = { .size = sizeof(opts), .ret_sealed = &sealed };

	if (argc > 1 && strcmp(argv[1], "again") == 0) {
		CHECK(memseal_self(&opts) == 0 && sealed > 0);
		puts("fine");
		return 0;
	}
	CHECK(memseal_self(&opts) == 0 && sealed > 0);
	puts("sealed");
	fflush(stdout);
	(void)getchar();
	run_threads();
	try_ranges();
	load_another(argc > 1 ? argv[1] : NULL);
	fflush(stdout);
	execl("/proc/self/exe", argv[0], "again", (char *)NULL);
	CHECK(!"execl");
}
