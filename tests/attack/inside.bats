# SPDX-License-Identifier: MIT
# Every attack of the catalogue, made inside real programs on their text, read-only data and RELRO:
# unsealed, and under `memseal run`. What each must come to is in src/attack/expect.c.

load inside

@test "unsealed, every mapping attack on libc works" {
	unsealed /bin/bash -c 'echo $((6 * 7))'
	for role in text rodata relro; do
		answers libc "$role" munmap "ok, SIGSEGV"
		answers libc "$role" mmap-fixed "ok, zeroed"
		answers libc "$role" mremap-away "ok, SIGSEGV"
		answers libc "$role" mprotect-rw "ok, writable"
	done
	answers libc relro madv-dontneed "ok, file bytes"
	answers libc relro madv-dontfork "ok, child SIGSEGV"
	answers libc relro madv-guard-install "ok, SIGSEGV"
	answers libc text proc-mem "ok, changed"
}

@test "sealed, none does, and what is left open is left open" {
	sealed /bin/bash -c 'echo $((6 * 7))'
	for role in text rodata relro; do
		answers libc "$role" munmap EPERM
		answers libc "$role" mmap-fixed EPERM
		answers libc "$role" mremap-away EPERM
		answers libc "$role" mprotect-rw EPERM
		answers libc "$role" proc-mem "ok, changed"
		answers libc "$role" ptrace-poke "ok, changed"
	done
	answers libc relro madv-dontneed EPERM
	answers libc relro madv-dontfork EPERM
	answers libc relro madv-guard-install EPERM
	answers libc text madv-dontneed ok
	answers libc text madv-dontfork "ok, child SIGSEGV"
	answers libc text madv-guard-install "ok, SIGSEGV"
}

@test "python3 with ssl, sqlite3 and ctypes" {
	needs /usr/bin/python3
	everywhere sealed /usr/bin/python3 -c 'import ssl, sqlite3, ctypes; print(sqlite3.sqlite_version)'
}

@test "bash with children" {
	everywhere sealed /bin/bash -c 'for i in 1 2 3; do (echo $i | tr 1 2); done; wait'
}

@test "perl with an XS module" {
	needs perl
	everywhere sealed perl -MPOSIX -MList::Util=sum -e 'print sum(1 .. 10), POSIX::floor(2.5), "\n"'
}

@test "node, whose text lies at a fixed address" {
	needs node
	everywhere sealed node -e 'console.log(6 * 7)'
}

@test "a program linked with musl" {
	needs musl-gcc
	echo 'int puts(const char *); int main(void) { return puts("musl") < 0; }' >"$BATS_TEST_TMPDIR/m.c"
	musl-gcc -o "$BATS_TEST_TMPDIR/m" "$BATS_TEST_TMPDIR/m.c"
	for how in unsealed sealed; do
		$how "$BATS_TEST_TMPDIR/m"
		as_expected_of_musl "$BATS_TEST_TMPDIR/m"
	done
}

@test "strict: what is left open is left open, and nothing else" {
	strict /bin/bash -c 'echo $((6 * 7))'
	for role in text rodata relro; do
		answers libc "$role" munmap EPERM
		answers libc "$role" mprotect-rw EACCES
		answers libc "$role" proc-mem EIO
		answers libc "$role" ptrace-poke EIO
		answers libc "$role" process-vm-writev EFAULT
		answers libc "$role" madv-dontneed ok
		answers libc "$role" madv-dontfork "ok, child SIGSEGV"
		answers libc "$role" madv-guard-install "ok, SIGSEGV"
	done
	strict_held /bin/bash -c 'echo $((6 * 7))'
	for role in text rodata relro; do
		answers libc "$role" proc-mem EIO
		answers libc "$role" madv-dontfork EPERM
		answers libc "$role" madv-guard-install EPERM
	done
}

@test "strict: bash with children" {
	everywhere strict /bin/bash -c 'for i in 1 2 3; do (echo $i | tr 1 2); done; wait'
	everywhere strict_held /bin/bash -c 'for i in 1 2 3; do (echo $i | tr 1 2); done; wait'
}

@test "strict: python3 with ssl, sqlite3 and ctypes" {
	needs /usr/bin/python3
	everywhere strict /usr/bin/python3 -c 'import ssl, sqlite3, ctypes; print(sqlite3.sqlite_version)'
}

@test "strict: perl with an XS module" {
	needs perl
	everywhere strict_held perl -MPOSIX -MList::Util=sum -e 'print sum(1 .. 10), POSIX::floor(2.5), "\n"'
}

@test "strict: a program linked with musl" {
	needs musl-gcc
	echo 'int puts(const char *); int main(void) { return puts("musl") < 0; }' |
		musl-gcc -x c - -o "$BATS_TEST_TMPDIR/m"
	strict "$BATS_TEST_TMPDIR/m"
	as_expected_of_musl "$BATS_TEST_TMPDIR/m"
}
