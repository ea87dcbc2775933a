/* SPDX-License-Identifier: MIT */
/*
 * Part of the agent in its test build: MEMSEAL_FAULT=N,ERRNO makes its Nth system call fail. Says
 * on stderr at the end of the program if there were fewer.
 */
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

static const char *fault_variable(char **envp)
{
	for (; *envp; envp++) {
		const char *a = *envp, *b = "MEMSEAL_FAULT=";

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
	const char *text = fault_variable(envp);

	(void)argc;
	(void)argv;
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
