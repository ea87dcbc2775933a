/* SPDX-License-Identifier: MIT */
/*
 * Says "main", opens the libraries that are its arguments, asks each for a symbol as programs do,
 * and says "covered" if all that the loader lists - text, read-only data, RELRO - is sealed, else
 * where the first gap is. An oracle: it shares no code with memseal. It also tells how many
 * mappings without a name and how many descriptors it has, for a comparison with other runs.
 *
 * With "-t" before the libraries it does not read what is sealed but tries: a page is, if it cannot
 * even be given the protection that it has. A seccomp filter shows in no other way. With "-s" a
 * page must also refuse to be written through /proc/self/mem; but for [vdso], if it still has that
 * name: some kernels seal it themselves, and then nobody can replace it.
 */
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static struct vma {
	unsigned long start, end;
	bool sealed, may_write, vdso;
} vmas[4096];
static size_t count, anonymous;
static bool gap, trying, strict;
static int mem;

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
			vmas[count++] = (struct vma){
				.start = start,
				.end = end,
				.vdso = strncmp(line + name, "[vdso]", 6) == 0,
			};
			anonymous += inode == 0 && line[name] == '\0';
		} else if (strncmp(line, "VmFlags:", 8) == 0) {
			vmas[count - 1].sealed = strstr(line, " sl") != NULL;
			vmas[count - 1].may_write = strstr(line, " mw") != NULL;
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

static const struct vma *find(unsigned long addr)
{
	for (size_t i = 0; i < count; i++)
		if (addr >= vmas[i].start && addr < vmas[i].end)
			return &vmas[i];
	return NULL; /* a hole is not memory */
}

/* The byte that is there already. */
static bool is_locked(unsigned long addr, const struct vma *vma)
{
	char byte;

	if (!strict || vma->vdso)
		return true;
	return !vma->may_write && pread(mem, &byte, 1, (off_t)addr) == 1 &&
	       pwrite(mem, &byte, 1, (off_t)addr) < 0 && errno == EIO;
}

static void check(const char *name, unsigned long start, unsigned long end, int prot)
{
	unsigned long page = (unsigned long)sysconf(_SC_PAGESIZE);

	for (unsigned long at = start & -page; !gap && at < end; at += page) {
		const struct vma *vma = find(at);

		if (!vma ||
			((trying ? is_held(at, page, prot) : vma->sealed) && is_locked(at, vma)))
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
	int first = 1;

	for (; first < argc && argv[first][0] == '-'; first++) {
		trying |= strcmp(argv[first], "-t") == 0;
		strict |= strcmp(argv[first], "-s") == 0;
	}
	puts("main");
	for (int i = first; i < argc; i++) {
		void *library = dlopen(argv[i], RTLD_NOW);

		if (!library) {
			printf("dlopen: %s\n", dlerror());
			return 1;
		}
		(void)dlsym(library, "no such symbol");
		(void)dlerror();
	}
	read_smaps();
	mem = open("/proc/self/mem", O_RDWR | O_CLOEXEC);
	if (mem < 0)
		abort();
	dl_iterate_phdr(check_object, NULL);
	if (!gap)
		puts("covered");
	close(mem);
	printf("anonymous %zu descriptors %zu\n", anonymous, descriptors());
	return 0;
}
