/* SPDX-License-Identifier: MIT */
/*
 * The first process of a guest: mounts what the tests look at, loads the modules of /modules in the
 * order of their names, runs every program of /tests, `memseal run` and an example, prints what
 * became of each, and turns the machine off. MSEAL in the environment, from the kernel's command
 * line, tells whether this kernel has mseal(2).
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#define COVERED "/run/coverage-self"
#define REFUSED 125
#define DEVICE  "/sys/bus/pci/devices/0000:00:10.0"

static void mount_at(const char *type, const char *at)
{
	(void)mkdir(at, 0755);
	if (mount(type, at, type, 0, NULL) < 0)
		printf("# cannot mount %s: %s\n", at, strerror(errno));
}

static int is_module(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static void load_modules(void)
{
	struct dirent **entries;
	int count = scandir("/modules", &entries, is_module, alphasort);
	char path[300];

	for (int i = 0; i < count; i++) {
		int fd;

		snprintf(path, sizeof(path), "/modules/%s", entries[i]->d_name);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (syscall(SYS_finit_module, fd, "", 0) < 0)
			printf("# cannot load %s: %s\n", path, strerrorname_np(errno));
		close(fd);
		free(entries[i]);
	}
	if (count >= 0)
		free(entries);
}

/* What a program prints goes to a file, unless it is NULL. Its exit status, or 128 and a signal. */
static int run(const char *const argv[], const char *output)
{
	int status = 0;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		if (output) {
			int fd = open(output, O_WRONLY | O_CREAT | O_TRUNC, 0600);

			(void)dup2(fd, STDOUT_FILENO);
			(void)dup2(fd, STDERR_FILENO);
		}
		execv(argv[0], (char *const *)argv);
		_exit(127);
	}
	while (pid > 0 && waitpid(pid, &status, 0) != pid)
		;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void report(const char *name, int passed)
{
	printf("%s: %d passed, %d failed\n", name, passed, !passed);
}

static void run_tests(void)
{
	DIR *dir = opendir("/tests");
	struct dirent *entry;
	char path[300];

	while (dir && (entry = readdir(dir))) {
		const char *argv[] = { path, NULL };
		int status;

		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "/tests/%s", entry->d_name);
		status = run(argv, NULL);
		if (status > 1)
			printf("%s: 0 passed, 1 failed (status %d)\n", entry->d_name, status);
	}
	if (dir)
		closedir(dir);
}

static int printed(const char *path, const char *text)
{
	static char buf[8192];
	FILE *file = fopen(path, "re");
	size_t len = file ? fread(buf, 1, sizeof(buf) - 1, file) : 0;

	buf[len] = '\0';
	if (file)
		fclose(file);
	return strstr(buf, text) != NULL;
}

/*
 * Sealed from its start by either engine: by the kernel's where there is one, which is then seen in
 * smaps; by the filter on every kernel, which is seen only by trying. Where the kernel has no
 * mseal(2), asking for its engine is refused.
 */
static void run_memseal(void)
{
	const char *plain[] = { COVERED, NULL };
	const char *kernel[] = { "/memseal", "run", "--engine=kernel", "--", COVERED, NULL };
	const char *filter[] = { "/memseal", "run", "--engine=filter", "--", COVERED, "-t", NULL };
	const char *chosen[] = { "/memseal", "run", "--", COVERED, "-t", NULL };
	/* Nothing of an image can be written, nor made writable. */
	const char *open[] = { "/memseal", "run", "--", COVERED, "-s", "-t", NULL };
	const char *strict[] = { "/memseal", "run", "--strict", "--data", "--", COVERED, "-s", "-t",
		NULL };
	const char *mseal = getenv("MSEAL");
	int status;

	status = run(plain, "/tmp/out");
	report("unsealed control", status == 0 && printed("/tmp/out", "main\ngap "));
	status = run(kernel, "/tmp/out");
	if (mseal && strcmp(mseal, "yes") == 0)
		report("memseal run, kernel engine",
			status == 0 && printed("/tmp/out", "main\ncovered"));
	else
		report("memseal run, kernel engine refused",
			status == REFUSED && printed("/tmp/out", "no mseal(2)") &&
				!printed("/tmp/out", "main\n"));
	status = run(filter, "/tmp/out");
	report("memseal run, filter engine", status == 0 && printed("/tmp/out", "main\ncovered"));
	status = run(chosen, "/tmp/out");
	report("memseal run", status == 0 && printed("/tmp/out", "main\ncovered"));
	status = run(open, "/tmp/out");
	report("bytes that can be written, control",
		status == 0 && printed("/tmp/out", "main\ngap "));
	status = run(strict, "/tmp/out");
	report("memseal run --strict --data", status == 0 && printed("/tmp/out", "main\ncovered"));
}

/* The registers of a device, which the machine was given for it. */
static void run_device(void)
{
	const char *argv[] = { "/run/device-bar", DEVICE, NULL };
	const char *mseal = getenv("MSEAL");
	char expected[1024];
	int status = run(argv, "/tmp/out");

	snprintf(expected, sizeof(expected),
		"identity: 0x10000ed\n"
		"liveness: wrote 0x12345678, read 0xedcba987\n"
		"not sealed:\n"
		"  mprotect: allowed\n"
		"  mremap: allowed\n"
		"  mmap over it: allowed\n"
		"  munmap: allowed\n"
		"sealed by %s:\n"
		"  mprotect: EPERM\n"
		"  mremap: EPERM\n"
		"  mmap over it: EPERM\n"
		"  munmap: EPERM\n"
		"identity: 0x10000ed\n"
		"liveness: wrote 0xdeadbeef, read 0x21524110\n",
		mseal && strcmp(mseal, "yes") == 0 ? "mseal" : "a filter");
	report("examples/device-bar", status == 0 && printed("/tmp/out", expected));
}

int main(void)
{
	struct utsname name;

	setvbuf(stdout, NULL, _IOLBF, 0);
	mount_at("proc", "/proc");
	mount_at("sysfs", "/sys");
	mount_at("devtmpfs", "/dev");
	mount_at("tmpfs", "/tmp");
	if (chdir("/tmp") < 0 || uname(&name) < 0)
		return 1;
	setenv("BPF_CALLS", "20000", 0);
	setenv("SLOW_MACHINE", "1", 0);
	printf("KERNEL %s %s\n", name.release, name.machine);
	errno = 0;
	printf("MSEAL %s\n", syscall(462, 0, 0, 0) == 0 ? "0" : strerrorname_np(errno));
	load_modules();
	run_tests();
	run_device();
	if (access("/memseal", X_OK) == 0)
		run_memseal();
	puts("END");
	sync();
	return reboot(RB_POWER_OFF);
}
