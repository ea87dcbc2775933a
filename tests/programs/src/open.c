/* SPDX-License-Identifier: MIT */
/*
 * open THREADS TIMES PLUGIN...: each thread opens a plugin, calls it and closes it, TIMES times,
 * going round; neighbouring threads begin with another one.
 */
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

static char **plugins;
static int count, times;

static void *use(void *arg)
{
	long sum = 0;

	for (long i = 0; i < times; i++) {
		void *object =
			dlopen(plugins[((long)arg + i) % count], i % 2 ? RTLD_NOW : RTLD_LAZY);
		int (*plugin)(int) = object ? (int (*)(int))dlsym(object, "plugin") : NULL;

		if (!plugin) {
			puts(dlerror());
			exit(1);
		}
		sum += plugin((int)i);
		dlclose(object);
	}
	return (void *)sum;
}

static int count_mappings(void)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	int c, lines = 0;

	while (maps && (c = getc(maps)) != EOF)
		lines += c == '\n';
	if (maps)
		fclose(maps);
	return lines;
}

int main(int argc, char **argv)
{
	int threads = argc > 3 ? atoi(argv[1]) : 0, before;
	pthread_t ids[64];
	long sum = 0;
	void *part;

	if (threads < 1 || threads > 64)
		return 2;
	times = atoi(argv[2]);
	plugins = argv + 3;
	count = argc - 3;
	for (int i = 0; i < threads; i++)
		if (pthread_create(&ids[i], NULL, use, (void *)(long)i))
			return 1;
	for (int i = 0; i < threads; i++) {
		pthread_join(ids[i], &part);
		sum += (long)part;
	}
	/* What was opened once may stay; it must not come back again and again. */
	before = count_mappings();
	use(NULL);
	printf("sum %ld, mappings %s\n", sum, count_mappings() > before + 1 ? "leak" : "stable");
	return 0;
}
