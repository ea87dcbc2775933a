/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <locale.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <memseal.h>

#include "cli/report.h"

static const struct command {
	const char *name;
	const char *title; /* as messages begin */
	int (*run)(int argc, char **argv);
	const char *help;
} commands[] = {
	{ "attach", "memseal attach", cmd_attach, "seal a process that runs" },
	{ "audit", "memseal audit", cmd_audit, "how much of each process is sealed" },
	{ "disable", "memseal disable", cmd_disable, "stop sealing every program of the machine" },
	{ "doctor", "memseal doctor", cmd_doctor, "what this machine can do" },
	{ "enable", "memseal enable", cmd_enable,
		"seal every program of the machine at its start" },
	{ "map", "memseal map", cmd_map, "the address space of a process, mapping by mapping" },
	{ "policy", "memseal policy", cmd_policy, "what programs get in the machine-wide mode" },
	{ "status", "memseal status", cmd_status, "whether the machine-wide mode is on" },
};

#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

int print_version(void)
{
	printf("memseal %s\n", memseal_version());
	return STATUS_FINE;
}

pid_t parse_pid(const char *text)
{
	char *end;
	long pid;

	errno = 0;
	pid = strtol(text, &end, 10);
	if (errno || end == text || *end || pid <= 0 || pid > INT_MAX || *text < '0' || *text > '9')
		die(STATUS_USAGE, "%s is not a process ID: give a positive number",
			quote(text).text);
	return (pid_t)pid;
}

const char *open_error_text(int error)
{
	switch (error) {
	case -ESRCH:
		return "no such process";
	case -ENXIO:
		return "a kernel thread has no address space";
	case -EACCES:
	case -EPERM:
		return "no permission to look: needs the same user or CAP_SYS_PTRACE";
	case -EAGAIN:
		return "it executes one program after the other: try again";
	case -ETIMEDOUT:
		return "no answer within a second: a file system it maps files of does not answer, "
		       "or it is very large";
	case -ECHILD:
		return "looking at it failed: report this";
	case -E2BIG:
		return "its ELF objects have more than a million program headers, or its smaps "
		       "file has more than 128 MiB";
	case -EBADMSG:
		return "its smaps file was not understood: report this kernel";
	case -ENOENT:
		return "/proc is not mounted: mount it";
	case -EOPNOTSUPP:
		return "this kernel has no /proc/PID/smaps (CONFIG_PROC_PAGE_MONITOR)";
	default:
		return strerror(-error);
	}
}

enum status open_error_status(int error)
{
	return error == -EOPNOTSUPP ? STATUS_UNSUPPORTED : STATUS_FAILURE;
}

static int print_help(void)
{
	printf("Usage: memseal COMMAND [ARG...]\n\n"
	       "Memory of programs that cannot be changed any more.\n\n"
	       "Commands:\n"
	       "  run     start a program with its images sealed\n");
	for (size_t i = 0; i < COMMANDS; i++)
		printf("  %-7s %s\n", commands[i].name, commands[i].help);
	printf("\nmemseal COMMAND --help tells more.\n");
	return STATUS_FINE;
}

static int dispatch(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : "--help";

	if (argc < 2)
		die(STATUS_USAGE, "no command given: see memseal --help");
	if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0)
		return print_help();
	if (strcmp(name, "--version") == 0 || strcmp(name, "-V") == 0)
		return print_version();
	for (size_t i = 0; i < COMMANDS; i++) {
		if (strcmp(name, commands[i].name) != 0)
			continue;
		set_title(commands[i].title, STATUS_USAGE);
		argv[1] = (char *)commands[i].title;
		return commands[i].run(argc - 1, argv + 1);
	}
	die(STATUS_USAGE, "unknown command %s: see memseal --help", quote(name).text);
}

/* A closed descriptor 0, 1 or 2 would be taken by the next file opened, and written to. */
static void occupy_standard_streams(void)
{
	for (int fd = 0; fd <= 2; fd++) {
		if (fcntl(fd, F_GETFD) >= 0)
			continue;
		/* The wrong way round, so that using the stream fails as on a closed one: EBADF. */
		if (open("/dev/null", fd == 0 ? O_WRONLY : O_RDONLY) != fd)
			_exit(STATUS_FAILURE);
	}
}

static int close_stdout(int status)
{
	bool failed = ferror(stdout);

	if (fclose(stdout) == 0 && !failed)
		return status;
	/* A reader who had enough, as in `memseal map 1 | head`, needs no message. */
	if (errno != EPIPE)
		complain("cannot write the report: %s", strerror(errno));
	return STATUS_FAILURE;
}

int main(int argc, char **argv)
{
	set_title("memseal", STATUS_USAGE);
	occupy_standard_streams();
	signal(SIGPIPE, SIG_IGN);
	setlocale(LC_ALL, "");
	return close_stdout(dispatch(argc, argv));
}
