/* SPDX-License-Identifier: MIT */
/* Writing to it, protection or not. */
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include "attack/family.h"

int attack_proc_mem(const struct attack_target *target, int arg)
{
	unsigned char byte = attack_byte(target);
	CLEANUP(sys_close_cleanup)
	int fd = sys_openat(AT_FDCWD, "/proc/self/mem", O_RDWR | O_CLOEXEC, 0);

	(void)arg;
	return fd < 0 ? fd : attack_answer(sys_pwrite(fd, &byte, 1, target->watched));
}

static int poke(const struct attack_target *target, int arg, pid_t victim)
{
	long r = sys_ptrace(PTRACE_SEIZE, victim, 0, 0);

	if (r == 0)
		r = sys_ptrace(PTRACE_INTERRUPT, victim, 0, 0);
	if (r < 0)
		return attack_untried((int)r);
	while (sys_wait4(victim, NULL, __WALL) == -EINTR)
		;
	r = sys_ptrace(
		arg, victim, target->watched, UINT64_C(0x0101010101010101) * attack_byte(target));
	(void)sys_ptrace(PTRACE_DETACH, victim, 0, 0);
	return (int)r;
}

/* Yama lets a child trace its parent only if it says so; without Yama this is EINVAL. */
static void allow_tracers(void)
{
	(void)sys_prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0);
}

/* As a debugger sets a breakpoint. */
int attack_ptrace_poke(const struct attack_target *target, int arg)
{
	allow_tracers();
	return attack_from_child(target, arg, poke);
}

static int write_other(const struct attack_target *target, int arg, pid_t victim)
{
	char path[sizeof("/proc//mem") + 10];
	unsigned char byte = attack_byte(target);
	CLEANUP(sys_close_cleanup) int fd = -1;

	(void)arg;
	attack_put(attack_put_number(attack_put(path, "/proc/"), (unsigned)victim), "/mem");
	fd = sys_openat(AT_FDCWD, path, O_RDWR | O_CLOEXEC, 0);
	if (fd < 0)
		return attack_untried(fd);
	return attack_answer(sys_pwrite(fd, &byte, 1, target->watched));
}

int attack_proc_mem_child(const struct attack_target *target, int arg)
{
	allow_tracers();
	return attack_from_child(target, arg, write_other);
}

int attack_vm_writev(const struct attack_target *target, int arg)
{
	unsigned char byte = attack_byte(target);
	struct iovec from = { &byte, 1 };
	struct iovec to = { (void *)(uintptr_t)target->watched, 1 };

	(void)arg;
	return attack_answer(sys_process_vm_writev(sys_getpid(), &from, 1, &to, 1));
}

/* As any system call that fills a buffer. */
int attack_read_into(const struct attack_target *target, int arg)
{
	unsigned char byte = attack_byte(target);
	int pipe[2];
	long r = sys_pipe2(pipe, O_CLOEXEC);

	(void)arg;
	if (r < 0 || (r = sys_write(pipe[1], &byte, 1)) < 0)
		return attack_untried((int)r);
	return attack_answer(sys_read(pipe[0], (void *)(uintptr_t)target->watched, 1));
}
