/* SPDX-License-Identifier: MIT */
#include "machine/machine.h"

#include <elf.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "base/sys.h"
#include "machine/preload.h"
#include "machine/replace.h"
#include "model/image.h"

#define OPEN_DIR  (O_RDONLY | O_DIRECTORY | O_CLOEXEC)
#define OPEN_FILE (O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY)

const char *machine_loader(void)
{
#if defined(__x86_64__)
	return "/lib64/ld-linux-x86-64.so.2";
#elif defined(__aarch64__)
	return "/lib/ld-linux-aarch64.so.1";
#elif defined(__riscv)
	return "/lib/ld-linux-riscv64-lp64d.so.1";
#else
	return NULL;
#endif
}

const char *machine_loader_32(void)
{
#if defined(__x86_64__)
	return "/lib/ld-linux.so.2";
#elif defined(__aarch64__)
	return "/lib/ld-linux-armhf.so.3";
#else
	return NULL;
#endif
}

bool machine_runs_32_bits(const char *root)
{
	const char *loader = machine_loader_32();
	char path[PATH_MAX];

	return loader &&
	       (size_t)snprintf(path, sizeof(path), "%s%s", root, loader) < sizeof(path) &&
	       sys_faccessat(AT_FDCWD, path, F_OK) == 0;
}

/* The directory of a path below the root. */
static int open_parent(const char *root, const char *path)
{
	char dir[PATH_MAX];
	int len = (int)(strrchr(path, '/') - path);

	if ((size_t)snprintf(dir, sizeof(dir), "%s%.*s/", root, len, path) >= sizeof(dir))
		return -ENAMETOOLONG;
	return sys_openat(AT_FDCWD, dir, OPEN_DIR, 0);
}

static const char *name_of(const char *path)
{
	return strrchr(path, '/') + 1;
}

ssize_t machine_read_preload(const char *root, char *buf, size_t size, bool *ret_there)
{
	CLEANUP(sys_close_cleanup) int dir = open_parent(root, MACHINE_PRELOAD);
	ssize_t len = dir < 0 ? dir : replace_read(dir, name_of(MACHINE_PRELOAD), buf, size);

	*ret_there = len != -ENOENT;
	return len == -ENOENT && dir >= 0 ? 0 : len;
}

/* What is executed at the start of the machine is on the loader's file system. */
static int check_place(const char *root, int fd, const struct stat *agent)
{
	char path[PATH_MAX];
	struct statvfs system;
	struct stat loader;
	int r;

	if (!machine_loader() || (size_t)snprintf(path, sizeof(path), "%s%s", root,
					 machine_loader()) >= sizeof(path))
		return -EXDEV;
	r = sys_fstatat(AT_FDCWD, path, &loader, 0);
	if (r < 0)
		return r;
	if (fstatvfs(fd, &system) < 0)
		return -errno;
	if (system.f_flag & ST_NOEXEC)
		return -ENOTSUP;
	return loader.st_dev == agent->st_dev ? 0 : -EXDEV;
}

#if defined(__x86_64__)
#define NATIVE EM_X86_64
#elif defined(__aarch64__)
#define NATIVE EM_AARCH64
#elif defined(__riscv)
#define NATIVE EM_RISCV
#elif defined(__i386__)
#define NATIVE EM_386
#else
#define NATIVE EM_ARM
#endif
#if defined(__x86_64__)
#define NATIVE_32 EM_386
#else
#define NATIVE_32 EM_ARM
#endif

/* Whatever the headers say is in the file, is there. */
static int check_segments(const struct image *image, uint64_t size)
{
	struct image_segment segment;

	for (unsigned i = 0; i < image->phnum; i++) {
		int r = image_load(image, i, &segment);

		if (r < 0 || (r > 0 && !range_within(segment.offset, segment.filesz, size)))
			return -ENOEXEC;
	}
	return 0;
}

static int check_object(int fd, uint64_t size, uint16_t machine)
{
	unsigned char bytes[4096];
	struct image_header header;
	struct image image;
	ssize_t len = sys_pread(fd, bytes, sizeof(bytes), 0);

	if (len < 0)
		return (int)len;
	if (image_header(bytes, (size_t)len, &header) < 0 || header.type != ET_DYN ||
		header.machine != machine || header.phoff > (size_t)len ||
		image_init(&image, &header, bytes + header.phoff, (size_t)len - header.phoff) < 0)
		return -ENOEXEC;
	return check_segments(&image, size);
}

/* Who may write to a directory above it, may put another file in its place. */
static int check_way(const char *root, const char *to)
{
	char path[PATH_MAX];
	struct stat st;

	for (const char *at = to; (at = strchr(at, '/')); at++) {
		int len = (int)(at - to), r;

		if ((size_t)snprintf(path, sizeof(path), "%s%.*s/", root, len, to) >= sizeof(path))
			return -ENAMETOOLONG;
		r = sys_fstatat(AT_FDCWD, path, &st, 0);
		if (r < 0)
			return r;
		if (st.st_uid != 0 || st.st_mode & (S_IWGRP | S_IWOTH))
			return -EPERM;
	}
	return 0;
}

static int check_preloaded(const char *root, const char *file, uint16_t machine)
{
	CLEANUP(sys_close_cleanup) int fd = -1;
	char path[PATH_MAX];
	struct stat st;
	int r;

	if ((size_t)snprintf(path, sizeof(path), "%s%s", root, file) >= sizeof(path))
		return -ENAMETOOLONG;
	fd = sys_openat(AT_FDCWD, path, OPEN_FILE, 0);
	r = fd < 0 ? fd : sys_fstatat(fd, "", &st, AT_EMPTY_PATH);
	if (r < 0)
		return r;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	if (st.st_uid != 0 || st.st_mode & (S_IWGRP | S_IWOTH))
		return -EPERM;
	if (!(st.st_mode & S_IROTH))
		return -EACCES;
	r = check_way(root, file);
	if (r == 0)
		r = check_place(root, fd, &st);
	return r < 0 ? r : check_object(fd, (uint64_t)st.st_size, machine);
}

int machine_check_agent(const char *root)
{
	return check_preloaded(root, MEMSEAL_MACHINE_PATH, NATIVE);
}

int machine_check_stub(const char *root)
{
	return check_preloaded(root,
		MEMSEAL_PREFIX "/" MEMSEAL_LIBDIR_32 "/memseal/libmemseal-machine.so", NATIVE_32);
}

/* Where programs of every user find the policy, if there is one. */
static int open_policy_dir(const char *root, size_t len)
{
	CLEANUP(sys_close_cleanup) int dir = open_parent(root, POLICY_COMPILED);
	struct stat st;
	int r = dir < 0 ? dir : sys_fstatat(dir, "", &st, AT_EMPTY_PATH);

	if (r < 0)
		return r;
	return len == 0 || st.st_mode & S_IXOTH ? STEAL(dir, -1) : -EACCES;
}

static enum machine_policy compare_policy(
	int dir, char *buf, const union policy_block *blocks, size_t len)
{
	ssize_t n = replace_read(dir, name_of(POLICY_COMPILED), buf, len + 1);

	if (n == -ENOENT)
		return len ? MACHINE_POLICY_NONE : MACHINE_POLICY_CURRENT;
	if (n < 0 && n != -EFBIG)
		return MACHINE_POLICY_DAMAGED;
	return n == (ssize_t)len && memcmp(buf, blocks, len) == 0 ? MACHINE_POLICY_CURRENT
								  : MACHINE_POLICY_OTHER;
}

enum machine_policy machine_compare_policy(
	const char *root, const union policy_block *blocks, size_t len)
{
	CLEANUP(sys_close_cleanup) int dir = open_policy_dir(root, len);
	enum machine_policy answer = MACHINE_POLICY_DAMAGED;
	char *buf;

	if (dir == -ENOENT)
		return len ? MACHINE_POLICY_NONE : MACHINE_POLICY_CURRENT;
	buf = dir < 0 ? NULL : malloc(len + 1);
	if (buf)
		answer = compare_policy(dir, buf, blocks, len);
	free(buf);
	return answer;
}

/* Not the directory, which every user can open and lock. */
int machine_lock(const char *root)
{
	CLEANUP(sys_close_cleanup) int above = open_parent(root, MEMSEAL_CONF_DIR);
	CLEANUP(sys_close_cleanup) int dir = -1, fd = -1;
	int r = above < 0 ? above : sys_mkdirat(above, name_of(MEMSEAL_CONF_DIR), 0755);

	if (r < 0 && r != -EEXIST)
		return r;
	dir = sys_openat(above, name_of(MEMSEAL_CONF_DIR), OPEN_DIR, 0);
	/* The umask takes away what others need to find the policy. */
	r = dir < 0 ? dir : r == 0 ? sys_fchmod(dir, 0755) : 0;
	if (r < 0)
		return r;
	fd = sys_openat(dir, ".lock", OPEN_FILE | O_CREAT, 0600);
	r = fd < 0 ? fd : sys_flock(fd, LOCK_EX);
	return r < 0 ? r : STEAL(fd, -1);
}

int machine_write_policy(const char *root, const union policy_block *blocks, size_t len)
{
	CLEANUP(sys_close_cleanup) int dir = open_policy_dir(root, len);
	int r;

	if (dir < 0)
		return dir;
	if (len > 0)
		return replace_write(dir, name_of(POLICY_COMPILED), blocks->bytes, len);
	r = replace_remove(dir, name_of(POLICY_COMPILED));
	return r == -ENOENT ? 0 : r;
}

static bool is_as_wanted(const char *list, size_t len, const char *entry)
{
	bool path = preload_has(list, len, MEMSEAL_MACHINE_PATH);
	bool lib = preload_has(list, len, ENTRY_LIB);

	if (!entry)
		return !path && !lib;
	return strcmp(entry, ENTRY_LIB) == 0 ? lib && !path : path && !lib;
}

/* Without it by either name, and then with the one that is wanted. */
static size_t change_list(char *list, size_t len, const char *entry, char *ret_list)
{
	len = preload_remove(list, len, MEMSEAL_MACHINE_PATH, ret_list);
	len = preload_remove(ret_list, len, ENTRY_LIB, list);
	if (entry)
		return preload_add(list, len, entry, ret_list);
	memcpy(ret_list, list, len);
	return len;
}

int machine_switch(const char *root, const char *entry)
{
	CLEANUP(sys_close_cleanup) int dir = open_parent(root, MACHINE_PRELOAD);
	const char *name = name_of(MACHINE_PRELOAD);
	char old[PRELOAD_MAX], new[PRELOAD_MAX + PATH_MAX];
	ssize_t len = dir < 0 ? dir : replace_read(dir, name, old, sizeof(old));
	size_t new_len;
	int r;

	if (len == -ENOENT && dir >= 0)
		len = 0;
	if (len < 0)
		return (int)len;
	if (is_as_wanted(old, (size_t)len, entry))
		return 0;
	new_len = change_list(old, (size_t)len, entry, new);
	/* What is switched on must be read again to be switched off. */
	if (new_len > sizeof(old))
		return -EFBIG;
	r = new_len ? replace_write(dir, name, new, new_len) : replace_remove(dir, name);
	return r < 0 ? r : 1;
}

int machine_make_list(const char *root)
{
	CLEANUP(sys_close_cleanup) int dir = -1;
	char list[PRELOAD_MAX];
	bool there;
	ssize_t len = machine_read_preload(root, list, sizeof(list), &there);
	int r;

	if (len < 0 || there)
		return len < 0 ? (int)len : 0;
	dir = open_parent(root, MACHINE_PRELOAD);
	r = dir < 0 ? dir : replace_write(dir, name_of(MACHINE_PRELOAD), "", 0);
	return r < 0 ? r : 1;
}

void machine_drop_empty_list(const char *root)
{
	CLEANUP(sys_close_cleanup) int dir = open_parent(root, MACHINE_PRELOAD);
	char list[1];

	if (dir >= 0 && replace_read(dir, name_of(MACHINE_PRELOAD), list, sizeof(list)) == 0)
		sys_undo_file(dir, name_of(MACHINE_PRELOAD));
}

static void clean(const char *root, const char *path)
{
	CLEANUP(sys_close_cleanup) int dir = open_parent(root, path);

	if (dir >= 0)
		replace_clean(dir, name_of(path));
}

void machine_clean(const char *root)
{
	clean(root, MACHINE_PRELOAD);
	clean(root, POLICY_COMPILED);
	machine_drop_empty_list(root);
}
