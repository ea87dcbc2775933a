/* SPDX-License-Identifier: MIT */
/* A link of a chain of libraries, each of which opens NEXT by its own RUNPATH. */
#include <dlfcn.h>
#include <stdio.h>

int chain(void)
{
#ifdef NEXT
	void *next = dlopen(NEXT, RTLD_NOW);
	int (*call)(void) = next ? (int (*)(void))dlsym(next, "chain") : 0;

	if (!call) {
		printf("%s\n", dlerror());
		return -1;
	}
	return 1 + call();
#else
	return 1;
#endif
}

#ifdef MAIN
int main(void)
{
	int links = chain();

	printf("links %d\n", links);
	return links == 4 ? 0 : 1;
}
#endif
