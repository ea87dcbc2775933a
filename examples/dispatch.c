/* SPDX-License-Identifier: MIT */
/*
 * A table of functions in a global variable, filled in at the start as plugins would do it, and
 * frozen from then on: an attacker who can write anywhere cannot send a command to a function of
 * his choice.
 */
#include <errno.h>
#include <memseal-globals.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

typedef void handler(void);

static void get(void)
{
	puts("  get: here you are");
}

static void put(void)
{
	puts("  put: stored");
}

static void give_shell(void)
{
	puts("  the attacker's function runs");
}

enum { GET, PUT, COMMANDS };

/* Ordinary variables, but for the mark. */
static MEMSEAL_RO_AFTER_INIT handler *handlers[COMMANDS] = { [GET] = get };
static MEMSEAL_RO_AFTER_INIT int registered = 1;

static unsigned long calls; /* not marked: the program goes on counting */

static int surprises;

__attribute__((noreturn)) static void fail(const char *what, int error)
{
	fprintf(stderr, "%s: %s\n", what, strerror(error));
	exit(1);
}

static void register_handler(int command, handler *function)
{
	handlers[command] = function;
	registered++;
}

static void dispatch(int command)
{
	calls++;
	handlers[command]();
}

/* In a child, which may be killed for it: overwrites an entry of the table, then uses it. */
static void attack(int expected)
{
	int status;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		*(handler *volatile *)&handlers[GET] = give_shell;
		dispatch(GET);
		fflush(stdout);
		_exit(0);
	}
	if (pid < 0 || waitpid(pid, &status, 0) < 0)
		fail("fork", errno);
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV)
		puts("  stopped by SIGSEGV");
	surprises += WIFSIGNALED(status) ? WTERMSIG(status) != expected : expected != 0;
}

int main(void)
{
	int r;

	register_handler(PUT, put);
	printf("%d handlers\n", registered);
	puts("an attack on a table that is not frozen:");
	attack(0);

	r = memseal_globals_freeze();
	/* No mseal(2) here. A filter can do it, once the program agrees to what that costs. */
	if (r == -EOPNOTSUPP) {
		puts("this kernel has no mseal(2): a filter is used");
		r = memseal_filter_allow(MEMSEAL_EXEC_REFUSE);
		if (r == 0)
			r = memseal_globals_freeze();
	}
	if (r < 0)
		fail("memseal_globals_freeze", -r);
	puts("the same after it was frozen:");
	attack(SIGSEGV);
	puts("the table still works:");
	dispatch(GET);
	dispatch(PUT);
	printf("%lu calls\n", calls);
	return surprises || calls != 2 ? 1 : 0;
}
