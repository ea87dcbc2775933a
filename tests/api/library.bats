# SPDX-License-Identifier: MIT
# The built library: what it exports and needs.

load api

LIBRARY=$BUILD/libmemseal.so

setup() {
	[ -s "$LIBRARY" ]
}

@test "exports are the header's functions" {
	[ "$(declared | wc -l)" -gt 20 ]
	diff <(exported) <(nm -D --defined-only "$LIBRARY" | awk '$2 != "A" { print $3 }' |
		sed 's/@.*//' | sort)
}

@test "exports are those of the version script, each in its node" {
	diff <(awk '/^[A-Z]/ { node = $1 } /^\t[a-z_]+;/ { sub(/;/, ""); print $1 "@@" node }' \
			"$SOURCE/src/libmemseal.map" | sort) \
		<(nm -D --defined-only --with-symbol-versions "$LIBRARY" |
			awk '$2 != "A" { print $3 }' | sort)
}

@test "exports are functions, no data" {
	refute grep -v ' [TA] ' <(nm -D --defined-only "$LIBRARY")
}

# Names that an archive defines for others; $2 is what the tools for it begin with.
globals_of() {
	"${2:-}"nm -g --defined-only "$1" | sed -n 's/^[0-9a-f]* [A-Z] //p' | sort -u
}

@test "the static library defines the exported functions, and no other name" {
	diff <(exported) <(globals_of "$BUILD/libmemseal.a")
}

# What is linked how does not depend on the options, and without optimization it takes half of the time.
@test "so does that of link-time optimization" {
	meson setup -Doptimization=0 -Ddebug=false -Db_lto=true --werror "$BATS_TEST_TMPDIR/lto" "$SOURCE"
	ninja -j2 -C "$BATS_TEST_TMPDIR/lto" libmemseal.a
	diff <(exported) <(globals_of "$BATS_TEST_TMPDIR/lto/libmemseal.a")
}

# cross_build MACHINE TARGET: where scripts/check-kernels builds its guests, which goes on from there.
cross_build() {
	(cd "$SOURCE" && sh -c '. scripts/setup.sh && configure_cross "$@"' sh "$BUILD-$1" "$1")
	ninja -j2 -C "$BUILD-$1" "$2"
}

@test "so does that of i386, which has groups of hidden functions" {
	need i686-linux-gnu-gcc
	cross_build i386 libmemseal.a
	diff <(exported) <(globals_of "$BUILD-i386/libmemseal.a" i686-linux-gnu-)
}

# By these names, wherever they lie: a program's function in the place of one of the library's would
# make it do something else without a word.
@test "a program that has every internal name for itself" {
	globals_of "$BUILD/src/libmemseal-internal.a" | grep -vxF "$(exported)" >"$BATS_TEST_TMPDIR/names"
	[ "$(wc -l <"$BATS_TEST_TMPDIR/names")" -gt 100 ]
	{
		echo '#include <stdlib.h>'
		sed 's/.*/void &(void);\nvoid &(void) { abort(); }/' "$BATS_TEST_TMPDIR/names"
	} >"$BATS_TEST_TMPDIR/names.c"
	cat >"$BATS_TEST_TMPDIR/main.c" <<-'END'
		#include <errno.h>
		#include <fcntl.h>
		#include <memseal-compat.h>
		#include <memseal-globals.h>
		#include <unistd.h>

		static MEMSEAL_RO_AFTER_INIT int global;

		/* The errno of a write that does not ask for protection. */
		static int stored(void *at)
		{
			int fd = open("/proc/self/mem", O_RDWR);
			int error = pwrite(fd, "x", 1, (off_t)(size_t)at) == 1 ? 0 : errno;

			close(fd);
			return error;
		}

		int main(void)
		{
			struct memseal_status status = { .size = sizeof(status) };
			struct memseal_features features = { .size = sizeof(features) };
			struct memseal_pool *pool;
			struct memseal_arena *arena;
			struct memseal_code *code;
			char *page = memseal_map(1, 3, MEMSEAL_MAPPING), *p;

			if (!page || stored(page) || memseal_query(page, 1, &status) || !status.sealed_bytes)
				return 1;
			if (memseal_arena_new(4096, &arena) || !(p = memseal_arena_alloc(arena, 8, 8)) ||
				stored(p) || memseal_arena_freeze(arena) || stored(p) != EIO)
				return 2;
			if (stored(&global) || memseal_globals_freeze() || stored(&global) != EIO)
				return 3;
			if (memseal_pool_new(32, 4, &pool) || !(p = memseal_pool_get(pool)))
				return 4;
			memseal_pool_put(pool, p);
			if (memseal_code_new(4096, &code) || !memseal_code_alloc(code, 16, 16))
				return 5;
			if (memseal_probe(&features) || memseal_self(NULL) || mimmutable(page, 1))
				return 6;
			return 0;
		}
	END
	gcc -D_GNU_SOURCE -I"$SOURCE/include" "$BATS_TEST_TMPDIR/main.c" "$BATS_TEST_TMPDIR/names.c" \
		"$BUILD/libmemseal.a" -o "$BATS_TEST_TMPDIR/names"-program
	"$BATS_TEST_TMPDIR/names-program"
	# The control: an archive with these names cannot be linked, or does something else.
	gcc -D_GNU_SOURCE -I"$SOURCE/include" "$BATS_TEST_TMPDIR/main.c" "$BATS_TEST_TMPDIR/names.c" \
		"$BUILD/src/libmemseal-internal.a" -o "$BATS_TEST_TMPDIR/control" -Wl,-z,muldefs
	refute "$BATS_TEST_TMPDIR/control"
}

@test "needs libc alone" {
	[ "$(readelf -dW "$LIBRARY" | sed -n 's/.*NEEDED.*\[\(.*\)\]/\1/p')" = libc.so.6 ]
}

@test "the agent runs in any program" {
	check_agent "$BUILD/libmemseal-agent.so"
}

@test "the agent's check finds what it is for" {
	refute check_agent "$LIBRARY"
}

@test "cross build for aarch64: library, launcher and agent" {
	need aarch64-linux-gnu-gcc
	cross_build aarch64 all
	readelf -h "$BUILD-aarch64/libmemseal-agent.so" | grep AArch64
	check_agent "$BUILD-aarch64/libmemseal-agent.so"
	diff <(exported) <(nm -D --defined-only "$BUILD-aarch64/libmemseal.so" |
		awk '$2 != "A" { print $3 }' | sed 's/@.*//' | sort)
	diff <(exported) <(globals_of "$BUILD-aarch64/libmemseal.a" aarch64-linux-gnu-)
}
