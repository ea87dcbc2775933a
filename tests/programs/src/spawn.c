/* SPDX-License-Identifier: MIT */
/* spawn TIMES: runs /bin/true by posix_spawn, by vfork and by fork, and counts what came back. */
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static char *const args[] = { "true", NULL };

static pid_t by_posix_spawn(void)
{
	pid_t pid;

	return posix_spawn(&pid, "/bin/true", NULL, NULL, args, environ) ? -1 : pid;
}

static pid_t by_vfork(void)
{
	pid_t pid = vfork();

	if (pid == 0) {
		execv("/bin/true", args);
		_exit(127);
	}
	return pid;
}

static pid_t by_fork(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		execv("/bin/true", args);
		_exit(127);
	}
	return pid;
}

int main(int argc, char **argv)
{
	static pid_t (*const ways[])(void) = { by_posix_spawn, by_vfork, by_fork };
	int good = 0, status;

	for (int i = 0; argc > 1 && i < atoi(argv[1]); i++) {
		pid_t pid = ways[i % 3]();

		good += pid > 0 && waitpid(pid, &status, 0) == pid && status == 0;
	}
	printf("good %d\n", good);
	return 0;
}
