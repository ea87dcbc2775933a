/* SPDX-License-Identifier: MIT */
/*
 * interleave RUNS [NAME=VALUE...] COMMAND... [--- [NAME=VALUE...] COMMAND...]...
 *
 * Runs the commands in turn, with these variables added to the environment, RUNS times each after
 * one warm-up, and prints for each the median of its wall-clock time in microseconds and the
 * medians of the ratios to the first command of the same turn, of that time and of processor time:
 * a machine whose speed drifts slows both.
 */
#include <err.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

#define COMMANDS  16
#define VARIABLES 1000

extern char **environ;

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

/* Moves on to the command itself. */
static char **set_variables(char ***argv)
{
	static char *environment[VARIABLES + 1];
	size_t n = 0;

	for (; **argv && strchr(**argv, '='); (*argv)++) {
		if (n == VARIABLES)
			errx(2, "more than %d variables", VARIABLES);
		environment[n++] = **argv;
	}
	for (char **variable = environ; *variable; variable++) {
		if (n == VARIABLES)
			errx(2, "more than %d variables", VARIABLES);
		environment[n++] = *variable;
	}
	environment[n] = NULL;
	return environment;
}

struct taken {
	double wall, cpu; /* us */
};

static double us_of(struct timeval time)
{
	return (double)time.tv_sec * 1e6 + (double)time.tv_usec;
}

static struct taken run(char **argv)
{
	posix_spawn_file_actions_t actions;
	char **environment = set_variables(&argv);
	struct rusage used;
	struct taken taken;
	double start;
	int status;
	pid_t pid;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
	start = now();
	if (posix_spawnp(&pid, argv[0], &actions, NULL, argv, environment))
		errx(1, "cannot start %s", argv[0]);
	if (wait4(pid, &status, 0, &used) != pid || !WIFEXITED(status) || WEXITSTATUS(status))
		errx(1, "%s failed", argv[0]);
	taken.wall = now() - start;
	taken.cpu = us_of(used.ru_utime) + us_of(used.ru_stime);
	posix_spawn_file_actions_destroy(&actions);
	return taken;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *values, size_t n)
{
	qsort(values, n, sizeof(*values), compare);
	return n % 2 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

int main(int argc, char **argv)
{
	size_t runs = argc > 2 ? strtoul(argv[1], NULL, 10) : 0, n = 1;
	double *times[COMMANDS], *ratios[COMMANDS], *cpu[COMMANDS];
	char **commands[COMMANDS] = { argv + 2 };

	if (!runs)
		errx(2, "usage: interleave RUNS [NAME=VALUE...] COMMAND... [--- COMMAND...]...");
	for (char **arg = argv + 2; *arg; arg++) {
		if (strcmp(*arg, "---") != 0)
			continue;
		if (n == COMMANDS)
			errx(2, "more than %d commands", COMMANDS);
		*arg = NULL;
		commands[n++] = arg + 1;
	}
	for (size_t c = 0; c < n; c++) {
		times[c] = calloc(runs, sizeof(double));
		ratios[c] = calloc(runs, sizeof(double));
		cpu[c] = calloc(runs, sizeof(double));
		if (!times[c] || !ratios[c] || !cpu[c])
			err(1, NULL);
		(void)run(commands[c]);
	}
	for (size_t i = 0; i < runs; i++) {
		struct taken first = { .wall = 0 };

		for (size_t c = 0; c < n; c++) {
			struct taken taken = run(commands[c]);

			if (c == 0)
				first = taken;
			times[c][i] = taken.wall;
			ratios[c][i] = taken.wall / first.wall;
			cpu[c][i] = taken.cpu / first.cpu;
		}
	}
	for (size_t c = 0; c < n; c++)
		printf("%.0f %.3f %.3f\n", median(times[c], runs), median(ratios[c], runs),
			median(cpu[c], runs));
	return 0;
}
