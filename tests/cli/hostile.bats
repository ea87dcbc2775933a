#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# memseal audit and map beside processes that do not want to be looked at: none holds up the rest,
# and what is not known is unknown.

load reports.bash

start_hostile() {
	[ -n "${sleep:-}" ] || start_sleep
	sleep=${sleep:-$pid}
	mkdir -p "$BATS_TEST_TMPDIR/dir"
	start "$BUILD/tests/hostile" "$1" "$BATS_TEST_TMPDIR/dir"
}

# Audits the whole system, which holds a process that is known: within 2 seconds, or longer on a
# machine that is busy.
audit_all() {
	local begin=$EPOCHREALTIME end load

	read -r load _ < /proc/loadavg
	load=$((1 + ${load%.*} / $(nproc)))

	run -0 --separate-stderr memseal audit -J
	end=$EPOCHREALTIME
	[ -z "$stderr" ]
	echo "$((${end/./} - ${begin/./})) us"
	[ $((${end/./} - ${begin/./})) -lt $((2000000 * load)) ]
	jq -e "any(.processes[]; .pid == $sleep and .comm == \"sleep\" and .state == \"unsealed\")" \
		<<< "$output"
}

# One field of the hostile process.
field() {
	jq -c ".processes[] | select(.pid == $pid) | .$1" <<< "$output"
}

@test "a file system that does not answer holds up nobody" {
	[ "$(id -u)" -eq 0 ] || skip "needs root"
	[ -c /dev/fuse ] || skip "no /dev/fuse here"
	start_hostile fuse
	audit_all
	[ "$(field state)" = '"unknown"' ]
	[[ $(field why) == *"does not answer"* ]]
	run -1 --separate-stderr memseal audit --fail-under 0 "$pid"
	# Nor does a reader of the output wait for who is stuck.
	run -4 --separate-stderr timeout 10 sh -c "x=\$(memseal map $pid 2>&1); s=\$?; echo \"\$x\" >&2; exit \$s"
	one_line_error map
	[[ $stderr == *"does not answer"* ]]
}

@test "several of them cost no more than one" {
	[ "$(id -u)" -eq 0 ] || skip "needs root"
	[ -c /dev/fuse ] || skip "no /dev/fuse here"
	for _ in 1 2 3 4 5; do
		start_hostile fuse
	done
	audit_all
	[ "$(jq '[.processes[] | select(.comm == "hostile" and .state == "unknown")] | length' \
		<<< "$output")" -ge 5 ]
}

@test "no path that is swapped is opened but for the mapped file" {
	[ "$(id -u)" -eq 0 ] || skip "needs root"
	start_hostile swap
	for _ in {1..40}; do
		# Without the right to ask the kernel for the very file.
		setpriv --bounding-set -sys_admin,-checkpoint_restore memseal audit -J "$pid" > /dev/null
		memseal audit -J "$pid" > /dev/null
	done
	[ ! -e "$BATS_TEST_TMPDIR/dir/opened" ]
	# The control: so it is seen.
	until [ -e "$BATS_TEST_TMPDIR/dir/opened" ]; do
		: <> "$BATS_TEST_TMPDIR/dir/fifo"
	done
}

# It takes more than the time that a process gets.
is_sanitized() {
	grep -q __asan_init "$BUILD/memseal-report"
}

@test "as many mappings as there can be" {
	! is_sanitized || skip "a sanitized program does not run so"
	start_hostile mappings
	[ "$(wc -l < "/proc/$pid/maps")" -gt 65000 ] || [ "$(cat /proc/sys/vm/max_map_count)" != 65530 ]
	audit_all
	[ "$(field state)" = '"unsealed"' ]
	[ "$(field images)" -lt 10 ]
}

@test "giant headers are given up" {
	start_hostile giant
	audit_all
	[ "$(field state)" = '"unknown"' ]
	[[ $(field why) == *"program headers"* ]] ||
		{ is_sanitized && [[ $(field why) == *"no answer within a second"* ]]; }
}

@test "memory that a userfaultfd has to fill is not waited for" {
	if [ "$(id -u)" -ne 0 ] && [ "$(cat /proc/sys/vm/unprivileged_userfaultfd)" != 1 ]; then
		skip "needs root"
	fi
	start_hostile uffd
	audit_all
	[ "$(field state)" = '"unsealed"' ]
	run -0 memseal map "$pid"
	[ "$(id -u)" -eq 0 ] || return 0
	run -0 --separate-stderr setpriv --bounding-set -sys_admin,-checkpoint_restore \
		memseal audit -J "$pid"
	[ "$(field state)" = '"unsealed"' ]
}
