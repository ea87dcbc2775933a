/* SPDX-License-Identifier: MIT */
/*
 * For the tests of the library: memory to seal, what smaps says about it, and filters that stand in
 * a system call's way. Nothing in here is the library's own code.
 */
#ifndef MEMSEAL_TESTS_HELPERS_MEMORY_H
#define MEMSEAL_TESTS_HELPERS_MEMORY_H

#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/page.h"

#ifndef SYS_mseal
#define SYS_mseal 462
#endif

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

#define READ_WRITE (PROT_READ | PROT_WRITE)

/*
 * In an emulated machine, and with sanitizers, everything takes long: what is tried at length on
 * this machine, without them, is only tried there.
 */
static inline bool is_slow_machine(void)
{
	return SANITIZED || getenv("SLOW_MACHINE") != NULL;
}

/* Memory with a page on each side that nothing is merged with: PROT_NONE, and not sealed. */
static inline char *map_anon(size_t pages, int prot)
{
	size_t page = page_size();
	char *mem = mmap(NULL, (pages + 2) * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	ck_assert_ptr_ne(mem, MAP_FAILED);
	mem += page;
	ck_assert_int_eq(mprotect(mem, pages * page, prot), 0);
	return mem;
}

/* Calls fn for each mapping of this process. */
static inline void smaps_each(void (*fn)(uintptr_t, uintptr_t, bool, void *), void *arg)
{
	FILE *file = fopen("/proc/self/smaps", "re");
	unsigned long start = 0, end = 0;
	char line[8192];

	ck_assert_ptr_nonnull(file);
	while (fgets(line, sizeof(line), file)) {
		if (strncmp(line, "VmFlags:", 8) == 0)
			fn(start, end, strstr(line, " sl") != NULL, arg);
		else if (line[0] < 'A' || line[0] > 'Z')
			ck_assert_int_eq(sscanf(line, "%lx-%lx ", &start, &end), 2);
	}
	fclose(file);
}

/* Bytes of [start, end) that are mapped and that are sealed. */
struct smaps_count {
	uintptr_t start, end;
	size_t mapped, sealed;
};

static inline void smaps_add(uintptr_t start, uintptr_t end, bool sealed, void *arg)
{
	struct smaps_count *count = arg;
	uintptr_t low = start > count->start ? start : count->start;
	uintptr_t high = end < count->end ? end : count->end;

	if (low >= high)
		return;
	count->mapped += high - low;
	count->sealed += sealed ? high - low : 0;
}

static inline struct smaps_count smaps_count(const void *addr, size_t len)
{
	struct smaps_count ret = { (uintptr_t)addr, (uintptr_t)addr + len, 0, 0 };

	smaps_each(smaps_add, &ret);
	return ret;
}

static inline size_t smaps_sealed(const void *addr, size_t len)
{
	return smaps_count(addr, len).sealed;
}

/* The first mapping whose line in /proc/self/maps ends in this name; false: there is none. */
static inline bool find_mapping(const char *name, char **ret_start, size_t *ret_len)
{
	FILE *file = fopen("/proc/self/maps", "re");
	unsigned long start, end;
	bool found = false;
	char line[8192];

	ck_assert_ptr_nonnull(file);
	while (!found && fgets(line, sizeof(line), file)) {
		line[strcspn(line, "\n")] = '\0';
		if (strlen(line) < strlen(name) || strcmp(line + strlen(line) - strlen(name), name))
			continue;
		ck_assert_int_eq(sscanf(line, "%lx-%lx ", &start, &end), 2);
		*ret_start = (char *)start;
		*ret_len = end - start;
		found = true;
	}
	fclose(file);
	return found;
}

static inline unsigned count_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned count = 0;

	ck_assert_ptr_nonnull(dir);
	while (readdir(dir))
		count++;
	closedir(dir);
	return count;
}

/* From now on, this process gets an error for a system call. */
static inline void deny(long nr, int error)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)nr, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned)error),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { sizeof(code) / sizeof(code[0]), code };

	ck_assert_int_eq(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
	ck_assert_int_eq(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program), 0);
}

/*
 * The same where the low word of an argument passes a test, BPF_JEQ or BPF_JSET; or, with unless,
 * where it does not.
 */
static inline void deny_argument(
	long nr, unsigned argument, unsigned test, uint32_t value, bool unless, int error)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)nr, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[argument])),
		BPF_JUMP(BPF_JMP | test | BPF_K, value, unless, !unless),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned)error),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { sizeof(code) / sizeof(code[0]), code };

	ck_assert_int_eq(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
	ck_assert_int_eq(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program), 0);
}

/* As systemd's MemoryDenyWriteExecute= has it where it is a filter: nothing becomes executable. */
static inline void deny_executable(void)
{
	deny_argument(SYS_mprotect, 2, BPF_JSET, PROT_EXEC, false, EPERM);
}

/* As systemd's LockPersonality= has it: not even the question what the personality is. */
static inline void lock_personality(unsigned persona)
{
	deny_argument(SYS_personality, 0, BPF_JEQ, persona, true, EPERM);
}

/* What a kernel before 6.11 answers to PROCMAP_QUERY. */
static inline void deny_map_query(void)
{
	deny(SYS_ioctl, ENOTTY);
}

/* The exit status of a child; 128 and the signal if one ended it. */
static inline int wait_for(pid_t pid)
{
	int status;

	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

#endif
