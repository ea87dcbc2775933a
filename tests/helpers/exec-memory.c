/* SPDX-License-Identifier: MIT */
/*
 * exec-memory KIND: has executable memory outside of its sealed text, says so, and waits.
 *
 *	none        it has not
 *	anonymous   as a JIT compiler
 *	own-file    its own text, mapped a second time
 *	other-file  text of a library that is not loaded
 *	heap        a page of the brk heap
 *	wipe        overwrites the headers of libc and seals all images itself
 *	dlopen=X    loads the library X
 */
#include <dlfcn.h>
#include <err.h>
#include <fcntl.h>
#include <link.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <memseal.h>

static void map_text(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 4096) == MAP_FAILED)
		err(1, "%s", path);
}

static void map_anonymous(void)
{
	if (mmap(NULL, 8192, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) ==
		MAP_FAILED)
		err(1, "mmap");
}

static void executable_heap(void)
{
	char *start = sbrk(0), *page = (char *)(((uintptr_t)start + 4095) & ~(uintptr_t)4095);

	if (brk(page + 4096) < 0 || mprotect(page, 4096, PROT_READ | PROT_WRITE | PROT_EXEC) < 0)
		err(1, "heap");
}

/* After what reads them: memseal_self() finds the images by the loader's list. */
static int wipe_headers(struct dl_phdr_info *info, size_t size, void *arg)
{
	char *start = (char *)info->dlpi_addr;

	(void)size;
	(void)arg;
	if (!strstr(info->dlpi_name, "libc.so"))
		return 0;
	if (mprotect(start, 4096, PROT_READ | PROT_WRITE) < 0)
		err(1, "mprotect");
	memset(start, 0, 16);
	if (mprotect(start, 4096, PROT_READ) < 0)
		err(1, "mprotect");
	return 1;
}

static void wipe_and_seal(void)
{
	dl_iterate_phdr(wipe_headers, NULL);
	if (memseal_self(NULL) < 0)
		errx(1, "memseal_self");
}

int main(int argc, char **argv)
{
	const char *kind = argc > 1 ? argv[1] : "none";

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (!strcmp(kind, "anonymous"))
		map_anonymous();
	else if (!strcmp(kind, "own-file"))
		map_text("/proc/self/exe");
	else if (!strcmp(kind, "other-file"))
		map_text(argv[2] ? argv[2] : "/bin/sh");
	else if (!strcmp(kind, "heap"))
		executable_heap();
	else if (!strcmp(kind, "wipe"))
		wipe_and_seal();
	else if (!strncmp(kind, "dlopen=", 7) && !dlopen(kind + 7, RTLD_NOW))
		errx(1, "%s", dlerror());
	puts("");
	fflush(stdout);
	for (;;)
		pause();
}
