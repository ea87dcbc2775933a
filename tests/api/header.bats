# SPDX-License-Identifier: MIT
# The installed headers, each alone, in every language and standard that it promises.

load api

compiles() {
	local header
	for header in "${HEADERS[@]##*/}"; do
		echo "#include <$header>" >"$BATS_TEST_TMPDIR/alone.$2"
		"$1" "-std=$3" -pedantic -Wall -Wextra -Wundef -Werror -c -o "$BATS_TEST_TMPDIR/alone.o" \
			-I"$SOURCE/include" "$BATS_TEST_TMPDIR/alone.$2"
	done
}

@test "C99, C11 and C17 with gcc" {
	for standard in c99 gnu99 c11 c17; do
		compiles gcc c $standard
	done
}

@test "C99, C11 and C17 with clang" {
	need clang
	for standard in c99 gnu99 c11 c17; do
		compiles clang c $standard
	done
}

@test "C++11, C++17 and C++20 with g++" {
	need g++
	for standard in c++11 c++17 c++20; do
		compiles g++ cc $standard
	done
}

@test "C99 with musl" {
	need musl-gcc
	compiles musl-gcc c c99
}

# A C library that has mseal() already, as glibc from 2.43 does.
newer_libc() {
	mkdir -p "$BATS_TEST_TMPDIR/newer/sys"
	cat >"$BATS_TEST_TMPDIR/newer/features.h" <<-'END'
		#pragma GCC system_header
		#include_next <features.h>
		#undef __GLIBC_MINOR__
		#define __GLIBC_MINOR__ 43
	END
	cat >"$BATS_TEST_TMPDIR/newer/sys/mman.h" <<-'END'
		#pragma GCC system_header
		#include_next <sys/mman.h>
		__BEGIN_DECLS
		extern int mseal(void *__addr, size_t __len, unsigned long __flags) __THROW;
		__END_DECLS
	END
}

@test "<memseal.h> takes no name of other systems, and puts no section into an object" {
	echo '#include <memseal.h>
		struct mine { int x; } mseal(struct mine *), mimmutable(int), mseal_types(void);
		#ifdef MSEAL_SEAL
		#error MSEAL_SEAL
		#endif
		#ifdef MM_SEAL_MSEAL
		#error MM_SEAL_MSEAL
		#endif' >"$BATS_TEST_TMPDIR/own.c"
	gcc -Werror -c -I"$SOURCE/include" "$BATS_TEST_TMPDIR/own.c" -o "$BATS_TEST_TMPDIR/own.o"
	refute grep memseal_ro <(readelf -SW "$BATS_TEST_TMPDIR/own.o")
	sed -i 's/<memseal.h>/<memseal-compat.h>/' "$BATS_TEST_TMPDIR/own.c"
	refute gcc -c -I"$SOURCE/include" "$BATS_TEST_TMPDIR/own.c" -o "$BATS_TEST_TMPDIR/own.o"
}

# warns_of TEXT CALL: a compiler does, and not of the same call with its result used.
warns_of() {
	local compiler
	for compiler in gcc clang; do
		need $compiler
		printf '#include <memseal-globals.h>\nvoid f(struct memseal_arena *a);\nvoid f(struct memseal_arena *a) { (void)a; %s; }\n' \
			"$2" >"$BATS_TEST_TMPDIR/call.c"
		refute $compiler -Werror -Wall -O2 -c -I"$SOURCE/include" "$BATS_TEST_TMPDIR/call.c" \
			-o "$BATS_TEST_TMPDIR/call.o" 2>"$BATS_TEST_TMPDIR/log"
		grep -E "$1" "$BATS_TEST_TMPDIR/log"
		sed -i "s/(void)a; .*;/if (!memseal_arena_alloc(a, 1, 1) || memseal_arena_freeze(a)) return;/" \
			"$BATS_TEST_TMPDIR/call.c"
		$compiler -Werror -Wall -O2 -c -I"$SOURCE/include" "$BATS_TEST_TMPDIR/call.c" \
			-o "$BATS_TEST_TMPDIR/call.o"
	done
}

@test "a result that is not looked at, and NULL, are warnings" {
	warns_of unused-result 'memseal_arena_freeze(a)'
	warns_of unused-result 'memseal_globals_freeze()'
	warns_of unused-result 'memseal_range(a, 1, MEMSEAL_MAPPING)'
	warns_of nonnull 'if (!memseal_arena_alloc(NULL, 1, 1)) return'
}

@test "mseal is declared, but not where libc has it" {
	newer_libc
	declared | grep -x mseal
	refute grep -x mseal <(declared -I"$BATS_TEST_TMPDIR/newer")
	[ "$(declared | grep -vx mseal)" = "$(declared -I"$BATS_TEST_TMPDIR/newer")" ]
}

@test "no conflict with a libc that has mseal, in either order" {
	need g++
	newer_libc
	printf '#include <%s>\n#include <%s>\nint (*f)(void *, size_t, unsigned long) = mseal;\n' \
		memseal-compat.h sys/mman.h >"$BATS_TEST_TMPDIR/a.c"
	printf '#include <%s>\n#include <%s>\nint (*f)(void *, size_t, unsigned long) = mseal;\n' \
		sys/mman.h memseal-compat.h >"$BATS_TEST_TMPDIR/b.c"
	for file in a b; do
		gcc -std=c99 -pedantic -Wall -Wredundant-decls -Werror -fsyntax-only \
			-I"$BATS_TEST_TMPDIR/newer" -I"$SOURCE/include" "$BATS_TEST_TMPDIR/$file.c"
		g++ -std=c++17 -x c++ -pedantic -Wall -Werror -fsyntax-only \
			-I"$BATS_TEST_TMPDIR/newer" -I"$SOURCE/include" "$BATS_TEST_TMPDIR/$file.c"
	done
}
