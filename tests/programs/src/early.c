/* SPDX-License-Identifier: MIT */
/* As a library: opens PLUGIN in its constructor, before the program's main(). */
#include <dlfcn.h>
#include <stdio.h>

static int early = -1;

__attribute__((constructor)) static void open_plugin(void)
{
	void *object = dlopen(PLUGIN, RTLD_NOW);
	int (*plugin)(int) = object ? (int (*)(int))dlsym(object, "plugin") : NULL;

	early = plugin ? plugin(4) : -1;
}

int early_answer(void)
{
	return early;
}
