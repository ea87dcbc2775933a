# SPDX-License-Identifier: MIT
# The examples: every line that they print, with mseal(2) and without.

setup() {
	unset LD_LIBRARY_PATH
	PATH=$BUILD/tests:$PATH
}

NO_MSEAL="this kernel has no mseal(2): a filter is used"

# shows NAME LINE: it prints what stdin says; without mseal(2) the same, and why, before that line.
shows() {
	local expected
	expected=$(cat)
	diff <(echo "$expected") <("$BUILD/examples/$1" || echo "failed: $?")
	diff <(echo "$expected" | sed "$2i $NO_MSEAL") \
		<(deny-syscall 462 38 "$BUILD/examples/$1" || echo "failed: $?")
}

@test "page" {
	shows page 5 <<-END
		a page that is not sealed:
		  make it writable: allowed
		  make it read-only again: allowed
		  unmap it: allowed
		a sealed page:
		  make it writable: refused (EPERM)
		  make it read-only again: refused (EPERM)
		  unmap it: refused (EPERM)
		it says: what was decided at the start
	END
}

@test "fixed size" {
	shows fixed-size 5 <<-END
		four pages that are not sealed:
		  grow to 5 pages: allowed
		  shrink to 3 pages: allowed
		  move it to where there is more room: allowed
		four sealed pages:
		  grow to 5 pages: refused (EPERM)
		  shrink to 3 pages: refused (EPERM)
		  move it to where there is more room: refused (EPERM)
		still 4 pages, and writable to the last byte
	END
}

@test "inline assembly" {
	shows inline-assembly 1 <<-END
		memory that is not sealed:
		  mprotect: allowed
		  mremap: allowed
		  mmap over it: allowed
		  munmap: allowed
		sealed memory:
		  mprotect: refused (EPERM)
		  mremap: refused (EPERM)
		  mmap over it: refused (EPERM)
		  munmap: refused (EPERM)
		still there: 0
	END
}

@test "no hook is in the way of inline assembly" {
	refute_call() {
		! nm -D --undefined-only "$BUILD/examples/inline-assembly" | grep -wE "$1(@.*)?"
	}
	refute_call mprotect
	refute_call mremap
	refute_call munmap
	refute_call syscall
	nm -D --undefined-only "$BUILD/examples/page" | grep -w mprotect
}

@test "stores" {
	shows stores 1 <<-END
		sealed, writable: a store works, /proc/self/mem works
		sealed, read-only: a store SIGSEGV, /proc/self/mem works
		an arena before it is frozen: a store works, /proc/self/mem works
		the arena, frozen: a store SIGSEGV, /proc/self/mem EIO
	END
}

@test "configuration" {
	shows config 1 <<-END
		read: listen=127.0.0.1:80 root=/srv/www admin=no
		an attack on a configuration that is not frozen:
		request served, admin=yes
		the same after it was frozen:
		request stopped by SIGSEGV
		the server goes on, admin=no
	END
}

@test "dispatch table" {
	shows dispatch 4 <<-END
		2 handlers
		an attack on a table that is not frozen:
		  the attacker's function runs
		the same after it was frozen:
		  stopped by SIGSEGV
		the table still works:
		  get: here you are
		  put: stored
		2 calls
	END
}

@test "key store" {
	[ -x "$BUILD/examples/keystore" ] || skip "OpenSSL 3 was not there when this was built"
	shows keystore 1 <<-END
		100 slots, 1 in use
		not swapped out: yes
		in no core dump: yes
		not in children: yes
		guarded: yes
		sealed: yes
		the signature is valid: yes
		a changed one is not: yes
		a child does not see the key: yes
		the parent still does: yes
		what is put back is wiped: yes
	END
}

@test "readers can copy them: they need what the README says" {
	grep -F 'cc -D_GNU_SOURCE page.c $(pkg-config --cflags --libs memseal)' "$SOURCE/examples/README.md"
	for file in "$SOURCE"/examples/*.c; do
		name=$(basename "$file" .c)
		libs=
		case $name in
		keystore) [ -x "$BUILD/examples/keystore" ] || continue; libs=-lcrypto ;;
		jit-tcc) [ -x "$BUILD/examples/jit-tcc" ] || continue; libs="-ltcc -ldl" ;;
		esac
		cc -D_GNU_SOURCE -Wall -Werror -I"$SOURCE/include" "$file" -o "$BATS_TEST_TMPDIR/$name" \
			-L"$BUILD" -lmemseal $libs
		[ -z "$(grep '#include "' "$file")" ]
	done
}

@test "each has a line in the README" {
	for file in "$SOURCE"/examples/*.c; do
		grep -F "[$(basename "$file")]($(basename "$file"))" "$SOURCE/examples/README.md"
	done
}

# Where something is not as it should be, they say so: here the freeze does not happen.
@test "they fail where nothing can be sealed" {
	case $(uname -m) in
	x86_64) seccomp=317 ;;
	*) seccomp=277 ;;
	esac
	for name in page fixed-size inline-assembly stores config dispatch; do
		run deny-syscall 462 38 deny-syscall $seccomp 38 "$BUILD/examples/$name"
		[ "$status" -eq 1 ]
	done
}
