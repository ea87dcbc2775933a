# SPDX-License-Identifier: MIT
# Consent to filters, by how a program is linked, and with two copies of the library.

load api

# A program that prints what memseal_filter_allow() says to either policy, in a process each.
policies() {
	local cc=$1
	shift
	cat >"$BATS_TEST_TMPDIR/policies.c" <<-'END'
		#include <memseal.h>
		#include <stdio.h>
		#include <sys/wait.h>
		#include <unistd.h>

		static int answer(enum memseal_exec exec)
		{
			int status;

			if (fork() == 0)
				_exit(-memseal_filter_allow(exec));
			wait(&status);
			return WEXITSTATUS(status);
		}

		int main(void)
		{
			printf("refuse %d, allow %d\n", answer(MEMSEAL_EXEC_REFUSE),
				answer(MEMSEAL_EXEC_ALLOW));
			return 0;
		}
	END
	"$cc" -D_GNU_SOURCE -Wall -Werror -I"$SOURCE/include" "$BATS_TEST_TMPDIR/policies.c" \
		-o "$BATS_TEST_TMPDIR/policies" "$@"
	LD_LIBRARY_PATH=$BUILD ${RUNNER:-} "$BATS_TEST_TMPDIR/policies"
}

@test "a program at random addresses may allow exec" {
	[ "$(policies gcc -pie -fPIE -L"$BUILD" -lmemseal)" = "refuse 0, allow 0" ]
	[ "$(policies gcc -static-pie -fPIE "$BUILD/libmemseal.a")" = "refuse 0, allow 0" ]
}

@test "a program at fixed addresses may not, ENOEXEC" {
	[ "$(policies gcc -no-pie -L"$BUILD" -lmemseal)" = "refuse 0, allow 8" ]
	[ "$(policies gcc -static "$BUILD/libmemseal.a")" = "refuse 0, allow 8" ]
}

@test "a program without randomization may not" {
	RUNNER="setarch -R"
	[ "$(policies gcc -pie -fPIE -L"$BUILD" -lmemseal)" = "refuse 0, allow 8" ]
}

@test "musl: the same" {
	need musl-gcc
	musl_library "$BATS_TEST_TMPDIR/libmemseal.a"
	[ "$(policies musl-gcc -static -no-pie "$BATS_TEST_TMPDIR/libmemseal.a")" = \
		"refuse 0, allow 8" ]
	[ "$(policies musl-gcc -pie -fPIE "$BATS_TEST_TMPDIR/libmemseal.a")" = "refuse 0, allow 0" ]
}

@test "two copies: each asks for itself, and sees what the other holds" {
	cat >"$BATS_TEST_TMPDIR/two.c" <<-'END'
		#include <dlfcn.h>
		#include <errno.h>
		#include <memseal.h>
		#include <sys/mman.h>

		int main(int argc, char **argv)
		{
			void *other = dlopen(argv[argc - 1], RTLD_NOW | RTLD_LOCAL);
			int (*query)(const void *, size_t, struct memseal_status *);
			int (*range)(void *, size_t, uint64_t);
			int (*allow)(enum memseal_exec);
			struct memseal_status status = { .size = sizeof(status) };
			char *p = mmap(NULL, 8192, PROT_READ | PROT_WRITE,
				MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

			*(void **)&query = dlsym(other, "memseal_query");
			*(void **)&range = dlsym(other, "memseal_range");
			*(void **)&allow = dlsym(other, "memseal_filter_allow");
			if ((void *)query == (void *)memseal_query)
				return 1;
			if (memseal_filter_allow(MEMSEAL_EXEC_ALLOW))
				return 2;
			if (memseal_range(p, 4096, MEMSEAL_NO_WRITE))
				return 3;
			if (query(p, 4096, &status) || status.filter != MEMSEAL_NO_WRITE)
				return 4;
			if (range(p + 4096, 4096, MEMSEAL_NO_WRITE) != -EOPNOTSUPP)
				return 5;
			if (allow(MEMSEAL_EXEC_REFUSE) || range(p + 4096, 4096, MEMSEAL_NO_EXEC))
				return 6;
			if (memseal_query(p + 4096, 4096, &status) || status.filter != MEMSEAL_NO_EXEC)
				return 7;
			return 0;
		}
	END
	gcc -Wall -Werror -D_GNU_SOURCE -I"$SOURCE/include" "$BATS_TEST_TMPDIR/two.c" \
		"$BUILD/libmemseal.a" -o "$BATS_TEST_TMPDIR/two"
	"$BATS_TEST_TMPDIR/two" "$BUILD/libmemseal.so"
}
