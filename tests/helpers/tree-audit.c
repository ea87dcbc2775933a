/* SPDX-License-Identifier: MIT */
/*
 * tree-audit LOG CMD [ARG...]: runs CMD, follows every process that comes of it, and writes how
 * much of each was sealed at its end, when its address space was still there. A line of LOG is
 *
 *	PID <tab> COVERAGE <tab> SEALABLE <tab> SEALED <tab> STATE <tab> COMM <tab> FILTERS
 *
 * with bytes, a percentage, and sealed, partial, unsealed or unknown; FILTERS is how many seccomp
 * filters it had. The numbers of an unknown one, which was killed by SIGKILL, are "-".
 *
 * CMD sees no difference: its signals, stops and children go their way, and its status is the
 * status of tree-audit (128 + N after signal N), which ends when the last process of the tree has.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include <memseal.h>

#define STATUS_FAILED 125 /* as env(1): tree-audit itself failed */
#define STATUS_CANNOT 126
#define STATUS_ABSENT 127

#define PTRACE_OPTIONS \
	(PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXIT)

#define PID_LIMIT (1 << 22) /* the kernel's PID_MAX_LIMIT */

static FILE *audit_log;
static bool alive[PID_LIMIT];      /* processes that have not been audited yet */
static volatile sig_atomic_t root; /* the process of CMD */

__attribute__((noreturn)) static void fail(const char *what)
{
	fprintf(stderr, "tree-audit: %s: %s\n", what, strerror(errno));
	exit(STATUS_FAILED);
}

/* A number of /proc/PID/status, or -1. */
static long status_number(pid_t pid, const char *key)
{
	char path[64], line[256];
	long value = -1;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	file = fopen(path, "re");
	if (!file)
		return -1;
	while (value < 0 && fgets(line, sizeof(line), file)) {
		if (!strncmp(line, key, strlen(key)))
			value = atol(line + strlen(key));
	}
	fclose(file);
	return value;
}

static void log_name(const char *name)
{
	for (; *name; name++)
		fputc((unsigned char)*name < ' ' || *name == 0x7f ? '?' : *name, audit_log);
}

static void log_unknown(pid_t pid)
{
	fprintf(audit_log, "%d\t-\t-\t-\tunknown\t-\t-\n", (int)pid);
}

static const char *state_of(const struct memseal_coverage *coverage)
{
	if (coverage->sealed_bytes == 0)
		return "unsealed";
	return coverage->sealed_bytes == coverage->sealable_bytes ? "sealed" : "partial";
}

/* tid names the address space: the thread group's leader may already be a zombie without one. */
static void audit(pid_t pid, pid_t tid)
{
	struct memseal_coverage coverage = { .size = sizeof(coverage) };
	struct memseal_process *process;
	double percent = 0;

	alive[pid] = false;
	if (memseal_process_open(tid, NULL, &process) < 0) {
		log_unknown(pid);
		return;
	}
	if (memseal_process_coverage(process, &coverage) < 0)
		abort();
	if (coverage.sealable_bytes)
		percent = 100.0 * (double)coverage.sealed_bytes / (double)coverage.sealable_bytes;
	fprintf(audit_log, "%d\t%.2f\t%llu\t%llu\t%s\t", (int)pid, percent,
		(unsigned long long)coverage.sealable_bytes,
		(unsigned long long)coverage.sealed_bytes, state_of(&coverage));
	log_name(memseal_process_comm(process));
	fprintf(audit_log, "\t%ld\n", status_number(tid, "Seccomp_filters:"));
	memseal_process_close(process);
}

/* A thread is about to end. The process does with its leader, or with the last one after it. */
static void at_exit(pid_t tid)
{
	long pid = status_number(tid, "Tgid:");

	if (pid <= 0 || pid >= PID_LIMIT)
		return;
	if (pid == tid || (status_number((pid_t)pid, "VmSize:") < 0 &&
				  status_number((pid_t)pid, "Threads:") <= 2))
		audit((pid_t)pid, tid);
}

static void resume(int request, pid_t tid, int sig)
{
	/* ESRCH: killed meanwhile, waitpid() tells. */
	if (ptrace(request, tid, 0, (long)sig) < 0 && errno != ESRCH)
		fail("ptrace");
}

static void at_birth(pid_t tid)
{
	if (status_number(tid, "Tgid:") == tid)
		alive[tid] = true;
}

/* SIGKILL leaves no time for PTRACE_EVENT_EXIT. */
static void gone(pid_t tid)
{
	if (alive[tid])
		log_unknown(tid);
	alive[tid] = false;
}

static bool stops_a_group(int sig)
{
	return sig == SIGSTOP || sig == SIGTSTP || sig == SIGTTIN || sig == SIGTTOU;
}

static void stopped(pid_t tid, int status)
{
	int sig = WSTOPSIG(status);

	switch (status >> 16) {
	case 0: /* a signal on its way */
		resume(PTRACE_CONT, tid, sig);
		return;
	case PTRACE_EVENT_STOP:
		/* A real stop stays one until SIGCONT; else it is where a new thread begins. */
		if (stops_a_group(sig)) {
			resume(PTRACE_LISTEN, tid, 0);
			return;
		}
		at_birth(tid);
		break;
	case PTRACE_EVENT_EXIT:
		at_exit(tid);
	}
	resume(PTRACE_CONT, tid, 0);
}

/* Until the whole tree is gone; returns the wait status of CMD. */
static int follow(void)
{
	int status, ret = 0;
	pid_t tid;

	for (;;) {
		tid = waitpid(-1, &status, __WALL);
		if (tid < 0 && errno == EINTR)
			continue;
		if (tid < 0)
			return ret;
		if (WIFSTOPPED(status)) {
			stopped(tid, status);
			continue;
		}
		gone(tid);
		if (tid == root)
			ret = status;
	}
}

/* What somebody sends to tree-audit is for CMD; what a terminal sends reaches both. */
static void forward(int sig, siginfo_t *info, void *context)
{
	(void)context;
	if (info->si_code <= 0 && root > 0)
		kill(root, sig);
}

static void forward_signals(void)
{
	static const int signals[] = { SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2 };
	struct sigaction action = { .sa_sigaction = forward, .sa_flags = SA_SIGINFO | SA_RESTART };

	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		sigaction(signals[i], &action, NULL);
}

__attribute__((noreturn)) static void command(char **argv, int go)
{
	char byte;

	/* Until tree-audit has it on the leash. */
	if (read(go, &byte, 1) != 1)
		_exit(STATUS_FAILED);
	execvp(argv[0], argv);
	fprintf(stderr, "tree-audit: %s: %s\n", argv[0], strerror(errno));
	_exit(errno == ENOENT ? STATUS_ABSENT : STATUS_CANNOT);
}

static void start(char **argv)
{
	int go[2];
	pid_t pid;

	if (pipe2(go, O_CLOEXEC) < 0)
		fail("pipe");
	pid = fork();
	if (pid < 0)
		fail("fork");
	if (pid == 0)
		command(argv, go[0]);
	root = pid;
	alive[pid] = true;
	forward_signals();
	if (ptrace(PTRACE_SEIZE, pid, 0, (long)PTRACE_OPTIONS) < 0)
		fail("PTRACE_SEIZE");
	if (write(go[1], "", 1) != 1)
		fail("pipe");
	close(go[0]);
	close(go[1]);
}

int main(int argc, char **argv)
{
	int status;

	if (argc < 3) {
		fprintf(stderr, "usage: tree-audit LOG CMD [ARG...]\n");
		return STATUS_FAILED;
	}
	audit_log = fopen(argv[1], "we");
	if (!audit_log)
		fail(argv[1]);
	setvbuf(audit_log, NULL, _IOLBF, 0);
	start(argv + 2);
	status = follow();
	if (fclose(audit_log) == EOF)
		fail(argv[1]);
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}
