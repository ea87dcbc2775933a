/* SPDX-License-Identifier: MIT */
/* memseal enable and memseal disable: every program of the machine. */
#include "cli/machine.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <memseal.h>

#include "cli/policy.h"
#include "cli/report.h"
#include "machine/entry.h"
#include "machine/machine-trial.h"
#include "machine/machine.h"
#include "machine/policy-files.h"

enum { OPT_DRY_RUN = 256, OPT_FORCE };

static const struct option enable_options[] = {
	{ "dry-run", no_argument, NULL, OPT_DRY_RUN },
	{ "force", no_argument, NULL, OPT_FORCE },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ 0 },
};

static const struct option disable_options[] = {
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ 0 },
};

static int print_enable_help(void)
{
	printf("Usage: memseal enable [OPTION...]\n\n"
	       "Seals every dynamic program that starts from now on, of every user, as the policy\n"
	       "says. Run it again to make a changed policy take effect. Programs of this machine\n"
	       "are tried with the agent first; if one behaves otherwise, nothing is changed.\n\n"
	       "Options:\n"
	       "      --dry-run         check and try, and change nothing\n"
	       "      --force           even if 32-bit programs then print a line each\n"
	       "  -h, --help            this text\n"
	       "  -V, --version         the version\n\n"
	       "memseal=off on the kernel's command line switches it off for one boot.\n");
	return STATUS_FINE;
}

static int print_disable_help(void)
{
	printf("Usage: memseal disable\n\n"
	       "Programs that start from now on are not sealed any more. Those that run stay "
	       "sealed.\n\n"
	       "Options:\n"
	       "  -h, --help            this text\n"
	       "  -V, --version         the version\n");
	return STATUS_FINE;
}

const char *machine_agent_text(int error)
{
	switch (error) {
	case 0:
		return "ok";
	case -ENOENT:
		return "missing: install memseal again";
	case -ELOOP:
	case -EINVAL:
		return "not a regular file: install memseal again";
	case -EPERM:
		return "not root's alone: chown root:root and chmod 644, and each directory above "
		       "it chmod go-w";
	case -EACCES:
		return "not readable by every user: chmod 644";
	case -EXDEV:
		return "not on the file system of the loader: it may not be there when the machine "
		       "starts";
	case -ENOTSUP:
		return "on a file system that is mounted noexec";
	case -ENOEXEC:
		return "damaged: install memseal again";
	default:
		return strerror(-error);
	}
}

/* The same errors as the agent's, of a file that we are to replace. */
const char *machine_list_text(int error)
{
	switch (error) {
	case -ELOOP:
		return "a symbolic link: make it a file";
	case -EINVAL:
		return "not a regular file";
	case -ENODEV:
		return "switched off until the next boot: memseal=off on the kernel's command "
		       "line, or "
		       "a damaged agent";
	case -EPERM:
		return "not root's alone, or a file system does not allow it: check its owner and "
		       "mode";
	case -EFBIG:
		return "too large for a list of libraries";
	default:
		return strerror(-error);
	}
}

static void check_machine(const char *entry, bool force)
{
	struct memseal_features features = { .size = sizeof(features) };
	int r;

	if (geteuid() != 0)
		die(STATUS_FAILURE, "needs root");
	if (!machine_loader() || access(machine_loader(), X_OK) < 0)
		die(STATUS_UNSUPPORTED, "no glibc here: its loader, %s, is what preloads the agent",
			machine_loader() ? machine_loader() : "ld.so");
	r = memseal_probe(&features);
	if (r < 0)
		die(STATUS_FAILURE, "cannot start a process to try things in: %s", strerror(-r));
	if (features.mseal != MEMSEAL_SUPPORT_YES)
		die(STATUS_UNSUPPORTED, "this kernel has no mseal(2), or it is refused here: "
					"memseal doctor tells more");
	if (entry_makes_noise("", entry) && !force)
		die(STATUS_UNSUPPORTED,
			"32-bit programs run here, and their loader, %s, does not find the stub "
			"for "
			"them: each would print a line at its start; --force does it all the same",
			machine_loader_32());
	r = machine_check_agent("");
	if (r < 0)
		die(STATUS_FAILURE, "%s: %s", MEMSEAL_MACHINE_PATH, machine_agent_text(r));
}

long machine_read_policy(const char *root, struct policy *policy, union policy_block **ret_blocks)
{
	size_t capacity;

	*ret_blocks = NULL;
	if (policy_read(policy, root, 0) < 0)
		return -ENOMEM;
	if (policy->errors)
		return -EINVAL;
	capacity = policy_blocks_max(policy->count);
	*ret_blocks = calloc(capacity, sizeof(**ret_blocks));
	if (!*ret_blocks)
		return -ENOMEM;
	if (policy->count == 0)
		return 0;
	return policy_compile(policy->rules, policy->count, *ret_blocks, capacity);
}

/* Until this process ends. Nobody else is at it then, and what lies about is of one that died. */
static void lock(void)
{
	int r = machine_lock("");

	if (r < 0)
		die(STATUS_FAILURE, "not done: %s: %s", MEMSEAL_CONF_DIR, strerror(-r));
	machine_clean("");
}

static bool is_sealed(pid_t pid)
{
	struct memseal_coverage coverage = { .size = sizeof(coverage) };
	struct memseal_process *process;
	int r = memseal_process_open(pid, NULL, &process);

	if (r < 0)
		return false;
	r = memseal_process_coverage(process, &coverage);
	memseal_process_close(process);
	return r == 0 && coverage.state == MEMSEAL_STATE_SEALED;
}

/* The trial needs a list to put its own over. */
static void try_it(const char *entry, const union policy_block *blocks, size_t len)
{
	struct machine_trial trial = { .program = NULL };
	int made = machine_make_list("");
	int r = made < 0 ? made : machine_trial(entry, blocks, len, is_sealed, &trial);

	if (made > 0)
		machine_drop_empty_list("");
	if (made < 0)
		die(STATUS_FAILURE, "%s: %s", MACHINE_PRELOAD, machine_list_text(made));
	if (r == 0)
		printf("tried on %u programs of this machine: as before, and sealed\n",
			trial.tried);
	else if (trial.program)
		die(STATUS_FAILURE, "not done: %s %s with the agent", trial.program, trial.what);
	else
		die(STATUS_FAILURE, "not done: %s", trial.what);
}

/* The policy goes first: the agent is not to be anywhere without it. */
static int enable(bool dry_run, bool force)
{
	CLEANUP(policy_free) struct policy policy = { 0 };
	const char *entry = entry_text();
	union policy_block *blocks;
	long len;
	int r;

	check_machine(entry, force);
	lock();
	len = machine_read_policy("/", &policy, &blocks);
	print_findings(&policy, stderr);
	if (len < 0)
		die(STATUS_FAILURE, "not done: %s",
			len == -EINVAL ? "the policy has errors" : strerror((int)-len));
	try_it(entry, blocks, (size_t)len);
	if (!dry_run) {
		r = machine_write_policy("", blocks, (size_t)len);
		if (r < 0)
			die(STATUS_FAILURE, "not done: %s: %s", POLICY_COMPILED, strerror(-r));
	}
	free(blocks);
	r = dry_run ? 0 : machine_switch("", entry);
	if (r < 0)
		die(STATUS_FAILURE, "not done: %s: %s", MACHINE_PRELOAD, machine_list_text(r));
	if (dry_run)
		printf("nothing was changed\n");
	else
		printf(r ? "enabled: every program that starts from now on is sealed, as the "
			   "policy says\n"
			 : "was enabled before; the policy is what the files say\n");
	return STATUS_FINE;
}

int cmd_enable(int argc, char **argv)
{
	bool dry_run = false, force = false;
	int c;

	while ((c = next_option(argc, argv, ":hV", enable_options)) != -1) {
		if (c == 'h')
			return print_enable_help();
		if (c == 'V')
			return print_version();
		dry_run |= c == OPT_DRY_RUN;
		force |= c == OPT_FORCE;
	}
	if (optind < argc)
		die(STATUS_USAGE, "%s: takes no arguments", quote(argv[optind]).text);
	return enable(dry_run, force);
}

int cmd_disable(int argc, char **argv)
{
	int c, r;

	while ((c = next_option(argc, argv, ":hV", disable_options)) != -1)
		return c == 'h' ? print_disable_help() : print_version();
	if (optind < argc)
		die(STATUS_USAGE, "%s: takes no arguments", quote(argv[optind]).text);
	if (geteuid() != 0)
		die(STATUS_FAILURE, "needs root");
	lock();
	r = machine_switch("", NULL);
	if (r < 0)
		die(STATUS_FAILURE, "%s: %s", MACHINE_PRELOAD, machine_list_text(r));
	printf(r ? "disabled: programs that start from now on are not sealed\n"
		 : "was not enabled\n");
	return STATUS_FINE;
}
