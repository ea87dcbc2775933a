/* SPDX-License-Identifier: MIT */
/*
 * Part of the agent in its test build: MEMSEAL_FAULT=N,ERRNO makes its Nth system call fail. Says
 * on stderr at the end of the program if there were fewer. MEMSEAL_MEET=N: before its Nth, it asks
 * the program on descriptor 201 to do something, and waits for an answer on 202, for 0.1 s.
 */
#include <poll.h>

#include "base/fault.h"
#include "base/sys.h"

static unsigned long nth;

static unsigned long number(const char **text)
{
	unsigned long value = 0;

	for (; **text >= '0' && **text <= '9'; (*text)++)
		value = value * 10 + (unsigned long)(**text - '0');
	return value;
}

static void meet(void)
{
	static const long most[2] = { 0, 100000000 };
	struct pollfd fd = { .fd = 202, .events = POLLIN };
	char answer;

	if (arch_syscall(NR_write, 201, (long)"", 1, 0, 0, 0) == 1 &&
		arch_syscall(NR_ppoll, (long)&fd, 1, (long)most, 0, 0, 0) == 1)
		(void)!arch_syscall(NR_read, 202, (long)&answer, 1, 0, 0, 0);
}

static const char *find_variable(char **envp, const char *name)
{
	for (; *envp; envp++) {
		const char *a = *envp, *b = name;

		while (*b && *a == *b) {
			a++;
			b++;
		}
		if (!*b)
			return a;
	}
	return NULL;
}

/* Before the agent's own constructor. */
__attribute__((constructor(101))) static void arm(int argc, char **argv, char **envp)
{
	const char *text = find_variable(envp, "MEMSEAL_FAULT="),
		   *met = find_variable(envp, "MEMSEAL_MEET=");

	(void)argc;
	(void)argv;
	if (met)
		fault_meet(number(&met), meet);
	if (!text)
		return;
	nth = number(&text);
	text += *text == ',';
	fault_arm(nth, (int)number(&text));
}

__attribute__((destructor)) static void tell(void)
{
	static const char unreached[] = "fault not reached\n";

	if (nth > fault_count())
		(void)!arch_syscall(NR_write, 2, (long)unreached, sizeof(unreached) - 1, 0, 0, 0);
}
