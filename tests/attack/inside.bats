# SPDX-License-Identifier: MIT
# Every attack of the catalogue, made inside real programs on their text, read-only data and RELRO:
# unsealed, and under `memseal run`. What each must come to is in src/attack/expect.c.

memseal=${BUILD:?}/memseal
helpers=$BUILD/tests

needs() {
	local cmd

	for cmd; do
		command -v "$cmd" >/dev/null || skip "no $cmd here"
	done
}

# unsealed CMD..., sealed CMD...: runs it with the attacks at its end; output and report are kept.
unsealed() {
	lock=none relro=file-written
	attacked "$@"
}

sealed() {
	lock=kernel relro=anon-ro
	attacked "$memseal" run "$@"
}

attacked() {
	report=$BATS_TEST_TMPDIR/report.$lock
	ATTACK_REPORT=$report LD_PRELOAD=$helpers/attack-inside.so "$@" >"$BATS_TEST_TMPDIR/out.$lock"
}

# as_expected OBJECT...: the report ends, has every attack on each part of each object, and each
# came to what the table says. Some cannot be tried there: the file behind a program is not to be
# changed, room for growth is mostly taken, RELRO may have one page, and one attack takes privilege.
as_expected() {
	local untried='^(file-|pkey-mprotect$|mremap-(grow|shrink))'

	! grep -q 'uffd-.*untried' "$report" || untried+='|^uffd-' # see the musl program

	[ "$(id -u)" = 0 ] || untried+='|^child-pageout$'
	"$helpers/attack-table" >"$BATS_TEST_TMPDIR/expected"
	awk -F '\t' -v lock="$lock" -v relro="$relro" -v objects="$*" -v untried="$untried" '
		function complain(what) { print what; bad = 1 }
		NR == FNR {
			expected[$1, $2, $3] = $4
			attacks[$3]
			next
		}
		$1 == "end" { ended = 1; next }
		{
			want = expected[lock, $2 == "relro" ? relro : "file-ro", $3]
			seen[$1, $2, $3]
			if ($4 == "untried" && $3 ~ untried)
				next
			if ($4 != want)
				complain($0 ", expected " want)
		}
		END {
			if (!ended)
				complain("the report has no end")
			n = split(objects, object, " ")
			m = split("text rodata relro", role, " ")
			for (i = 1; i <= n; i++)
				for (j = 1; j <= m; j++)
					for (attack in attacks)
						if (!((object[i], role[j], attack) in seen))
							complain(object[i] " " role[j] " " attack " missing")
			exit bad
		}' "$BATS_TEST_TMPDIR/expected" "$report"
}

# The whole catalogue, unsealed and sealed, and a program that does its work all the same.
everywhere() {
	unsealed "$@"
	as_expected program libc loader library
	sealed "$@"
	as_expected program libc loader library
	cmp "$BATS_TEST_TMPDIR/out.none" "$BATS_TEST_TMPDIR/out.kernel"
	[ -s "$BATS_TEST_TMPDIR/out.kernel" ]
}

# answers OBJECT ROLE ATTACK RESULT: in the last report.
answers() {
	grep -qxF "$1"$'\t'"$2"$'\t'"$3"$'\t'"$4" "$report" && return
	echo "$1 $2 $3: expected $4, there is:"
	grep -F "$1"$'\t'"$2"$'\t'"$3"$'\t' "$report"
	return 1
}

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
	everywhere /usr/bin/python3 -c 'import ssl, sqlite3, ctypes; print(sqlite3.sqlite_version)'
}

@test "bash with children" {
	everywhere /bin/bash -c 'for i in 1 2 3; do (echo $i | tr 1 2); done; wait'
}

@test "perl with an XS module" {
	needs perl
	everywhere perl -MPOSIX -MList::Util=sum -e 'print sum(1 .. 10), POSIX::floor(2.5), "\n"'
}

@test "git" {
	needs git
	everywhere git --version
}

@test "sqlite3" {
	needs sqlite3
	everywhere sqlite3 :memory: 'select 6 * 7'
}

@test "curl" {
	needs curl
	everywhere curl -s "file:///etc/passwd"
}

@test "node, whose text lies at a fixed address" {
	needs node
	everywhere node -e 'console.log(6 * 7)'
}

@test "a program linked with musl" {
	needs musl-gcc
	echo 'int puts(const char *); int main(void) { return puts("musl") < 0; }' >"$BATS_TEST_TMPDIR/m.c"
	musl-gcc -o "$BATS_TEST_TMPDIR/m" "$BATS_TEST_TMPDIR/m.c"
	# Its loader is its libc, and leaves its own RELRO writable: not looked at.
	for how in unsealed sealed; do
		$how "$BATS_TEST_TMPDIR/m"
		sed -i '/^loader\trelro\t/d' "$report"
		# userfaultfd takes the pages of a file on tmpfs, and those of no other.
		if [ "$(stat -f -c %T "$BATS_TEST_TMPDIR/m")" = tmpfs ]; then
			sed -i 's/\(\tuffd-[^\t]*\)\t.*/\1\tuntried/' "$report"
		fi
		as_expected program
	done
}
