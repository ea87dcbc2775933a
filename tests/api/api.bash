# SPDX-License-Identifier: MIT
# What the tests of the public interface share. BUILD and SOURCE are set by the build system.

# Meson's, for the libraries of the build tree.
unset LD_LIBRARY_PATH

HEADERS=("$SOURCE"/include/memseal{,-compat,-globals}.h)

need() {
	command -v "$1" >/dev/null || skip "no $1 here"
}

# "!" does not fail a test in bats.
refute() {
	if "$@"; then
		return 1
	fi
}

# The functions that the headers declare, one a line, as the compiler sees them.
declared() {
	printf '#include <%s>\n' "${HEADERS[@]##*/}" |
		gcc -fsyntax-only -aux-info /dev/stdout "$@" -I"$SOURCE/include" -x c - |
		sed -n "s|^/\* $SOURCE/include/memseal[^(]*[ *]\([a-z_0-9]*\) (.*|\1|p" | sort -u
}

# Those of them that the library exports: the others are in a header alone.
exported() {
	declared "$@" | grep -vxF "$(sed -n 's/^static inline .*[ *]\([a-z_]*\)(.*/\1/p' "${HEADERS[@]}" | sort -u)"
}

# Debian's musl-gcc knows no kernel headers.
MUSL_FLAGS="-idirafter /usr/include -idirafter /usr/include/$(uname -m)-linux-gnu"
export MUSL_FLAGS

# What libmemseal.a is made of, compiled for musl: build_musl_library FILE.
build_musl_library() {
	local work=$1.objects

	rm -rf "$work"
	mkdir "$work"
	for source in "$SOURCE"/src/{base,model,bpf,engine,images,probe,memory,process,launch}/*.c; do
		[ "${source##*/}" != fault.c ] || continue # for tests
		echo "$source" "$work/$(basename "$(dirname "$source")")-$(basename "$source").o"
	done | xargs -P "$(nproc)" -n 2 sh -c 'musl-gcc -std=gnu17 -O2 -Wall -D_GNU_SOURCE \
		-DMEMSEAL_VERSION="\"0\"" -DMEMSEAL_AGENT_PATH="\"/\"" -DMEMSEAL_LIBEXEC_DIR="\"/\"" \
		-I"$SOURCE/include" -I"$SOURCE/src" $MUSL_FLAGS -fPIC -c "$0" -o "$1"' || return
	ar rcs "$1" "$work"/*.o
}

# The same for all tests that ask for it, as long as no source is newer: musl_library FILE.
musl_library() {
	local shared=$BUILD/tests/libmemseal-musl.a

	(
		flock 9
		if [ ! -e "$shared" ] || [ -n "$(find "$SOURCE/src" "$SOURCE/include" \
			"$SOURCE/tests/api/api.bash" -type f -newer "$shared" | head -n 1)" ]; then
			build_musl_library "$shared.new" && mv "$shared.new" "$shared"
		fi
	) 9>"$shared.lock" || return
	cp "$shared" "$1"
}

# What the agent must be to run in any program: $1 is the file.
check_agent() {
	readelf -dlVW "$1" >"$BATS_TEST_TMPDIR/readelf"
	refute grep -E 'NEEDED|TEXTREL|STATIC_TLS|RPATH|RUNPATH' "$BATS_TEST_TMPDIR/readelf" || return
	refute grep -E '^ *TLS |GNU_STACK.*E |VERNEED|VERSYM|VERDEF' "$BATS_TEST_TMPDIR/readelf" || return
	# Undefined: what libc.h names, weakly.
	diff <(readelf --dyn-syms -W "$1" | awk '$7 == "UND" && $8 { print $5, $8 }' | sort) \
		<(sed -n -e 's/^#pragma weak \([a-z_]*\)$/\1/p' \
			-e 's/^extern .* __asm__("\([a-z_]*\)") __attribute__((weak));$/\1/p' \
			-e 's/^extern .*[ *]\([a-z_]*\)\(\[\]\|(void)\)\{0,1\} __attribute__((weak));/\1/p' \
			"$SOURCE/src/agent/libc.h" | sed 's/^/WEAK /' | sort)
}
