#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# memseal audit: processes from outside, and its score against one that is computed otherwise.

load reports.bash

# One field of the only process in JSON output.
field() {
	jq -c ".processes[0].$1" <<< "$output"
}

@test "a table has the documented columns" {
	start_sleep
	run -0 memseal audit "$pid"
	[[ "${lines[0]}" =~ ^\ *PID\ COMM\ +STATE\ +COVERAGE\ +SEALABLE\ +SEALED\ +EXEC_OPEN\ +IMAGES\ +WHY$ ]]
	[[ ${lines[1]} =~ ^\ *$pid\ sleep\ +unsealed\ +0\.0\ +[0-9.]+M\ +0B\ +[0-9.]+M\ +[4-9]\ *$ ]]
	[ "${#lines[@]}" -eq 2 ]
}

@test "JSON has the documented keys and types" {
	start_sleep
	run -0 --separate-stderr memseal audit --json
	/usr/bin/python3 -m json.tool <<< "$output" > /dev/null
	[ "$(jq -c keys <<< "$output")" = '["processes"]' ]
	jq -e 'all(.processes[]; keys_unsorted == ["pid", "comm", "state", "coverage", "sealable",
		"sealed", "exec_open", "images", "why"])' <<< "$output"
	jq -e 'all(.processes[]; (.pid | type == "number") and (.comm | type == "string")
		and (.state | IN("sealed", "partial", "unsealed", "unknown")))' <<< "$output"
	jq -e 'all(.processes[] | select(.state == "unknown"); .coverage == null and .sealable == null
		and .sealed == null and .exec_open == null and .images == null
		and (.why | type == "string"))' <<< "$output"
	jq -e 'all(.processes[] | select(.state != "unknown"); (.coverage | type == "number")
		and .coverage <= 100 and .sealable >= .sealed and .images > 0
		and (.exec_open | type == "number") and (.why | type | IN("string", "null")))' \
		<<< "$output"
}

@test "the whole system is its processes without kernel threads" {
	start_sleep
	run -0 --separate-stderr memseal audit --json
	jq -e "any(.processes[]; .pid == $pid and .comm == \"sleep\")" <<< "$output"
	jq -e "any(.processes[]; .pid == $$)" <<< "$output"
	jq -e 'all(.processes[]; .comm != "kthreadd")' <<< "$output"
	[ "$(jq -c '.processes | map(.pid)' <<< "$output")" = \
		"$(jq -c '.processes | map(.pid) | sort' <<< "$output")" ]
}

@test "sealed, partial, unsealed" {
	start_sealed
	run -0 --separate-stderr memseal audit -J "$pid"
	[ "$(field state)" = '"sealed"' ]
	[ "$(field coverage)" = 100.0 ] || [ "$(field coverage)" = 100 ]
	start_python seal=/libc.so
	run -0 --separate-stderr memseal audit -J "$pid"
	[ "$(field state)" = '"partial"' ]
	jq -e '.processes[0] | (.sealed * 1000 / .sealable | floor) / 10 == .coverage' <<< "$output"
	start_python
	run -0 --separate-stderr memseal audit -J "$pid"
	[ "$(field state)" = '"unsealed"' ]
	[ "$(field sealed)" = 0 ]
}

# A sealed program that has executable memory beside its images.
start_sealed_with() {
	start memseal run "$BUILD/tests/exec-memory" "$@"
}

@test "executable memory beside the sealed text is shown, and what it makes of the state" {
	start_sealed_with none
	run -0 --separate-stderr memseal audit -J "$pid"
	[ "$(jq -c '.processes[0] | [.state, .coverage == 100, .exec_open, .why]' <<< "$output")" = \
		'["sealed",true,0,null]' ]
	run -0 memseal audit --fail-under 100 "$pid"
	# Generated code cannot be sealed. It is named, and a process without it shows 0.
	start_sealed_with anonymous
	run -0 --separate-stderr memseal audit -J "$pid"
	[ "$(jq -c '.processes[0] | [.state, .coverage == 100, .exec_open, .why]' <<< "$output")" = \
		'["sealed",true,8192,"generated code (JIT)"]' ]
	run -0 memseal audit --fail-under 100 "$pid"
	# Code of a file is no generated code, although coverage is full: it is a part of no image.
	for kind in own-file other-file heap; do
		start_sealed_with "$kind"
		run -1 --separate-stderr memseal audit -J --fail-under 100 "$pid"
		[ "$(jq -c '.processes[0] | [.state, .coverage == 100]' <<< "$output")" = '["partial",true]' ]
		[ "$(field exec_open)" -ge 4096 ]
		run -0 memseal audit --fail-under 99.999 "$pid"
		echo "$kind: $(field why)"
	done
	start_sealed_with own-file
	run -0 --separate-stderr memseal audit -J "$pid"
	[ "$(field why)" = '"code of an image, mapped a second time"' ]
	start_sealed_with other-file
	run -0 --separate-stderr memseal audit -J "$pid"
	[ "$(field why)" = '"executable, and no image explains it"' ]
	run -0 --separate-stderr memseal map -J "$pid"
	jq -e 'any(.mappings[]; .why == "executable, and no image explains it" and .kind == "file")' \
		<<< "$output"
}

@test "headers that were wiped make no 100.0 with sealed" {
	start_sealed_with none
	run -0 --separate-stderr memseal audit -J "$pid"
	[ "$(field state)" = '"sealed"' ]
	# Unsealed, as sealed headers cannot be wiped, and then sealed by the program itself.
	start "$BUILD/tests/exec-memory" wipe
	run -1 --separate-stderr memseal audit -J --fail-under 100 "$pid"
	[ "$(jq -c '.processes[0] | [.state, .coverage == 100, .why]' <<< "$output")" = \
		'["partial",true,"executable, and no image explains it"]' ]
	[ "$(field exec_open)" -ge 100000 ]
}

@test "a library with a segment that is writable and executable is no 100.0 with sealed" {
	gcc -shared -fPIC -o "$BATS_TEST_TMPDIR/x.so" -x c - <<< 'int f(void) { return 1; }'
	/usr/bin/python3 - "$BATS_TEST_TMPDIR/x.so" <<- 'END'
		import struct, sys
		with open(sys.argv[1], "r+b") as file:
		    elf = bytearray(file.read())
		    (offset,), (size, count) = struct.unpack_from("<Q", elf, 32), struct.unpack_from("<HH", elf, 54)
		    for at in range(offset, offset + size * count, size):
		        kind, flags = struct.unpack_from("<II", elf, at)
		        if kind == 1 and flags == 5:
		            struct.pack_into("<I", elf, at + 4, 7)
		    file.seek(0)
		    file.write(elf)
	END
	start memseal run "$BUILD/tests/exec-memory" "dlopen=$BATS_TEST_TMPDIR/x.so"
	run -1 --separate-stderr memseal audit -J --fail-under 100 "$pid"
	[ "$(jq -c '.processes[0] | [.state, .coverage == 100, .exec_open, .why]' <<< "$output")" = \
		'["partial",true,4096,"writable and executable"]' ]
}

@test "a library with an odd header that ld.so does not mind is counted" {
	gcc -shared -fPIC -o "$BATS_TEST_TMPDIR/x.so" -x c - <<< 'int f(void) { return 1; }'
	start "$BUILD/tests/exec-memory" "dlopen=$BATS_TEST_TMPDIR/x.so"
	run -0 --separate-stderr memseal audit -J "$pid"
	before=$(field images)
	/usr/bin/python3 - "$BATS_TEST_TMPDIR/x.so" <<- 'END'
		import struct, sys
		with open(sys.argv[1], "r+b") as file:
		    elf = bytearray(file.read())
		    (offset,), (size, count) = struct.unpack_from("<Q", elf, 32), struct.unpack_from("<HH", elf, 54)
		    for at in range(offset, offset + size * count, size):
		        if struct.unpack_from("<I", elf, at)[0] == 4:  # PT_NOTE
		            struct.pack_into("<IIQQQQQ", elf, at, 0x6abcdef0, 4, 0, 2**64 - 16, 0, 4096, 4096)
		    file.seek(0)
		    file.write(elf)
	END
	start "$BUILD/tests/exec-memory" "dlopen=$BATS_TEST_TMPDIR/x.so"
	run -0 --separate-stderr memseal audit -J "$pid"
	[ "$(field images)" = "$before" ]
	start memseal run "$BUILD/tests/exec-memory" "dlopen=$BATS_TEST_TMPDIR/x.so"
	run -0 --separate-stderr memseal audit -J "$pid"
	[ "$(jq -c '.processes[0] | [.state, .coverage == 100, .exec_open, .why]' <<< "$output")" = \
		'["sealed",true,0,null]' ]
}

@test "--fail-under finds what is below, exactly" {
	start_sealed
	run -0 memseal audit --fail-under 100 "$pid"
	start_python seal=/libc.so
	run -0 --separate-stderr memseal audit -J "$pid"
	percent=$(jq '.processes[0] | .sealed * 100000 / .sealable | floor' <<< "$output")
	at_most=$(printf '%d.%03d' $((percent / 1000)) $((percent % 1000)))
	percent=$((percent + 1))
	more=$(printf '%d.%03d' $((percent / 1000)) $((percent % 1000)))
	run -0 memseal audit --fail-under "$at_most" "$pid"
	run -1 --separate-stderr memseal audit "--fail-under=$more" "$pid"
	[ -z "$stderr" ]
	start_sleep
	run -0 memseal audit --fail-under 0 "$pid"
	run -1 memseal audit --fail-under 0.001 "$pid"
	[[ $output == *unsealed* ]]
}

@test "percentages are checked" {
	for percent in '' text -1 100.001 101 1e2 0x10 99,5 '50%' 18446744073709551616 \
		99.9999 $'\e[31m'; do
		run -2 --separate-stderr memseal audit --fail-under "$percent" $$
		one_line_error audit
		assert_printable
	done
}

@test "a process that is named must exist; the others are told" {
	start_sleep
	run -4 --separate-stderr memseal audit 2147483647 "$pid"
	[ "$stderr" = "memseal audit: 2147483647: no such process" ]
	[ "${#lines[@]}" -eq 2 ]
	[[ ${lines[1]} == *"$pid sleep"* ]]
	start_zombie
	run -4 --separate-stderr memseal audit "$zombie"
	[ "$stderr" = "memseal audit: $zombie: no such process" ]
	if [ "$(cat /proc/2/comm 2>/dev/null)" = kthreadd ]; then
		run -4 --separate-stderr memseal audit 2
		[ "$stderr" = "memseal audit: 2: a kernel thread has no address space" ]
		run -4 --separate-stderr as_nobody memseal audit 2
		[ "$stderr" = "memseal audit: 2: a kernel thread has no address space" ]
	fi
}

@test "processes that vanish are skipped" {
	while :; do sh -c 'sh -c : & sh -c : & wait'; done 3>&- > /dev/null &
	started+=($!)
	for _ in 1 2 3 4 5 6 7 8 9 10; do
		run -0 --separate-stderr memseal audit --json
		[ -z "$stderr" ]
		jq -e '.processes | length > 2' <<< "$output"
	done
}

@test "what may not be looked at is unknown, and a finding" {
	start_sleep
	run -0 --separate-stderr as_nobody memseal audit -J "$pid"
	[ "$(field state)" = '"unknown"' ]
	[ "$(field coverage)" = null ]
	[ "$(field comm)" = '"sleep"' ]
	[[ $(field why) == *permission* ]]
	run -1 --separate-stderr as_nobody memseal audit --fail-under 0 "$pid"
	run -0 --separate-stderr as_nobody sh -c 'memseal audit -n -o STATE $$'
	[ "$output" = unsealed ]
	run -0 --separate-stderr as_nobody memseal audit -J
	jq -e 'all(.processes[]; .comm != "kthreadd")' <<< "$output"
	jq -e "any(.processes[]; .pid == $pid)" <<< "$output"
}

@test "names reach no terminal raw" {
	start_python 'name=a\n\t\x1b[3m"\x5cx\xc2\x9b\xc3'
	for option in --json --raw --noheadings; do
		run -0 --separate-stderr memseal audit "$option" "$pid"
		assert_printable
	done
	run -0 --separate-stderr memseal audit --json "$pid"
	[ "$(field comm)" = "$(jq -c . <<< '"a\n\t\u001b[3m\"\\x\u009b\ufffd"')" ]
	start_python 'name='
	run -0 --separate-stderr memseal audit --json "$pid"
	[ "$(field comm)" = '""' ]
	start_python 'name=a b'
	run -0 memseal audit -r -n -o COMM,SEALED "$pid"
	[ "$output" = 'a\x20b 0' ]
}

@test "nonsense PIDs are usage errors, told before anything is printed" {
	for pid in 0 -1 '' text 1x 99999999999999999999 $'\e[31m'; do
		run -2 --separate-stderr memseal audit -- $$ "$pid"
		one_line_error audit
		assert_printable
		[ -z "$output" ]
	done
}

@test "columns can be chosen and added" {
	start_sleep
	run -0 memseal audit -n -o state,pid "$pid"
	[ "$output" = "unsealed $pid" ]
	run -0 --separate-stderr memseal audit -J -o +open "$pid"
	jq -e '.processes[0] | keys_unsorted | length == 10 and .[9] == "open"' <<< "$output"
	[ "$(field open)" = "$(field sealable)" ]
	run -2 --separate-stderr memseal audit -o STATE,nonsense "$pid"
	one_line_error audit
	run -2 --separate-stderr memseal audit --nonsense
	one_line_error audit
}

@test "a report that cannot be written is a failure" {
	run -4 --separate-stderr sh -c 'memseal audit > /dev/full'
	one_line_error audit
	run -4 --separate-stderr sh -c 'memseal audit -J $$ >&-'
	one_line_error audit
	run -0 --separate-stderr bash -c '(sleep 0.1; memseal audit; echo $? >&2) | :'
	[ "$stderr" = 4 ]
}

# The same score by other means: smaps and readelf(1), in another language.
compare_with_oracle() {
	run -0 --separate-stderr memseal audit -J "$pid"
	echo "$output"
	[ "$(jq -c '.processes[0] | [.sealable, .sealed, .images]' <<< "$output")" = \
		"$(/usr/bin/python3 "$SOURCE/tests/helpers/score.py" "$pid")" ]
}

compile() {
	local out=$BATS_TEST_TMPDIR/$1

	shift
	"$@" -x c -o "$out" - <<< '#include <stdio.h>
		#include <unistd.h>
		int main(void) { puts(""); fflush(stdout); for (;;) pause(); }'
	start "$out"
}

@test "score of sleep, bash and python as computed otherwise" {
	start_sleep
	compare_with_oracle
	start bash -c 'echo; read x < <(sleep 1000)'
	compare_with_oracle
	start /usr/bin/python3 -c 'import ssl, sqlite3, ctypes, time; print(flush=True); time.sleep(1000)'
	compare_with_oracle
	start_python seal=/libc.so seal=/python3
	compare_with_oracle
}

@test "score of sealed programs as computed otherwise" {
	start_sealed
	compare_with_oracle
	start memseal run /usr/bin/python3 -c 'import ssl, time; print(flush=True); time.sleep(1000)'
	compare_with_oracle
	start memseal run --no-dlopen /usr/bin/python3 \
		-c 'import ssl, time; print(flush=True); time.sleep(1000)'
	compare_with_oracle
}

@test "score of programs linked in unusual ways as computed otherwise" {
	command -v musl-gcc >/dev/null || skip "no musl-gcc here"
	compile static gcc -static
	compare_with_oracle
	compile fixed gcc -no-pie
	compare_with_oracle
	compile static-pie gcc -static-pie
	compare_with_oracle
	compile one-segment gcc -static -Wl,-z,noseparate-code
	compare_with_oracle
	compile norelro gcc -Wl,-z,norelro
	compare_with_oracle
	# Its RELRO stays writable.
	compile musl musl-gcc -static
	compare_with_oracle
}

@test "score of a 32-bit program as computed otherwise" {
	[ "$(uname -m)" = x86_64 ] || skip "needs x86-64"
	gcc -m32 -nostdlib -static -o "$BATS_TEST_TMPDIR/hello" "$SOURCE/tests/helpers/hello-i386.S"
	# Where the kernel has them switched off (ia32_emulation=0) there is none to score.
	run timeout 1 bash -c 'exec "$0"' "$BATS_TEST_TMPDIR/hello"
	if [ "$status" -eq 126 ]; then
		[[ $output == *"Exec format error"* ]]
		return
	fi
	[ "$status" -eq 124 ]
	start "$BATS_TEST_TMPDIR/hello"
	compare_with_oracle
}

@test "a program whose file was removed is read in its memory" {
	cp "$(command -v sleep)" "$BATS_TEST_TMPDIR/removed"
	start sh -c 'echo; exec "$0" 1000' "$BATS_TEST_TMPDIR/removed"
	until [ "$(cat "/proc/$pid/comm")" = removed ]; do :; done
	run -0 --separate-stderr memseal audit -J "$pid"
	before=$(field sealable)
	rm "$BATS_TEST_TMPDIR/removed"
	run -0 --separate-stderr memseal audit -J "$pid"
	[ "$(field sealable)" = "$before" ]
	[ "$before" -gt 1000000 ]
}
