#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# scripts/check-layers: each rule is broken once, in a small tree that passes without that.

bats_require_minimum_version 1.5.0

setup() {
	TREE=$BATS_TEST_TMPDIR/tree
	mkdir -p "$TREE/src/base" "$TREE/src/model" "$TREE/src/process"
	write base/low.h '#include <stdint.h>'
	write base/low.c '#include "base/low.h"' '#include <errno.h>'
	write model/facts.h '#include "base/low.h"'
	write model/facts.c '#include "model/facts.h"'
	write process/look.c '#include "base/low.h"' '#include "model/facts.h"' '#include <stdio.h>'
}

# write FILE LINE...: a file of the tree.
write() {
	local file=$TREE/src/$1
	shift
	mkdir -p "${file%/*}"
	printf '%s\n' "$@" >"$file"
}

layers() {
	run "$SOURCE/scripts/check-layers" "$TREE"
}

# refused TEXT: the one complaint there is.
refused() {
	layers
	echo "$output"
	[ "$status" -eq 1 ]
	[ "$output" = "$1" ]
}

@test "check-layers passes a clean tree" {
	layers
	[ "$status" -eq 0 ]
	[ -z "$output" ]
}

@test "check-layers finds an include from a room that is not in the list" {
	write model/facts.c '#include "model/facts.h"' '# include "process/list.h"'
	refused 'src/model/facts.c: includes "process/list.h": src/model may not use src/process'
}

@test "check-layers finds an include that names no room" {
	write model/facts.c '#include "facts.h"'
	refused 'src/model/facts.c: includes "facts.h": say its room'
}

@test "check-layers finds a room of the list that is not used" {
	write process/look.c '#include "base/low.h"'
	refused 'src/process: may use src/model and does not: take it off the list'
}

@test "check-layers finds a room without a list" {
	write cellar/box.c '#include <stdint.h>'
	refused 'src/cellar: no list of rooms that it may use'
}

@test "check-layers finds a circle of two files" {
	write model/more.h '#include "model/facts.h"'
	write model/facts.c '#include "model/facts.h"' '#include "model/more.h"'
	layers
	[ "$status" -eq 1 ]
	[[ $output = 'files that use each other in a circle: '*model/facts* ]]
	[[ $output = *model/more* ]]
	[ "${#lines[@]}" -eq 1 ]
	# One way alone is none.
	write model/facts.c '#include "model/facts.h"'
	layers
	[ "$status" -eq 0 ]
}

@test "check-layers finds a circle of three files" {
	write process/one.c '#include "process/two.h"'
	write process/two.c '#include "process/three.h"'
	write process/three.c '#include "process/one.h"'
	layers
	[ "$status" -eq 1 ]
	[[ $output = *process/one* && $output = *process/two* && $output = *process/three* ]]
}

@test "check-layers finds a header of the hosted C library in a freestanding room" {
	local header

	for header in string.h stdlib.h dirent.h pthread.h; do
		write base/low.c '#include "base/low.h"' "#include <$header>"
		refused 'src/base/low.c: includes a header of the hosted C library, and the agent has none'
	done
	write process/more.c '#include <string.h>' # the agent has no part of it
	write base/low.c '#include "base/low.h"'
	layers
	[ "$status" -eq 0 ]
}

@test "check-layers finds a header of the operating system in a pure room" {
	local text='makes no system call and allocates nothing, and needs no such header'

	write model/facts.c '#include "model/facts.h"' '#include <sys/mman.h>'
	refused "src/model/facts.c: $text"
	write model/facts.c '#include "model/facts.h"'
	write base/low.c '#include "base/low.h"' '#include <sys/mman.h>'
	layers
	[ "$status" -eq 0 ]
}

@test "check-layers finds a system call that is not made by src/base" {
	local text='makes a system call without src/base/sys.h' line

	for line in 'asm volatile("syscall");' 'asm volatile("svc #0");' 'return syscall(1);'; do
		write process/more.c "$line"
		refused "src/process/more.c: $text"
	done
	rm "$TREE/src/process/more.c"
	write base/arch-any.h 'asm volatile("syscall");'
	layers
	[ "$status" -eq 0 ]
}
