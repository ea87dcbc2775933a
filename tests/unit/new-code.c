/* SPDX-License-Identifier: MIT */
/* The filter against new code, call by call, on every architecture and its sibling. */
#include "bpf/new-code.h"

#include <check.h>
#include <errno.h>
#include <linux/audit.h>
#include <stdlib.h>

#include "bpf/sim.h"

#define REFUSED (SECCOMP_RET_ERRNO | EACCES)
#define UNKNOWN (SECCOMP_RET_ERRNO | ENOSYS)
#define ALLOWED SECCOMP_RET_ALLOW
#define X32     0x40000000

#define R       1
#define W       2
#define X       4
#define ANON    0x22 /* MAP_PRIVATE | MAP_ANONYMOUS */
#define FILE_   0x02
#define SHARED  0x01

static const struct {
	enum bpf_arch arch;
	uint32_t audit;
	int mmap, mprotect, pkey_mprotect, shmat, personality, other;
} numbers[] = {
	{ BPF_ARCH_X86_64, AUDIT_ARCH_X86_64, 9, 10, 329, 30, 135, 11 },
	{ BPF_ARCH_X86_64, AUDIT_ARCH_X86_64, X32 | 9, X32 | 10, X32 | 329, X32 | 30, X32 | 135,
		X32 | 11 },
	{ BPF_ARCH_X86_64, AUDIT_ARCH_I386, 192, 125, 380, 397, 136, 91 },
	{ BPF_ARCH_I386, AUDIT_ARCH_I386, 192, 125, 380, 397, 136, 91 },
	{ BPF_ARCH_I386, AUDIT_ARCH_X86_64, 9, 10, 329, 30, 135, 11 },
	{ BPF_ARCH_AARCH64, AUDIT_ARCH_AARCH64, 222, 226, 288, 196, 92, 215 },
	{ BPF_ARCH_ARM, AUDIT_ARCH_ARM, 192, 125, 394, 305, 136, 91 },
	{ BPF_ARCH_RISCV64, AUDIT_ARCH_RISCV64, 222, 226, 288, 196, 92, 215 },
};

static struct sock_filter program[BPF_NEW_CODE_MAX];

static void generate(enum bpf_arch arch)
{
	int length = bpf_no_new_code(arch, program);
	size_t at;

	ck_assert_int_gt(length, 0);
	ck_assert_ptr_null(sim_check(program, (size_t)length, &at));
}

static uint32_t ask(uint32_t audit, int nr, uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
	const struct seccomp_data data = { .nr = nr, .arch = audit, .args = { a, b, c, d } };

	return sim_run(program, &data, NULL);
}

START_TEST(mappings)
{
	const uint32_t audit = numbers[_i].audit;
	const int nr = numbers[_i].mmap;

	generate(numbers[_i].arch);
	ck_assert_uint_eq(ask(audit, nr, 0, 4096, R | W, ANON), ALLOWED);
	ck_assert_uint_eq(ask(audit, nr, 0, 4096, R | X, FILE_), ALLOWED);
	ck_assert_uint_eq(ask(audit, nr, X, 4096, R, ANON), ALLOWED);
	ck_assert_uint_eq(ask(audit, nr, 0, 4096, X, ANON), REFUSED);
	ck_assert_uint_eq(ask(audit, nr, 0, 4096, R | X, SHARED | 0x20), REFUSED);
	ck_assert_uint_eq(ask(audit, nr, 0, 4096, W | X, FILE_), REFUSED);
	ck_assert_uint_eq(ask(audit, nr, 0, 4096, R | W | X, SHARED), REFUSED);
	/* The kernel reads 32 bits of the protection. */
	ck_assert_uint_eq(ask(audit, nr, 0, 4096, (UINT64_C(4) << 32) | R | W, ANON), ALLOWED);
}
END_TEST

START_TEST(protections)
{
	const uint32_t audit = numbers[_i].audit;
	const int calls[] = { numbers[_i].mprotect, numbers[_i].pkey_mprotect };

	generate(numbers[_i].arch);
	for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
		ck_assert_uint_eq(ask(audit, calls[i], 0, 4096, R | W, X), ALLOWED);
		ck_assert_uint_eq(ask(audit, calls[i], 0, 4096, 0, 0), ALLOWED);
		ck_assert_uint_eq(ask(audit, calls[i], 0, 4096, X, 0), REFUSED);
		ck_assert_uint_eq(ask(audit, calls[i], 0, 4096, R | X, 0), REFUSED);
		ck_assert_uint_eq(ask(audit, calls[i], 0, 4096, R | W | X, 0), REFUSED);
	}
}
END_TEST

START_TEST(other_ways)
{
	const uint32_t audit = numbers[_i].audit;

	generate(numbers[_i].arch);
	ck_assert_uint_eq(ask(audit, numbers[_i].shmat, 1, 0, 0, 0), ALLOWED);
	ck_assert_uint_eq(ask(audit, numbers[_i].shmat, 1, 0, 0100000, 0), REFUSED);
	ck_assert_uint_eq(ask(audit, numbers[_i].personality, 0xffffffff, 0, 0, 0), ALLOWED);
	ck_assert_uint_eq(ask(audit, numbers[_i].personality, 0x0040000, 0, 0, 0), ALLOWED);
	ck_assert_uint_eq(ask(audit, numbers[_i].personality, 0x0400000, 0, 0, 0), REFUSED);
	ck_assert_uint_eq(ask(audit, numbers[_i].other, 0, 4096, X, ANON), ALLOWED);
	ck_assert_uint_eq(ask(0x1234, numbers[_i].mmap, 0, 4096, R, ANON), UNKNOWN);
}
END_TEST

START_TEST(calls_of_i386_that_are_older)
{
	const uint32_t audit = AUDIT_ARCH_I386;

	generate(BPF_ARCH_X86_64);
	ck_assert_uint_eq(ask(audit, 90, 0, 0, 0, 0), UNKNOWN);
	ck_assert_uint_eq(ask(audit, 117, 21, 1, 0100000, 0), REFUSED);
	ck_assert_uint_eq(ask(audit, 117, 0x10000 | 21, 1, 0100000, 0), REFUSED);
	ck_assert_uint_eq(ask(audit, 117, 21, 1, 0, 0), ALLOWED);
	ck_assert_uint_eq(ask(audit, 117, 22, 1, 0100000, 0), ALLOWED);
}
END_TEST

START_TEST(an_unknown_architecture)
{
	ck_assert_int_eq(bpf_no_new_code((enum bpf_arch)99, program), -EINVAL);
}
END_TEST

int main(void)
{
	const int count = (int)ARRAY_SIZE(numbers);
	Suite *suite = suite_create("new-code");
	TCase *tcase = tcase_create("calls");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_loop_test(tcase, mappings, 0, count);
	tcase_add_loop_test(tcase, protections, 0, count);
	tcase_add_loop_test(tcase, other_ways, 0, count);
	tcase_add_test(tcase, calls_of_i386_that_are_older);
	tcase_add_test(tcase, an_unknown_architecture);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
