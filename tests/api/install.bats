# SPDX-License-Identifier: MIT
# What meson install puts in place, used as a program outside of this repository would.

load api

setup_file() {
	export ROOT=$BATS_FILE_TMPDIR/root
	meson install -C "$BUILD" --no-rebuild --destdir "$ROOT" >/dev/null
	PREFIX=$ROOT$(sed -n 's/^prefix=//p' "$(find "$ROOT" -name memseal.pc)")
	export PREFIX
	PKG_CONFIG_PATH=$(dirname "$(find "$ROOT" -name memseal.pc)")
	export PKG_CONFIG_PATH
	cat >"$ROOT/program.c" <<-'END'
		#include <memseal.h>
		#include <stdio.h>

		int main(void)
		{
			struct memseal_status status = { .size = sizeof(status) };
			void *page = memseal_map(1, 3, MEMSEAL_MAPPING);

			if (!page || memseal_query(page, 1, &status) < 0)
				return 1;
			printf("%s %d\n", memseal_version(), status.sealed_bytes == status.bytes);
			return 0;
		}
	END
}

config() {
	pkg-config --define-variable=prefix="$PREFIX" "$@" memseal
}

check_program() {
	[ "$("$@")" = "$(config --modversion) 1" ]
}

@test "headers, libraries, agent and program are installed" {
	for header in "${HEADERS[@]}"; do
		[ -f "$PREFIX/include/${header##*/}" ]
	done
	[ -x "$PREFIX/bin/memseal" ]
	[ -f "$(config --variable=libdir)/libmemseal.a" ]
	[ -f "$(config --variable=libdir)/memseal/libmemseal-agent.so" ]
	[ "$(readlink "$(config --variable=libdir)/libmemseal.so")" = libmemseal.so.0 ]
}

@test "a program links with what pkg-config says" {
	cc -Wall -Werror "$ROOT/program.c" -o "$ROOT/shared" $(config --cflags --libs)
	check_program env LD_LIBRARY_PATH="$(config --variable=libdir)" "$ROOT/shared"
	refute env -u LD_LIBRARY_PATH "$ROOT/shared" # it is this libmemseal.so, and no other
}

@test "a program links statically with what pkg-config says" {
	cc -static "$ROOT/program.c" -o "$ROOT/static" $(config --static --cflags --libs)
	check_program "$ROOT/static"
}

@test "a C++ program links" {
	need g++
	g++ -x c++ "$ROOT/program.c" -x none -o "$ROOT/cxx" $(config --cflags --libs)
	check_program env LD_LIBRARY_PATH="$(config --variable=libdir)" "$ROOT/cxx"
	g++ -static -x c++ "$ROOT/program.c" -x none -o "$ROOT/cxx-static" \
		$(config --static --cflags --libs)
	check_program "$ROOT/cxx-static"
}

@test "global variables are frozen in a program that links with what pkg-config says" {
	cat >"$ROOT/globals.c" <<-'END'
		#include <memseal-globals.h>
		#include <stdio.h>

		static MEMSEAL_RO_AFTER_INIT int answer;

		int main(void)
		{
			answer = 42;
			if (memseal_globals_freeze() != 0)
				return 1;
			printf("%d\n", answer);
			fflush(stdout);
			*(volatile int *)&answer = 43;
			return 0;
		}
	END
	cc -Wall -Werror "$ROOT/globals.c" -o "$ROOT/shared" $(config --cflags --libs)
	cc -static "$ROOT/globals.c" -o "$ROOT/static" $(config --static --cflags --libs)
	for program in shared static; do
		run env LD_LIBRARY_PATH="$(config --variable=libdir)" "$ROOT/$program"
		[ "$status" -eq $((128 + $(kill -l SEGV))) ]
		[ "${lines[0]}" = 42 ]
	done
}

@test "every function has a page of its name" {
	for name in $(declared); do
		head -1 "$PREFIX/share/man/man3/$name.3" | grep SPDX
	done
}

@test "every command has a page of its name" {
	for command in $("$BUILD/memseal" --help | sed -n '/^Commands:/,/^$/s/^  \([a-z]*\) .*/\1/p'); do
		head -1 "$PREFIX/share/man/man1/memseal-$command.1" | grep SPDX
	done
}

@test "every manual page is installed" {
	for page in "$SOURCE"/man/*.[0-9]; do
		[ -f "$PREFIX/share/man/man${page##*.}/$(basename "$page")" ]
	done
}
