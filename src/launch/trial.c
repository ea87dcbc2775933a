/* SPDX-License-Identifier: MIT */
#include "launch/trial.h"

#include <errno.h>
#include <elf.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

#include "base/sys.h"

/* Fails with EINVAL where no module has labels. */
#define OWN_LABEL "/proc/self/attr/current"

/* What AppArmor calls a process that no profile concerns: a profile that it enters asks nothing. */
#define UNCONFINED "unconfined"

/* In the child, which must not outlive this process and then run. */
static void execute(const char *path)
{
	char *argv[] = { (char *)path, NULL }, *envp[] = { NULL };
	int r = sys_prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);

	if (r == 0)
		r = (int)sys_ptrace(PTRACE_TRACEME, 0, 0, 0);
	if (r == 0)
		(void)sys_execve(path, argv, envp);
	sys_exit_group(1);
}

/* Stops at the end of execve(2), with SIGTRAP. */
static int wait_for_exec(pid_t child)
{
	int status;
	pid_t r;

	do
		r = sys_wait4(child, &status, __WALL);
	while (r == -EINTR);
	if (r < 0)
		return r;
	return WIFSTOPPED(status) && WSTOPSIG(status) == SIGTRAP ? 0 : -EPERM;
}

static int read_secure(pid_t child)
{
	unsigned long vector[128] = { 0 };
	CLEANUP(sys_close_cleanup) int fd = -1;
	char path[32];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/auxv", child);
	fd = sys_openat(AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0);
	n = fd < 0 ? fd : sys_read(fd, vector, sizeof(vector));
	if (n < 0)
		return (int)n;
	for (size_t i = 0; i + 1 < (size_t)n / sizeof(*vector); i += 2)
		if (vector[i] == AT_SECURE)
			return vector[i + 1] != 0;
	return -EBADMSG;
}

int trial_secure(const char *path)
{
	pid_t child = sys_fork(0);
	int r;

	if (child < 0)
		return child;
	if (child == 0)
		execute(path);
	r = wait_for_exec(child);
	if (r == 0)
		r = read_secure(child);
	(void)sys_tgkill(child, child, SIGKILL);
	(void)sys_reap(child);
	return r;
}

bool trial_wanted(const char *label)
{
	size_t len = strcspn(label, "\n");

	return len && (len != strlen(UNCONFINED) || memcmp(label, UNCONFINED, len) != 0);
}

enum memseal_refusal trial_judge(const char *path)
{
	CLEANUP(sys_close_cleanup)
	int fd = sys_openat(AT_FDCWD, OWN_LABEL, O_RDONLY | O_CLOEXEC, 0);
	char label[256];
	ssize_t n = fd < 0 ? fd : sys_read(fd, label, sizeof(label) - 1);

	label[n < 0 ? 0 : n] = '\0';
	if (!trial_wanted(label) || trial_secure(path) == 0)
		return MEMSEAL_REFUSAL_NONE;
	return MEMSEAL_REFUSAL_SECURE;
}
