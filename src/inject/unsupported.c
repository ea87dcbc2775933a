/* SPDX-License-Identifier: MIT */
/* Where nobody has written down yet what a thread's registers are. */
#include <errno.h>
#include <memseal.h>
#include <stdio.h>

#include "base/opts.h"

EXPORT int memseal_process_seal(struct memseal_process *process,
	const struct memseal_seal_opts *opts, struct memseal_seal_report *ret_report)
{
	struct memseal_seal_report report = { .sealed_bytes = 0 };
	struct memseal_seal_opts known;

	if (!process || opts_read(&known, sizeof(known), opts) < 0 ||
		(ret_report && !output_valid(ret_report, sizeof(*ret_report))))
		return -EINVAL;
	snprintf(report.reason, sizeof(report.reason),
		"processes that run can be sealed on x86-64 alone so far");
	if (ret_report)
		output_write(ret_report, &report, sizeof(report));
	return -EOPNOTSUPP;
}
