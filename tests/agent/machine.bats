# SPDX-License-Identifier: MIT
# Every program of a machine: the agent of /etc/ld.so.preload, in mount namespaces that have an /etc,
# a /dev and a policy of their own.

bats_require_minimum_version 1.5.0

load ../helpers/ask
load ../helpers/machine

setup_file() {
	machine_make
}

teardown_file() {
	machine_remove
}

setup() {
	machine_reset
	cd "$BATS_TEST_TMPDIR"
}

states() { # what audit says of itself, which a program of the machine has started
	machine "$@" | jq -r '.processes[] | "\(.state) \(.coverage)"'
}

@test "every program is sealed; without the line none is" {
	run -0 states sh -c '"$MEMSEAL" audit --json $$; exit'
	[ "$output" = "sealed 100" ]
	machine_preload ''
	run -0 states sh -c '"$MEMSEAL" audit --json $$; exit'
	[ "$output" = "unsealed 0" ]
}

@test "set-uid programs are, and programs without an environment, or as another user" {
	cp /bin/sleep asleep
	chmod 755 . .. asleep
	for mode in 0755 4755; do
		for command in env "env -i" "setpriv --reuid=65534 --clear-groups"; do
			chmod "$mode" asleep
			# shellcheck disable=SC2016 # expanded there
			run -0 states sh -c '$1 "$2" 3 & sleep 0.5; "$MEMSEAL" audit --json $!; kill $!' sh "$command" \
				"$PWD/asleep"
			[ "$output" = "sealed 100" ]
		done
	done
}

@test "what a user has in the environment changes nothing" {
	cat >try <<-'END'
		MEMSEAL_AGENT=$1 memseal=off sh -c 'grep Seccomp: /proc/self/status; "$MEMSEAL" audit --json $$; exit'
	END
	for options in filter allow-unsealed,no-dlopen "except=*" strict; do
		run -0 machine sh try "$options"
		[[ "$output" == "Seccomp:"*"0"*'"sealed"'*100* ]]
	done
}

@test "memseal run has the program to itself, with its own options" {
	# The bytes are locked: what is sealed before cannot be.
	cat >locked <<-'END'
		"$MEMSEAL" run $1 sh -c '"$MEMSEAL" map --json $$; exit' |
			jq '[.mappings[] | select(.kind == "text" and .content != "locked")] | length'
	END
	run -0 machine sh locked --strict
	[ "$output" -le 2 ] # [vdso], and nothing of a file
	run -0 machine sh locked
	[ "$output" -gt 2 ]
}

@test "a program that cannot be sealed is started, says nothing, and the log is told" {
	# Without /proc nothing can be found out.
	machine_log
	cat >blind <<-'END'
		umount -l /proc || exit
		exec /bin/echo it runs
	END
	run -0 --separate-stderr machine sh blind
	[ "$output" = "it runs" ]
	[ -z "$stderr" ]
	run -0 machine_logged
	[[ "$output" == *"<12>memseal: /bin/echo: cannot read /proc/thread-self/maps: no such file (ENOENT)"* ]]
	[[ "$output" != *"not started"* ]]
}

@test "a log that nobody reads holds nothing up" {
	machine_log stopped
	cat >blind <<-'END'
		umount -l /proc || exit
		for i in $(seq 300); do
			/bin/true || exit
		done
	END
	run -0 timeout 20 "$BASH" -c 'source "$1"; machine sh blind' bash "$SOURCE/tests/helpers/machine.bash"
	[ -z "$output" ]
}

@test "a confined service that may not seal, or dies of it, does as it did" {
	for answer in 1 38 kill; do
		run -0 --separate-stderr machine "$BUILD/tests/deny-syscall" "$MSEAL" "$answer" "$COVERAGE_SELF"
		[ "${lines[0]}" = main ]
		[ -z "$stderr" ]
	done
	# Nor for what a log takes.
	for call in socket sendto; do
		run -0 --separate-stderr machine "$BUILD/tests/deny-syscall" "$(number_of $call)" kill "$COVERAGE_SELF"
		[ "${lines[1]}" = covered ]
		[ -z "$stderr" ]
	done
}

@test "the first process with memseal=off of the kernel's command line switches all off" {
	cat >first <<-'END'
		sh -c '"$MEMSEAL" audit --json $$; exit'
		"$MEMSEAL" status | sed -n '2s/ on the kernel.*//p'
		stat -c %s /etc/ld.so.preload
	END
	run -0 machine env memseal=off unshare --pid --fork --mount-proc sh first
	[[ "$output" == *'"unsealed"'* ]]
	[ "${lines[-2]}" = "list:         /etc/ld.so.preload: switched off until the next boot: memseal=off" ]
	[ "${lines[-1]}" = 0 ]
	run -0 machine unshare --pid --fork --mount-proc sh first
	[[ "$output" == *'"sealed"'* ]]
	[ "${lines[-1]}" -gt 0 ]
	# Not any other process.
	run -0 machine env memseal=off sh first
	[[ "$output" == *'"sealed"'* ]]
	[ "${lines[-1]}" -gt 0 ]
}

@test "objects that are loaded later are sealed" {
	echo 'int answer(void) { return 42; }' | cc -shared -fPIC -x c - -o later.so
	cat >later.py <<-'END'
		import ctypes, json, os, subprocess
		ctypes.CDLL('./later.so')
		done = subprocess.run([os.environ['MEMSEAL'], 'map', '--json', str(os.getpid())], capture_output=True)
		found = [m for m in json.loads(done.stdout)['mappings'] if 'later.so' in (m['object'] or '')]
		print(len(found) > 2, all(m['sealed'] for m in found if 'w' not in m['perm']))
	END
	run -0 machine /usr/bin/python3 later.py
	[ "$output" = "True True" ]
	machine_preload ''
	run -0 machine /usr/bin/python3 later.py
	[ "$output" = "True False" ]
}
