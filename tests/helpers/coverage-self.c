/* SPDX-License-Identifier: MIT */
/*
 * Says "main", opens the libraries that are its arguments, asks each for a symbol as programs do,
 * and says "covered" if all that the loader lists - text, read-only data, RELRO - is sealed, else
 * where the first gap is. An oracle: it shares no code with memseal. It also tells how many
 * mappings without a name and how many descriptors it has, for a comparison with other runs.
 *
 * With "-t" before the libraries it does not read what is sealed but tries: a page is, if it cannot
 * even be given the protection that it has. A seccomp filter shows in no other way.
 */
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <link.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static struct vma {
	unsigned long start, end;
	bool sealed;
} vmas[4096];
static size_t count, anonymous;
static bool gap, trying;

static void read_smaps(void)
{
	FILE *file = fopen("/proc/self/smaps", "re");
	char *line = NULL;
	size_t size = 0;

	if (!file)
		abort();
	while (getline(&line, &size, file) > 0) {
		unsigned long start, end, inode;
		int name = 0;

		if (sscanf(line, "%lx-%lx %*s %*s %*s %lu %n", &start, &end, &inode, &name) == 3) {
			vmas[count++] = (struct vma){ .start = start, .end = end };
			anonymous += inode == 0 && line[name] == '\0';
		} else if (strncmp(line, "VmFlags:", 8) == 0) {
			vmas[count - 1].sealed = strstr(line, " sl") != NULL;
		}
	}
	free(line);
	fclose(file);
}

/* ENOMEM: a hole is not memory. */
static bool is_held(unsigned long addr, unsigned long page, int prot)
{
	return mprotect((void *)addr, page, prot) < 0 && (errno == EPERM || errno == ENOMEM);
}

static bool is_sealed(unsigned long addr)
{
	for (size_t i = 0; i < count; i++)
		if (addr >= vmas[i].start && addr < vmas[i].end)
			return vmas[i].sealed;
	return true; /* a hole is not memory */
}

static void check(const char *name, unsigned long start, unsigned long end, int prot)
{
	unsigned long page = (unsigned long)sysconf(_SC_PAGESIZE);

	for (unsigned long at = start & -page; !gap && at < end; at += page) {
		if (trying ? is_held(at, page, prot) : is_sealed(at))
			continue;
		gap = true;
		printf("gap %s %#lx\n", name, at);
	}
}

static int protection(unsigned flags)
{
	return (flags & PF_R ? PROT_READ : 0) | (flags & PF_X ? PROT_EXEC : 0);
}

static int check_object(struct dl_phdr_info *info, size_t size, void *arg)
{
	unsigned long page = (unsigned long)sysconf(_SC_PAGESIZE);

	(void)size;
	(void)arg;
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *p = &info->dlpi_phdr[i];
		unsigned long start = info->dlpi_addr + p->p_vaddr, end = start + p->p_memsz;

		if (p->p_type == PT_LOAD && !(p->p_flags & PF_W))
			check(info->dlpi_name, start, end, protection(p->p_flags));
		else if (p->p_type == PT_GNU_RELRO && (start & -page) < (end & -page))
			check(info->dlpi_name, start, end & -page, PROT_READ);
	}
	return 0;
}

static size_t descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	size_t n = 0;

	while (dir && readdir(dir))
		n++;
	closedir(dir);
	return n;
}

int main(int argc, char **argv)
{
	trying = argc > 1 && strcmp(argv[1], "-t") == 0;
	puts("main");
	for (int i = 1 + trying; i < argc; i++) {
		void *library = dlopen(argv[i], RTLD_NOW);

		if (!library) {
			printf("dlopen: %s\n", dlerror());
			return 1;
		}
		(void)dlsym(library, "no such symbol");
		(void)dlerror();
	}
	read_smaps();
	dl_iterate_phdr(check_object, NULL);
	if (!gap)
		puts("covered");
	printf("anonymous %zu descriptors %zu\n", anonymous, descriptors());
	return 0;
}
