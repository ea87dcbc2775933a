/* SPDX-License-Identifier: MIT */
/*
 * Every program of the machine. Options come from the policy, and nothing from the environment:
 * that is the user's. No program is ended here, and none of its descriptors is written to.
 */
#include "agent/door.h"

#include <sys/auxv.h>
#include <sys/mount.h>

#include "agent/libc.h"
#include "agent/loader.h"
#include "agent/log.h"
#include "agent/policy-ask.h"
#include "agent/report.h"
#include "agent/state.h"
#include "base/sys.h"

#define PRELOAD "/etc/ld.so.preload"

static void tell(const char *text)
{
	struct message message = { .len = 0 };

	message_str(&message, "memseal: ");
	message_str(&message, text);
	door_tell(&message);
}

static bool has_variable(char *const *environment, const char *wanted)
{
	for (; environment && *environment; environment++) {
		const char *a = *environment, *b = wanted;

		while (*b && *a == *b) {
			a++;
			b++;
		}
		if (*a == '\0' && *b == '\0')
			return true;
	}
	return false;
}

/*
 * The kernel hands "memseal=off" of its command line to the first process, in the environment. From
 * there on the loader finds nothing to preload, in no program: it reads no more of a file than its
 * size, and that of a device is 0.
 */
static bool is_switched_off(char *const *environment)
{
	if (!has_variable(environment, "memseal=off") || sys_getpid() != 1 || getauxval(AT_SECURE))
		return false;
	if (sys_mount("/dev/null", PRELOAD, MS_BIND) == 0)
		tell("switched off by the kernel's command line");
	else
		tell("switched off by the kernel's command line, but only for process 1");
	return true;
}

/*
 * `memseal run` under the policy of the machine: it has options of its own, which cannot be had any
 * more of what is sealed. Not in a set-uid program, where the loader does not preload it.
 */
static bool is_run(void)
{
	return !getauxval(AT_SECURE) && loader_lists("libmemseal-agent.so");
}

bool door_enter(char *const *environment)
{
	agent.options.allow_unsealed = true;
	if (is_switched_off(environment) || is_run())
		return false;
	switch (policy_ask(&agent.options)) {
	case POLICY_LEAVE:
		return false;
	case POLICY_DAMAGED:
		tell("the compiled policy is damaged, and not followed: run memseal enable");
		break;
	case POLICY_SEAL:
		break;
	}
	return true;
}

/* What is confined may be killed for a call that a log takes. */
void door_tell(struct message *message)
{
	if (report_confinement() == 0)
		log_send(message);
}
