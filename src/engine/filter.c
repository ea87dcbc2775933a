/* SPDX-License-Identifier: MIT */
#include "engine/filter.h"

#include <errno.h>
#include <sys/prctl.h>

#include "base/page.h"
#include "base/scratch.h"
#include "base/sys.h"
#include "engine/filter-count.h"

#if defined(__x86_64__)
#define OWN_ARCH BPF_ARCH_X86_64
#elif defined(__i386__)
#define OWN_ARCH BPF_ARCH_I386
#elif defined(__aarch64__)
#define OWN_ARCH BPF_ARCH_AARCH64
#elif defined(__arm__)
#define OWN_ARCH BPF_ARCH_ARM
#elif defined(__riscv) && __riscv_xlen == 64
#define OWN_ARCH BPF_ARCH_RISCV64
#endif

void filter_policy(struct bpf_policy *ret)
{
	*ret = (struct bpf_policy){
		.arch = OWN_ARCH,
		.page = (uint32_t)page_size(),
		.refuse = SECCOMP_RET_ERRNO | EPERM,
		.unjudged = SECCOMP_RET_ERRNO | ENOSYS,
	};
}

/* More than the program without ranges has on any architecture. */
#define NO_EXEC_MAX 64

struct program {
	struct program *next;
	size_t length;
	struct sock_filter code[];
};

struct job {
	struct bpf_batch batch;
	struct filter_report report;
};

/* All programs, before the first is installed: there is no way back from that. */
static int build(struct scratch *scratch, struct bpf_batch *batch, struct program **ret_first)
{
	struct bpf_scratch *work = scratch_alloc(scratch, sizeof(*work));
	struct program **end = ret_first;
	int length = 1;

	if (!work)
		return -ENOSPC;
	while (length > 0) {
		struct program *program = scratch_alloc(
			scratch, sizeof(*program) + BPF_MAXINSNS * sizeof(*program->code));

		if (!program)
			return -ENOSPC;
		length = bpf_next(batch, work, program->code, BPF_MAXINSNS);
		if (length <= 0)
			break;
		program->length = (size_t)length;
		program->next = NULL;
		*end = program;
		end = &program->next;
	}
	return length;
}

/*
 * 0, the thread that cannot take the filter, or a negative errno. What the process trusts itself
 * with does not change: without SPEC_ALLOW, Linux before 5.16 slows all its stores and loads down
 * for good.
 */
static int install(struct sock_filter *code, size_t length)
{
	const unsigned flags = SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_SPEC_ALLOW;
	struct sock_fprog fprog = { .len = (unsigned short)length, .filter = code };

	return sys_seccomp(SECCOMP_SET_MODE_FILTER, flags, &fprog);
}

/* EACCES: neither CAP_SYS_ADMIN nor no_new_privs. */
static int install_privileged(struct sock_filter *code, size_t length, struct filter_report *report)
{
	int r = install(code, length);

	if (r != -EACCES)
		return r;
	r = sys_prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	if (r < 0)
		return r;
	report->no_new_privs = true;
	return install(code, length);
}

static int answer_of(int r, struct filter_report *report)
{
	if (r > 0) {
		report->obstacle = FILTER_THREAD;
		report->tid = r;
		return -ESRCH;
	}
	/* The arguments are right: EINVAL comes from a kernel that does not know the operation. */
	return r == -ENOSYS || r == -EINVAL || r == -EPERM || r == -EACCES ? -EOPNOTSUPP : r;
}

static int install_one(struct sock_filter *code, size_t length, struct filter_report *report)
{
	int r = answer_of(install_privileged(code, length, report), report);

	report->installed += r == 0;
	return r;
}

static int install_job(struct scratch *scratch, void *arg)
{
	struct job *job = arg;
	struct bpf_batch batch = job->batch;
	struct program *first = NULL;
	int r = build(scratch, &batch, &first);

	for (struct program *program = first; r == 0 && program; program = program->next) {
		r = install_one(program->code, program->length, &job->report);
	}
	return r;
}

int filter_install(const struct bpf_policy *policy, const struct bpf_range *ranges, size_t count,
	struct filter_report *ret_report)
{
	struct job job = { .batch = { .policy = policy, .ranges = ranges, .count = count } };
	int r = scratch_run(0, install_job, &job);

	*ret_report = job.report;
	return r;
}

/* What others refuse everywhere cannot be told by asking. */
static bool can_tell(const struct bpf_range *ranges, size_t count, size_t page)
{
	for (size_t i = 0; i < count; i++)
		if (!filter_told(page, ranges[i].effects))
			return false;
	return true;
}

static int install_and_ask(const struct bpf_policy *policy, const struct bpf_range *ranges,
	size_t count, struct filter_report *report)
{
	bool told = can_tell(ranges, count, policy->page);
	int before = told ? 0 : filter_count();
	int r = before < 0 ? before : filter_install(policy, ranges, count, report);

	if (r < 0)
		return r;
	if (!told)
		return filter_count() >= before + (int)report->installed ? 0 : -EOPNOTSUPP;
	for (size_t i = 0; i < count; i++)
		if (!filter_in_force(&ranges[i], policy->page))
			return -EOPNOTSUPP;
	return 0;
}

int filter_hold(const struct bpf_range *ranges, size_t count, struct filter_report *ret_report)
{
	struct filter_report report = { .obstacle = FILTER_NO_OBSTACLE };
	struct bpf_policy policy;
	int r = filter_check(ranges, count, &report.obstacle);

	filter_policy(&policy);
	if (r == 0)
		r = install_and_ask(&policy, ranges, count, &report);
	/* From here on no io_uring can be opened; another thread may have done so meanwhile. */
	if (r == 0)
		r = filter_check(ranges, count, &report.obstacle);
	*ret_report = report;
	return r;
}

/* The kernel looks for a path there, and says so (fs/namei.c, getname_flags()). */
static bool exec_refused(void)
{
	return sys_execve(NULL, NULL, NULL) != -EFAULT &&
	       sys_execveat(AT_FDCWD, NULL, NULL, NULL, 0) != -EFAULT;
}

int filter_hold_exec(struct filter_report *ret_report)
{
	struct filter_report report = { .obstacle = FILTER_NO_OBSTACLE };
	struct sock_filter code[NO_EXEC_MAX];
	struct bpf_policy policy;
	int r;

	filter_policy(&policy);
	policy.no_exec = true;
	r = bpf_no_exec(&policy, code, ARRAY_SIZE(code));
	if (r > 0)
		r = install_one(code, (size_t)r, &report);
	if (r == 0 && !exec_refused())
		r = -EOPNOTSUPP;
	*ret_report = report;
	return r;
}
