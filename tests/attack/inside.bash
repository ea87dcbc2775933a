# shellcheck shell=bash disable=SC2154
# SPDX-License-Identifier: MIT
# The attacks of the catalogue inside real programs, for the tests.

# shellcheck source=tests/helpers/ask.bash
source "${SOURCE:?}/tests/helpers/ask.bash"

memseal=${BUILD:?}/memseal
helpers=$BUILD/tests

# unsealed CMD..., sealed CMD..., held CMD..., strict CMD..., strict_held CMD...: runs it with the
# attacks at its end; output and report are kept. held: by a seccomp filter, which leaves RELRO as the
# loader made it. strict: with the bytes locked.
unsealed() {
	lock=none text=file-ro relro=file-written
	attacked "$@"
}

sealed() {
	lock=kernel text=file-ro relro=anon-ro
	attacked "$memseal" run "$@"
}

held() {
	lock=filter text=file-ro relro=file-written
	attacked "$memseal" run --engine=filter "$@"
}

strict() {
	lock=kernel text=memfd-ro relro=memfd-ro
	attacked "$memseal" run --strict "$@"
}

strict_held() {
	lock=filter text=memfd-ro relro=memfd-ro
	attacked "$memseal" run --strict --engine=filter "$@"
}

attacked() {
	report=$BATS_TEST_TMPDIR/report.$lock
	ATTACK_REPORT=$report LD_PRELOAD=$helpers/attack-inside.so "$@" >"$BATS_TEST_TMPDIR/out.$lock"
}

# unsealed_once CMD...: an earlier test's report and output, if it had the same command.
unsealed_once() {
	local kept
	kept=$BATS_FILE_TMPDIR/$(printf '%s\0' "$@" | sha256sum | cut -c 1-40)
	if [ ! -d "$kept" ]; then
		unsealed "$@"
		mkdir "$kept"
		cp "$BATS_TEST_TMPDIR/report.none" "$BATS_TEST_TMPDIR/out.none" "$kept"
	fi
	lock=none text=file-ro relro=file-written report=$BATS_TEST_TMPDIR/report.none
	cp "$kept/"* "$BATS_TEST_TMPDIR"
}

# as_expected OBJECT...: the report ends, has every attack on each part of each object, and each
# came to what the table says. Some cannot be tried there: the file behind a program is not to be
# changed, room for growth is mostly taken, RELRO may have one page, and one attack takes privilege.
as_expected() {
	local untried='^(file-|pkey-mprotect$|mremap-(grow|shrink))'

	! grep -q 'uffd-.*untried' "$report" || untried+='|^uffd-' # see the musl program

	[ "$(id -u)" = 0 ] || untried+='|^child-pageout$'
	"$helpers/attack-table" >"$BATS_TEST_TMPDIR/expected"
	awk -F '\t' -v lock="$lock" -v text="$text" -v relro="$relro" -v objects="$*" -v untried="$untried" '
		function complain(what) { print what; bad = 1 }
		# Locked bytes of a file are no memory that userfaultfd would take. Those of a memfd
		# are mapped by its own descriptor, which new kernels have as writable.
		function kind(memory, role, attack) {
			if (memory != "memfd-ro" || lock != "kernel")
				return memory
			if (role != "relro" && attack ~ /^uffd-/)
				return "file-ro"
			return role == "relro" && attack == "remap-file-pages" ? "shared-rw" : memory
		}
		NR == FNR {
			expected[$1, $2, $3] = $4
			attacks[$3]
			next
		}
		$1 == "end" { ended = 1; next }
		{
			want = expected[lock, kind($2 == "relro" ? relro : text, $2, $3), $3]
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

# everywhere sealed|held|strict|strict_held CMD...: the whole catalogue, with and without, and a program that does its
# work all the same.
everywhere() {
	unsealed_once "${@:2}"
	as_expected program libc loader library
	"$@"
	as_expected program libc loader library
	cmp "$BATS_TEST_TMPDIR/out.none" "$BATS_TEST_TMPDIR/out.$lock"
	[ -s "$BATS_TEST_TMPDIR/out.$lock" ]
}

# answers OBJECT ROLE ATTACK RESULT: in the last report.
answers() {
	grep -qxF "$1"$'\t'"$2"$'\t'"$3"$'\t'"$4" "$report" && return
	echo "$1 $2 $3: expected $4, there is:"
	grep -F "$1"$'\t'"$2"$'\t'"$3"$'\t' "$report"
	return 1
}

# as_expected_of_musl PROGRAM: musl's loader is its libc, and leaves its own RELRO writable: it is not
# looked at. Userfaultfd takes the pages of a file on tmpfs, and those of no other.
as_expected_of_musl() {
	sed -i '/^loader\trelro\t/d' "$report"
	if [ "$(stat -f -c %T "$1")" = tmpfs ]; then
		sed -i 's/\(\tuffd-[^\t]*\)\t.*/\1\tuntried/' "$report"
	fi
	as_expected program
}
