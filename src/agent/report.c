/* SPDX-License-Identifier: MIT */
#include "agent/report.h"

#include <sys/auxv.h>
#include <sys/prctl.h>

#include "agent/door.h"
#include "agent/libc.h"
#include "agent/message.h"
#include "agent/state.h"
#include "base/sys.h"

/* How a failure ends. */
#define NOT_STARTED "; not started (memseal run --allow-unsealed starts it unsealed)"

void report_failure(const struct images_result *result, int error, bool starting)
{
	const char *program = (const char *)getauxval(AT_EXECFN);
	struct message message = { .len = 0 };

	if (!starting && !agent.options.filter && report_confinement() != agent.confined)
		return;
	message_str(&message, "memseal: ");
	message_name(&message, program ? program : "program");
	message_str(&message, ": ");
	message_str(&message, result->failed ? result->failed : "cannot seal");
	if (result->object) {
		message_str(&message, *result->object ? " " : " the program");
		message_name(&message, result->object);
	}
	if (result->start) {
		message_str(&message, " at ");
		message_hex(&message, result->start);
	}
	if (result->thread) {
		message_str(&message, ", thread ");
		message_decimal(&message, (unsigned)result->thread);
	}
	if (error)
		message_error(&message, error);
	if (starting && !agent.options.allow_unsealed)
		message_str(&message, NOT_STARTED);
	door_tell(&message);
}

int report_confinement(void)
{
	return sys_prctl(PR_GET_SECCOMP, 0, 0, 0, 0);
}
