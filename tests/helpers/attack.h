/* SPDX-License-Identifier: MIT */
/* For the tests that make every attack of the catalogue. */
#ifndef MEMSEAL_TESTS_HELPERS_ATTACK_H
#define MEMSEAL_TESTS_HELPERS_ATTACK_H

#include <check.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "attack/attack.h"
#include "base/sys.h"

/*
 * In an emulated 32-bit ARM machine some attempts (an io_uring's, a userfaultfd's) end their
 * process before they come to anything, whatever the memory: they count as not tried. Why is not
 * known.
 */
#if defined(__arm__)
#define ATTACKS_MAY_DIE true
#else
#define ATTACKS_MAY_DIE false
#endif

/*
 * One attack, made on the memory that make(which) makes: in a child, with which goes what holds it.
 * Filters add up, and hold what is mapped there later.
 */
static inline void observe(const struct attack *attack, struct attack_target (*make)(int which),
	int which, char text[ATTACK_TEXT_SIZE])
{
	char *shared = mmap(
		NULL, ATTACK_TEXT_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t pid = fork();
	int status;

	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		struct attack_target target = make(which);
		struct attack_result result;

		ck_assert_int_eq(attack_run(attack, &target, &result), 0);
		attack_result_text(&result, shared);
		_exit(0);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	strcpy(text, shared);
	munmap(shared, ATTACK_TEXT_SIZE);
}

static inline bool has_capability(unsigned cap)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

	ck_assert_int_eq(syscall(SYS_capget, &header, data), 0);
	return data[CAP_TO_INDEX(cap)].effective & CAP_TO_MASK(cap);
}

static inline bool has_protection_keys(void)
{
	int pkey = sys_pkey_alloc(0, 0);

	if (pkey >= 0)
		sys_pkey_free(pkey);
	return pkey >= 0;
}

/* The attacks that a processor or an unprivileged user has no means for. */
static inline bool cannot_be_tried(const char *name)
{
	if (strcmp(name, "pkey-mprotect") == 0)
		return !has_protection_keys();
	if (strcmp(name, "child-pageout") == 0)
		return !has_capability(CAP_SYS_NICE);
	if (strcmp(name, "file-map-files") == 0)
		return !has_capability(CAP_CHECKPOINT_RESTORE) && !has_capability(CAP_SYS_ADMIN);
	return false;
}

#endif
