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
	meson setup --cross-file "$SOURCE/scripts/cross/aarch64.ini" "$BATS_TEST_TMPDIR/build" "$SOURCE" \
		--werror
	ninja -j2 -C "$BATS_TEST_TMPDIR/build" all
	readelf -h "$BATS_TEST_TMPDIR/build/libmemseal-agent.so" | grep AArch64
	check_agent "$BATS_TEST_TMPDIR/build/libmemseal-agent.so"
	diff <(exported) <(nm -D --defined-only "$BATS_TEST_TMPDIR/build/libmemseal.so" |
		awk '$2 != "A" { print $3 }' | sed 's/@.*//' | sort)
}
