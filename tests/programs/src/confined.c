/* SPDX-License-Identifier: MIT */
/* confined ROOT PLUGIN: changes its root directory, to one without /proc, and opens a plugin. */
#include <dlfcn.h>
#include <stdio.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	int (*plugin)(int);
	void *object;

	if (argc != 3 || chroot(argv[1]) < 0 || chdir("/") < 0)
		return 2;
	object = dlopen(argv[2], RTLD_NOW);
	plugin = object ? (int (*)(int))dlsym(object, "plugin") : NULL;
	if (!plugin) {
		puts(dlerror());
		return 1;
	}
	printf("plugin %d\n", plugin(21));
	dlclose(object);
	return 0;
}
