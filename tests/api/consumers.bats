# SPDX-License-Identifier: MIT
# Other projects that use the library: built as they would be, by Meson and CMake, in C and C++.
# (install.bats has those that ask pkg-config.)

load api

setup_file() {
	export ROOT=$BATS_FILE_TMPDIR/root
	meson install -C "$BUILD" --no-rebuild --destdir "$ROOT" >/dev/null
	PREFIX=$ROOT$(sed -n 's/^prefix=//p' "$(find "$ROOT" -name memseal.pc)")
	export PREFIX
}

# The program of a consumer, in C and in C++.
program() {
	mkdir -p "$1"
	cat >"$1/program.c" <<-'END'
		#include <memseal-globals.h>
		#include <stdio.h>

		static MEMSEAL_RO_AFTER_INIT int answer;

		int main(void)
		{
			struct memseal_status status = { sizeof(status), 0, 0, 0, 0 };
			void *page = memseal_map(1, 3, MEMSEAL_MAPPING);

			answer = 42;
			if (!page || memseal_query(page, 1, &status) < 0 || memseal_globals_freeze() < 0)
				return 1;
			printf("%s %d %d\n", memseal_version(), status.sealed_bytes == status.bytes, answer);
			return 0;
		}
	END
	cp "$1/program.c" "$1/program.cc"
}

fine() {
	[ "$("$@")" = "$(sed -n "s/^  version: '\(.*\)',/\1/p" "$SOURCE/meson.build") 1 42" ]
}

# meson_setup DIRECTORY OPTION...: with memseal in subprojects/; not optimized, which takes longer and
# shows nothing here.
meson_setup() {
	local dir=$1
	shift
	program "$dir"
	mkdir -p "$dir/subprojects"
	ln -s "$SOURCE" "$dir/subprojects/memseal"
	cat >"$dir/meson.build" <<-'END'
		project('consumer', 'c', 'cpp')
		memseal = dependency('memseal', fallback: 'memseal', version: '>=0.1')
		executable('c-program', 'program.c', dependencies: memseal)
		executable('cxx-program', 'program.cc', dependencies: memseal)
	END
	env -u PKG_CONFIG_PATH meson setup --wrap-mode=forcefallback -Doptimization=0 -Ddebug=false "$@" \
		"$dir/build" "$dir"
}

# meson_programs DIRECTORY: its programs, built and run.
meson_programs() {
	ninja -j2 -C "$1/build" c-program cxx-program
	fine "$1/build/c-program"
	fine "$1/build/cxx-program"
}

needed() {
	readelf -dW "$1" | grep 'NEEDED.*libmemseal'
}

# The objects are the same for both kinds of library: the second does not compile them again.
@test "Meson subproject, without tests and tools: shared, and static, which needs no library when it runs" {
	need g++
	local dir=$BATS_TEST_TMPDIR/project
	meson_setup "$dir" -Ddefault_library=shared
	[ "$(meson introspect --tests "$dir/build")" = "[]" ]
	refute grep -qE 'memseal-agent|memseal-report|memseal/tests/' <(ninja -C "$dir/build" -t targets all)
	meson_programs "$dir"
	needed "$dir/build/c-program"
	needed "$dir/build/cxx-program"
	meson configure "$dir/build" -Ddefault_library=static -Dmemseal:default_library=static
	meson_programs "$dir"
	refute needed "$dir/build/c-program"
	refute needed "$dir/build/cxx-program"
}

@test "Meson subproject that asks for the tools has them" {
	need g++
	meson_setup "$BATS_TEST_TMPDIR/tools" -Ddefault_library=shared -Dmemseal:tools=enabled
	ninja -C "$BATS_TEST_TMPDIR/tools/build" -t targets all | grep memseal-agent
}

# The tree is moved first: nothing in it may know where it was installed.
@test "CMake: find_package() with the shared and the static library, moved elsewhere" {
	need cmake
	need g++
	program "$BATS_TEST_TMPDIR/cmake"
	cp -a "$PREFIX" "$BATS_TEST_TMPDIR/moved"
	cat >"$BATS_TEST_TMPDIR/cmake/CMakeLists.txt" <<-'END'
		cmake_minimum_required(VERSION 3.13)
		project(consumer C CXX)
		find_package(memseal 0.1 CONFIG REQUIRED)
		foreach(language c cc)
		  add_executable(shared-${language} program.${language})
		  target_link_libraries(shared-${language} memseal::memseal)
		  add_executable(static-${language} program.${language})
		  target_link_libraries(static-${language} memseal::static)
		endforeach()
	END
	cmake -S "$BATS_TEST_TMPDIR/cmake" -B "$BATS_TEST_TMPDIR/cmake/build" \
		-DCMAKE_PREFIX_PATH="$BATS_TEST_TMPDIR/moved"
	cmake --build "$BATS_TEST_TMPDIR/cmake/build"
	for language in c cc; do
		fine "$BATS_TEST_TMPDIR/cmake/build/shared-$language"
		needed "$BATS_TEST_TMPDIR/cmake/build/shared-$language"
		fine "$BATS_TEST_TMPDIR/cmake/build/static-$language"
		refute needed "$BATS_TEST_TMPDIR/cmake/build/static-$language"
	done
}

@test "CMake: another major version is not taken" {
	need cmake
	mkdir "$BATS_TEST_TMPDIR/other"
	printf 'cmake_minimum_required(VERSION 3.13)\nproject(consumer C)\nfind_package(memseal 1 CONFIG REQUIRED)\n' \
		>"$BATS_TEST_TMPDIR/other/CMakeLists.txt"
	run cmake -S "$BATS_TEST_TMPDIR/other" -B "$BATS_TEST_TMPDIR/other/build" \
		-DCMAKE_PREFIX_PATH="$PREFIX"
	[ "$status" -ne 0 ]
	[[ $output == *"not compatible"* || $output == *"compatible with requested version"* ]]
}
