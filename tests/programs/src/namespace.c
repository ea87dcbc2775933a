/* SPDX-License-Identifier: MIT */
/* Opens plugins in namespaces of their own, with a C library of their own, and calls them. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>

int main(int argc, char **argv)
{
	Lmid_t namespace = LM_ID_NEWLM;

	for (int i = 1; i < argc; i++) {
		void *library = dlmopen(namespace, argv[i], RTLD_NOW);

		if (!library) {
			puts(dlerror());
			return 1;
		}
		/* The second joins the first; the others go into new ones. */
		namespace = LM_ID_NEWLM;
		if (i == 1)
			dlinfo(library, RTLD_DI_LMID, &namespace);
		puts(dlsym(library, "plugin") ? "opened" : "no function");
	}
	return 0;
}
