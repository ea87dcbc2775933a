/* SPDX-License-Identifier: MIT */
/*
 * For the tests of code regions, here and in guests: machine code, regions by either engine, and
 * what /proc/self/maps says of them. Nothing in here is the library's own code.
 */
#ifndef MEMSEAL_TESTS_HELPERS_CODE_H
#define MEMSEAL_TESTS_HELPERS_CODE_H

#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <memseal.h>

#include "base/sys.h"

typedef int number_fn(void);

/* The instructions of "return number", of which there are 200 that every architecture can load. */
#define NUMBERS 200

#if defined(__x86_64__) || defined(__i386__)
#define CODE_SIZE 6
static inline void put_code(void *at, unsigned number)
{
	unsigned char code[CODE_SIZE] = { 0xb8, 0, 0, 0, 0, 0xc3 }; /* mov $number, %eax; ret */

	code[1] = (unsigned char)number;
	memcpy(at, code, sizeof(code));
}
#else
#define CODE_SIZE 8
static inline void put_code(void *at, unsigned number)
{
#if defined(__aarch64__) /* mov w0, #number; ret */
	const uint32_t code[] = { 0x52800000 | number << 5, 0xd65f03c0 };
#elif defined(__riscv)   /* li a0, number; ret */
	const uint32_t code[] = { 0x00000513 | number << 20, 0x00008067 };
#elif defined(__arm__)   /* mov r0, #number; bx lr */
	const uint32_t code[] = { 0xe3a00000 | number, 0xe12fff1e };
#endif
	memcpy(at, code, sizeof(code));
}
#endif

static inline int run_code(const void *at)
{
	number_fn *fn;

	memcpy(&fn, &at, sizeof(fn)); /* an address of data, to ISO C */
	return fn();
}

static inline size_t page_bytes(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

#if defined(__SANITIZE_ADDRESS__)
#define OWN_MAPPINGS 0 /* it maps as it likes */
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define OWN_MAPPINGS 0
#endif
#endif
#ifndef OWN_MAPPINGS
#define OWN_MAPPINGS 1
#endif

/* Lines of /proc/self/maps. None of them may be writable and executable. */
struct maps_summary {
	unsigned count;  /* lines; 0 with a sanitizer */
	char prot[5];    /* of the mapping that an address is in, as "r-xs"; "" without one */
	bool to_the_end; /* that mapping holds all of the bytes asked about */
};

static inline struct maps_summary read_maps(const void *addr, size_t len)
{
	FILE *file = fopen("/proc/self/maps", "re");
	struct maps_summary ret = { .count = 0 };
	uintptr_t at = (uintptr_t)addr, start, end;
	char line[8192], prot[5];

	ck_assert_ptr_nonnull(file);
	for (; fgets(line, sizeof(line), file); ret.count += OWN_MAPPINGS) {
		ck_assert_int_eq(
			sscanf(line, "%" SCNxPTR "-%" SCNxPTR " %4s", &start, &end, prot), 3);
		ck_assert_msg(!strchr(prot, 'w') || !strchr(prot, 'x'), "%s", line);
		if (at < start || at >= end)
			continue;
		memcpy(ret.prot, prot, sizeof(prot));
		ret.to_the_end = at + len <= end;
	}
	fclose(file);
	return ret;
}

/*
 * All these bytes lie in one mapping with that protection, or, if it is "", the first in none; and
 * nothing is writable code.
 */
static inline void assert_prot(const void *addr, size_t len, const char *prot)
{
	struct maps_summary summary = read_maps(addr, len);

	ck_assert_str_eq(summary.prot, prot);
	ck_assert(!*prot || summary.to_the_end);
}

/* Descriptors; one of them is the directory's. None is of a file in memory. */
static inline unsigned open_files(void)
{
	DIR *dir = opendir("/proc/self/fd");
	struct dirent *entry;
	unsigned count = 0;
	char target[64];

	ck_assert_ptr_nonnull(dir);
	for (; (entry = readdir(dir)); count++) {
		ssize_t len = readlinkat(dirfd(dir), entry->d_name, target, sizeof(target) - 1);

		target[len > 0 ? len : 0] = '\0';
		ck_assert_msg(!strstr(target, "memfd:"), "%s", target);
	}
	closedir(dir);
	return count;
}

static inline int exit_status(pid_t pid)
{
	int status;

	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* From now on this process gets an error for a system call, if these bits are set in an argument.
 */
static inline void refuse_call(long nr, unsigned argument, unsigned bits, int error)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)nr, 0, 4),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			offsetof(struct seccomp_data, args) + 8 * argument), /* little-endian */
		BPF_STMT(BPF_ALU | BPF_AND | BPF_K, bits),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, bits, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned)error),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { sizeof(code) / sizeof(code[0]), code };

	ck_assert_int_eq(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
	ck_assert_int_eq(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program), 0);
}

/* Runs of a test: either mode; by the kernel, by both engines, and by the filter alone. */
#define RUNS 6

static inline bool by_filter(int run)
{
	return run >= 2;
}

static inline enum memseal_code_mode mode_of(int run)
{
	return run & 1 ? MEMSEAL_CODE_FLIP : MEMSEAL_CODE_DUAL;
}

static inline struct memseal_code *new_region(enum memseal_code_mode mode, size_t pages)
{
	struct memseal_code_opts opts = { .size = sizeof(opts), .mode = mode };
	struct memseal_code *code = NULL;
	unsigned files = open_files();

	ck_assert_int_eq(memseal_code_new_opts(pages * page_bytes(), &opts, &code), 0);
	ck_assert_ptr_nonnull(code);
	ck_assert_int_eq(memseal_code_mode(code), mode);
	ck_assert_uint_eq(open_files(), files);
	(void)read_maps(NULL, 0);
	return code;
}

/* Whether the run's engine is to be had; without mseal(2) and without consent, none is. */
static inline bool use_engine(int run)
{
	struct memseal_code *code = NULL;

	if (run >= 4)
		refuse_call(NR_mseal, 0, 0, ENOSYS);
	if (by_filter(run)) {
		ck_assert_int_eq(memseal_filter_allow(MEMSEAL_EXEC_REFUSE), 0);
		return true;
	}
	if (sys_mseal(0, 0, 0) == 0)
		return true;
	ck_assert_int_eq(memseal_code_new(1, &code), -EOPNOTSUPP);
	return false;
}

/* A function that is written, and published. */
static inline char *new_function(struct memseal_code *code, unsigned number)
{
	char *fn = memseal_code_alloc(code, CODE_SIZE, 16);

	ck_assert_ptr_nonnull(fn);
	put_code(memseal_code_writable(code, fn), number);
	ck_assert_int_eq(memseal_code_publish(code, fn, CODE_SIZE), 0);
	return fn;
}

#endif
