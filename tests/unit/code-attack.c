/* SPDX-License-Identifier: MIT */
/*
 * Attacks on code regions: what is executed, by every way of the catalogue, and where it is
 * written, by either engine, each beside the same memory that nothing holds.
 */
#include <fcntl.h>
#include <linux/capability.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/shm.h>
#include <sys/syscall.h>

#include "attack/attack.h"
#include "helpers/attack.h"
#include "helpers/code.h"

#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE 0x0010
#endif

#define PAGES   8
#define WATCHED 4

static size_t page;

static void setup(void)
{
	page = page_bytes();
}

/* Views of a region, with a function on every page; of one with a single view, that twice. */
struct views {
	char *exec, *write;
};

static void fill(char *write)
{
	for (unsigned i = 0; i < PAGES; i++)
		put_code(write + i * page, i);
}

/* What arguments of calls reach past a target is nothing, and hits nobody. */
static char *free_room(void)
{
	size_t room = 64 * page;
	char *at = mmap(NULL, room, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	ck_assert_ptr_ne(at, MAP_FAILED);
	ck_assert_int_eq(munmap(at, room), 0);
	at += room / 2;
	return at - (uintptr_t)at % (4 * page); /* where ARM attaches System V segments */
}

static char *map_view(int fd, int prot)
{
	char *at = mmap(free_room(), PAGES * page, prot, MAP_SHARED | MAP_FIXED_NOREPLACE, fd, 0);

	ck_assert_ptr_ne(at, MAP_FAILED);
	return at;
}

/* A region of whole allocations, aligned as ARM wants it. */
static struct views new_views(enum memseal_code_mode mode)
{
	struct memseal_code *code = new_region(mode, PAGES);
	struct views views = { .exec = memseal_code_alloc(code, PAGES * page, page) };

	ck_assert_ptr_nonnull(views.exec);
	views.write = memseal_code_writable(code, views.exec);
	fill(views.write);
	ck_assert_int_eq(memseal_code_publish(code, views.exec, PAGES * page), 0);
	return views;
}

/* The same that nothing holds; of a file with the same seals. */
static struct views control_views(void)
{
	int fd = memfd_create("control", MFD_ALLOW_SEALING | MFD_CLOEXEC);
	struct views views;

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(ftruncate(fd, (off_t)(PAGES * page)), 0);
	views.write = map_view(fd, PROT_READ | PROT_WRITE);
	ck_assert_int_eq(fcntl(fd, F_ADD_SEALS,
				 F_SEAL_FUTURE_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL),
		0);
	views.exec = map_view(fd, PROT_READ | PROT_EXEC);
	close(fd);
	fill(views.write);
	return views;
}

static struct attack_target target_of(char *view)
{
	return (struct attack_target){
		.addr = (uintptr_t)view,
		.len = PAGES * page,
		.page = page,
		.watched = (uintptr_t)view + WATCHED * page,
		.file = -1,
		.writable = -1,
	};
}

static bool begins_with_any(const char *name, const char *const *starts)
{
	for (; *starts; starts++)
		if (strncmp(name, *starts, strlen(*starts)) == 0)
			return true;
	return false;
}

/* Attacks on the mapping: every engine refuses them. */
static const char *const on_mapping[] = { "munmap", "mmap-", "shmat-", "mremap-", "mprotect-",
	"pkey-", "fork-", NULL };

/* What mseal(2) leaves of what can be done to shared memory: it cannot be read any more. */
static const char *const left_by_kernel[] = { "madv-guard-install", "pidfd-guard-install",
	"io-uring-guard-install", "madv-dontfork", NULL };

/* On the view to write, any write; and a userfaultfd, which may keep it waiting. */
static const char *const writes[] = { "proc-mem", "ptrace-poke", "process-vm-writev", "read-into",
	"child-write", "uffd-", NULL };

static struct attack_result attacked(const struct attack *attack, char *view)
{
	struct attack_target target = target_of(view);
	struct attack_result result;

	int r = attack_run(attack, &target, &result);

	if (r == -EINTR && ATTACKS_MAY_DIE)
		return (struct attack_result){ .verdict = ATTACK_UNSUPPORTED };
	ck_assert_msg(r == 0, "%s: %d", attack->name, r);
	return result;
}

static bool does_harm(const struct attack_result *result)
{
	return result->self != ATTACK_UNCHANGED || result->child != ATTACK_UNCHANGED;
}

static void assert_refused(const struct attack *attack, const struct attack_result *result)
{
	/* shmat(2) with SHM_REMAP is one that filters make unavailable. */
	ck_assert_msg(
		result->error == -EPERM || result->error == -EACCES || result->error == -ENOSYS,
		"%s: %d", attack->name, result->error);
}

/*
 * Runs all attacks on a view. Those on the mapping are refused; of the others, the named ones and
 * no more do anything. Returns how many were refused that the control does not survive.
 */
static unsigned attack_all(char *view, char *control, const char *const *left)
{
	unsigned saved = 0;

	for (size_t i = 0; i < attack_count; i++) {
		const struct attack *attack = &attack_catalogue[i];
		struct attack_result without, result;

		without = attacked(attack, control);
		result = attacked(attack, view);
		if (without.verdict == ATTACK_UNSUPPORTED)
			continue;
		if (begins_with_any(attack->name, on_mapping) &&
			without.verdict == ATTACK_ALLOWED) {
			assert_refused(attack, &result);
			saved += does_harm(&without);
		}
		if (!left || !begins_with_any(attack->name, left))
			ck_assert_msg(!does_harm(&result), "%s: %s", attack->name,
				attack_effect_name(result.self));
	}
	return saved;
}

static const char *const *left_on_code(int run)
{
	return by_filter(run) ? NULL : left_by_kernel;
}

START_TEST(what_is_executed)
{
	struct views views, control;

	if (!use_engine(_i))
		return;
	control = control_views();
	views = new_views(mode_of(_i));
	ck_assert_uint_ge(attack_all(views.exec, control.exec, left_on_code(_i)), 10);
	assert_prot(views.exec, PAGES * page, "r-xs");
	for (unsigned i = 0; i < PAGES; i++)
		ck_assert_int_eq(run_code(views.exec + i * page), (int)i);
}
END_TEST

/* Children of the attacks must have it, which its owner does not want. */
START_TEST(where_it_is_written)
{
	struct views views, control;
	const char *left[16] = { NULL };
	unsigned count = 0;

	if (mode_of(_i) != MEMSEAL_CODE_DUAL || !use_engine(_i))
		return;
	control = control_views();
	views = new_views(MEMSEAL_CODE_DUAL);
	for (unsigned i = 0; writes[i]; i++)
		left[count++] = writes[i];
	for (unsigned i = 0; !by_filter(_i) && left_by_kernel[i]; i++)
		left[count++] = left_by_kernel[i];
	ck_assert_int_eq(sys_madvise((uintptr_t)views.write, PAGES * page, MADV_DOFORK), 0);
	ck_assert_uint_ge(attack_all(views.write, control.write, left), 10);
	assert_prot(views.write, PAGES * page, "rw-s");
}
END_TEST

/* Every protection, on the view itself and not on a child's. */
START_TEST(protection_stays)
{
	struct views views, control;

	if (!use_engine(_i))
		return;
	control = control_views();
	views = new_views(mode_of(_i));
	for (int prot = 0; prot < 8; prot++) {
		int r = sys_mprotect((uintptr_t)views.exec, page, prot);

		ck_assert_msg(r == -EPERM || r == -EACCES, "%d: %d", prot, r);
		ck_assert_int_eq(sys_mprotect((uintptr_t)control.exec, page, prot),
			prot & PROT_WRITE ? -EACCES : 0);
		if (mode_of(_i) == MEMSEAL_CODE_DUAL)
			ck_assert_int_eq(sys_mprotect((uintptr_t)views.write, page, prot), -EPERM);
	}
	assert_prot(views.exec, PAGES * page, "r-xs");
	if (mode_of(_i) == MEMSEAL_CODE_DUAL)
		assert_prot(views.write, PAGES * page, "rw-s");
	ck_assert_int_eq(sys_mprotect((uintptr_t)control.write, page, PROT_READ | PROT_EXEC), 0);
}
END_TEST

static int write_by_proc(const char *at)
{
	int fd = open("/proc/self/mem", O_RDWR | O_CLOEXEC);
	unsigned char byte = 0xcc;
	ssize_t n;

	ck_assert_int_ge(fd, 0);
	n = pwrite64(fd, &byte, 1, (off64_t)(uintptr_t)at);
	n = n == 1 ? 0 : -errno;
	close(fd);
	return (int)n;
}

/* Root that traces: the bytes that are executed stay, those of sealed private code do not. */
START_TEST(bytes_stay)
{
	struct attack_target target, controlled;
	char *control = mmap(
		NULL, PAGES * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct views views;
	int forced;

	if (!use_engine(_i))
		return;
	put_code(control, 1);
	ck_assert_int_eq(mprotect(control, PAGES * page, PROT_READ | PROT_EXEC), 0);
	forced = write_by_proc(control); /* a kernel may refuse it wherever it would be forced */
	ck_assert(forced == 0 || forced == -EIO);
	ck_assert_int_eq(memseal_range(control, PAGES * page, MEMSEAL_MAPPING), 0);
	views = new_views(mode_of(_i));
	ck_assert_int_eq(write_by_proc(control), forced);
	ck_assert(*(unsigned char *)control == 0xcc || forced);
	ck_assert_int_eq(write_by_proc(views.exec), -EIO);
	controlled = target_of(control);
	target = target_of(views.exec);
	for (size_t i = 0; i < attack_count; i++) {
		struct attack_result result;
		const char *name = attack_catalogue[i].name;
		bool by_tracer = strcmp(name, "ptrace-poke") == 0;

		if (!by_tracer && strcmp(name, "process-vm-writev") != 0)
			continue;
		ck_assert_int_eq(attack_run(&attack_catalogue[i], &controlled, &result), 0);
		ck_assert_int_eq(result.error, by_tracer ? 0 : -EFAULT);
		ck_assert_int_eq(result.self, by_tracer ? ATTACK_CHANGED : ATTACK_UNCHANGED);
		ck_assert_int_eq(attack_run(&attack_catalogue[i], &target, &result), 0);
		ck_assert_int_eq(result.error, by_tracer ? -EIO : -EFAULT);
	}
	ck_assert_int_eq(run_code(views.exec), 0);
	/* With two views, who finds the other one changes both. */
	if (mode_of(_i) == MEMSEAL_CODE_DUAL) {
		put_code(views.write, 1);
		ck_assert_int_eq(write_by_proc(views.write), 0);
		ck_assert_int_eq(*(unsigned char *)views.exec, 0xcc);
	}
}
END_TEST

static bool may_open_map_files(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

	ck_assert_int_eq(syscall(SYS_capget, &header, data), 0);
	return data[CAP_TO_INDEX(CAP_SYS_ADMIN)].effective & CAP_TO_MASK(CAP_SYS_ADMIN);
}

/* The file, opened by root through one of its mappings. */
static int open_map_file(const char *view)
{
	char path[80];
	int fd;

	snprintf(path, sizeof(path), "/proc/self/map_files/%" PRIxPTR "-%" PRIxPTR, (uintptr_t)view,
		(uintptr_t)view + PAGES * page);
	fd = open(path, O_RDWR | O_CLOEXEC);
	ck_assert_msg(fd >= 0 || (errno == EPERM && !may_open_map_files()), "%s: %s", path,
		strerror(errno));
	return fd;
}

START_TEST(the_file_takes_no_writes)
{
	char *plain = mmap(free_room(), PAGES * page, PROT_READ | PROT_EXEC,
		MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	struct views views;
	char *again;
	int fd;

	ck_assert_ptr_ne(plain, MAP_FAILED);
	if (!use_engine(_i))
		return;
	views = new_views(mode_of(_i));
	fd = open_map_file(plain);
	if (fd < 0)
		return;
	ck_assert_int_eq(pwrite(fd, "x", 1, 0), 1);
	fd = open_map_file(views.exec);
	ck_assert_int_eq(pwrite(fd, "x", 1, 0), -1);
	ck_assert_int_eq(errno, EPERM);
	ck_assert_int_eq(ftruncate(fd, 0), -1);
	ck_assert_int_eq(errno, EPERM);
	ck_assert_int_eq(
		fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, (off_t)page), -1);
	ck_assert_int_eq(errno, EPERM);
	ck_assert_ptr_eq(mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0), MAP_FAILED);
	ck_assert_int_eq(errno, EPERM);
	again = mmap(NULL, page, PROT_READ, MAP_SHARED, fd, 0);
	if (again != MAP_FAILED) { /* refused before Linux 6.7 where the seal is F_SEAL_WRITE */
		ck_assert_int_eq(mprotect(again, page, PROT_READ | PROT_WRITE), -1);
		ck_assert_int_eq(errno, EACCES);
	}
	for (unsigned i = 0; i < PAGES; i++)
		ck_assert_int_eq(run_code(views.exec + i * page), (int)i);
}
END_TEST

/* Named in the manual as what mseal(2) leaves, and filters do not. */
START_TEST(what_is_left)
{
	struct views views;
	int expected = by_filter(_i) ? -EPERM : 0;

	if (!use_engine(_i))
		return;
	views = new_views(mode_of(_i));
	ck_assert_int_eq(sys_madvise((uintptr_t)views.exec, page, MADV_DONTFORK), expected);
	if (sys_madvise((uintptr_t)control_views().exec, page, 102 /* MADV_GUARD_INSTALL */) == 0)
		ck_assert_int_eq(sys_madvise((uintptr_t)views.exec, page, 102), expected);
	else /* a kernel before 6.13 */
		ck_assert_int_eq(sys_madvise((uintptr_t)views.exec, page, 102),
			by_filter(_i) ? -EPERM : -EINVAL);
}
END_TEST

int main(void)
{
	TCase *cases = tcase_create("code-attack");
	Suite *suite = suite_create("code-attack");
	SRunner *runs = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(cases, setup, NULL);
	tcase_set_timeout(cases, 60);
	tcase_add_loop_test(cases, what_is_executed, 0, RUNS);
	tcase_add_loop_test(cases, where_it_is_written, 0, RUNS);
	tcase_add_loop_test(cases, protection_stays, 0, RUNS);
	tcase_add_loop_test(cases, bytes_stay, 0, RUNS);
	tcase_add_loop_test(cases, the_file_takes_no_writes, 0, RUNS);
	tcase_add_loop_test(cases, what_is_left, 0, RUNS);
	suite_add_tcase(suite, cases);
	srunner_run_all(runs, CK_ENV);
	failed = srunner_ntests_failed(runs);
	srunner_free(runs);
	return failed != 0;
}
