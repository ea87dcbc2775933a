/* SPDX-License-Identifier: MIT */
/*
 * interleave OBJECT COMMAND [ARG...]
 *
 * Runs a program of two threads and puts what they do in one order, by ptrace(2): the second thread
 * is stopped where the agent begins to look at objects, then the first one opens an object, up to
 * the middle of its relocation; then the second goes on. Where that asks about a page of OBJECT,
 * the first one finishes in between; otherwise it finishes when the second is done, or waits for
 * it. The threads mark their places by a system call that does not exist. Exits like the program.
 */
#include <err.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define MARK    5000
#define WAIT_MS 1000 /* after which a thread is taken to wait for the other one */

enum place {
	OPENER_BEGINS = 1,
	OPENER_RELOCATES,
	OPENER_DONE,
	SEALER_BEGINS,
	SEALER_DONE,
};

static pid_t sealer, held_opener, held_sealer;
static bool sealing, relocating, met, sealer_done;
static unsigned long stopped[64]; /* where the threads were held */
static unsigned count;

static void go_on(pid_t *held)
{
	if (*held && ptrace(PTRACE_SYSCALL, *held, 0, 0) < 0)
		err(99, "PTRACE_SYSCALL");
	*held = 0;
}

static bool is_in(pid_t pid, unsigned long addr, const char *object)
{
	char path[64], line[512];
	bool found = false;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	file = fopen(path, "re");
	while (file && fgets(line, sizeof(line), file)) {
		unsigned long start, end;

		if (sscanf(line, "%lx-%lx", &start, &end) == 2 && addr >= start && addr < end)
			found = strstr(line, object) != NULL;
	}
	if (file)
		fclose(file);
	return found;
}

/* True: the thread stays stopped. */
static bool at_place(pid_t tid, enum place place)
{
	stopped[count++ % 64] = place;
	switch (place) {
	case OPENER_BEGINS:
		if (sealing || sealer_done)
			return false;
		held_opener = tid;
		return true;
	case OPENER_RELOCATES:
		if (relocating || sealer_done)
			return false;
		relocating = true;
		held_opener = tid;
		go_on(&held_sealer);
		return true;
	case OPENER_DONE:
		go_on(&held_sealer);
		return false;
	case SEALER_BEGINS:
		sealer = tid;
		return false;
	case SEALER_DONE:
		sealer_done = true;
		go_on(&held_opener);
		return false;
	}
	return false;
}

/* The agent's question whether a page is sealed. */
static bool at_question(pid_t tid, const uint64_t *args, const char *object)
{
	if (tid != sealer || sealer_done || args[3] != 0)
		return false;
	if (!sealing) {
		sealing = true;
	} else if (met || !relocating || !is_in(tid, args[0], object)) {
		return false;
	} else {
		met = true;
	}
	held_sealer = tid;
	go_on(&held_opener);
	return true;
}

static bool at_call(pid_t tid, const char *object)
{
	struct __ptrace_syscall_info info;

	if (ptrace(PTRACE_GET_SYSCALL_INFO, tid, sizeof(info), &info) < 0 ||
		info.op != PTRACE_SYSCALL_INFO_ENTRY)
		return false;
	if (info.entry.nr == MARK)
		return at_place(tid, (enum place)info.entry.args[0]);
	return info.entry.nr == SYS_mremap && at_question(tid, info.entry.args, object);
}

static int signal_of(int status)
{
	int sig = WSTOPSIG(status);

	return status >> 16 || sig == SIGTRAP || sig == (SIGTRAP | 0x80) || sig == SIGSTOP ? 0
											   : sig;
}

/* Until something stops or ends; if nothing does, the thread that waits for a held one is let go.
 */
static pid_t next_event(int *ret_status)
{
	for (int ms = 0;; ms++) {
		pid_t tid = waitpid(-1, ret_status, __WALL | WNOHANG);

		if (tid != 0)
			return tid;
		if (ms == WAIT_MS) {
			ms = 0;
			if (held_sealer)
				go_on(&held_sealer);
			else if (sealing)
				go_on(&held_opener);
		}
		usleep(1000);
	}
}

int main(int argc, char **argv)
{
	const long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC |
			     PTRACE_O_EXITKILL;
	pid_t child = fork(), tid;
	int status;

	if (child == 0) {
		ptrace(PTRACE_TRACEME, 0, 0, 0);
		raise(SIGSTOP);
		execvp(argv[2], argv + 2);
		err(98, "%s", argv[2]);
	}
	if (argc < 3 || waitpid(child, &status, 0) != child ||
		ptrace(PTRACE_SETOPTIONS, child, 0, options) < 0 ||
		ptrace(PTRACE_SYSCALL, child, 0, 0) < 0)
		err(99, "ptrace");
	while ((tid = next_event(&status)) > 0) {
		if (tid == child && !WIFSTOPPED(status))
			break;
		if (WIFSTOPPED(status) && !at_call(tid, argv[1]))
			ptrace(PTRACE_SYSCALL, tid, 0, signal_of(status));
	}
	fprintf(stderr, "order:");
	for (unsigned i = 0; i < count && i < 64; i++)
		fprintf(stderr, " %lu", stopped[i]);
	fprintf(stderr, "%s\n", met ? ", met" : "");
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
