/* SPDX-License-Identifier: MIT */
/* What the tests of memseal_probe() share. */
#ifndef MEMSEAL_TESTS_PROBE_HELPERS_H
#define MEMSEAL_TESTS_PROBE_HELPERS_H

#include <check.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/prctl.h>

#include <memseal.h>

#include "base/sys.h"

/* The leak checker clones and unmaps, which some tests refuse. The probe does not allocate. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "detect_leaks=0";
}

static inline struct memseal_features probed(void)
{
	struct memseal_features ret = { .size = sizeof(ret) };

	ck_assert_int_eq(memseal_probe(&ret), 0);
	return ret;
}

/* Behind it there is padding, which is copied or not. */
#define FEATURES_END (offsetof(struct memseal_features, max_map_count) + sizeof(int))

static inline void assert_same(const struct memseal_features *a, const struct memseal_features *b)
{
	ck_assert_mem_eq(a, b, FEATURES_END);
}

/* From now on, this process is answered action for a system call. */
static inline void filter(long nr, unsigned action)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)nr, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, action),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { ARRAY_SIZE(code), code };

	ck_assert_int_eq(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
	ck_assert_int_eq(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program), 0);
}

static inline void refuse(long nr, int error)
{
	filter(nr, SECCOMP_RET_ERRNO | (unsigned)error);
}

static inline TCase *add_case(Suite *suite, const char *name)
{
	TCase *ret = tcase_create(name);

	suite_add_tcase(suite, ret);
	tcase_set_timeout(ret, 60);
	return ret;
}

static inline int run_suite(Suite *suite)
{
	SRunner *runner = srunner_create(suite);
	int failed;

	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

#endif
