# SPDX-License-Identifier: MIT
# memseal_self() in programs of every kind of linking: what is sealed, as smaps and readelf say, and
# that they go on.

load api

compile() {
	local cc=$1
	shift
	"$cc" -D_GNU_SOURCE -Wall -Werror -I"$SOURCE/include" "$SOURCE/tests/helpers/self-program.c" \
		-o "$BATS_TEST_TMPDIR/program" "$@"
}

# Runs the program; looks at it when it says that it is sealed, and lets it go on.
seal_and_go_on() {
	local out=$BATS_TEST_TMPDIR/out pid

	mkfifo "$BATS_TEST_TMPDIR/in"
	LD_LIBRARY_PATH=$BUILD "$BATS_TEST_TMPDIR/program" "$@" \
		<"$BATS_TEST_TMPDIR/in" >"$out" 2>&1 3>&- &
	pid=$!
	exec 9>"$BATS_TEST_TMPDIR/in"
	until [ -s "$out" ]; do
		sleep 0.01
	done
	/usr/bin/python3 "$SOURCE/tests/api/coverage.py" $pid >"$BATS_TEST_TMPDIR/open" || true
	echo >&9
	exec 9>&-
	wait $pid
	cat "$out" "$BATS_TEST_TMPDIR/open"
	[ ! -s "$BATS_TEST_TMPDIR/open" ]
	[ "$(cat "$out")" = $'sealed\nfine' ]
}

@test "dynamic program" {
	compile gcc -DWITH_DLOPEN -L"$BUILD" -lmemseal
	seal_and_go_on "$BUILD/tests/plugin.so"
}

@test "dynamic program at a fixed address" {
	compile gcc -no-pie -DWITH_DLOPEN -L"$BUILD" -lmemseal
	seal_and_go_on "$BUILD/tests/plugin.so"
}

@test "dynamic program with the static library" {
	compile gcc -DWITH_DLOPEN "$BUILD/libmemseal.a" -Wl,-z,now
	seal_and_go_on "$BUILD/tests/plugin.so"
}

@test "static program" {
	compile gcc -static "$BUILD/libmemseal.a"
	seal_and_go_on
}

@test "static program at any address" {
	compile gcc -static-pie -fPIE "$BUILD/libmemseal.a"
	seal_and_go_on
}

@test "static program that loads an object" {
	compile gcc -static -DWITH_DLOPEN "$BUILD/libmemseal.a" -Wno-error
	seal_and_go_on "$BUILD/tests/plugin.so"
}

@test "musl: static program" {
	need musl-gcc
	musl_library "$BATS_TEST_TMPDIR/libmemseal.a"
	compile musl-gcc -static "$BATS_TEST_TMPDIR/libmemseal.a"
	seal_and_go_on
}

@test "musl: dynamic program" {
	need musl-gcc
	musl_library "$BATS_TEST_TMPDIR/libmemseal.a"
	compile musl-gcc "$BATS_TEST_TMPDIR/libmemseal.a"
	seal_and_go_on
}

@test "the coverage finds what is not sealed" {
	sleep 10 &
	[ -n "$(/usr/bin/python3 "$SOURCE/tests/api/coverage.py" $!)" ]
	kill $!
}

@test "two copies of the library in one process" {
	cat >"$BATS_TEST_TMPDIR/two.c" <<-'END'
		#include <dlfcn.h>
		#include <memseal.h>
		#include <stdio.h>

		int main(int argc, char **argv)
		{
			void *other = dlopen(argv[argc - 1], RTLD_NOW | RTLD_LOCAL);
			int (*query)(const void *, size_t, struct memseal_status *);
			int (*range)(void *, size_t, uint64_t);
			int (*self)(const struct memseal_self_opts *);
			size_t sealed = 1;
			struct memseal_self_opts opts = { sizeof(opts), &sealed };
			struct memseal_status status = { .size = sizeof(status) };
			void *p = memseal_map(8192, 3, MEMSEAL_MAPPING);

			*(void **)&query = dlsym(other, "memseal_query");
			*(void **)&range = dlsym(other, "memseal_range");
			*(void **)&self = dlsym(other, "memseal_self");
			if (!p || (void *)query == (void *)memseal_query)
				return 1;
			if (query(p, 8192, &status) || status.sealed_bytes != 8192)
				return 2;
			if (range(p, 4096, MEMSEAL_MAPPING) || memseal_range(p, 8192, MEMSEAL_MAPPING))
				return 3;
			if (self(NULL) || memseal_self(&opts) || sealed != 0 || self(&opts))
				return 4;
			puts(memseal_version());
			return 0;
		}
	END
	gcc -Wall -Werror -D_GNU_SOURCE -I"$SOURCE/include" "$BATS_TEST_TMPDIR/two.c" "$BUILD/libmemseal.a" \
		-o "$BATS_TEST_TMPDIR/two"
	"$BATS_TEST_TMPDIR/two" "$BUILD/libmemseal.so"
}

@test "programs: what is started cannot make new code, nor can who asked for that" {
	cat >"$BATS_TEST_TMPDIR/start.c" <<-'END'
		#include <memseal.h>
		#include <stdio.h>
		#include <sys/mman.h>

		/* start AGENT PROGRAM ARGUMENT: the program; 1, if it cannot be found. */
		int main(int argc, char **argv)
		{
			struct memseal_run_opts opts = { sizeof(opts) };
			struct memseal_program *program;
			void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
			char *missing[] = { NULL };

			opts.agent = argv[1];
			opts.no_new_code = argc > 3;
			if (memseal_program_find(argv[2], NULL, &opts, &program) ||
				memseal_program_refusal(program, NULL))
				return 1;
			if (mprotect(p, 4096, PROT_READ | PROT_EXEC) || mprotect(p, 4096, PROT_READ))
				return 2;
			if (argc > 4) {
				remove(argv[2]);
				printf("%d ", memseal_program_exec(program, argv + 2, missing));
				puts(mprotect(p, 4096, PROT_READ | PROT_EXEC) ? "refused" : "code");
				return 0;
			}
			return memseal_program_exec(program, argv + 2, missing);
		}
	END
	gcc -Wall -Werror -D_GNU_SOURCE -I"$SOURCE/include" "$BATS_TEST_TMPDIR/start.c" \
		"$BUILD/libmemseal.a" -o "$BATS_TEST_TMPDIR/start"
	cd "$BATS_TEST_TMPDIR"
	cp "$BUILD/tests/new-code" .
	[ "$(./start "$BUILD/libmemseal-agent.so" "$PWD/new-code" anon)" = refused ]
	[ "$(./new-code anon)" = code ]
	[ "$(./start "$BUILD/libmemseal-agent.so" "$PWD/new-code" anon fails)" = "-2 refused" ]
	refute ./start "$PWD/no-agent.so" /bin/true anon
}
