/* SPDX-License-Identifier: MIT */
#include "launch/executable.h"

#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/page.h"
#include "base/sys.h"
#include "launch/binfmt.h"
#include "model/image.h"
#include "model/maps.h"

#if defined(__x86_64__)
#define NATIVE_MACHINE EM_X86_64
#elif defined(__aarch64__)
#define NATIVE_MACHINE EM_AARCH64
#elif defined(__riscv)
#define NATIVE_MACHINE EM_RISCV
#elif defined(__arm__)
#define NATIVE_MACHINE EM_ARM
#elif defined(__i386__)
#define NATIVE_MACHINE EM_386
#endif

#define NATIVE_CLASS (sizeof(void *) == 8 ? IMAGE_64 : IMAGE_32)

struct file {
	int fd;
	uint64_t size;
	mode_t mode;
	unsigned char head[BINFMT_HEAD];
	size_t head_len;
	struct image_header header;
	struct image image;
	unsigned char *phdrs;
};

static void close_file(struct file *file)
{
	sys_close_cleanup(&file->fd);
	free(file->phdrs);
}

/* Exactly len bytes, or fewer at the end of the file. */
static ssize_t read_at(const struct file *file, void *buf, size_t len, uint64_t offset)
{
	size_t done = 0;

	while (done < len) {
		ssize_t n = sys_pread(file->fd, (char *)buf + done, len - done, offset + done);

		if (n == 0)
			break;
		if (n < 0 && n != -EINTR)
			return n;
		if (n > 0)
			done += (size_t)n;
	}
	return (ssize_t)done;
}

static int open_file(const char *path, struct file *file)
{
	struct stat st;
	ssize_t n;
	int r;

	/* Not a FIFO's or a terminal's turn to block or be taken over. */
	file->fd = sys_openat(AT_FDCWD, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0);
	if (file->fd < 0)
		return file->fd;
	r = sys_fstatat(file->fd, "", &st, AT_EMPTY_PATH);
	if (r < 0)
		return r;
	if (!S_ISREG(st.st_mode))
		return -EACCES;
	file->size = (uint64_t)st.st_size;
	file->mode = st.st_mode;
	n = read_at(file, file->head, sizeof(file->head), 0);
	if (n < 0)
		return (int)n;
	file->head_len = (size_t)n;
	return 0;
}

/* A malformed ELF file is -ENOEXEC, as it is to execve(2). */
static int read_headers(struct file *file)
{
	size_t size;
	ssize_t n;
	int r = image_header(file->head, file->head_len, &file->header);

	if (r < 0)
		return -ENOEXEC;
	size = image_phdrs_size(&file->header);
	if (size == 0 || !range_within(file->header.phoff, size, file->size))
		return -ENOEXEC;
	file->phdrs = malloc(size);
	if (!file->phdrs)
		return -ENOMEM;
	n = read_at(file, file->phdrs, size, file->header.phoff);
	if (n < 0)
		return (int)n;
	r = image_init(&file->image, &file->header, file->phdrs, (size_t)n);
	return r < 0 ? -ENOEXEC : 0;
}

static bool is_elf(const struct file *file)
{
	return file->head_len >= SELFMAG && memcmp(file->head, ELFMAG, SELFMAG) == 0;
}

static bool is_native(const struct file *file)
{
	return file->header.class == NATIVE_CLASS && !file->header.big_endian &&
	       file->header.machine == NATIVE_MACHINE;
}

/* glibc and musl, by the name that each gives its loader; both honour LD_PRELOAD. */
static bool is_known_loader(const char *path)
{
	static const char *const prefixes[] = { "ld-linux", "ld-musl-", "ld64.so", "ld-2." };
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;

	for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++)
		if (strncmp(name, prefixes[i], strlen(prefixes[i])) == 0)
			return true;
	return false;
}

static int judge_loader(const struct file *file, const struct image_segment *interp,
	enum memseal_refusal *ret_refusal)
{
	char path[PATH_MAX];
	ssize_t n;

	/* As the kernel has it: fs/binfmt_elf.c. */
	if (interp->filesz < 2 || interp->filesz > sizeof(path))
		return -ENOEXEC;
	n = read_at(file, path, interp->filesz, interp->offset);
	if (n < 0)
		return (int)n;
	if ((uint64_t)n != interp->filesz || path[n - 1] != '\0')
		return -ENOEXEC;
	if (!is_known_loader(path))
		*ret_refusal = MEMSEAL_REFUSAL_UNKNOWN_LOADER;
	return 0;
}

/* Without PT_INTERP: static-pie, or something that is meant to be loaded? */
static int judge_unloaded(const struct file *file, enum memseal_refusal *ret_refusal)
{
	unsigned char dynamic[4096];
	struct image_segment segment;
	enum image_type type;
	ssize_t n = 0;

	if (image_find(&file->image, PT_DYNAMIC, &segment) == 0)
		n = read_at(
			file, dynamic, min_u64(segment.filesz, sizeof(dynamic)), segment.offset);
	if (n < 0)
		return (int)n;
	type = image_type(&file->header, &file->image, n ? dynamic : NULL, (size_t)n);
	*ret_refusal = type == IMAGE_DYN ? MEMSEAL_REFUSAL_LOADER : MEMSEAL_REFUSAL_STATIC;
	return 0;
}

/* What the kernel maps for it, and what it would have to make both writable and executable. */
static int measure(const struct file *file, struct executable *ret)
{
	for (unsigned i = 0; i < file->image.phnum; i++) {
		struct image_segment segment;

		if (image_segment(&file->image, i, &segment) < 0)
			return -ENOEXEC;
		if (segment.type != PT_LOAD && segment.type != PT_GNU_STACK)
			continue;
		ret->new_code |= (segment.prot & (MAPPING_WRITE | MAPPING_EXEC)) ==
				 (MAPPING_WRITE | MAPPING_EXEC);
		if (segment.type == PT_LOAD && segment.prot & MAPPING_WRITE)
			ret->writable += segment.memsz;
	}
	return 0;
}

static int measure_extent(const struct file *file, struct executable *ret)
{
	struct span extent;
	int r = image_extent(&file->image, page_size(), &extent);

	if (r < 0)
		return -ENOEXEC;
	ret->mapped = span_len(extent);
	return measure(file, ret);
}

static int judge_elf(struct file *file, struct executable *ret)
{
	struct image_segment interp;
	int r = read_headers(file);

	if (r < 0)
		return r;
	ret->pie = file->header.type != ET_EXEC;
	if (!is_native(file)) {
		ret->refusal = MEMSEAL_REFUSAL_FOREIGN;
		return 0;
	}
	r = image_find(&file->image, PT_INTERP, &interp);
	if (r == -ENOENT)
		return judge_unloaded(file, &ret->refusal);
	if (r == 0)
		r = measure_extent(file, ret);
	return r < 0 ? -ENOEXEC : judge_loader(file, &interp, &ret->refusal);
}

/* Privileges that come with the file put the loader in its secure mode: LD_PRELOAD is ignored. */
static void judge_privileges(
	const struct file *file, const char *path, enum memseal_refusal *ret_refusal)
{
	ssize_t caps = sys_getxattr(path, "security.capability", NULL, 0);

	if (file->mode & S_ISUID || (file->mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP))
		*ret_refusal = MEMSEAL_REFUSAL_SETID;
	else if (caps >= 0)
		*ret_refusal = MEMSEAL_REFUSAL_FILE_CAPS;
	else if (caps != -ENODATA && caps != -EOPNOTSUPP)
		*ret_refusal = MEMSEAL_REFUSAL_UNREADABLE;
}

/* "#!", blanks, the interpreter, and what follows behind a blank or at the end of the line. */
static int read_script(const struct file *file, char *ret_interpreter)
{
	const char *line = (const char *)file->head + 2,
		   *end = (const char *)file->head + file->head_len;
	const char *at;
	size_t len;

	while (line < end && (*line == ' ' || *line == '\t'))
		line++;
	for (at = line; at < end && *at && !strchr(" \t\n", *at); at++)
		;
	len = (size_t)(at - line);
	/* A name that the kernel would have to cut off. */
	if (len == 0 || (at == end && file->head_len == BINFMT_HEAD))
		return -ENOEXEC;
	memcpy(ret_interpreter, line, len);
	ret_interpreter[len] = '\0';
	return EXECUTABLE_SCRIPT;
}

/* What shells take for a script: no NUL in its first line. An empty file is one. */
static bool is_text(const struct file *file)
{
	const unsigned char *newline = memchr(file->head, '\n', file->head_len);
	size_t len = newline ? (size_t)(newline - file->head) : file->head_len;

	return !memchr(file->head, '\0', len);
}

/*
 * An interpreter that is registered with the kernel goes before #!, and before what the file is for
 * another architecture. -ENOENT if there is none.
 */
static int judge_registered(const struct file *file, const char *path, struct executable *ret)
{
	struct binfmt binfmt;
	int r = binfmt_find(path, file->head, file->head_len, &binfmt);

	if (r == -ENOENT)
		return r;
	ret->refusal = r < 0 ? MEMSEAL_REFUSAL_NOT_ELF : MEMSEAL_REFUSAL_NONE;
	if (r == 0 && binfmt.credentials)
		judge_privileges(file, path, &ret->refusal);
	if (ret->refusal != MEMSEAL_REFUSAL_NONE)
		return EXECUTABLE_PROGRAM;
	strcpy(ret->interpreter, binfmt.interpreter);
	return EXECUTABLE_SCRIPT;
}

static int judge_program(struct file *file, const char *path, struct executable *ret)
{
	int r = judge_elf(file, ret);

	if (r < 0)
		return r;
	if (ret->refusal == MEMSEAL_REFUSAL_FOREIGN)
		r = judge_registered(file, path, ret);
	else if (ret->refusal == MEMSEAL_REFUSAL_NONE)
		judge_privileges(file, path, &ret->refusal);
	return r == -ENOENT ? EXECUTABLE_PROGRAM : r;
}

static int judge_other(const struct file *file, const char *path, struct executable *ret)
{
	int r = judge_registered(file, path, ret);

	if (r != -ENOENT)
		return r;
	if (file->head_len >= 2 && file->head[0] == '#' && file->head[1] == '!')
		return read_script(file, ret->interpreter);
	if (is_text(file)) {
		strcpy(ret->interpreter, EXECUTABLE_SHELL);
		return EXECUTABLE_TEXT;
	}
	ret->refusal = MEMSEAL_REFUSAL_NOT_ELF;
	return EXECUTABLE_PROGRAM;
}

int executable_judge(const char *path, struct executable *ret)
{
	CLEANUP(close_file) struct file file = { .fd = -1 };
	int r = open_file(path, &file);

	*ret = (struct executable){ .refusal = MEMSEAL_REFUSAL_NONE };
	if (r == -EACCES) {
		ret->refusal = MEMSEAL_REFUSAL_UNREADABLE;
		return EXECUTABLE_PROGRAM;
	}
	if (r < 0)
		return r;
	return is_elf(&file) ? judge_program(&file, path, ret) : judge_other(&file, path, ret);
}

/* The kernel refuses it for what is mounted noexec, and a security module for what it likes. */
static bool may_be_code(const struct file *file)
{
	const uint64_t page = page_size();
	long addr = sys_mmap(0, page, PROT_READ | PROT_EXEC, MAP_PRIVATE, file->fd, 0);

	if (sys_failed(addr))
		return false;
	sys_undo_mmap((uint64_t)addr, page);
	return true;
}

/* What is opened here is opened with the effective id, and with capabilities that execve(2) drops.
 */
int executable_judge_agent(const char *path, enum memseal_refusal *ret_refusal)
{
	CLEANUP(close_file) struct file file = { .fd = -1 };
	int r = sys_faccessat(AT_FDCWD, path, R_OK);

	if (r == 0)
		r = open_file(path, &file);
	if (r == 0)
		r = is_elf(&file) ? read_headers(&file) : -ENOEXEC;
	if (r == -EMFILE || r == -ENFILE || r == -ENOMEM)
		return r;
	*ret_refusal = MEMSEAL_REFUSAL_NONE;
	if (r == -EACCES)
		*ret_refusal = MEMSEAL_REFUSAL_AGENT_UNREADABLE;
	else if (r < 0 || !is_native(&file) || file.header.type != ET_DYN)
		*ret_refusal = MEMSEAL_REFUSAL_NO_AGENT;
	else if (!may_be_code(&file))
		*ret_refusal = MEMSEAL_REFUSAL_AGENT_NOEXEC;
	return 0;
}
