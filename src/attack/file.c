/* SPDX-License-Identifier: MIT */
/* The way through the file behind it. */
#include <sys/mman.h>

#include "attack/family.h"

int attack_file_pwrite(const struct attack_target *target, int arg)
{
	unsigned char byte = attack_byte(target);

	(void)arg;
	if (target->writable < 0)
		return attack_untried(-EBADF);
	return attack_answer(sys_pwrite(target->writable, &byte, 1, target->offset));
}

int attack_file_truncate(const struct attack_target *target, int arg)
{
	(void)arg;
	if (target->writable < 0)
		return attack_untried(-EBADF);
	return sys_ftruncate(target->writable, 0);
}

int attack_file_punch(const struct attack_target *target, int arg)
{
	(void)arg;
	if (target->writable < 0)
		return attack_untried(-EBADF);
	return sys_fallocate(target->writable, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
		target->offset, target->page);
}

/* A second mapping, a writable one, and a store through it. */
int attack_file_map(const struct attack_target *target, int arg)
{
	long at;

	(void)arg;
	if (target->writable < 0)
		return attack_untried(-EBADF);
	at = sys_mmap(0, target->page, PROT_READ | PROT_WRITE, MAP_SHARED, target->writable,
		target->offset);
	if (sys_failed(at))
		return (int)at;
	*(volatile unsigned char *)at = attack_byte(target);
	return 0;
}

/* As the kernel names the entries: lower case, no zeroes in front. */
static char *put_hex(char *to, uint64_t value)
{
	int shift = 60;

	while (shift > 0 && value >> shift == 0)
		shift -= 4;
	for (; shift >= 0; shift -= 4)
		*to++ = "0123456789abcdef"[value >> shift & 15];
	*to = '\0';
	return to;
}

/*
 * The file once more, opened through the mapping itself, which has to be the target exactly. To
 * open it takes CAP_CHECKPOINT_RESTORE.
 */
int attack_file_map_files(const struct attack_target *target, int arg)
{
	char path[sizeof("/proc/self/map_files/") + 2 * 16 + 1];
	unsigned char byte = attack_byte(target);
	CLEANUP(sys_close_cleanup) int fd = -1;

	(void)arg;
	if (target->writable < 0)
		return attack_untried(-EBADF);
	put_hex(attack_put(put_hex(attack_put(path, "/proc/self/map_files/"), target->addr), "-"),
		target->addr + target->len);
	fd = sys_openat(AT_FDCWD, path, O_RDWR | O_CLOEXEC, 0);
	if (fd == -ENOENT || fd == -EPERM)
		return attack_untried(fd);
	return fd < 0 ? fd : attack_answer(sys_pwrite(fd, &byte, 1, target->offset));
}

/* And opened through the descriptor, whatever that was open for. */
int attack_file_reopen(const struct attack_target *target, int arg)
{
	char path[sizeof("/proc/self/fd/") + 10];
	unsigned char byte = attack_byte(target);
	CLEANUP(sys_close_cleanup) int fd = -1;

	(void)arg;
	if (target->writable < 0)
		return attack_untried(-EBADF);
	attack_put_number(attack_put(path, "/proc/self/fd/"), (unsigned)target->file);
	fd = sys_openat(AT_FDCWD, path, O_RDWR | O_CLOEXEC, 0);
	return fd < 0 ? fd : attack_answer(sys_pwrite(fd, &byte, 1, target->offset));
}

int attack_file_add_seals(const struct attack_target *target, int arg)
{
	if (target->writable < 0)
		return attack_untried(-EBADF);
	return sys_fcntl(target->writable, F_ADD_SEALS, arg);
}
