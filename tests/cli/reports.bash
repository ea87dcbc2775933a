# SPDX-License-Identifier: MIT
# What the tests of memseal map and memseal audit share.
# shellcheck shell=bash disable=SC2034,SC2154 # variables from and for bats

setup() {
	bats_require_minimum_version 1.5.0
	PATH=$BUILD:$BUILD/tests:$PATH
	unset NO_COLOR
	export LC_ALL=C.UTF-8
	started=()
	public=${TMPDIR:-/tmp}/memseal-public.$BASHPID
}

# Children first: a process may not be able to end before the server of its file system has.
teardown() {
	local process

	for process in "${started[@]}"; do
		pkill -KILL -P "$process" || :
		kill -KILL "$process" 2>/dev/null || :
	done
	rm -rf "$public"
}

# Starts a command that runs until the end of the test and prints a line when it is ready: its PID
# in $pid.
start() {
	local fifo=$BATS_TEST_TMPDIR/ready

	mkfifo "$fifo"
	"$@" > "$fifo" 3>&- &
	pid=$!
	started+=("$pid")
	read -r _ < "$fifo"
	rm "$fifo"
}

start_sleep() {
	start sh -c 'echo; exec sleep 1000'
	until [ "$(cat "/proc/$pid/comm")" = sleep ]; do :; done
}

# A program sealed by memseal run.
start_sealed() {
	start memseal run sh -c 'echo; read x < /dev/null; sleep 1000 & wait'
}

# A program that says: hostile names, a few sealed pages.
start_python() {
	start /usr/bin/python3 "$SOURCE/tests/helpers/odd-process.py" "$@"
}

start_zombie() {
	# Not by a shell, which may wait for it.
	start /usr/bin/python3 -c 'import os, time
if os.fork() == 0:
    os._exit(0)
print(flush=True)
time.sleep(1000)'
	until zombie=$(pgrep -P "$pid" -r Z); do :; done
}

# Runs a command as a user who may look at nothing of root's.
as_nobody() {
	[ "$(id -u)" -eq 0 ] || skip "needs root"
	mkdir -p "$public"
	chmod 755 "$public"
	cp "$BUILD/memseal" "$BUILD/memseal-report" "$public"
	setpriv --reuid=65534 --regid=65534 --clear-groups env PATH="$public:$PATH" "$@"
}

one_line_error() {
	[ "${#stderr_lines[@]}" -eq 1 ]
	[[ ${stderr_lines[0]} == "memseal $1: "* ]]
}

# Neither output nor messages hold control characters.
assert_printable() {
	/usr/bin/python3 -c 'import sys
for c in sys.stdin.buffer.read().decode("utf-8").replace("\n", ""):
    assert 0x20 <= ord(c) < 0x7f or ord(c) >= 0xa0, hex(ord(c))' <<< "$output${stderr:-}"
}
