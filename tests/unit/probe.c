/* SPDX-License-Identifier: MIT */
/*
 * memseal_probe(): its answers against attempts made another way, and under filters that refuse by
 * all means seccomp(2) has.
 */
#include <check.h>
#include <dlfcn.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <memseal.h>

#include "probe/probe.h"
#include "probe-helpers.h"

/* The attempts of the tests. */

static enum memseal_support support(bool yes)
{
	return yes ? MEMSEAL_SUPPORT_YES : MEMSEAL_SUPPORT_NO;
}

static bool file_holds(const char *path, const char *line_begin, const char *flag)
{
	FILE *file = fopen(path, "re");
	char line[512];
	bool inside = false, found = false;

	ck_assert_ptr_nonnull(file);
	while (fgets(line, sizeof(line), file)) {
		if (strstr(line, line_begin))
			inside = true;
		if (inside && strncmp(line, "VmFlags:", 8) == 0) {
			found = strstr(line, flag);
			break;
		}
	}
	fclose(file);
	ck_assert(inside);
	return found;
}

static long file_number(const char *path)
{
	FILE *file = fopen(path, "re");
	long ret = -ENOENT;

	if (!file)
		return ret;
	ck_assert_int_eq(fscanf(file, "%ld", &ret), 1);
	fclose(file);
	return ret;
}

START_TEST(mseal_is_what_the_kernel_does)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char *at = mmap(NULL, page, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	bool taken;

	ck_assert_ptr_ne(at, MAP_FAILED);
	ck_assert_int_eq(mprotect(at, page, PROT_READ | PROT_WRITE), 0);
	taken = syscall(NR_mseal, at, page, 0) == 0;
	ck_assert_int_eq(mprotect(at, page, PROT_READ), taken ? -1 : 0);
	ck_assert_int_eq(probed().mseal, support(taken));
	ck_assert_int_eq(probe_mseal_quick(), support(taken));
}
END_TEST

START_TEST(memfd_seals_are_what_the_kernel_does)
{
	int fd = memfd_create("test", MFD_ALLOW_SEALING);
	bool sealed;

	ck_assert_int_eq(ftruncate(fd, 4096), 0);
	sealed = fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE) == 0 &&
		 mmap(NULL, 4096, PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED && errno == EPERM;
	ck_assert_int_eq(probed().memfd_seals, support(sealed));
}
END_TEST

START_TEST(memfd_secret_is_what_the_kernel_does)
{
	long fd = syscall(NR_memfd_secret, 0);

	ck_assert(fd >= 0 || errno == ENOSYS);
	ck_assert_int_eq(probed().memfd_secret, support(fd >= 0));
}
END_TEST

START_TEST(seccomp_is_what_the_kernel_says)
{
	unsigned action = SECCOMP_RET_ERRNO;
	bool available = syscall(NR_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0;

	ck_assert_int_eq(probed().seccomp, support(available));
	ck_assert_int_eq(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), 0);
	ck_assert_int_eq(prctl(PR_GET_SECCOMP, 0, 0, 0, 0), 0);
}
END_TEST

START_TEST(pkeys_are_found_even_if_the_caller_took_them_all)
{
	int taken = 0;

	while (syscall(NR_pkey_alloc, 0, 0) >= 0)
		taken++;
	ck_assert_int_eq(probed().pkeys, support(taken > 0));
}
END_TEST

START_TEST(system_mappings_are_what_smaps_shows)
{
	bool sealed = file_holds("/proc/self/smaps", "[vdso]", " sl");
	struct memseal_features before = probed();
	uint64_t start = 0, end = 0;
	char line[512];
	FILE *file;

	ck_assert_int_eq(before.system_mappings_sealed, support(sealed));
	if (sealed || before.mseal != MEMSEAL_SUPPORT_YES)
		return;
	file = fopen("/proc/self/maps", "re");
	while (fgets(line, sizeof(line), file))
		if (strstr(line, "[vdso]"))
			ck_assert_int_eq(sscanf(line, "%lx-%lx", &start, &end), 2);
	fclose(file);
	ck_assert_int_eq(syscall(NR_mseal, start, end - start, 0), 0);
	ck_assert_int_eq(probed().system_mappings_sealed, MEMSEAL_SUPPORT_YES);
}
END_TEST

START_TEST(proc_mem_is_what_the_kernel_does)
{
	static const char constant[] __attribute__((aligned(4096))) = "a";
	int fd = open("/proc/self/mem", O_WRONLY);
	bool written;

	ck_assert_int_ge(fd, 0);
	written = pwrite(fd, "b", 1, (off_t)(uintptr_t)constant) == 1;
	ck_assert_int_eq(probed().proc_mem_writes, support(written));
}
END_TEST

START_TEST(numbers_are_those_of_proc)
{
	struct memseal_features found = probed();

	ck_assert_int_eq(found.proc, MEMSEAL_SUPPORT_YES);
	ck_assert_int_eq(found.max_map_count, file_number("/proc/sys/vm/max_map_count"));
	ck_assert_int_eq(found.ptrace_scope, file_number("/proc/sys/kernel/yama/ptrace_scope"));
}
END_TEST

/* The file comes with the option alone: fs/proc/base.c. */
START_TEST(configuration_shows_in_proc)
{
	ck_assert_int_eq(
		probed().checkpoint_restore, support(access("/proc/self/timers", F_OK) == 0));
}
END_TEST

#ifdef __x86_64__
/* The smallest 32-bit program: exit(0). */
static const struct {
	Elf32_Ehdr ehdr;
	Elf32_Phdr phdr;
	unsigned char code[8];
} program_32bit = {
	.ehdr = {
		.e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS32, ELFDATA2LSB, EV_CURRENT },
		.e_type = ET_EXEC,
		.e_machine = EM_386,
		.e_version = EV_CURRENT,
		.e_entry = 0x8048000 + sizeof(Elf32_Ehdr) + sizeof(Elf32_Phdr),
		.e_phoff = sizeof(Elf32_Ehdr),
		.e_ehsize = sizeof(Elf32_Ehdr),
		.e_phentsize = sizeof(Elf32_Phdr),
		.e_phnum = 1,
	},
	.phdr = {
		.p_type = PT_LOAD,
		.p_vaddr = 0x8048000,
		.p_filesz = sizeof(program_32bit),
		.p_memsz = sizeof(program_32bit),
		.p_flags = PF_R | PF_X,
		.p_align = 4096,
	},
	/* xor %ebx, %ebx; push $1; pop %eax; int $0x80 */
	.code = { 0x31, 0xdb, 0x6a, 0x01, 0x58, 0xcd, 0x80 },
};

static bool runs_32bit_programs(void)
{
	char name[] = "32bit", *args[] = { name, NULL };
	int fd = memfd_create(name, MFD_CLOEXEC), status = -1;
	pid_t pid;

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, &program_32bit, sizeof(program_32bit)), sizeof(program_32bit));
	pid = fork();
	if (pid == 0) {
		fexecve(fd, args, environ);
		_exit(errno == ENOEXEC ? 1 : 2);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	close(fd);
	ck_assert(status == 0 || (WIFEXITED(status) && WEXITSTATUS(status) == 1));
	return status == 0;
}

/* They may be switched off in a kernel that could run them: ia32_emulation=0. */
START_TEST(programs_32bit_run)
{
	bool run = runs_32bit_programs();

	ck_assert_int_eq(probed().programs_32bit, support(run));
	/* arch/x86/entry/vdso/vdso32-setup.c */
	ck_assert(!run || access("/proc/sys/abi/vsyscall32", F_OK) == 0);
}
END_TEST
#endif

START_TEST(libc_mseal_is_what_the_loader_finds)
{
#ifdef __GLIBC__
	ck_assert_int_eq(
		probed().libc_mseal, support(dlvsym(RTLD_DEFAULT, "mseal", "GLIBC_2.43") != NULL));
#else
	ck_assert_int_eq(probed().libc_mseal, MEMSEAL_SUPPORT_UNKNOWN);
#endif
}
END_TEST

START_TEST(nothing_runs_this_process_but_a_kernel)
{
	struct memseal_features found;

	ck_assert_int_eq(setenv("RUNNING_UNDER_RR", "1", 1), 0);
	ck_assert_int_eq(setenv("LD_PRELOAD", "vgpreload_core-amd64-linux.so", 1), 0);
	found = probed();
	ck_assert_int_eq(found.valgrind, MEMSEAL_SUPPORT_NO);
	ck_assert_int_eq(found.rr, MEMSEAL_SUPPORT_NO);
	ck_assert_int_eq(found.qemu_user, MEMSEAL_SUPPORT_NO);
	ck_assert_int_eq(found.gvisor, MEMSEAL_SUPPORT_NO);
}
END_TEST

/* Filters. */

static const unsigned refusals[] = {
	SECCOMP_RET_ERRNO | EPERM,
	SECCOMP_RET_ERRNO | EACCES,
	SECCOMP_RET_ERRNO | ENOSYS,
	SECCOMP_RET_ERRNO | 0, /* pretends to have done it */
	SECCOMP_RET_TRAP,
	SECCOMP_RET_KILL_THREAD,
	SECCOMP_RET_KILL_PROCESS,
};

/* Expects the answers of before, but for one. */
static void assert_filtered(const struct memseal_features *before, size_t answer)
{
	struct memseal_features found = probed(), expected = *before;

	*(enum memseal_support *)((void *)((char *)&expected + answer)) = MEMSEAL_SUPPORT_FILTERED;
	assert_same(&found, &expected);
}

START_TEST(refused_mseal_is_filtered)
{
	struct memseal_features before = probed();

	ck_assert_int_eq(before.mseal, MEMSEAL_SUPPORT_YES);
	filter(NR_mseal, refusals[_i]);
	assert_filtered(&before, offsetof(struct memseal_features, mseal));
}
END_TEST

START_TEST(refused_mseal_is_filtered_quickly)
{
	ck_assert_int_eq(probe_mseal_quick(), MEMSEAL_SUPPORT_YES);
	filter(NR_mseal, refusals[_i]);
	ck_assert_int_eq(probe_mseal_quick(), MEMSEAL_SUPPORT_FILTERED);
}
END_TEST

START_TEST(quick_attempt_is_killed_where_mseal_kills)
{
	filter(NR_mseal, SECCOMP_RET_KILL_PROCESS);
	(void)probe_mseal_quick();
}
END_TEST

static const struct {
	long nr;
	size_t answer;
} filterable[] = {
	{ NR_memfd_create, offsetof(struct memseal_features, memfd_seals) },
	{ NR_memfd_secret, offsetof(struct memseal_features, memfd_secret) },
	{ NR_pkey_alloc, offsetof(struct memseal_features, pkeys) },
	{ NR_seccomp, offsetof(struct memseal_features, seccomp) },
};

START_TEST(refused_calls_are_filtered)
{
	struct memseal_features before = probed();

	filter(filterable[_i].nr, SECCOMP_RET_ERRNO | EPERM);
	assert_filtered(&before, filterable[_i].answer);
}
END_TEST

START_TEST(calls_that_kill_are_filtered)
{
	struct memseal_features before = probed();

	filter(filterable[_i].nr, SECCOMP_RET_KILL_PROCESS);
	assert_filtered(&before, filterable[_i].answer);
}
END_TEST

START_TEST(all_at_once_may_kill)
{
	struct memseal_features found;

	for (size_t i = 0; i < ARRAY_SIZE(filterable); i++)
		if (filterable[i].nr != NR_seccomp)
			filter(filterable[i].nr, SECCOMP_RET_KILL_PROCESS);
	filter(NR_mseal, SECCOMP_RET_KILL_PROCESS);
	filter(NR_openat, SECCOMP_RET_KILL_PROCESS);
	filter(NR_readlinkat, SECCOMP_RET_KILL_PROCESS);
	found = probed();
	ck_assert_int_eq(found.mseal, MEMSEAL_SUPPORT_FILTERED);
	ck_assert_int_eq(found.memfd_seals, MEMSEAL_SUPPORT_FILTERED);
	ck_assert_int_eq(found.memfd_secret, MEMSEAL_SUPPORT_FILTERED);
	ck_assert_int_eq(found.pkeys, MEMSEAL_SUPPORT_FILTERED);
	ck_assert_int_eq(found.proc, MEMSEAL_SUPPORT_FILTERED);
	ck_assert_int_eq(found.proc_mem_writes, MEMSEAL_SUPPORT_FILTERED);
	ck_assert_int_eq(found.ptrace_scope, -EPERM);
	ck_assert_int_eq(found.max_map_count, -EPERM);
	ck_assert_int_eq(found.qemu_user, MEMSEAL_SUPPORT_UNKNOWN);
	ck_assert_int_eq(found.seccomp, MEMSEAL_SUPPORT_YES);
}
END_TEST

START_TEST(calls_that_are_missing_are_missing)
{
	struct memseal_features found;

	refuse(NR_memfd_create, ENOSYS);
	refuse(NR_memfd_secret, ENOSYS);
	refuse(NR_pkey_alloc, ENOSYS);
	found = probed();
	ck_assert_int_eq(found.memfd_seals, MEMSEAL_SUPPORT_NO);
	ck_assert_int_eq(found.memfd_secret, MEMSEAL_SUPPORT_NO);
	ck_assert_int_eq(found.pkeys, MEMSEAL_SUPPORT_NO);
}
END_TEST

START_TEST(what_is_only_pretended_does_not_count)
{
	refuse(NR_fcntl, 0);
	refuse(NR_seccomp, 0);
	ck_assert_int_eq(probed().memfd_seals, MEMSEAL_SUPPORT_NO);
	ck_assert_int_eq(probed().seccomp, MEMSEAL_SUPPORT_NO);
}
END_TEST

START_TEST(refused_mremap_does_not_look_like_a_seal)
{
	refuse(NR_mremap, EPERM);
	ck_assert_int_eq(probed().system_mappings_sealed, MEMSEAL_SUPPORT_UNKNOWN);
	refuse(NR_mprotect, EPERM);
	ck_assert_int_eq(probed().system_mappings_sealed, MEMSEAL_SUPPORT_UNKNOWN);
}
END_TEST

START_TEST(refused_munmap_does_not_look_like_a_seal)
{
	refuse(NR_mseal, 0);
	refuse(NR_munmap, EPERM);
	ck_assert_int_eq(probed().mseal, MEMSEAL_SUPPORT_UNKNOWN);
}
END_TEST

START_TEST(without_uname_nobody_knows_why_mseal_is_missing)
{
	struct memseal_features found;

	refuse(NR_mseal, ENOSYS);
	refuse(NR_uname, EPERM);
	found = probed();
	ck_assert_int_eq(found.mseal, MEMSEAL_SUPPORT_UNKNOWN);
	ck_assert_int_eq(found.gvisor, MEMSEAL_SUPPORT_UNKNOWN);
}
END_TEST

START_TEST(without_fork_nothing_is_known)
{
	struct memseal_features found;

	refuse(NR_clone, EPERM);
	found = probed();
	ck_assert_int_eq(found.mseal, MEMSEAL_SUPPORT_UNKNOWN);
	ck_assert_int_eq(found.memfd_seals, MEMSEAL_SUPPORT_UNKNOWN);
	ck_assert_int_eq(found.proc, MEMSEAL_SUPPORT_UNKNOWN);
	ck_assert_int_eq(found.max_map_count, -ENODATA);
}
END_TEST

START_TEST(no_process_is_an_error)
{
	static const int errors[] = { EAGAIN, ENOMEM };
	struct memseal_features found, untouched;

	memset(&found, 0xaa, sizeof(found));
	found.size = sizeof(found);
	untouched = found;
	refuse(NR_clone, errors[_i]);
	ck_assert_int_eq(memseal_probe(&found), -errors[_i]);
	assert_same(&found, &untouched);
}
END_TEST

static void add_answers(Suite *suite)
{
	TCase *answers = add_case(suite, "answers");

	tcase_add_test(answers, mseal_is_what_the_kernel_does);
	tcase_add_test(answers, memfd_seals_are_what_the_kernel_does);
	tcase_add_test(answers, memfd_secret_is_what_the_kernel_does);
	tcase_add_test(answers, seccomp_is_what_the_kernel_says);
	tcase_add_test(answers, pkeys_are_found_even_if_the_caller_took_them_all);
	tcase_add_test(answers, system_mappings_are_what_smaps_shows);
	tcase_add_test(answers, proc_mem_is_what_the_kernel_does);
	tcase_add_test(answers, numbers_are_those_of_proc);
	tcase_add_test(answers, configuration_shows_in_proc);
#ifdef __x86_64__
	tcase_add_test(answers, programs_32bit_run);
#endif
	tcase_add_test(answers, libc_mseal_is_what_the_loader_finds);
	tcase_add_test(answers, nothing_runs_this_process_but_a_kernel);
}

static void add_filters(Suite *suite)
{
	TCase *filters = add_case(suite, "filters");

	tcase_add_loop_test(filters, refused_mseal_is_filtered, 0, ARRAY_SIZE(refusals));
	/* Those that do not kill. */
	tcase_add_loop_test(filters, refused_mseal_is_filtered_quickly, 0, 4);
	tcase_add_test_raise_signal(filters, quick_attempt_is_killed_where_mseal_kills, SIGSYS);
	tcase_add_loop_test(filters, refused_calls_are_filtered, 0, ARRAY_SIZE(filterable));
	tcase_add_loop_test(filters, calls_that_kill_are_filtered, 0, ARRAY_SIZE(filterable));
	tcase_add_test(filters, all_at_once_may_kill);
	tcase_add_test(filters, calls_that_are_missing_are_missing);
	tcase_add_test(filters, what_is_only_pretended_does_not_count);
	tcase_add_test(filters, refused_mremap_does_not_look_like_a_seal);
	tcase_add_test(filters, refused_munmap_does_not_look_like_a_seal);
	tcase_add_test(filters, without_uname_nobody_knows_why_mseal_is_missing);
	tcase_add_test(filters, without_fork_nothing_is_known);
	tcase_add_loop_test(filters, no_process_is_an_error, 0, 2);
}

int main(void)
{
	Suite *suite = suite_create("probe");

	add_answers(suite);
	add_filters(suite);
	return run_suite(suite);
}
