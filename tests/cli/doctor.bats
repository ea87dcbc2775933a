#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# memseal doctor: what it says where a filter, an emulator or a missing /proc takes things away.

setup() {
	bats_require_minimum_version 1.5.0
	PATH=$BUILD:$BUILD/tests:$PATH
	mseal=462 # on all 64-bit architectures but alpha and mips
	case $(uname -m) in
	x86_64) memfd_create=319 clone=56 ;;
	aarch64) memfd_create=279 clone=220 ;;
	esac
	EPERM=1 EAGAIN=11 ENOSYS=38
}

# The status of a check in the table that was printed.
status_of() {
	printf '%s\n' "$output" | awk -v check="$1" '$1 == check { print $2 }'
}

one_line_error() {
	[ "${#lines[@]}" -eq 1 ]
	[[ ${lines[0]} == "memseal doctor: "* ]]
}

not_sanitized() {
	! grep -q __asan_init "$BUILD/memseal-report" || skip "a sanitized program does not run so"
}

@test "a machine with mseal and /proc is fine" {
	run -0 memseal doctor
	[ "${lines[0]%% *}" = CHECK ]
	[ "$(status_of mseal)" = ok ]
	[ "$(status_of proc)" = ok ]
	[ "$(status_of kernel)" = ok ]
	[[ $output == *"$(uname -r)"* ]]
}

@test "JSON is valid and has the documented keys" {
	run -0 --separate-stderr memseal doctor --json
	[ -z "$stderr" ]
	printf '%s' "$output" | python3 -c '
import json, sys
report = json.load(sys.stdin)
assert list(report) == ["checks"], report
names = [check["check"] for check in report["checks"]]
assert names == """kernel mseal proc 32-bit memfd-seals memfd-secret seccomp pkeys system-mappings
	proc-mem libc-mseal criu rr valgrind qemu-user gvisor ptrace-scope
	max-map-count""".split(), names
for check in report["checks"]:
	assert list(check) == ["check", "status", "detail"], check
	assert check["status"] in ("ok", "missing", "limited", "unknown"), check
	assert check["detail"] and "\n" not in check["detail"], check
'
}

@test "--output, --noheadings and --raw are those of the other reports" {
	run -0 memseal doctor --noheadings --raw --output status,check
	[ "${lines[1]}" = "ok mseal" ]
	run -2 memseal doctor --output nothing
	one_line_error
}

@test "a refused mseal is limited, whatever the filter answers" {
	for answer in $EPERM $ENOSYS 0 kill; do
		run -1 deny-syscall $mseal $answer memseal doctor
		[ "$(status_of mseal)" = limited ]
		[ "$(status_of memfd-seals)" = ok ]
	done
}

@test "an attempt that is killed leaves no core file" {
	case $(cat /proc/sys/kernel/core_pattern) in
	'|'* | /*) skip "core files go elsewhere: see kernel.core_pattern" ;;
	esac
	cd "$BATS_TEST_TMPDIR"
	ulimit -c unlimited
	run -1 deny-syscall $mseal kill memseal doctor
	[ -z "$(ls)" ]
	run ! sh -c 'kill -SYS $$'
	[ -n "$(ls)" ]
}

@test "a missing mseal is told apart: not supported here" {
	run -3 setarch --uname-2.6 deny-syscall $mseal $ENOSYS memseal doctor
	[ "$(status_of mseal)" = missing ]
	[[ $output == *"6.10"* ]]
	run -0 setarch --uname-2.6 memseal doctor
	[ "$(status_of mseal)" = ok ]
}

@test "what sealing does not need is no finding" {
	run -0 deny-syscall $memfd_create $EPERM memseal doctor
	[ "$(status_of memfd-seals)" = limited ]
	run -0 deny-syscall $memfd_create $ENOSYS memseal doctor
	[ "$(status_of memfd-seals)" = missing ]
}

@test "where no process can be started, nothing is known" {
	export ASAN_OPTIONS=detect_leaks=0 # the leak checker starts one
	run -1 deny-syscall $clone $EPERM memseal doctor
	[ "$(status_of mseal)" = unknown ]
	[ "$(status_of proc)" = unknown ]
	[ "$(status_of ptrace-scope)" = unknown ]
	[ "$(status_of max-map-count)" = unknown ]
	run -4 deny-syscall $clone $EAGAIN memseal doctor
	one_line_error
}

@test "without /proc, it says so" {
	run -1 unshare --map-root-user --mount sh -c \
		'mount -t tmpfs none /proc && exec memseal-report doctor'
	[ "$(status_of proc)" = missing ]
	[ "$(status_of mseal)" = ok ]
	[ "$(status_of proc-mem)" = unknown ]
	[ "$(status_of qemu-user)" = unknown ]
	[ "$(status_of ptrace-scope)" = unknown ]
	[ "$(status_of max-map-count)" = unknown ]
}

# memseal doctor where FILE, within /proc/sys, holds TEXT.
with_sysctl() {
	run "$1" unshare --map-root-user --mount sh -ec '
		mount -t tmpfs none "/proc/sys/${1%%/*}"
		mkdir -p "$(dirname "/proc/sys/$1")"
		printf "%s\n" "$2" >"/proc/sys/$1"
		exec memseal doctor' sh "$2" "$3"
}

@test "a lower limit of mappings is limited" {
	with_sysctl -0 vm/max_map_count 65530
	[ "$(status_of max-map-count)" = ok ]
	with_sysctl -0 vm/max_map_count 65529
	[ "$(status_of max-map-count)" = limited ]
	[[ $output == *"65529 mappings"* ]]
	for text in '' x 99999999999999999999 -1; do
		with_sysctl -0 vm/max_map_count "$text"
		[ "$(status_of max-map-count)" = unknown ]
	done
}

@test "the scopes of Yama" {
	with_sysctl -0 kernel/yama/ptrace_scope 0
	[ "$(status_of ptrace-scope)" = limited ]
	for scope in 1 2 3; do
		with_sysctl -0 kernel/yama/ptrace_scope $scope
		[ "$(status_of ptrace-scope)" = ok ]
		[[ $output == *"ptrace_scope is $scope"* ]]
	done
	with_sysctl -0 kernel/yama/ptrace_scope 4
	[ "$(status_of ptrace-scope)" = unknown ]
	with_sysctl -0 kernel/other 0
	[ "$(status_of ptrace-scope)" = limited ]
	[[ $output == *"no Yama"* ]]
}

@test "the environment changes nothing" {
	not_sanitized
	run -0 memseal doctor
	plain=$output
	run -0 env RUNNING_UNDER_RR=1 LD_PRELOAD=/nonexistent/vgpreload_core-amd64-linux.so \
		VALGRIND_LIB=/ QEMU_CPU=max GLIBC_TUNABLES=x memseal-report doctor
	[ "${output##*ignored.$'\n'}" = "$plain" ]
	run -0 env -i "$BUILD/memseal-report" doctor
	[ "$output" = "$plain" ]
}

@test "under Valgrind, it says so" {
	not_sanitized
	command -v valgrind || skip "valgrind is not installed"
	# Without debugging information: Valgrind 3.19 gives up on what clang 14 writes.
	strip -o "$BATS_TEST_TMPDIR/memseal-report" "$BUILD/memseal-report"
	run ! --separate-stderr valgrind --quiet "$BATS_TEST_TMPDIR/memseal-report" doctor
	[ "$(status_of valgrind)" = limited ]
	[ "$(status_of qemu-user)" = ok ]
	[ "$(status_of mseal)" != ok ]
}

@test "under qemu-user, it says so" {
	not_sanitized
	emulator=qemu-$(uname -m)
	command -v "$emulator" || skip "$emulator is not installed"
	run -1 --separate-stderr "$emulator" "$BUILD/memseal-report" doctor
	[ "$(status_of qemu-user)" = limited ]
	[ "$(status_of mseal)" = unknown ]
}

@test "a report that could not be written is a failure" {
	run -4 --separate-stderr sh -c 'memseal doctor >/dev/full'
	[[ $stderr == "memseal doctor: "*"No space left on device"* ]]
	run -4 --separate-stderr sh -c 'memseal doctor >&-'
	[[ $stderr == "memseal doctor: "* ]]
}

@test "bad usage is one line and status 2" {
	for arg in --nonsense -x argument 1 ''; do
		run -2 memseal doctor "$arg"
		one_line_error
	done
	run -2 memseal doctor --json --raw
	one_line_error
}

@test "--help and --version" {
	run -0 memseal doctor --help
	[[ ${lines[0]} == "Usage: memseal doctor"* ]]
	run -0 memseal doctor --version
	[[ ${lines[0]} == "memseal "[0-9]* ]]
}
