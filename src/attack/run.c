/* SPDX-License-Identifier: MIT */
/*
 * Runs one attack. The attacked process has nothing but its own text, its stack and a shared page:
 * it reports by writing there, and what it cannot write, being killed by the look at its memory, is
 * in its wait status.
 */
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "attack/family.h"

struct view {
	enum attack_effect effect;
	int status; /* of the process that looked */
};

/* In a mapping shared by caller, attacked process and its child. */
struct report {
	bool answered;
	int answer;
	bool was_writable;
	bool has_file;
	struct view child;
	enum attack_effect self;
	unsigned char *before; /* copy of the watched page */
	unsigned char *file;   /* what the file has there */
};

/*
 * The report, the two copies behind it, and a page in front and behind that nobody misses if an
 * attack on the neighbourhood of a target hits this mapping.
 */
static size_t report_size(size_t page)
{
	return 5 * page;
}

static long report_map(const struct attack_target *target, struct report **ret)
{
	long at = sys_mmap(0, report_size(target->page), PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct report *report;

	if (sys_failed(at))
		return at;
	report = (struct report *)(at + (long)target->page);
	report->before = (unsigned char *)report + target->page;
	report->file = report->before + target->page;
	*ret = report;
	return 0;
}

static void report_unmap(const struct attack_target *target, struct report *report)
{
	(void)sys_munmap((uint64_t)(uintptr_t)report - target->page, report_size(target->page));
}

/* volatile: must not become a call of memcpy(3), which may be the target. */
static void copy(volatile unsigned char *to, const volatile unsigned char *from, size_t len)
{
	for (size_t i = 0; i < len; i++)
		to[i] = from[i];
}

static bool same(const volatile unsigned char *a, const volatile unsigned char *b, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (a[i] != b[i])
			return false;
	return true;
}

static bool zero(const volatile unsigned char *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (bytes[i] != 0)
			return false;
	return true;
}

#define SIGNAL(sig) (UINT64_C(1) << ((sig)-1))

/*
 * Dying is how the attacked process tells what it saw: those signals do what they do by default,
 * and all others wait, so that no handler of the program runs, nor reaps what is waited for here.
 * No core file is wanted: a limit of 1 instead of 0 also spares core_pattern's pipe.
 */
static void make_mortal(void)
{
	uint64_t blocked = ~(SIGNAL(SIGSEGV) | SIGNAL(SIGBUS) | SIGNAL(SIGALRM));
	struct rlimit none = { 1, 1 };

	(void)sys_sigprocmask(SIG_SETMASK, &blocked, NULL);
	(void)sys_prlimit(0, RLIMIT_CORE, &none, NULL);
	(void)sys_signal_default(SIGSEGV);
	(void)sys_signal_default(SIGBUS);
	(void)sys_signal_default(SIGALRM);
	attack_set_timeout();
}

/* What cannot be found out must not be reported: the whole attempt fails. */
NORETURN static void give_up(void)
{
	sys_exit_group(1);
}

/* Stores the byte that is there already, from inside a system call, which faults in nobody. */
static bool can_write(const struct attack_target *target)
{
	unsigned char *at = (unsigned char *)(uintptr_t)target->watched;
	unsigned char byte = *(volatile unsigned char *)at;
	ssize_t written;
	int pipe[2];

	if (sys_pipe2(pipe, O_CLOEXEC) < 0 || sys_write(pipe[1], &byte, 1) != 1)
		give_up();
	written = sys_read(pipe[0], at, 1);
	if (written < 0 && written != -EFAULT)
		give_up();
	(void)sys_close(pipe[0]);
	(void)sys_close(pipe[1]);
	return written == 1;
}

/* Faults, and so ends the process, if the page cannot be read. */
static enum attack_effect look(const struct attack_target *target, const struct report *report)
{
	const unsigned char *at = (const unsigned char *)(uintptr_t)target->watched;
	size_t page = target->page;

	if (same(at, report->before, page))
		return !report->was_writable && can_write(target) ? ATTACK_WRITABLE
								  : ATTACK_UNCHANGED;
	if (zero(at, page))
		return ATTACK_ZEROED;
	if (report->has_file && same(at, report->file, page))
		return ATTACK_FILE_BYTES;
	return ATTACK_CHANGED;
}

/* Ended in another way than by a look that came to something: killed by somebody, say. */
static bool gave_up(int status)
{
	int sig;

	if (!WIFSIGNALED(status))
		return WEXITSTATUS(status) != 0;
	sig = WTERMSIG(status);
	return sig != SIGSEGV && sig != SIGBUS && sig != SIGALRM;
}

static void look_from_child(const struct attack_target *target, struct report *report)
{
	pid_t pid = sys_fork(0);

	if (pid == 0) {
		attack_set_timeout();
		report->child.effect = look(target, report);
		sys_exit_group(0);
	}
	if (pid < 0 || attack_wait(pid, &report->child.status) < 0 || gave_up(report->child.status))
		give_up();
}

NORETURN static void attacked(
	const struct attack *attack, const struct attack_target *target, struct report *report)
{
	make_mortal();
	report->was_writable = !target->untouched && can_write(target);
	report->answer = attack->run(target, attack->arg);
	report->answered = true;
	attack_set_timeout();
	look_from_child(target, report);
	report->self = look(target, report);
	sys_exit_group(0);
}

static enum attack_effect effect_of(int status, enum attack_effect seen)
{
	if (!WIFSIGNALED(status))
		return seen;
	switch (WTERMSIG(status)) {
	case SIGBUS:
		return ATTACK_SIGBUS;
	case SIGALRM:
		return ATTACK_HANGS;
	default:
		return ATTACK_SIGSEGV;
	}
}

static void judge(int answer, struct attack_result *ret)
{
	bool untried = answer < -SYS_MAX_ERRNO;

	ret->error = untried ? answer + SYS_MAX_ERRNO + 1 : answer;
	if (untried || answer == -ENOSYS)
		ret->verdict = ATTACK_UNSUPPORTED;
	else
		ret->verdict = answer < 0 ? ATTACK_BLOCKED : ATTACK_ALLOWED;
}

static void take_before(const struct attack_target *target, struct report *report)
{
	if (!target->untouched)
		copy(report->before, (const unsigned char *)(uintptr_t)target->watched,
			target->page);
	report->has_file = target->file >= 0 &&
			   sys_pread(target->file, report->file, target->page, target->offset) > 0;
}

int attack_run(
	const struct attack *attack, const struct attack_target *target, struct attack_result *ret)
{
	struct report *report;
	int status = 0;
	long r;

	r = report_map(target, &report);
	if (r < 0)
		return (int)r;
	take_before(target, report);
	r = sys_fork(0);
	if (r == 0)
		attacked(attack, target, report);
	if (r > 0)
		r = attack_wait((pid_t)r, &status);
	if (r > 0 && (!report->answered || gave_up(status)))
		r = -EINTR;
	if (r > 0) {
		judge(report->answer, ret);
		ret->self = effect_of(status, report->self);
		ret->child = effect_of(report->child.status, report->child.effect);
	}
	report_unmap(target, report);
	return r < 0 ? (int)r : 0;
}
