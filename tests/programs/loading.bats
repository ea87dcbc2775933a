#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Small programs that load objects, or start children, in every odd way.

# shellcheck source=tests/programs/programs.bash
load programs

# link N ARG...: one of the chained libraries.
link() {
	# shellcheck disable=SC2016 # $ORIGIN is for the loader
	cc -shared -fPIC -o "$BATS_FILE_TMPDIR/lib/chain$1.so" "$src/chain.c" "${@:2}" \
		-Wl,-rpath,'$ORIGIN' -Wl,--enable-new-dtags
}

setup_file() {
	local i out=$BATS_FILE_TMPDIR

	cd "$src" || return
	export plugins=
	mkdir "$out/lib"
	for i in 1 2 3 4 5 6 7 8; do
		cc -shared -fPIC -DNUMBER=$i -o "$out/plugin$i.so" plugin.c
		plugins="$plugins $out/plugin$i.so"
	done
	link 1 '-DNEXT="chain2.so"'
	link 2 '-DNEXT="chain3.so"'
	link 3
}

# build NAME ARG...: a program of src/, for this test.
build() {
	cc -o "$BATS_TEST_TMPDIR/$1" "$src/$1.c" "${@:2}"
}

@test "an \$ORIGIN RUNPATH, three libraries that open one another" {
	# shellcheck disable=SC2016
	cc -DMAIN '-DNEXT="chain1.so"' -o "$BATS_FILE_TMPDIR/chain" "$src/chain.c" \
		-Wl,-rpath,'$ORIGIN/lib' -Wl,--enable-new-dtags
	same 1 "$BATS_FILE_TMPDIR/chain"
	prints '^links 4$'
}

@test "8 threads that open, call and close different plugins" {
	build open -pthread
	# shellcheck disable=SC2086
	same 1 "$BATS_TEST_TMPDIR/open" 8 300 $plugins
	prints 'mappings stable$'
}

@test "a plugin that is opened and closed in a loop" {
	build open -pthread
	same 1 "$BATS_TEST_TMPDIR/open" 1 2000 "$BATS_FILE_TMPDIR/plugin1.so"
	prints 'mappings stable$'
}

@test "plugins in namespaces of their own" {
	build namespace
	same 1 "$BATS_TEST_TMPDIR/namespace" "$BATS_FILE_TMPDIR/plugin1.so" \
		"$BATS_FILE_TMPDIR/plugin2.so" libm.so.6 "$BATS_FILE_TMPDIR/plugin3.so"
	prints '^opened$'
}

@test "a library that opens another in its constructor" {
	cc -shared -fPIC "-DPLUGIN=\"$BATS_FILE_TMPDIR/plugin1.so\"" \
		-o "$BATS_TEST_TMPDIR/libearly.so" "$src/early.c"
	build early-main "-L$BATS_TEST_TMPDIR" -learly "-Wl,-rpath,$BATS_TEST_TMPDIR"
	same 1 "$BATS_TEST_TMPDIR/early-main"
	prints '^early 8$'
}

@test "C++ exceptions across opened libraries" {
	needs c++
	for i in 1 2; do
		c++ -shared -fPIC -DLIBRARY -o "$BATS_TEST_TMPDIR/throw$i.so" "$src/throw.cc"
	done
	c++ -o "$BATS_TEST_TMPDIR/throw" "$src/throw.cc"
	same 1 "$BATS_TEST_TMPDIR/throw" "$BATS_TEST_TMPDIR/throw1.so" "$BATS_TEST_TMPDIR/throw2.so"
	prints '^caught: thrown in the library$'
}

@test "300 children by posix_spawn, vfork and fork" {
	build spawn
	same 301 "$BATS_TEST_TMPDIR/spawn" 300
	prints '^good 300$'
}

@test "a musl program and its plugin" {
	needs musl-gcc
	musl-gcc -o "$BATS_TEST_TMPDIR/open" "$src/open.c"
	musl-gcc -shared -fPIC -DNUMBER=1 -o "$BATS_TEST_TMPDIR/plugin.so" "$src/plugin.c"
	same 1 "$BATS_TEST_TMPDIR/open" 4 100 "$BATS_TEST_TMPDIR/plugin.so"
	prints 'mappings stable$'
}

@test "a musl program and its children, glibc's" {
	needs musl-gcc
	musl-gcc -o "$BATS_TEST_TMPDIR/spawn" "$src/spawn.c"
	same 31 "$BATS_TEST_TMPDIR/spawn" 30
	prints '^good 30$'
}

# As documented: what is mapped cannot be seen without /proc. The program goes on, and is told.
@test "a program that opens a plugin after chroot, without /proc" {
	[ "$(id -u)" -eq 0 ] || skip "chroot needs root"
	build confined
	succeeds "$BATS_TEST_TMPDIR/confined" "$BATS_FILE_TMPDIR" /plugin1.so
	prints '^plugin 42$'
	# shellcheck disable=SC2086 # several options
	run --separate-stderr "$tree_audit" "$BATS_TEST_TMPDIR/audit" "$memseal" run ${MEMSEAL_RUN_OPTIONS:-} -- \
		"$BATS_TEST_TMPDIR/confined" "$BATS_FILE_TMPDIR" /plugin1.so
	[ "$status" -eq 0 ]
	[ "$output" = "plugin 42" ]
	# shellcheck disable=SC2154 # set by run
	[[ $stderr == "memseal: "*"/confined: cannot read /proc/thread-self/maps: "*"(ENOENT)" ]]
	[ "$(cut -f 5 "$BATS_TEST_TMPDIR/audit")" = partial ]
}

@test "a program that opens a plugin after chroot, with /proc" {
	[ "$(id -u)" -eq 0 ] || skip "chroot and mount need root"
	build confined
	mkdir -p "$BATS_FILE_TMPDIR/proc"
	mount -t proc proc "$BATS_FILE_TMPDIR/proc"
	same 1 "$BATS_TEST_TMPDIR/confined" "$BATS_FILE_TMPDIR" /plugin1.so || status=$?
	umount "$BATS_FILE_TMPDIR/proc"
	[ "${status:-0}" -eq 0 ]
}

@test "without /proc nothing starts" {
	[ "$(id -u)" -eq 0 ] || skip "unshare and mount need root"
	run --separate-stderr unshare -m sh -c "
		mount -t tmpfs none /proc && exec '$memseal' run echo started"
	[ "$status" -eq 125 ]
	[ -z "$output" ]
}
