# SPDX-License-Identifier: MIT
# scripts/check-abi: what it finds in a library of a few lines, and what it lets pass.

bats_require_minimum_version 1.5.0

setup() {
	command -v abidiff >/dev/null || skip "no abidiff here"
	[ "$(uname -m)" = x86_64 ] || skip "the description is of x86-64"
	cd "$BATS_TEST_TMPDIR" || return
	export LIBRARY=$PWD/libthing.so HEADERS=$PWD/include DESCRIPTION=$PWD/thing.abi
	mkdir include
	write 'struct thing { int number; };'
	library
	"$SOURCE/scripts/check-abi" --update
}

# write STRUCT [MORE]: the header.
write() {
	printf '%s\nint thing_use(struct thing *);\nint thing_end(void);\n%s\n' "$1" "${2-}" \
		>include/thing.h
}

# library [CODE]: built from the header, and code for more functions than the first two.
library() {
	printf '#include "thing.h"\n%s\n%s\n' 'int thing_use(struct thing *t) { return t->number; }' \
		"${1-int thing_end(void) { return 0; \}}" | sed 's/\\}/}/g' |
		cc -g -shared -fPIC -Iinclude -x c - -o "$LIBRARY"
}

changed() { # what is told
	run -1 --separate-stderr "$SOURCE/scripts/check-abi"
	[[ "$output" == *"$1"* ]]
	[[ "$stderr" == *CHANGELOG.md*"check-abi --update"* ]]
}

@test "the same library passes, and so does one that does more" {
	run -0 "$SOURCE/scripts/check-abi"
	[ -z "$output" ]
	write 'struct thing { int number; };' 'int thing_more(void);'
	library 'int thing_end(void) { return 0; } int thing_more(void) { return 1; }'
	run -0 "$SOURCE/scripts/check-abi"
	[[ "$output" == *thing_more* ]]
}

@test "a function that is gone is found" {
	library ''
	changed thing_end
}

@test "a member more is found" {
	write 'struct thing { int number, other; };'
	library
	changed "type size changed"
}

@test "another type of a parameter is found" {
	write 'struct thing { long number; };'
	library
	changed thing_use
}

@test "what a change on purpose needs: it is described anew" {
	write 'struct thing { int number, other; };'
	library
	"$SOURCE/scripts/check-abi" --update
	run -0 "$SOURCE/scripts/check-abi"
}

@test "what is behind the header's back may change" {
	echo 'struct secret { int a; }; int thing_end(void) { struct secret s = { 1 }; return s.a; }' >code
	library "$(cat code)"
	"$SOURCE/scripts/check-abi" --update
	sed 's/int a;/long a, b;/' code >other
	library "$(cat other)"
	run -0 "$SOURCE/scripts/check-abi"
}

@test "a library without debugging information is refused" {
	strip "$LIBRARY"
	run -1 "$SOURCE/scripts/check-abi"
	[[ "$output" == *"no debugging information"* ]]
}

@test "the committed description names no place of a machine" {
	run ! grep -E '/(home|root|tmp|usr|work)/|comp-dir-path|<abi-corpus[^>]* path=' \
		"$SOURCE/abi/libmemseal.abi"
}
