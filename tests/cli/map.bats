#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# memseal map: one process from outside.

load reports.bash

@test "a table has the documented columns" {
	start_sleep
	run -0 memseal map "$pid"
	[[ "${lines[0]}" =~ ^\ *START\ +END\ +SIZE\ +PERM\ +KIND\ +SEALED\ +CONTENT\ +OBJECT\ +WHY$ ]]
	[ "${#lines[@]}" -eq $(($(wc -l < "/proc/$pid/maps") + 1)) ]
	[[ $output =~ r-xp\ +text\ +no\ +open\ +[^\ ]*/sleep\ +not\ sealed ]]
	[[ $output =~ \[vsyscall\]\ +cannot\ be\ sealed ]]
}

@test "JSON has the documented keys and types" {
	start_sleep
	run -0 --separate-stderr memseal map --json "$pid"
	/usr/bin/python3 -m json.tool <<< "$output" > /dev/null
	[ "$(jq -c keys <<< "$output")" = '["mappings"]' ]
	jq -e '.mappings | length > 10' <<< "$output"
	jq -e 'all(.mappings[]; keys_unsorted == ["start", "end", "size", "perm", "kind", "sealed",
		"content", "object", "why"])' <<< "$output"
	jq -e 'all(.mappings[]; (.start | test("^0x[0-9a-f]+$")) and (.end | test("^0x[0-9a-f]+$"))
		and (.size | type == "number") and (.perm | test("^[r-][w-][x-][ps]$"))
		and (.sealed | type == "boolean") and (.content | IN("locked", "open"))
		and (.object | type | IN("string", "null"))
		and (if .sealed then .why == null else .why | type == "string" end))' <<< "$output"
	jq -e 'all(.mappings[]; .kind | IN("text", "rodata", "relro", "data", "bss", "heap",
		"stack", "anon", "vdso", "vvar", "vsyscall", "file", "memfd", "shm", "special"))' \
		<<< "$output"
}

@test "JSON agrees with the kernel's list" {
	start_sleep
	run -0 --separate-stderr memseal map --json "$pid"
	jq -r '.mappings[] | "\(.start[2:])-\(.end[2:]) \(.perm)"' <<< "$output" |
		diff - <(awk '{ sub("^0*", ""); sub("-0*", "-"); print $1, $2 }' "/proc/$pid/maps")
}

@test "sealed text is told from the rest" {
	start_python seal=/libc.so
	run -0 --separate-stderr memseal map --json "$pid"
	[ "$(jq -c '[.mappings[] | select(.sealed) | .kind, (.object | split("/")[-1]), .content, .why]' \
		<<< "$output")" = '["text","libc.so.6","open",null]' ]
}

@test "sealed memory that grows or is dropped all the same has a reason" {
	start /usr/bin/python3 -c 'import ctypes, time
libc = ctypes.CDLL(None)
libc.mmap.restype = ctypes.c_void_p
libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t] + 3 * [ctypes.c_int] + [ctypes.c_long]
for length, flags in ((0x111000, 0x122), (0x112000, 0x28), (0x113000, 0x22)):
    at = libc.mmap(None, length, 0, flags, -1, 0)
    at == 2**64 - 1 or libc.syscall(462, ctypes.c_void_p(at), ctypes.c_size_t(length), 0)
print(flush=True)
time.sleep(1000)'
	run -0 --separate-stderr memseal map --json "$pid"
	why() { jq -c ".mappings[] | select(.size == $1) | [.sealed, .why]" <<< "$output"; }
	[ "$(why $((0x111000)))" = '[true,"sealed, and grows by page faults"]' ]
	[ "$(why $((0x113000)))" = '[true,null]' ]
	# Linux 6.11
	[ -z "$(why $((0x112000)))" ] ||
		[ "$(why $((0x112000)))" = '[true,"sealed, and the kernel may drop its pages"]' ]
}

@test "--unsealed finds what is open, and nothing in a sealed program" {
	start_sleep
	run -1 --separate-stderr memseal map --unsealed --json "$pid"
	[ -z "$stderr" ]
	jq -e '.mappings | length > 5' <<< "$output"
	jq -e 'all(.mappings[]; .kind | IN("text", "rodata", "relro", "vdso", "vvar"))' <<< "$output"
	start_sealed
	run -0 --separate-stderr memseal map --unsealed --json "$pid"
	[ "$(jq -c . <<< "$output")" = '{"mappings":[]}' ]
	run -0 --separate-stderr memseal map --unsealed "$pid"
	[ -z "$output" ]
}

@test "columns can be chosen, in either case" {
	start_sleep
	run -0 memseal map -n -o kind,PERM "$pid"
	[[ ${lines[0]} =~ ^[a-z]+\ +[rwxps-]{4}\ *$ ]]
	run -0 --separate-stderr memseal map -J -o PERM "$pid"
	[ "$(jq -c '.mappings[0] | keys' <<< "$output")" = '["perm"]' ]
	run -0 memseal map -o +kind "$pid"
	[[ ${lines[0]} == *START*WHY ]]
	run -2 --separate-stderr memseal map -o KIND,nonsense "$pid"
	one_line_error map
	[[ $stderr == *"'nonsense'"* ]]
	run -2 --separate-stderr memseal map -o '' "$pid"
	one_line_error map
}

@test "--raw gives bytes and one space" {
	start_sleep
	run -0 memseal map -r -n -o START,END,SIZE "$pid"
	for line in "${lines[@]}"; do
		read -r start end size <<< "$line"
		[ "$line" = "$start $end $size" ]
		[ $((end - start)) -eq "$size" ]
	done
	run -2 --separate-stderr memseal map --raw --json "$pid"
	one_line_error map
}

hostile='a\n\t\e[31m"\x5cx41 \xc3\xbc\xff\xc2\x9b'

@test "file names reach no terminal raw" {
	start_python "map=$BATS_TEST_TMPDIR/${hostile/\\e/\\x1b}"
	for option in --json --raw --noheadings; do
		run -0 --separate-stderr memseal map "$option" "$pid"
		assert_printable
	done
	run -0 --separate-stderr memseal map --json "$pid"
	/usr/bin/python3 - "$BATS_TEST_TMPDIR" 3<<< "$output" <<- 'END'
		import json, os, sys
		objects = [m["object"] for m in json.load(os.fdopen(3))["mappings"] if m["object"]]
		# As the kernel prints it, and what is not UTF-8 replaced.
		name = "a\\012\t\x1b[31m\"\\x41 \u00fc\ufffd\u009b"
		assert any(o == sys.argv[1] + "/" + name for o in objects), objects
	END
}

@test "colours are for terminals that want them" {
	start_sleep
	export TERM=xterm
	run -0 script -qec "memseal map $pid" /dev/null
	[[ $output == *$'\e['* ]]
	NO_COLOR=1 run -0 script -qec "memseal map $pid" /dev/null
	[[ $output != *$'\e['* ]]
	TERM=dumb run -0 script -qec "memseal map $pid" /dev/null
	[[ $output != *$'\e['* ]]
	run -0 memseal map "$pid"
	[[ $output != *$'\e['* ]]
}

@test "nonsense PIDs are usage errors" {
	for pid in 0 -1 -- '' text 1x 0x1 +1 ' 1' 1.0 99999999999999999999 4294967297 $'\e[31m'; do
		run -2 --separate-stderr memseal map -- "$pid"
		one_line_error map
		assert_printable
		[ -z "$output" ]
	done
	run -2 --separate-stderr memseal map -1
	one_line_error map
	run -2 --separate-stderr memseal map
	one_line_error map
	run -2 --separate-stderr memseal map $$ $$
	one_line_error map
}

@test "unknown options are usage errors" {
	for option in --nonsense -x -Jx --json=1 --output -o $'--\e[31m'; do
		run -2 --separate-stderr memseal map $$ "$option"
		one_line_error map
		assert_printable
	done
}

@test "a kernel thread, a zombie and no process are told" {
	start_zombie
	run -4 --separate-stderr memseal map "$zombie"
	one_line_error map
	[[ $stderr == *"$zombie: no such process" ]]
	run -4 --separate-stderr memseal map 2147483647
	one_line_error map
	[[ $stderr == *"2147483647: no such process" ]]
	if [ "$(cat /proc/2/comm 2>/dev/null)" = kthreadd ]; then
		run -4 --separate-stderr memseal map 2
		one_line_error map
		[[ $stderr == *"2: a kernel thread has no address space" ]]
	fi
}

@test "another user's process is refused" {
	start_sleep
	run -4 --separate-stderr as_nobody memseal map "$pid"
	one_line_error map
	[[ $stderr == *"$pid: no permission"* ]]
	run -0 memseal map "$pid"
}

@test "a report that cannot be written is a failure" {
	start_sleep
	run -4 --separate-stderr sh -c "memseal map $pid > /dev/full"
	one_line_error map
	[[ $stderr == *"No space left"* ]]
	run -4 --separate-stderr sh -c "memseal map $pid >&-"
	one_line_error map
	run -4 --separate-stderr sh -c "memseal map --help > /dev/full"
	one_line_error map
}

@test "a reader who had enough needs no message" {
	start_sleep
	# Nobody will ever read: the shell holds the only other end, and closes it.
	run -0 --separate-stderr bash -c "(sleep 0.1; memseal map $pid; echo \$? >&2) | :"
	[ "$stderr" = 4 ]
}

@test "help and version" {
	run -0 --separate-stderr memseal map --help
	[ -z "$stderr" ]
	[[ $output == *--unsealed* && $output == *CONTENT* ]]
	run -0 memseal map --version
	[[ $output =~ ^memseal\ [0-9]+\.[0-9]+\.[0-9]+$ ]]
}
