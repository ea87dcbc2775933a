#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Language runtimes: threads, just-in-time compilers and many objects loaded late.

# shellcheck source=tests/programs/programs.bash
load programs

# The one of the system: it goes with libpython3.11-testsuite.
python=/usr/bin/python3

@test "python3 with ssl, sqlite3 and ctypes" {
	needs "$python"
	same 2 "$python" "$src/modules.py"
	prints '^child 42$'
}

@test "a position-independent python3, with either engine" {
	lib=$(ls /usr/lib/*/libpython3.11.so.1.0) || skip "no libpython3.11 here"
	echo 'int Py_BytesMain(int, char **); int main(int c, char **v) { return Py_BytesMain(c, v); }' |
		cc -fPIE -pie -x c - -x none "$lib" -o "$BATS_TEST_TMPDIR/python3"
	same_by_both 2 "$BATS_TEST_TMPDIR/python3" "$src/modules.py"
	prints '^child 42$'
}

# cpython MODULE...: these modules of CPython's own tests.
cpython() {
	needs "$python"
	"$python" -c 'import test.test_json' 2>/dev/null || skip "no libpython3.11-testsuite here"
	volatile='s/[0-9.]* \(ms\|sec\|min\)/N/g; s/^[0-9:]* load avg: [0-9.]*//; /^Using random seed/d'
	same 1 "$python" -m test -u none "$@"
	prints '^Tests result: SUCCESS$'
}

@test "CPython's tests: json, struct, zlib, bz2, decimal" {
	cpython test_json test_struct test_zlib test_bz2 test_decimal
}

@test "CPython's tests: ctypes, mmap, hashlib, threads, select" {
	static=ldconfig # by which ctypes.util finds libraries
	cpython test_ctypes test_mmap test_hashlib test_thread test_select
}

@test "node: worker threads and the JIT" {
	needs node
	same 2 node "$src/workers.js"
	prints '^sum 5000000050000000$'
}

@test "node with the filter engine, refused or the same: it is linked to a fixed address on Debian" {
	needs node
	succeeds node "$src/workers.js"
	filtered_same 2 node "$src/workers.js"
}

@test "java: threads, the JIT, native libraries" {
	needs javac
	same_by_both 1 java -Xshare:auto "$src/Threads.java"
	prints '^sum 1999999000000$'
}

# It replaces its own text, and goes on to execute what it could not replace. Whether a huge page finds
# room in its text is random.
@test "PHP, which moves its text to huge pages, is left alone where that is asked for" {
	needs php
	local show='foreach (file("/proc/self/maps") as $line)
		if (preg_match("/ r-xp 00000000 00:00 0 *$/", $line)) $moved = true;
	echo isset($moved) ? "moved" : "in place", "\n";'
	local php=(php -d opcache.enable_cli=1 -d opcache.huge_code_pages=1 -r "$show") plain='' sealed=''
	for _ in {1..20}; do
		run -0 "${php[@]}"
		plain+=$output
		# shellcheck disable=SC2086 # one or more
		run -0 "$memseal" run ${MEMSEAL_RUN_OPTIONS-} --except='php*' "${php[@]}"
		sealed+=$output
	done
	[[ "$plain" == *moved* ]] || skip "this PHP or this kernel moves no text"
	[[ "$sealed" == *moved* ]]
}
