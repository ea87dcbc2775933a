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

# Builds the library for musl: compiles what libmemseal.a is made of.
musl_library() {
	local source object objects=()

	for source in "$SOURCE"/src/{base,model,bpf,engine,images,probe,memory,process,launch}/*.c; do
		[ "${source##*/}" != fault.c ] || continue # for tests
		object=$BATS_TEST_TMPDIR/$(basename "$(dirname "$source")")-$(basename "$source").o

		musl-gcc -std=gnu17 -O2 -Wall -D_GNU_SOURCE -DMEMSEAL_VERSION='"0"' \
			-DMEMSEAL_AGENT_PATH='"/"' -DMEMSEAL_LIBEXEC_DIR='"/"' -I"$SOURCE/include" \
			-I"$SOURCE/src" $MUSL_FLAGS -fPIC -c "$source" -o "$object"
		objects+=("$object")
	done
	ar rcs "$1" "${objects[@]}"
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
