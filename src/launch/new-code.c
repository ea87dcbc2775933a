/* SPDX-License-Identifier: MIT */
#include "launch/new-code.h"

#include <errno.h>
#include <sys/mman.h>

#include "base/page.h"
#include "base/sys.h"
#include "base/uapi.h"
#include "bpf/new-code.h"
#include "engine/filter.h"
#include "probe/probe.h"

/* 1, 0, or -EINVAL before Linux 6.3. */
static int mdwe_enabled(void)
{
	int r = sys_prctl(PR_GET_MDWE, 0, 0, 0, 0);

	return r < 0 ? r : r & PR_MDWE_REFUSE_EXEC_GAIN;
}

bool new_code_refusable(void)
{
	return mdwe_enabled() >= 0 || probe_seccomp_quick() == MEMSEAL_SUPPORT_YES;
}

/* Does the kernel refuse to make code of a page that was writable? */
static bool is_refused(void)
{
	const uint64_t page = page_size();
	long addr = sys_mmap(0, page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int r;

	if (sys_failed(addr))
		return false;
	r = sys_mprotect((uint64_t)addr, page, PROT_READ | PROT_EXEC);
	sys_undo_mmap((uint64_t)addr, page);
	return r == -EACCES;
}

static int install_filter(void)
{
	struct sock_filter code[BPF_NEW_CODE_MAX];
	struct sock_fprog program = { .filter = code };
	struct bpf_policy policy;
	int r;

	filter_policy(&policy);
	r = bpf_no_new_code(policy.arch, code);
	if (r < 0)
		return r;
	program.len = (unsigned short)r;
	r = sys_seccomp(SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_SPEC_ALLOW, &program);
	if (r != -EACCES)
		return r;
	r = sys_prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	return r < 0 ? r
		     : sys_seccomp(
			       SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_SPEC_ALLOW, &program);
}

int new_code_refuse(bool filter)
{
	int r = mdwe_enabled() == 1 ? 0 : sys_prctl(PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN, 0, 0, 0);

	if ((r < 0 && !is_refused()) || filter)
		r = install_filter();
	if (r == -ENOMEM)
		return r;
	return is_refused() ? 0 : -EOPNOTSUPP;
}
