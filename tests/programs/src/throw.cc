// SPDX-License-Identifier: MIT
// As a library (LIBRARY): throws out of a function; as a program: opens it twice over and catches.
#include <dlfcn.h>

#include <cstdio>
#include <stdexcept>
#include <string>

struct unwound {
	~unwound()
	{
		std::puts("unwound");
	}
};

#ifdef LIBRARY
struct failure : std::runtime_error {
	using std::runtime_error::runtime_error;
};

extern "C" void fail(int depth)
{
	unwound here;

	if (depth == 0)
		throw failure("thrown in the library");
	fail(depth - 1);
}
#else
int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		void *library = dlopen(argv[i], RTLD_NOW);
		auto fail = library ? reinterpret_cast<void (*)(int)>(dlsym(library, "fail")) : nullptr;

		if (!fail)
			return 1;
		try {
			fail(2);
		} catch (const std::runtime_error &error) {
			std::printf("caught: %s\n", error.what());
		}
		dlclose(library);
	}
	return 0;
}
#endif
