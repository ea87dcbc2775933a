/* SPDX-License-Identifier: MIT */
#include "inject/judge.h"

#include <elf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/sys.h"
#include "model/image.h"
#include "process/procfs.h"

#define STATUS_MAX 4096

/* A file of the process that is small, terminated; "" if it cannot be read. */
static void read_text(int dir, const char *name, char *ret, size_t size)
{
	CLEANUP(sys_close_cleanup) int fd = sys_openat(dir, name, O_RDONLY | O_CLOEXEC, 0);
	ssize_t n = fd < 0 ? 0 : sys_read(fd, ret, size - 1);

	ret[n > 0 ? n : 0] = '\0';
}

static bool status_text_has(const struct memseal_process *process, const char *wanted)
{
	char text[STATUS_MAX];

	read_text(process->dir, "status", text, sizeof(text));
	return strstr(text, wanted) != NULL;
}

/* The first number behind a name at the start of a line of the status file, or -1. */
static long status_number(const struct memseal_process *process, const char *name)
{
	char text[STATUS_MAX];
	size_t len = strlen(name);

	read_text(process->dir, "status", text, sizeof(text));
	for (const char *line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strncmp(line, name, len) == 0)
			return strtol(line + len, NULL, 10);
	}
	return -1;
}

/* What it executes: unknown is no reason against it. */
static const char *wrong_program(const struct memseal_process *process)
{
	CLEANUP(sys_close_cleanup)
	int fd = sys_openat(process->dir, "exe", O_RDONLY | O_CLOEXEC, 0);
	unsigned char bytes[IMAGE_EHDR_SIZE];
	struct image_header header;

	if (fd < 0 || sys_pread(fd, bytes, sizeof(bytes), 0) != sizeof(bytes) ||
		image_header(bytes, sizeof(bytes), &header) < 0)
		return NULL;
	if (header.class != IMAGE_64)
		return "it runs 32-bit code";
	return header.machine == EM_X86_64 ? NULL : "it is a program of another architecture";
}

static bool has_name(const struct mapping *mapping, const char *name)
{
	const char *found = mapping->kind == MAPPING_FILE ? strstr(mapping->name, name) : NULL;

	return found && found > mapping->name && found[-1] == '/';
}

/* Whatever directory it is in there. */
static bool has_agent(const struct memseal_process *process)
{
	static const char *const names[] = {
		"libmemseal-agent.so",
		"libmemseal-attach.so",
		"libmemseal-machine.so",
	};

	for (size_t i = 0; i < process->count; i++)
		for (size_t k = 0; k < ARRAY_SIZE(names); k++)
			if (process->mappings[i].prot & MAPPING_EXEC &&
				has_name(&process->mappings[i], names[k]))
				return true;
	return false;
}

uint64_t judge_find_agent(const struct memseal_process *process, int agent)
{
	struct stat file;

	if (sys_fstatat(agent, "", &file, AT_EMPTY_PATH) < 0)
		return 0;
	for (size_t i = 0; i < process->count; i++) {
		const struct mapping *mapping = &process->mappings[i];

		if (mapping->prot & MAPPING_EXEC && mapping->offset == 0 && mapping->sealed &&
			mapping->inode == file.st_ino && mapping->dev_major == major(file.st_dev) &&
			mapping->dev_minor == minor(file.st_dev))
			return mapping->start;
	}
	return 0;
}

static int tell(int error, char *ret_reason, size_t size, const char *text)
{
	snprintf(ret_reason, size, "%s", text);
	return error;
}

int judge(
	const struct memseal_process *process, bool init, int agent, char *ret_reason, size_t size)
{
	long tracer = status_number(process, "TracerPid:");
	const char *wrong = wrong_program(process);
	int r = procfs_state(process->dir);

	if (process->pid == sys_getpid())
		return tell(-EINVAL, ret_reason, size, "a process cannot stop itself");
	if (r == -ESRCH && snapshot_is_current(process) < 0)
		return tell(r, ret_reason, size, "it has ended");
	if (process->pid == 1 && !init)
		return tell(-EPERM, ret_reason, size,
			"it is the first process, with which the machine ends");
	if (has_agent(process) && !judge_find_agent(process, agent))
		return tell(-EALREADY, ret_reason, size,
			"it has an agent from its start, or one of another version");
	if (wrong)
		return tell(-EOPNOTSUPP, ret_reason, size, wrong);
	if (tracer <= 0)
		return 0;
	snprintf(ret_reason, size, "it is traced already, by process %ld", tracer);
	return -EBUSY;
}

/* A process may be refused while it ends, and its memory be there for a moment longer. */
static bool is_over(const struct memseal_process *process)
{
	return snapshot_is_current(process) < 0 || procfs_state(process->live) == -ESRCH;
}

int judge_refused(const struct memseal_process *process)
{
	return is_over(process) ? -ESRCH : -EPERM;
}

/* Documentation/admin-guide/LSM/Yama.rst */
static long yama_scope(void)
{
	char text[16];

	read_text(AT_FDCWD, "/proc/sys/kernel/yama/ptrace_scope", text, sizeof(text));
	return *text ? strtol(text, NULL, 10) : 0;
}

const char *judge_refused_text(const struct memseal_process *process)
{
	long scope = yama_scope();

	if (is_over(process))
		return "it has ended, or executes another program";
	if (status_number(process, "Uid:") != (long)geteuid())
		return "it is another user's, and that takes CAP_SYS_PTRACE";
	if (scope > 0)
		return "Yama allows only ancestors, or nobody, to trace it: "
		       "kernel.yama.ptrace_scope";
	return "it may not be traced: it runs with other privileges than yours (set-uid, file "
	       "capabilities), or made itself undumpable";
}

/* Unknown is yes. */
static int is_thread_confined(pid_t tid, void *arg)
{
	const struct memseal_process *process = arg;
	char path[32], text[STATUS_MAX];

	snprintf(path, sizeof(path), "task/%d/status", tid);
	read_text(process->dir, path, text, sizeof(text));
	return *text && !strstr(text, "\nSeccomp:\t0\n");
}

bool judge_is_confined(const struct memseal_process *process)
{
	CLEANUP(sys_close_cleanup)
	int tasks = sys_openat(process->dir, "task", O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);

	return tasks < 0 || procfs_each(tasks, is_thread_confined, (void *)process) != 0;
}

bool judge_is_thread_confined(const struct memseal_process *process, pid_t tid)
{
	return is_thread_confined(tid, (void *)process);
}

/* The lowest address of RELRO that is writable, of the loader or of a static program; or 0. */
static uint64_t find_writable_relro(const struct memseal_process *process)
{
	const uint64_t base = procfs_auxv(process->live, AT_BASE);
	unsigned image = 0;
	struct plan_piece piece;

	for (size_t i = 0; base && i < process->plan.count; i++)
		if (span_holds(process->plan.extents[i].span, base))
			image = process->plan.extents[i].image;
	for (size_t i = 0; i < process->count; i++) {
		const struct mapping *mapping = &process->mappings[i];

		for (uint64_t at = mapping->start;
			plan_next_piece(&process->plan, mapping, at, &piece); at = piece.end)
			if (piece.role == PLAN_RELRO && piece.why == PLAN_WRITABLE &&
				(!base || piece.image == image))
				return piece.start;
	}
	return 0;
}

/* Is the address writable now? Unknown is no. */
static bool is_writable(const struct memseal_process *process, uint64_t at)
{
	CLEANUP(sys_close_cleanup) int fd = -1;
	struct mapping mapping;
	struct maps maps;
	char *text = NULL;
	bool writable = false;
	size_t len;

	if (procfs_read(process->live, "maps", &text, &len, &fd) < 0)
		return false;
	maps_init(&maps, text, len, MAPS_PLAIN);
	while (maps_next(&maps, &mapping) == 1)
		if (span_holds(mapping.span, at))
			writable = mapping.prot & MAPPING_WRITE;
	free(text);
	return writable;
}

/* A hundred times what a program takes to start. */
#define START_NS 200000000

int judge_start(const struct memseal_process *process)
{
	const uint64_t relro = find_writable_relro(process);
	const long nap[2] = { 0, START_NS };

	if (!relro)
		return 0;
	if (status_text_has(process, "State:\tT"))
		return -EBUSY;
	(void)sys_ppoll(NULL, 0, nap);
	return is_writable(process, relro) ? 1 : -EBUSY;
}
