/* SPDX-License-Identifier: MIT */
#include "inject/remote.h"

#include <errno.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <time.h>

#include "base/sys.h"

/* As PTRACE_O_TRACESYSGOOD tells the stops of system calls from others. */
#define STOP_CALL (SIGTRAP | 0x80)

/* A call is done in microseconds, but for one that waits for a file system. */
#define CALL_MS 3000
#define RUN_MS  3000
#define NAP_NS  20000

/* Signals of the thread's own making: they are not blocked, for the kernel would reset them. */
static const int faults[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGSYS };

static uint64_t bit(int signal)
{
	return UINT64_C(1) << (signal - 1);
}

static uint64_t fault_bits(void)
{
	uint64_t bits = 0;

	for (size_t i = 0; i < ARRAY_SIZE(faults); i++)
		bits |= bit(faults[i]);
	return bits;
}

int remote_read(const struct remote *remote, uint64_t at, void *to, size_t len)
{
	ssize_t n = sys_pread(remote->mem, to, len, at);

	if (n < 0)
		return n == -EIO ? -EFAULT : (int)n;
	return n == (ssize_t)len ? 0 : -EFAULT;
}

int remote_write(const struct remote *remote, uint64_t at, const void *from, size_t len)
{
	ssize_t n = sys_pwrite(remote->mem, from, len, at);

	if (n < 0)
		return n == -EIO ? -EFAULT : (int)n;
	return n == (ssize_t)len ? 0 : -EFAULT;
}

/* In the net already, whatever happens next; only then are signals held back. */
int remote_enter(struct remote *remote)
{
	const pid_t tid = remote->thread->tid;
	struct user_regs_struct registers = remote->thread->registers;
	static const uint64_t none[6];
	const uint64_t mask = ~fault_bits();
	int r;

	remote->saved.registers = registers;
	r = cpu_save(tid, &remote->saved);
	if (r < 0)
		return r;
	cpu_make_net(&remote->saved, &remote->gadgets, remote->spare.end, &remote->net);
	if (remote->net.start < remote->spare.start)
		return -EFAULT;
	r = remote_write(remote, remote->net.start, remote->net.bytes, remote->net.len);
	if (r < 0)
		return r;
	cpu_set_call(&registers, &remote->gadgets, &remote->net, NR_getpid, none);
	r = cpu_write_registers(tid, &registers);
	if (r == 0)
		r = (int)sys_ptrace(PTRACE_SETSIGMASK, tid, sizeof(mask), (uintptr_t)&mask);
	return r;
}

static bool is_fault(int signal)
{
	return signal >= 1 && signal <= 64 && fault_bits() & bit(signal);
}

/*
 * A signal is about to be delivered: one of the thread's own making is the end of the call; one
 * that somebody sent is kept for later.
 */
static int meet_signal(struct remote *remote, int signal)
{
	siginfo_t info = { .si_code = SI_KERNEL };
	const pid_t tid = remote->thread->tid;

	if (is_fault(signal) &&
		(sys_ptrace(PTRACE_GETSIGINFO, tid, 0, (uintptr_t)&info) < 0 || info.si_code > 0)) {
		remote->fault = signal;
		return -EFAULT;
	}
	if (signal >= 1 && signal <= 64)
		remote->later |= bit(signal);
	return 0;
}

/* Lets the thread go on until a stop of that kind; others are passed over. */
static int go_on(struct remote *remote, long how, int wanted)
{
	const pid_t tid = remote->thread->tid;
	int status, r;

	for (;;) {
		r = (int)sys_ptrace(how, tid, 0, 0);
		if (r == 0)
			r = tracee_wait(tid, &status);
		if (r < 0)
			return r;
		if (status >> 16 == PTRACE_EVENT_STOP) {
			if (wanted == PTRACE_EVENT_STOP)
				return 0;
		} else if (WSTOPSIG(status) == STOP_CALL) {
			if (wanted == STOP_CALL)
				return 0;
		} else {
			r = meet_signal(remote, WSTOPSIG(status));
			if (r < 0)
				return r;
		}
	}
}

int remote_call(struct remote *remote, long *ret, long nr, const uint64_t args[6])
{
	const pid_t tid = remote->thread->tid;
	struct user_regs_struct registers = remote->thread->registers;
	int r;

	if (fault_hits(ret)) /* as any other system call, in builds for tests */
		return 0;
	cpu_set_call(&registers, &remote->gadgets, &remote->net, nr, args);
	r = cpu_write_registers(tid, &registers);
	if (r == 0)
		r = go_on(remote, PTRACE_SYSCALL, STOP_CALL);
	if (r == 0)
		r = go_on(remote, PTRACE_SYSCALL, STOP_CALL);
	if (r == 0)
		r = cpu_read_registers(tid, &registers);
	if (r == 0)
		*ret = cpu_result(&registers);
	return r;
}

static int interrupt(struct remote *remote)
{
	const pid_t tid = remote->thread->tid;
	int status, r = (int)sys_ptrace(PTRACE_INTERRUPT, tid, 0, 0);

	if (r == 0)
		r = tracee_wait(tid, &status);
	if (r == 0 && status >> 16 != PTRACE_EVENT_STOP) {
		r = meet_signal(remote, WSTOPSIG(status));
		if (r == 0)
			r = go_on(remote, PTRACE_CONT, PTRACE_EVENT_STOP);
	}
	return r;
}

/* Whatever the thread stops for meanwhile, it is to go on. */
static int keep_going(struct remote *remote)
{
	const pid_t tid = remote->thread->tid;
	int status, r = 0;

	if (sys_wait4(tid, &status, __WALL | WNOHANG) != tid)
		return 0;
	if (!WIFSTOPPED(status))
		return -ESRCH;
	if (status >> 16 != PTRACE_EVENT_STOP)
		r = meet_signal(remote, WSTOPSIG(status));
	return r < 0 ? r : (int)sys_ptrace(PTRACE_CONT, tid, 0, 0);
}

int remote_run(struct remote *remote, uint64_t function, uint64_t argument, uint64_t stack_end,
	int (*is_done)(void *arg), void *arg)
{
	const struct timespec nap = { .tv_nsec = NAP_NS };
	struct user_regs_struct registers = remote->thread->registers;
	int done = 0, r;

	cpu_set_entry(&registers, function, argument, stack_end);
	r = cpu_write_registers(remote->thread->tid, &registers);
	if (r == 0)
		r = (int)sys_ptrace(PTRACE_CONT, remote->thread->tid, 0, 0);
	while (r == 0 && (done = is_done(arg)) == 0) {
		r = keep_going(remote);
		nanosleep(&nap, NULL);
	}
	if (r == 0 && done < 0)
		r = done;
	return r < 0 ? r : interrupt(remote);
}

/*
 * The last stop is one in which the kernel looks whether a system call is to be restarted, as it
 * was at the first.
 */
int remote_leave(struct remote *remote)
{
	const pid_t tid = remote->thread->tid;
	int r = (int)sys_ptrace(PTRACE_INTERRUPT, tid, 0, 0);

	if (r == 0)
		r = go_on(remote, PTRACE_CONT, PTRACE_EVENT_STOP);
	if (r == -ESRCH)
		return r;
	for (int signal = 1; signal <= 64; signal++)
		if (remote->later & bit(signal))
			(void)sys_tgkill(remote->pid, tid, signal);
	remote->later = 0;
	return cpu_restore(tid, &remote->saved);
}
