/* SPDX-License-Identifier: MIT */
/* memseal_map(): what it maps is sealed, and what it cannot seal is not mapped. */
#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <sys/ioctl.h>

#include <memseal.h>

#include "base/uapi.h"
#include "helpers/memory.h"

static size_t page;

static void setup(void)
{
	page = page_size();
}

static void assert_refused(size_t len, int prot, uint64_t effects, int error)
{
	size_t before = smaps_count(NULL, SIZE_MAX).mapped;

	errno = 0;
	ck_assert_ptr_null(memseal_map(len, prot, effects));
	ck_assert_int_eq(errno, error);
	ck_assert_uint_eq(smaps_count(NULL, SIZE_MAX).mapped, before);
}

START_TEST(is_sealed)
{
	char *p = memseal_map(3 * page - 1, READ_WRITE, MEMSEAL_MAPPING);

	ck_assert_ptr_nonnull(p);
	ck_assert_uint_eq(smaps_sealed(p, 3 * page), 3 * page);
	p[0] = p[3 * page - 1] = 'x';
	ck_assert_int_eq(munmap(p, page), -1);
	ck_assert_int_eq(errno, EPERM);
	ck_assert_int_eq(mprotect(p, page, PROT_READ), -1);
	ck_assert_int_eq(errno, EPERM);
}
END_TEST

static const int prots[] = { PROT_NONE, PROT_READ, PROT_READ | PROT_EXEC };

START_TEST(not_writable_holds_everything)
{
	char *p = memseal_map(page, prots[_i], MEMSEAL_ALL);

	ck_assert_ptr_nonnull(p);
	ck_assert_uint_eq(smaps_sealed(p, page), page);
	ck_assert_int_eq(madvise(p, page, MADV_DONTNEED), -1);
	ck_assert_int_eq(errno, EPERM);
}
END_TEST

/* 0 or an errno: has a userfaultfd of this process decide what a page holds. */
static int fill(int fd, char *at)
{
	struct uffdio_register reg = {
		.range = { (uintptr_t)at, page },
		.mode = UFFDIO_REGISTER_MODE_MISSING,
	};
	struct uffdio_copy copy = { .dst = (uintptr_t)at, .len = page };
	char *from = map_anon(1, READ_WRITE);

	memset(from, 'x', page);
	copy.src = (uintptr_t)from;
	if (ioctl(fd, UFFDIO_REGISTER, &reg) != 0)
		return errno;
	return ioctl(fd, UFFDIO_COPY, &copy) == 0 ? 0 : errno;
}

/* -1: the kernel is built without. */
static int open_userfaultfd(void)
{
	struct uffdio_api api = { .api = UFFD_API };
	int fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK | UFFD_USER_MODE_ONLY);

	if (fd < 0) {
		ck_assert_int_eq(errno, ENOSYS);
		return -1;
	}
	ck_assert_int_eq(ioctl(fd, UFFDIO_API, &api), 0);
	return fd;
}

static int fill_in_child(char *at)
{
	pid_t pid = fork();
	int status;

	if (pid == 0)
		_exit(fill(open_userfaultfd(), at));
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status));
	return WEXITSTATUS(status);
}

/* Memory that was mapped by hand and never touched is filled, by the process and by a child. */
START_TEST(stays_zero)
{
	int fd = open_userfaultfd(), prot = prots[1 + _i];
	char *p = memseal_map(3 * page, prot, MEMSEAL_ALL), *control = map_anon(2, prot);

	if (fd < 0)
		return;
	ck_assert_ptr_nonnull(p);
	ck_assert_int_eq(memseal_range(control, 2 * page, MEMSEAL_ALL), 0);
	ck_assert_int_eq(fill_in_child(control), 0);
	ck_assert_int_eq(fill(fd, control + page), 0);
	ck_assert_int_eq(control[page], 'x');
	ck_assert_int_eq(fill_in_child(p), EEXIST);
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(fill(fd, p + i * page), EEXIST);
		ck_assert_int_eq(p[i * page], 0);
	}
	ck_assert_int_eq(mprotect(p, 3 * page, READ_WRITE), -1);
	ck_assert_int_eq(errno, EPERM);
}
END_TEST

/* What nobody can read, or everybody writes, takes no memory before it is used. */
START_TEST(takes_no_memory)
{
	static const struct {
		int prot;
		uint64_t effects;
		bool taken;
	} cases[] = {
		{ PROT_READ, MEMSEAL_ALL, true },
		{ PROT_READ, MEMSEAL_MAPPING, false },
		{ PROT_NONE, MEMSEAL_ALL, false },
		{ READ_WRITE, MEMSEAL_MAPPING, false },
	};
	char *p = memseal_map(page, cases[_i].prot, cases[_i].effects);
	unsigned char present;

	ck_assert_ptr_nonnull(p);
	ck_assert_int_eq(mincore(p, page, &present), 0);
	ck_assert_int_eq(present & 1, cases[_i].taken);
}
END_TEST

START_TEST(refusals)
{
	assert_refused(0, READ_WRITE, MEMSEAL_MAPPING, EINVAL);
	assert_refused(page, READ_WRITE, 0, EINVAL);
	assert_refused(page, READ_WRITE, UINT64_C(1) << 40, EINVAL);
	assert_refused(page, READ_WRITE, MEMSEAL_NO_UNMAP, EOPNOTSUPP);
	assert_refused(page, READ_WRITE, MEMSEAL_ALL, EOPNOTSUPP);
	assert_refused(SIZE_MAX / 2, PROT_NONE, MEMSEAL_MAPPING, ENOMEM);
	assert_refused(SIZE_MAX, PROT_NONE, MEMSEAL_MAPPING, ENOMEM);
}
END_TEST

static const struct {
	long call;
	int error, answer;
} filters[] = {
	{ SYS_mseal, EPERM, EPERM },
	{ SYS_mseal, ENOSYS, EOPNOTSUPP },
	{ SYS_mremap, EPERM, EOPNOTSUPP },
};

START_TEST(filtered)
{
	deny(filters[_i].call, filters[_i].error);
	assert_refused(page, READ_WRITE, MEMSEAL_MAPPING, filters[_i].answer);
}
END_TEST

/* Memory that is to be read alone, and that no filter's answer makes so. */
START_TEST(protection_is_not_believed)
{
	deny(SYS_mprotect, 0);
	assert_refused(page, PROT_READ, MEMSEAL_MAPPING | MEMSEAL_NO_DISCARD, EOPNOTSUPP);
}
END_TEST

static Suite *map_suite(void)
{
	Suite *suite = suite_create("map");
	TCase *tc = tcase_create("map");

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_test(tc, is_sealed);
	tcase_add_loop_test(tc, not_writable_holds_everything, 0, 3);
	tcase_add_loop_test(tc, stays_zero, 0, 2);
	tcase_add_loop_test(tc, takes_no_memory, 0, 4);
	tcase_add_test(tc, refusals);
	tcase_add_loop_test(tc, filtered, 0, 3);
	tcase_add_test(tc, protection_is_not_believed);
	suite_add_tcase(suite, tc);
	return suite;
}

int main(void)
{
	SRunner *runner = srunner_create(map_suite());
	int failed;

	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
