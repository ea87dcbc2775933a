/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <getopt.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include <memseal.h>

#include "cli/report.h"
#include "cli/table.h"

enum { COL_CHECK, COL_STATUS, COL_DETAIL, COLUMNS };

static const struct table_column columns[COLUMNS] = {
	[COL_CHECK] = { "CHECK", 0, "what was tried" },
	[COL_STATUS] = { "STATUS", 0, "ok, missing, limited or unknown" },
	[COL_DETAIL] = { "DETAIL", 0, "what it means and what to do about it" },
};

static const struct option long_options[] = { TABLE_LONG_OPTIONS, { 0 } };

enum verdict { UNKNOWN, OK, MISSING, LIMITED };

static const struct {
	const char *name, *color;
} verdicts[] = {
	[UNKNOWN] = { "unknown", "yellow" },
	[OK] = { "ok", "green" },
	[MISSING] = { "missing", "red" },
	[LIMITED] = { "limited", "yellow" },
};

struct finding {
	enum verdict verdict;
	const char *detail;
};

/* One answer of memseal_probe(), and what it is worth to somebody who wants memory sealed. */
struct check {
	const char *name;
	size_t answer;                             /* in struct memseal_features */
	struct finding unknown, no, yes, filtered; /* without a detail: not_found_out */
};

static const struct finding not_found_out = { UNKNOWN, "could not be found out" };

static const struct check checks[] = {
	{
		.name = "mseal",
		.answer = offsetof(struct memseal_features, mseal),
		.unknown = { UNKNOWN, "could not be tried here: memseal run refuses what it cannot "
				      "seal" },
		.no = { MISSING,
			"the kernel has no mseal(2): it came with Linux 6.10, 64-bit only; "
			"memseal run falls back to a seccomp filter; upgrade the kernel" },
		.yes = { OK, "sealed memory cannot be unmapped" },
		.filtered = { LIMITED, "the kernel has it, a seccomp filter of this container or "
				       "service refuses it: allow mseal in its profile" },
	},
	{
		.name = "proc",
		.answer = offsetof(struct memseal_features, proc),
		.unknown = { UNKNOWN, "/proc could not be read" },
		.no = { MISSING, "/proc is not there: mount it, for memseal finds mappings in it" },
		.yes = { OK, "/proc is mounted and may be read" },
		.filtered = { LIMITED, "/proc may not be read here: memseal finds mappings in it; "
				       "allow it in the profile of the container or service" },
	},
	{
		.name = "32-bit",
		.answer = offsetof(struct memseal_features, programs_32bit),
		.unknown = { UNKNOWN, "whether 32-bit programs run here was not found out: memseal "
				      "run refuses them" },
		.no = { OK, "32-bit programs, which memseal cannot seal, do not run here" },
		.yes = { LIMITED, "32-bit programs run here and cannot be sealed: memseal run "
				  "refuses them; use 64-bit ones" },
		.filtered = { OK, "32-bit programs, which memseal cannot seal, are refused here" },
	},
	{
		.name = "memfd-seals",
		.answer = offsetof(struct memseal_features, memfd_seals),
		.no = { MISSING, "memfds cannot be sealed: that came with Linux 3.17; upgrade the "
				 "kernel to lock content" },
		.yes = { OK, "bytes can be locked in write-sealed memfds" },
		.filtered = { LIMITED, "a seccomp filter refuses memfd_create(2): allow it to lock "
				       "content" },
	},
	{
		.name = "memfd-secret",
		.answer = offsetof(struct memseal_features, memfd_secret),
		.no = { MISSING,
			"no memfd_secret(2): it came with Linux 5.14; before 6.5 boot with "
			"secretmem.enable=1" },
		.yes = { OK, "memory can be kept from the kernel and from debuggers" },
		.filtered = { LIMITED, "a seccomp filter refuses memfd_secret(2): allow it to hide "
				       "memory" },
	},
	{
		.name = "seccomp",
		.answer = offsetof(struct memseal_features, seccomp),
		.no = { MISSING, "no seccomp filters: the kernel needs CONFIG_SECCOMP_FILTER" },
		.yes = { OK, "filters can be installed" },
		.filtered = { LIMITED, "a seccomp filter refuses further ones: allow seccomp(2) in "
				       "its profile" },
	},
	{
		.name = "pkeys",
		.answer = offsetof(struct memseal_features, pkeys),
		.no = { MISSING, "this processor or kernel has no protection keys; seals do not "
				 "need them" },
		.yes = { OK, "memory can be closed to a thread by protection keys" },
		.filtered = { LIMITED, "a seccomp filter refuses pkey_alloc(2); seals do not need "
				       "it" },
	},
	{
		.name = "system-mappings",
		.answer = offsetof(struct memseal_features, system_mappings_sealed),
		.no = { MISSING, "the kernel leaves [vdso] open (no CONFIG_MSEAL_SYSTEM_MAPPINGS); "
				 "memseal run seals it" },
		.yes = { OK, "[vdso] is sealed from the start" },
	},
	{
		.name = "proc-mem",
		.answer = offsetof(struct memseal_features, proc_mem_writes),
		.unknown = { UNKNOWN, "whether /proc/PID/mem writes to sealed text was not found "
				      "out" },
		.no = { OK, "/proc/PID/mem does not write to read-only memory" },
		.yes = { LIMITED, "/proc/PID/mem writes to read-only memory, sealed or not: boot "
				  "with proc_mem.force_override=never (Linux 6.12)" },
		.filtered = { UNKNOWN, "/proc/self/mem is refused here; other processes may write "
				       "through it" },
	},
	{
		.name = "libc-mseal",
		.answer = offsetof(struct memseal_features, libc_mseal),
		.unknown = { UNKNOWN, "only glibc says whether it has mseal(); memseal has one" },
		.no = { MISSING, "the C library has no mseal(): glibc 2.43 brought it; "
				 "<memseal-compat.h> has one" },
		.yes = { OK, "the C library has mseal()" },
	},
	{
		.name = "criu",
		.answer = offsetof(struct memseal_features, checkpoint_restore),
		.no = { OK,
			"the kernel cannot restore processes, so CRIU cannot drop their seals" },
		.yes = { LIMITED, "CRIU can restore processes here, without their seals: check "
				  "restored ones with memseal audit" },
	},
	{
		.name = "rr",
		.answer = offsetof(struct memseal_features, rr),
		.no = { OK, "rr is not recording" },
		.yes = { LIMITED, "rr is recording, and ends where mseal(2) is called unless it "
				  "knows it: record without seals" },
	},
	{
		.name = "valgrind",
		.answer = offsetof(struct memseal_features, valgrind),
		.no = { OK, "not running under Valgrind" },
		.yes = { LIMITED,
			"Valgrind runs this, so the answers are Valgrind's, and 3.19 knows no "
			"mseal(2): run it without" },
	},
	{
		.name = "qemu-user",
		.answer = offsetof(struct memseal_features, qemu_user),
		.no = { OK, "no user-mode emulator runs this" },
		.yes = { LIMITED, "qemu-user or its like runs this, and knows no mseal(2): use a "
				  "machine, or the emulation of one" },
	},
	{
		.name = "gvisor",
		.answer = offsetof(struct memseal_features, gvisor),
		.no = { OK, "the kernel is not gVisor's" },
		.yes = { LIMITED, "gVisor is the kernel here, and has no mseal(2): use another "
				  "container runtime" },
	},
};

static int print_help(void)
{
	printf("Usage: memseal doctor [options]\n\n"
	       "What this kernel, C library, container and processor give, and what to do about "
	       "the rest.\n\n"
	       "Options:\n");
	table_help(columns, COLUMNS);
	return STATUS_FINE;
}

static void add_row(struct table *table, const char *name, struct finding finding)
{
	table_row(table);
	table_text(table, COL_CHECK, name);
	table_text(table, COL_STATUS, verdicts[finding.verdict].name);
	table_color(table, COL_STATUS, verdicts[finding.verdict].color);
	table_text(table, COL_DETAIL, finding.detail);
}

static struct finding judge(const struct check *check, const struct memseal_features *features)
{
	const struct finding *findings[] = {
		[MEMSEAL_SUPPORT_UNKNOWN] = &check->unknown,
		[MEMSEAL_SUPPORT_NO] = &check->no,
		[MEMSEAL_SUPPORT_YES] = &check->yes,
		[MEMSEAL_SUPPORT_FILTERED] = &check->filtered,
	};
	enum memseal_support answer;

	memcpy(&answer, (const char *)features + check->answer, sizeof(answer));
	return findings[answer]->detail ? *findings[answer] : not_found_out;
}

static void add_kernel(struct table *table)
{
	struct utsname name;
	char detail[sizeof(name)];

	if (uname(&name) < 0) {
		add_row(table, "kernel", not_found_out);
		return;
	}
	snprintf(detail, sizeof(detail), "%s %s, %s", name.sysname, name.release, name.machine);
	add_row(table, "kernel", (struct finding){ OK, detail });
}

static struct finding judge_ptrace_scope(const struct memseal_features *features)
{
	static const struct finding scopes[] = {
		{ LIMITED, "a process may trace, and so write to, all others of its user: set "
			   "kernel.yama.ptrace_scope to 1 or more" },
		{ OK, "a process may trace its descendants only (kernel.yama.ptrace_scope is 1)" },
		{ OK, "only CAP_SYS_PTRACE may trace (kernel.yama.ptrace_scope is 2)" },
		{ OK, "nobody may trace (kernel.yama.ptrace_scope is 3)" },
	};
	int scope = features->ptrace_scope;

	if (scope >= 0 && (size_t)scope < sizeof(scopes) / sizeof(scopes[0]))
		return scopes[scope];
	if (scope == -ENOENT && features->proc == MEMSEAL_SUPPORT_YES)
		return (struct finding){ LIMITED,
			"no Yama: a process may trace, and so write to, all others of its user; "
			"boot with lsm= that lists yama" };
	return not_found_out;
}

/* include/linux/mm.h, DEFAULT_MAX_MAP_COUNT. */
#define USUAL_MAX_MAP_COUNT 65530

static void add_max_map_count(struct table *table, int count)
{
	char detail[128];
	enum verdict verdict = count < USUAL_MAX_MAP_COUNT ? LIMITED : OK;

	if (count < 0) {
		add_row(table, "max-map-count", not_found_out);
		return;
	}
	snprintf(detail, sizeof(detail), "%d mappings a process; a seal may make three of one%s",
		count, verdict == OK ? "" : ": raise vm.max_map_count to 65530, the usual value");
	add_row(table, "max-map-count", (struct finding){ verdict, detail });
}

static void print_report(
	const struct memseal_features *features, const struct table_options *options)
{
	struct table *table = table_new("checks", columns, COLUMNS, options);

	add_kernel(table);
	for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++)
		add_row(table, checks[i].name, judge(&checks[i], features));
	add_row(table, "ptrace-scope", judge_ptrace_scope(features));
	add_max_map_count(table, features->max_map_count);
	table_print(table);
}

/* Sealing needs mseal(2) and /proc; the rest is good to know. */
static int status(const struct memseal_features *features)
{
	if (features->mseal == MEMSEAL_SUPPORT_NO)
		return STATUS_UNSUPPORTED;
	if (features->mseal != MEMSEAL_SUPPORT_YES || features->proc != MEMSEAL_SUPPORT_YES)
		return STATUS_FINDINGS;
	return STATUS_FINE;
}

int cmd_doctor(int argc, char **argv)
{
	struct memseal_features features = { .size = sizeof(features) };
	struct table_options options = { 0 };
	int c, ret;

	while ((c = next_option(argc, argv, TABLE_SHORT_OPTIONS, long_options)) != -1) {
		if (c == 'h')
			return print_help();
		if (c == 'V')
			return print_version();
		table_option(&options, c);
	}
	if (optind < argc)
		die(STATUS_USAGE, "unexpected argument %s: see memseal doctor --help",
			quote(argv[optind]).text);
	ret = memseal_probe(&features);
	if (ret < 0)
		die(STATUS_FAILURE, "cannot start a process to try things in: %s", strerror(-ret));
	print_report(&features, &options);
	return status(&features);
}
