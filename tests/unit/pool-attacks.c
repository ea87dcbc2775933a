/* SPDX-License-Identifier: MIT */
/*
 * Attacks on a pool, with memfd_secret(2) and without, sealed and, as a control, not: what each
 * answers, and what becomes of the bytes. What is left, as memseal_pool(3) says, is asserted as
 * left.
 */
#include <errno.h>
#include <linux/userfaultfd.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/uio.h>

#include "helpers/pool.h"

#ifndef MADV_DONTNEED_LOCKED
#define MADV_DONTNEED_LOCKED 24 /* Linux 5.18 */
#endif
#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102 /* Linux 6.13, on shared memory 6.15 */
#define MADV_GUARD_REMOVE  103
#endif

static bool secret, sealed;
static bool locked; /* as mlock(2) has it; memory of memfd_secret(2) is until Linux 6 */
static char *slot;
static char *spare; /* pages to move to and from */

/* 0 or an errno. */
static int error_of(long r)
{
	return r == -1 ? errno : 0;
}

static int remap(void *from, size_t old, size_t new, int flags, void *to)
{
	return mremap(from, old, new, flags, to) == MAP_FAILED ? errno : 0;
}

static int protect(void)
{
	return error_of(mprotect(body, page, PROT_READ));
}

static int protect_none(void)
{
	return error_of(mprotect(body, body_len, PROT_NONE));
}

static int protect_key(void)
{
	return error_of(syscall(SYS_pkey_mprotect, body, page, PROT_READ, -1));
}

static int open_guard_before(void)
{
	return error_of(mprotect(body - page, page, READ_WRITE));
}

static int open_guard_behind(void)
{
	return error_of(mprotect(body + body_len, page, READ_WRITE));
}

static int unmap_guard(void)
{
	return error_of(munmap(body + body_len, page));
}

static int replace_guard(void)
{
	void *r =
		mmap(body - page, page, READ_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);

	return r == MAP_FAILED ? errno : 0;
}

static int make_head_writable(void)
{
	return error_of(mprotect(pool, page, READ_WRITE));
}

static int unmap_head(void)
{
	return error_of(munmap(pool, page));
}

static int discard_head(void)
{
	return error_of(madvise(pool, page, MADV_DONTNEED));
}

static int unmap_free_list(void)
{
	return error_of(munmap((char *)pool + page, page));
}

static int unmap(void)
{
	return error_of(munmap(body, page));
}

static int replace(void)
{
	void *r = mmap(body, page, READ_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);

	return r == MAP_FAILED ? errno : 0;
}

static int move(void)
{
	return remap(body, page, page, MREMAP_MAYMOVE | MREMAP_FIXED, spare);
}

static int move_onto(void)
{
	return remap(spare, page, page, MREMAP_MAYMOVE | MREMAP_FIXED, body);
}

static int move_away(void)
{
	return remap(body, page, page, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, NULL);
}

static int shrink(void)
{
	return remap(body, 2 * page, page, 0, NULL);
}

static int duplicate(void)
{
	return remap(body, 0, body_len, MREMAP_MAYMOVE, NULL);
}

static int attach_segment(void)
{
	int id = shmget(IPC_PRIVATE, page, IPC_CREAT | 0600), r;

	ck_assert_int_ge(id, 0);
	r = error_of((long)shmat(id, body, SHM_REMAP));
	shmctl(id, IPC_RMID, NULL);
	return r;
}

static int remap_pages(void)
{
	return error_of(syscall(SYS_remap_file_pages, body, page, 0, 1, 0));
}

static int advise(int advice)
{
	return error_of(madvise(body, body_len, advice));
}

static int discard(void)
{
	return advise(MADV_DONTNEED);
}

static int discard_locked(void)
{
	return advise(MADV_DONTNEED_LOCKED);
}

static int discard_lazily(void)
{
	return advise(MADV_FREE);
}

static int punch(void)
{
	return advise(MADV_REMOVE);
}

static int page_out(void)
{
	return advise(MADV_PAGEOUT);
}

static int cold(void)
{
	return advise(MADV_COLD);
}

static int wipe_on_fork(void)
{
	return advise(MADV_WIPEONFORK);
}

static int install_guard(void)
{
	return advise(MADV_GUARD_INSTALL);
}

static void unlock(void)
{
	ck_assert_int_eq((int)syscall(SYS_munlock, body, body_len), 0);
	ck_assert_int_eq((int)syscall(SYS_munlockall), 0);
}

static int unlock_and_discard(void)
{
	unlock();
	return discard();
}

static int unlock_and_punch(void)
{
	unlock();
	return punch();
}

static int unlock_and_page_out(void)
{
	unlock();
	return page_out();
}

static int unlock_and_install_guard(void)
{
	unlock();
	return install_guard();
}

static int advise_process(void)
{
	int pidfd = (int)syscall(SYS_pidfd_open, getpid(), 0);
	struct iovec range = { body, body_len };

	ck_assert_int_ge(pidfd, 0);
	return error_of(syscall(SYS_process_madvise, pidfd, &range, 1, MADV_PAGEOUT, 0));
}

static int write_proc_mem(void)
{
	int fd = open("/proc/self/mem", O_RDWR | O_CLOEXEC), r;
	char byte = slot[0];

	ck_assert_int_ge(fd, 0);
	r = error_of(pwrite(fd, &byte, 1, (off_t)(uintptr_t)slot));
	close(fd);
	return r;
}

static int read_proc_mem(void)
{
	int fd = open("/proc/self/mem", O_RDONLY | O_CLOEXEC), r;
	char byte = 0;

	ck_assert_int_ge(fd, 0);
	r = error_of(pread(fd, &byte, 1, (off_t)(uintptr_t)slot));
	ck_assert_int_eq(byte, r ? 0 : 'x');
	close(fd);
	return r;
}

static int read_process(void)
{
	char byte = 0;
	struct iovec to = { &byte, 1 }, from = { slot, 1 };

	return error_of(process_vm_readv(getpid(), &to, 1, &from, 1, 0));
}

static int write_process(void)
{
	struct iovec from = { (char[]){ 'x' }, 1 }, to = { slot, 1 };

	return error_of(process_vm_writev(getpid(), &from, 1, &to, 1, 0));
}

/* By a child that traces this process. */
static int trace(bool writing)
{
	pid_t self = getpid(), pid;

	prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0);
	pid = fork();
	if (pid == 0) {
		int status, r;

		if (ptrace(PTRACE_ATTACH, self, NULL, NULL) ||
			waitpid(self, &status, __WALL) != self)
			_exit(255);
		errno = 0;
		if (writing)
			ptrace(PTRACE_POKEDATA, self, slot, 0x7878787878787878);
		else
			ptrace(PTRACE_PEEKDATA, self, slot, NULL);
		r = errno;
		ptrace(PTRACE_DETACH, self, NULL, NULL);
		_exit(r);
	}
	return wait_for(pid);
}

static int trace_and_read(void)
{
	return trace(false);
}

static int trace_and_write(void)
{
	return trace(true);
}

/* Its pages are there: nobody is asked to fill them. */
static int fault_in_user_space(void)
{
	int fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC | UFFD_USER_MODE_ONLY);
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register all = { .range = { (uintptr_t)body, body_len },
		.mode = UFFDIO_REGISTER_MODE_MISSING };
	struct uffdio_zeropage zero = { .range = { (uintptr_t)body, page } };
	int r;

	if (fd < 0) /* not allowed to anybody here */
		return secret ? EINVAL : EEXIST;
	ck_assert_int_eq(ioctl(fd, UFFDIO_API, &api), 0);
	r = error_of(ioctl(fd, UFFDIO_REGISTER, &all));
	if (r == 0)
		r = error_of(ioctl(fd, UFFDIO_ZEROPAGE, &zero));
	close(fd);
	return r;
}

static const struct attack {
	const char *name;
	int (*run)(void);
	int sealed[2];   /* error, in memory of memfd_secret(2) and of a memfd */
	int unsealed[2]; /* the control */
	bool keeps;      /* the bytes, on success */
} attacks[] = {
	{ "mprotect", protect, { EPERM, EPERM }, { 0, 0 }, false },
	{ "mprotect to nothing", protect_none, { EPERM, EPERM }, { 0, 0 }, false },
	{ "pkey_mprotect", protect_key, { EPERM, EPERM }, { 0, 0 }, false },
	{ "mprotect of the guard before", open_guard_before, { EPERM, EPERM }, { 0, 0 }, true },
	{ "mprotect of the guard behind", open_guard_behind, { EPERM, EPERM }, { 0, 0 }, true },
	{ "munmap of a guard", unmap_guard, { EPERM, EPERM }, { 0, 0 }, true },
	{ "mmap over a guard", replace_guard, { EPERM, EPERM }, { 0, 0 }, true },
	{ "mprotect of the head", make_head_writable, { EPERM, EPERM }, { 0, 0 }, true },
	{ "munmap of the head", unmap_head, { EPERM, EPERM }, { 0, 0 }, false },
	{ "madvise of the head", discard_head, { EPERM, EPERM }, { 0, 0 }, true },
	{ "munmap of the free list", unmap_free_list, { EPERM, EPERM }, { 0, 0 }, false },
	{ "munmap", unmap, { EPERM, EPERM }, { 0, 0 }, false },
	{ "mmap", replace, { EPERM, EPERM }, { 0, 0 }, false },
	{ "mremap elsewhere", move, { EPERM, EPERM }, { 0, 0 }, false },
	{ "mremap onto", move_onto, { EPERM, EPERM }, { 0, 0 }, false },
	{ "mremap, leaving it mapped", move_away, { EPERM, EPERM }, { 0, 0 }, true },
	{ "mremap to a page", shrink, { EPERM, EPERM }, { 0, 0 }, false },
	{ "mremap twice", duplicate, { EPERM, EPERM }, { 0, 0 }, true },
	{ "shmat", attach_segment, { EPERM, EPERM }, { 0, 0 }, false },
	{ "remap_file_pages", remap_pages, { EPERM, EPERM }, { 0, EPERM }, false },
	/* Whoever sealed it: the memory itself is of a kind that cannot be discarded. */
	{ "DONTNEED", discard, { EINVAL, EINVAL }, { EINVAL, EINVAL }, true },
	{ "DONTNEED_LOCKED", discard_locked, { 0, 0 }, { 0, 0 }, true },
	{ "FREE", discard_lazily, { EINVAL, EINVAL }, { EINVAL, EINVAL }, true },
	{ "REMOVE", punch, { EINVAL, EINVAL }, { EINVAL, EINVAL }, true },
	{ "PAGEOUT", page_out, { EINVAL, EINVAL }, { EINVAL, EINVAL }, true },
	{ "process_madvise", advise_process, { EINVAL, EINVAL }, { EINVAL, EINVAL }, true },
	{ "COLD", cold, { EINVAL, EINVAL }, { EINVAL, EINVAL }, true },
	{ "WIPEONFORK", wipe_on_fork, { EINVAL, EINVAL }, { EINVAL, EINVAL }, true },
	{ "GUARD_INSTALL", install_guard, { EINVAL, EINVAL }, { EINVAL, EINVAL }, true },
	{ "munlock, DONTNEED", unlock_and_discard, { EINVAL, 0 }, { EINVAL, 0 }, true },
	{ "munlock, REMOVE", unlock_and_punch, { EINVAL, EPERM }, { EINVAL, EPERM }, true },
	{ "munlock, PAGEOUT", unlock_and_page_out, { EINVAL, 0 }, { EINVAL, 0 }, true },
	{ "userfaultfd", fault_in_user_space, { EINVAL, EEXIST }, { EINVAL, EEXIST }, true },
	/* Through the kernel. */
	{ "/proc/PID/mem, read", read_proc_mem, { EIO, 0 }, { EIO, 0 }, true },
	{ "/proc/PID/mem, write", write_proc_mem, { EIO, 0 }, { EIO, 0 }, true },
	{ "process_vm_readv", read_process, { EFAULT, 0 }, { EFAULT, 0 }, true },
	{ "process_vm_writev", write_process, { EFAULT, 0 }, { EFAULT, 0 }, true },
	{ "PTRACE_PEEKDATA", trace_and_read, { EIO, 0 }, { EIO, 0 }, true },
	{ "PTRACE_POKEDATA", trace_and_write, { EIO, 0 }, { EIO, 0 }, true },
};

/* Lies in the first page of the body, which is not empty. */
static void setup(void)
{
	secret = has_secret();
	sealed = has_mseal();
	make_pool();
	slot = memseal_pool_get(pool);
	ck_assert_ptr_nonnull(slot);
	memset(slot, 'x', SLOT);
	locked = has_flag(body, " lo");
	spare = map_anon(16, READ_WRITE);
}

static void setup_memfd(void)
{
	deny_secret();
	setup();
}

static void setup_unsealed(void)
{
	deny_mseal();
	setup();
}

static void setup_unsealed_memfd(void)
{
	deny_secret();
	setup_unsealed();
}

static void assert_whole(const struct attack *attack)
{
	for (int i = 0; i < SLOT; i++)
		ck_assert_msg(slot[i] == 'x', "%s", attack->name);
	memseal_pool_put(pool, slot);
	ck_assert_int_eq(slot[0], 0);
	for (int i = 0; i < SLOTS; i++)
		ck_assert_ptr_nonnull(memseal_pool_get(pool));
}

/* Advice that is not taken for memory that is locked, on memory that is not: the bytes stay. */
static bool is_taken(const struct attack *a, int error)
{
	if (!secret || locked || a->sealed[0] != EINVAL)
		return false;
	if (error == 0 && (a->run == install_guard || a->run == unlock_and_install_guard))
		ck_assert_int_eq(advise(MADV_GUARD_REMOVE), 0);
	return error == 0 || error == EOPNOTSUPP;
}

START_TEST(attack)
{
	const struct attack *a = &attacks[_i];
	int expected = (sealed ? a->sealed : a->unsealed)[secret ? 0 : 1];
	bool keeps = expected || a->keeps;
	int error = a->run();

	ck_assert_msg(error == expected || is_taken(a, error), "%s: %s, expected %s", a->name,
		strerror(error), strerror(expected));
	if (a->run == discard_head && !expected) { /* a pool that has forgotten itself */
		ck_assert_ptr_null(memseal_pool_get(pool));
		return;
	}
	if (keeps)
		assert_whole(a);
}
END_TEST

/* What is left. */

static int child_reads(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		signal(SIGSEGV, SIG_DFL);
		_exit(slot[0]);
	}
	return wait_for(pid);
}

START_TEST(left_to_children)
{
	ck_assert_int_eq(child_reads(), 128 + SIGSEGV);
	ck_assert_int_eq(madvise(body, body_len, MADV_DOFORK), 0);
	ck_assert_int_eq(child_reads(), 'x');
	ck_assert_int_eq(madvise(body, body_len, MADV_DONTFORK), 0);
	ck_assert_int_eq(child_reads(), 128 + SIGSEGV);
}
END_TEST

START_TEST(left_unlocked)
{
	ck_assert(secret || locked);
	ck_assert_int_eq(process_bytes("VmLck:"), locked ? body_len : 0);
	ck_assert_int_eq((int)syscall(SYS_munlock, body, body_len), 0);
	ck_assert_int_eq(process_bytes("VmLck:"), secret && locked ? body_len : 0);
	ck_assert_int_eq(has_flag(body, " lo"), secret && locked);
}
END_TEST

/* Without a signal: 0 or EFAULT. */
static int touch(void)
{
	int fds[2], r;

	ck_assert_int_eq(pipe(fds), 0);
	r = error_of(write(fds[1], slot, 1));
	close(fds[0]);
	close(fds[1]);
	return r;
}

/* Of memory that is not locked, guards can be made. */
START_TEST(left_inaccessible)
{
	int error = unlock_and_install_guard();

	ck_assert(error == EINVAL || (error == 0 && !(secret && locked))); /* since Linux 6.15 */
	ck_assert_int_eq(touch(), error ? 0 : EFAULT);
	if (!error)
		ck_assert_int_eq(advise(MADV_GUARD_REMOVE), 0);
	ck_assert_int_eq(slot[0], 'x');
}
END_TEST

START_TEST(left_without_free_slots)
{
	char *other = memseal_pool_get(pool);

	ck_assert_int_eq(madvise((char *)pool + page, page, MADV_DONTNEED), 0);
	ck_assert_ptr_null(memseal_pool_get(pool));
	ck_assert_int_eq(errno, ENOMEM);
	memseal_pool_put(pool, slot);
	ck_assert_ptr_eq(memseal_pool_get(pool), slot);
	ck_assert_int_eq(slot[0], 0);
	memseal_pool_put(pool, other);
}
END_TEST

/* The file: nobody has a descriptor, and the one that root may still open changes nothing. */

START_TEST(no_descriptor)
{
	DIR *dir = opendir("/proc/self/fd");
	struct dirent *entry;

	ck_assert_ptr_nonnull(dir);
	while ((entry = readdir(dir))) {
		char target[256];
		ssize_t len = readlinkat(dirfd(dir), entry->d_name, target, sizeof(target) - 1);

		target[len > 0 ? len : 0] = '\0';
		ck_assert_ptr_null(strstr(target, "memfd"));
		ck_assert_ptr_null(strstr(target, "secretmem"));
	}
	closedir(dir);
}
END_TEST

START_TEST(by_the_map_files)
{
	char path[128], byte = 0;
	void *p;
	int fd;

	(void)snprintf(path, sizeof(path), "/proc/self/map_files/%lx-%lx", (unsigned long)body,
		(unsigned long)(body + body_len));
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0) { /* it takes a capability; and such a file cannot be opened by it */
		ck_assert(errno == EPERM || (secret && errno == ENXIO));
		return;
	}
	ck_assert(!secret);
	ck_assert_int_eq(error_of(pwrite(fd, "y", 1, slot - body)), EPERM);
	ck_assert_int_eq(error_of(ftruncate(fd, 0)), EPERM);
	ck_assert_int_eq(error_of(ftruncate(fd, 1 << 20)), EPERM);
	ck_assert_int_eq(
		error_of(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, (off_t)page)),
		EPERM);
	p = mmap(NULL, page, READ_WRITE, MAP_SHARED, fd, 0);
	ck_assert(p == MAP_FAILED && errno == EPERM);
	ck_assert_int_eq(pread(fd, &byte, 1, slot - body), 1); /* left */
	ck_assert_int_eq(byte, 'x');
	close(fd);
}
END_TEST

/* A core dump, a real one if the kernel writes it to a file here. */

/* Byte by byte: vector registers are in a core as well. */
static void fill(volatile char *at, unsigned seed)
{
	for (unsigned i = 0; i < SLOT; i++)
		at[i] = (char)(i * 37 + seed * (i ^ 11) + seed);
}

static bool core_holds(const char *core, size_t len, unsigned seed)
{
	char pattern[SLOT];

	fill(pattern, seed);
	return memmem(core, len, pattern, SLOT) != NULL;
}

/* With everything that a core can hold. The control is shared memory of the same kind. */
static void dump(void)
{
	int fd = memfd_create("control", MFD_CLOEXEC), filter;
	char *control;

	ck_assert_int_eq(ftruncate(fd, (off_t)page), 0);
	control = mmap(NULL, page, READ_WRITE, MAP_SHARED, fd, 0);
	ck_assert_ptr_ne(control, MAP_FAILED);
	make_pool();
	fill(control, 3);
	fill(memseal_pool_get(pool), 5);
	filter = open("/proc/self/coredump_filter", O_WRONLY | O_CLOEXEC);
	ck_assert_int_eq(write(filter, "0xff", 4), 4);
	/* What else could be done about it: it keeps memory of memfd_secret(2) out no less. */
	if (secret)
		ck_assert_int_eq(madvise(body, body_len, MADV_DODUMP), 0);
	signal(SIGABRT, SIG_DFL);
	abort();
}

static bool core_is_a_file(void)
{
	FILE *file = fopen("/proc/sys/kernel/core_pattern", "re");
	char pattern[256] = "|";
	struct rlimit limit;

	if (file) {
		ck_assert_ptr_nonnull(fgets(pattern, sizeof(pattern), file));
		fclose(file);
	}
	ck_assert_int_eq(getrlimit(RLIMIT_CORE, &limit), 0);
	limit.rlim_cur = limit.rlim_max;
	ck_assert_int_eq(setrlimit(RLIMIT_CORE, &limit), 0);
	return !strpbrk(pattern, "|/") && limit.rlim_max == RLIM_INFINITY;
}

static char *only_file(const char *where, size_t *ret_len)
{
	char path[512];
	DIR *dir = opendir(where);
	struct dirent *entry;
	struct stat info;
	char *core;
	int fd;

	ck_assert_ptr_nonnull(dir);
	do
		entry = readdir(dir);
	while (entry && entry->d_name[0] == '.');
	ck_assert_ptr_nonnull(entry);
	(void)snprintf(path, sizeof(path), "%s/%s", where, entry->d_name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	ck_assert_int_eq(fstat(fd, &info), 0);
	core = mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	ck_assert_ptr_ne(core, MAP_FAILED);
	*ret_len = (size_t)info.st_size;
	ck_assert_int_eq(unlink(path), 0);
	close(fd);
	closedir(dir);
	return core;
}

START_TEST(no_core)
{
	char where[] = "/tmp/memseal-core-XXXXXX", *core;
	size_t len;
	pid_t pid;

	ck_assert(has_flag(body, " dd"));
	if (!core_is_a_file())
		return;
	ck_assert_ptr_nonnull(mkdtemp(where));
	ck_assert_int_eq(chdir(where), 0);
	pid = fork();
	if (pid == 0)
		dump();
	ck_assert_int_eq(wait_for(pid), 128 + SIGABRT);
	core = only_file(where, &len);
	ck_assert_int_eq(chdir("/"), 0);
	ck_assert_int_eq(rmdir(where), 0);
	ck_assert(core_holds(core, len, 3));
	ck_assert(!core_holds(core, len, 5));
}
END_TEST

static TCase *attack_case(const char *name, void (*before)(void))
{
	TCase *tc = tcase_create(name);

	tcase_add_checked_fixture(tc, before, NULL);
	tcase_add_loop_test(tc, attack, 0, sizeof(attacks) / sizeof(*attacks));
	tcase_add_test(tc, left_to_children);
	tcase_add_test(tc, left_unlocked);
	tcase_add_test(tc, left_inaccessible);
	tcase_add_test(tc, left_without_free_slots);
	tcase_add_test(tc, no_descriptor);
	tcase_add_test(tc, by_the_map_files);
	tcase_add_test(tc, no_core);
	return tc;
}

static Suite *attacks_suite(void)
{
	Suite *suite = suite_create("pool-attacks");

	suite_add_tcase(suite, attack_case("sealed", setup));
	suite_add_tcase(suite, attack_case("sealed, in a memfd", setup_memfd));
	suite_add_tcase(suite, attack_case("not sealed", setup_unsealed));
	suite_add_tcase(suite, attack_case("not sealed, in a memfd", setup_unsealed_memfd));
	return suite;
}

int main(void)
{
	SRunner *runner = srunner_create(attacks_suite());
	int failed;

	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
