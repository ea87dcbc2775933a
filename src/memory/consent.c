/* SPDX-License-Identifier: MIT */
#include "memory/consent.h"

#include <errno.h>
#include <link.h>
#include <memseal.h>

#include "base/errors.h"
#include "engine/filter-exec.h"
#include "engine/filter.h"

/*
 * enum memseal_exec, or 0. It decides what this copy of the library may install, and nothing about
 * what is installed: a second copy in the process asks for itself, and the stricter answer stands.
 */
static int consent;

bool consent_given(void)
{
	return __atomic_load_n(&consent, __ATOMIC_ACQUIRE) != 0;
}

static int refuse_exec(void)
{
	struct filter_report report;

	return filter_hold_exec(&report);
}

/* The main program is the first. At address 0 of its own numbering: it is where it was linked. */
static int main_is_pie(struct dl_phdr_info *info, size_t size, void *arg)
{
	(void)size;
	*(bool *)arg = info->dlpi_addr != 0;
	return 1;
}

static int allow_exec(void)
{
	bool pie = false;

	dl_iterate_phdr(main_is_pie, &pie);
	return filter_exec(pie, NULL) == FILTER_EXEC_HARMLESS ? 0 : -ENOEXEC;
}

static int prepare(enum memseal_exec exec)
{
	switch (exec) {
	case MEMSEAL_EXEC_REFUSE:
		return refuse_exec();
	case MEMSEAL_EXEC_ALLOW:
		return allow_exec();
	}
	return -EINVAL;
}

static int compare(int given, enum memseal_exec exec)
{
	return given == (int)exec ? 0 : -EBUSY;
}

EXPORT int memseal_filter_allow(enum memseal_exec exec)
{
	int given = __atomic_load_n(&consent, __ATOMIC_ACQUIRE), r;

	if (given && exec >= MEMSEAL_EXEC_REFUSE && exec <= MEMSEAL_EXEC_ALLOW)
		return compare(given, exec);
	r = prepare(exec);
	if (r < 0)
		return errors_only(r, -EOPNOTSUPP, ERRORS_ALLOW);
	if (__atomic_compare_exchange_n(
		    &consent, &given, exec, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
		return 0;
	return compare(given, exec); /* another thread was faster */
}
