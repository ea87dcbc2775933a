/* SPDX-License-Identifier: MIT */
/* A made-up /proc that holds one process, and ELF objects for its memory. */
#ifndef TESTS_FAKE_PROC_H
#define TESTS_FAKE_PROC_H

#include <check.h>
#include <elf.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/util.h"

#define PID 42

/* A tree that holds one process, whose files are written by the functions below. */
static char tree[] = "/tmp/memseal-proc-XXXXXX";
static const char *device; /* of mapped files, as maps prints it */

FORMAT(2, 3) static void write_file(const char *name, const char *fmt, ...)
{
	char path[PATH_MAX];
	va_list args;
	FILE *file;

	snprintf(path, sizeof(path), "%s/%d/%s", tree, PID, name);
	file = fopen(path, "a");
	ck_assert_ptr_nonnull(file);
	va_start(args, fmt);
	vfprintf(file, fmt, args);
	va_end(args);
	ck_assert_int_eq(fclose(file), 0);
}

static void write_bytes(const char *name, uint64_t offset, const void *bytes, size_t len)
{
	char path[PATH_MAX];
	int fd;

	snprintf(path, sizeof(path), "%s/%d/%s", tree, PID, name);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(pwrite(fd, bytes, len, (off_t)offset), (ssize_t)len);
	close(fd);
}

static void remove_file(const char *name)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%d/%s", tree, PID, name);
	ck_assert_int_eq(unlink(path), 0);
}

static void move_file(const char *name, const char *to)
{
	char from_path[PATH_MAX], to_path[PATH_MAX];

	snprintf(from_path, sizeof(from_path), "%s/%d/%s", tree, PID, name);
	snprintf(to_path, sizeof(to_path), "%s/%d/%s", tree, PID, to);
	ck_assert_int_eq(rename(from_path, to_path), 0);
}

static void make_directory(const char *name)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%d/%s", tree, PID, name);
	ck_assert_int_eq(mkdir(path, 0700), 0);
}

static void make_link(const char *name, const char *target)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%d/%s", tree, PID, name);
	ck_assert_int_eq(symlink(target, path), 0);
}

static void write_stat(char state, unsigned long flags)
{
	write_file("stat", "%d (a) Z (b) %c 1 1 1 0 -1 %lu 0 0 0 0\n", PID, state, flags);
}

static void setup(void)
{
	char path[PATH_MAX];

	device = "08:01";
	strcpy(tree + strlen(tree) - 6, "XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(tree));
	snprintf(path, sizeof(path), "%s/self", tree);
	ck_assert_int_eq(symlink("42", path), 0);
	snprintf(path, sizeof(path), "%s/meminfo", tree);
	close(creat(path, 0600));
	make_directory("");
	write_file("comm", "name\n");
	write_file("smaps", "%s", "");
	write_stat('S', 0x400000);
	/* As large as the addresses below, so that reading is never at an end: that means "gone".
	 */
	write_bytes("mem", 0x7fffffff, "", 1);
}

static void teardown(void)
{
	char command[PATH_MAX];

	snprintf(command, sizeof(command), "rm -r %s", tree);
	ck_assert_int_eq(system(command), 0);
}

static void map(uint64_t start, uint64_t end, const char *perm, uint64_t offset, unsigned inode,
	const char *name, const char *flags)
{
	write_file("smaps", "%08" PRIx64 "-%08" PRIx64 " %s %08" PRIx64 " %s %u   %s\n", start, end,
		perm, offset, inode ? device : "00:00", inode, name);
	write_file("smaps", "Size:   %" PRIu64 " kB\nVmFlags: rd mr me %s \n", (end - start) / 1024,
		flags);
}

struct segment {
	uint32_t type, flags;
	uint64_t offset, vaddr, filesz, memsz;
};

/* Up to 4096 bytes of an object. */
struct object {
	unsigned char bytes[4096];
};

static struct object elf64(uint16_t type, uint64_t phoff, const struct segment *s, uint16_t n)
{
	Elf64_Ehdr ehdr = {
		.e_ident = ELFMAG "\2\1\1",
		.e_type = type,
		.e_machine = EM_X86_64,
		.e_version = EV_CURRENT,
		.e_phoff = phoff,
		.e_ehsize = sizeof(ehdr),
		.e_phentsize = sizeof(Elf64_Phdr),
		.e_phnum = n,
	};
	struct object ret = { 0 };

	memcpy(ret.bytes, &ehdr, sizeof(ehdr));
	for (size_t i = 0; i < n; i++) {
		Elf64_Phdr phdr = {
			.p_type = s[i].type,
			.p_flags = s[i].flags,
			.p_offset = s[i].offset,
			.p_vaddr = s[i].vaddr,
			.p_filesz = s[i].filesz,
			.p_memsz = s[i].memsz,
			.p_align = 4096,
		};
		ck_assert_uint_le(phoff + (i + 1) * sizeof(phdr), sizeof(ret.bytes));
		memcpy(ret.bytes + phoff + i * sizeof(phdr), &phdr, sizeof(phdr));
	}
	return ret;
}

static struct object elf32(uint16_t type, const struct segment *s, uint16_t n)
{
	Elf32_Ehdr ehdr = {
		.e_ident = ELFMAG "\1\1\1",
		.e_type = type,
		.e_machine = EM_386,
		.e_version = EV_CURRENT,
		.e_phoff = sizeof(ehdr),
		.e_ehsize = sizeof(ehdr),
		.e_phentsize = sizeof(Elf32_Phdr),
		.e_phnum = n,
	};
	struct object ret = { 0 };

	memcpy(ret.bytes, &ehdr, sizeof(ehdr));
	for (size_t i = 0; i < n; i++) {
		Elf32_Phdr phdr = {
			.p_type = s[i].type,
			.p_flags = s[i].flags,
			.p_offset = (Elf32_Off)s[i].offset,
			.p_vaddr = (Elf32_Addr)s[i].vaddr,
			.p_filesz = (Elf32_Word)s[i].filesz,
			.p_memsz = (Elf32_Word)s[i].memsz,
			.p_align = 4096,
		};
		memcpy(ret.bytes + sizeof(ehdr) + i * sizeof(phdr), &phdr, sizeof(phdr));
	}
	return ret;
}

#endif
