# SPDX-License-Identifier: MIT
# memseal enable, disable and status, on a machine of its own: see tests/helpers/machine.bash. --force,
# because 32-bit programs may be installed where this runs.

bats_require_minimum_version 1.5.0

load ../helpers/ask
load ../helpers/machine

AGENT=$AGENT_DIR/libmemseal-machine.so
# What $LIB stands for in the list. ld.so's own word, which is not what memseal parses it from.
LIB=$(LD_DEBUG=libs LD_LIBRARY_PATH='/X/$LIB/Y' /bin/true 2>&1 | sed -n 's,.*search path=.*/X/\(lib[^:]*\)/Y.*(LD_LIB.*,\1,p' | head -n 1)
ENTRY=${AGENT/#"${AGENT_DIR%"/$LIB/memseal"}/$LIB/"/"${AGENT_DIR%"/$LIB/memseal"}/\$LIB/"}

setup_file() {
	machine_make
}

teardown_file() {
	machine_remove
}

# Not enabled.
setup() {
	machine_reset
	LIST=$MACHINE/etc/ld.so.preload
	THERE=$MACHINE/lib/${AGENT#"$LIB_AT"}
	POLICY=$MACHINE/conf/${CONF_DIR#"$CONF_AT"}
	cp "$BUILD/libmemseal-machine.so" "$THERE"
	rm -f "$LIST"
	cd "$BATS_TEST_TMPDIR"
}

rules() { # a policy from stdin
	mkdir -p "$POLICY/policy.d"
	cat >"$POLICY/policy.d/test.conf"
}

on() {
	run -0 machine "$MEMSEAL" enable --force
	[ "${lines[-1]}" = "enabled: every program that starts from now on is sealed, as the policy says" ]
}

state_of() { # CMD: what audit says of it
	machine sh -c '"$@" & sleep 0.3; "$MEMSEAL" audit --raw --noheadings --output STATE $!; kill $!' sh "$@"
}

status() { # jq filter
	machine "$MEMSEAL" status --json | jq -r "$1"
}

@test "enabled, programs are sealed; disabled, they are not, and nothing is left" {
	run -0 state_of sleep 3
	[ "$output" = unsealed ]
	on
	[ "$(cat "$LIST")" = "$ENTRY" ]
	[ "$(stat -c %a "$LIST")" = 644 ]
	run -0 state_of sleep 3
	[ "$output" = sealed ]
	run -0 machine "$MEMSEAL" disable
	[ ! -e "$LIST" ]
	run -0 state_of sleep 3
	[ "$output" = unsealed ]
	run -0 find "$MACHINE/etc" "$MACHINE/conf" -name '*.memseal'
	[ -z "$output" ]
}

@test "a second time nothing changes, and that is said" {
	on
	run -0 machine "$MEMSEAL" enable --force
	[ "${lines[-1]}" = "was enabled before; the policy is what the files say" ]
	[ "$(cat "$LIST")" = "$ENTRY" ]
	run -0 machine "$MEMSEAL" disable
	run -0 machine "$MEMSEAL" disable
	[ "$output" = "was not enabled" ]
}

# Of an enable that was killed, or of a power failure.
@test "what an interrupted one has left goes with the next one" {
	litter() { # LIST
		rm -f "$LIST"
		[ -z "${1+there}" ] || printf %s "$1" >"$LIST"
		echo new >"${LIST%/*}/.ld.so.preload.memseal"
		echo new >"$POLICY/.policy.compiled.memseal"
	}
	clean() {
		run -0 find "$MACHINE/etc" "$MACHINE/conf" -name '*.memseal'
		[ -z "$output" ]
	}
	litter ''
	run -0 machine "$MEMSEAL" disable
	[ "$output" = "was not enabled" ]
	[ ! -e "$LIST" ]
	clean
	litter
	run -0 machine "$MEMSEAL" enable --force --dry-run
	[ ! -e "$LIST" ]
	clean
	# What others have there is no litter.
	litter $'# ours\n'
	run -0 machine "$MEMSEAL" disable
	[ "$(cat "$LIST")" = '# ours' ]
	clean
	# One that is killed wherever it is. No process of the trial outlives it for long.
	rm "$LIST"
	for time in 0.05 0.2 0.5 1; do
		machine timeout -s KILL $time "$MEMSEAL" enable --force || true
		run -0 machine "$MEMSEAL" disable
		[ ! -e "$LIST" ]
		clean
	done
}

@test "several at once: at no time is the list anything else than whole or not there" {
	cat >several <<-'END'
		for i in 1 2 3 4; do
			(for j in 1 2 3; do "$MEMSEAL" enable --force; "$MEMSEAL" disable; done) >/dev/null &
		done
		while [ -n "$(jobs -r)" ]; do
			list=$(cat /etc/ld.so.preload 2>/dev/null)
			[ -z "$list" ] || [ "$list" = "$ENTRY" ] || echo "$list"
		done
		wait
	END
	export ENTRY
	run -0 machine bash several
	[ -z "$output" ]
	[ ! -e "$LIST" ]
	run -0 find "$MACHINE/etc" "$MACHINE/conf" -name '*.memseal'
	[ -z "$output" ]
}

@test "--dry-run tries it, and changes nothing" {
	run -0 machine "$MEMSEAL" enable --force --dry-run
	[[ "${lines[0]}" == "tried on "*" programs of this machine: as before, and sealed" ]]
	[ "${lines[1]}" = "nothing was changed" ]
	[ ! -e "$LIST" ]
	[ ! -e "$POLICY/policy.compiled" ]
}

@test "what others have in the list stays" {
	printf '# ours\n/usr/lib/a.so:/usr/lib/b.so # c\n\n' >"$LIST"
	cp "$LIST" before
	# Libraries that are not there: the loader prints a line for each, before as well.
	run -0 machine "$MEMSEAL" enable --force
	[ "$(head -n 1 "$LIST")" = "$ENTRY" ]
	cmp before <(tail -n +2 "$LIST")
	run -0 machine "$MEMSEAL" disable
	cmp before "$LIST"
}

@test "the list may name the agent by its path, too" {
	printf '# ours\n%s\n' "$AGENT" >"$LIST"
	run -0 status .enabled
	[ "$output" = true ]
	run -0 machine "$MEMSEAL" enable --force
	[ "$(cat "$LIST")" = "$ENTRY"$'\n# ours' ]
	run -0 status .enabled
	[ "$output" = true ]
	printf '%s\n%s\n' "$ENTRY" "$AGENT" >"$LIST"
	run -0 machine "$MEMSEAL" disable
	[ ! -e "$LIST" ]
	# Where the loader finds something else by it, it is not on.
	echo "${ENTRY/lib/LIB}" >"$LIST"
	run -0 status .enabled
	[[ "$output" = *false ]]
}

@test "what stands in for the agent in programs of 32 bits does nothing, and without a word" {
	local cpu cross loader
	echo '#include <stdio.h>
		int main(void) { return puts("hello") < 0; }' >hello.c
	for cpu in i386:i686-linux-gnu arm:arm-linux-gnueabihf; do
		cross=${cpu#*:} cpu=${cpu%:*}
		needs "qemu-$cpu"
		needs "$cross-gcc"
		"$SOURCE/packaging/make-stub.py" "$cpu" stub-$cpu.so
		"$cross-gcc" -o hello-$cpu hello.c
		# The control: a library that is not there.
		run -0 --separate-stderr "qemu-$cpu" -L "/usr/$cross" -E LD_PRELOAD="$PWD/missing.so" hello-$cpu
		[[ "$output" = hello && "$stderr" = *"cannot be preloaded"* ]]
		run -0 --separate-stderr "qemu-$cpu" -L "/usr/$cross" -E LD_PRELOAD="$PWD/stub-$cpu.so" hello-$cpu
		[ "$output$stderr" = hello ]
		# Nor does it make stacks executable, or stay unnoticed because it is not loaded.
		run -0 --separate-stderr "qemu-$cpu" -L "/usr/$cross" -E LD_TRACE_LOADED_OBJECTS=1 \
			-E LD_PRELOAD="$PWD/stub-$cpu.so" hello-$cpu
		[[ "$output" = *"$PWD/stub-$cpu.so"* ]]
		run -0 readelf -lW stub-$cpu.so
		[[ "$output" != *"RWE"* && "$output" = *"GNU_STACK"* ]]
	done
}

# The loader reads the list as a string, and so do we.
@test "status does not say that it is on where the loader reads no further" {
	on
	printf '\0\n%s\n' "$AGENT" >"$LIST"
	run -0 state_of sleep 3
	[ "$output" = unsealed ]
	run -0 status .enabled
	[ "$output" = false ]
	run -0 machine "$MEMSEAL" enable --force
	run -0 state_of sleep 3
	[ "$output" = sealed ]
}

@test "status tells what is on, and whom it has reached" {
	run -0 status '.enabled, .agent, .policy'
	[ "$output" = $'false\nok\ncurrent' ]
	run -1 machine "$MEMSEAL" status
	[ "${lines[0]}" = "machine-wide: off" ]
	on
	run -0 status '.enabled, .agent, .policy, .rules'
	[ "$output" = $'true\nok\ncurrent\n0' ]
	run -0 machine sh -c 'sleep 5 & sleep 0.3; "$MEMSEAL" status --json; kill $!'
	[ "$(jq .processes.reached <<<"$output")" -ge 1 ]
	[ "$(jq .processes.others <<<"$output")" -ge 1 ] # from before
	run -0 machine "$MEMSEAL" status
	[ "${lines[0]}" = "machine-wide: on" ]
	echo '/bin/true off' | rules
	run -0 status .policy
	[ "$output" = none ]
	run -1 machine "$MEMSEAL" status
	run -0 machine "$MEMSEAL" enable --force
	run -0 status '.policy, .rules'
	[ "$output" = $'current\n1' ]
	echo '/bin/false off' | rules
	run -0 status .policy
	[ "$output" = other ]
}

# A journal of its own: what is there to be read, and what its reader answers.
journal() { # STATUS TEXT...
	mkdir -p bin
	printf '%s\n' "${@:2}" >bin/journal
	printf '#!/bin/sh\necho "$@" >%s\ncat %s\nexit %s\n' "$PWD/bin/asked" "$PWD/bin/journal" "$1" >bin/journalctl
	chmod 755 bin/journalctl
	export PATH=$PWD/bin:$PATH
}

@test "status tells what failed since the machine started" {
	journal 0 b $'a\033[1m' b b
	run -1 "$MEMSEAL" status
	[[ "$output" == *"failures:     4 in the log since the machine started: journalctl -b -t memseal"* ]]
	[ "${lines[-2]}" = "              'b' (3)" ]
	[ "${lines[-1]}" = "              'a\x1b[1m' (1)" ]
	[[ " $(cat bin/asked) " == *" -b -t memseal "*" -r "*" -n 1001 "* ]]
	run -0 status '.failures | .count, .more, (.last[] | .count)'
	[ "$output" = $'4\nfalse\n3\n1' ]
	# More than are counted, of more kinds than are shown, and longer than there is room for.
	journal 0 $(seq 1001)
	run -0 status '.failures | .count, .more, (.last | length), .last[0].text'
	[ "$output" = $'1000\ntrue\n5\n1' ]
	journal 0 "$(printf '%01000d' 7)"
	run -0 status '.failures | .count, (.last[0].text | length)'
	[ "$output" = $'1\n255' ]
	: >bin/journal
	run -1 "$MEMSEAL" status
	[[ "$output" == *"failures:     none in the log since the machine started"* ]]
}

@test "status says so if the log cannot be read" {
	journal 1
	run -1 "$MEMSEAL" status
	[ "${lines[-1]}" = "failures:     unknown: journalctl cannot read it" ]
	run -0 status .failures
	[ "$output" = null ]
	printf '#!/bin/sh\nkill -9 $$\n' >bin/journalctl
	run -1 "$MEMSEAL" status
	[ "${lines[-1]}" = "failures:     unknown: journalctl died" ]
	printf '#!/bin/sh\nexec sleep 60\n' >bin/journalctl
	run -1 "$MEMSEAL" status
	[ "${lines[-1]}" = "failures:     unknown: journalctl takes more than 5 seconds" ]
	rm bin/journalctl
	mkdir only
	for program in sh timeout; do
		ln -s "$(command -v $program)" only/
	done
	PATH=$PWD/only run -1 "$MEMSEAL" status
	[ "${lines[-1]}" = "failures:     unknown: no journalctl here: see the log of this system" ]
	run -1 setpriv --reuid=65534 --clear-groups "$BUILD/memseal-report" status
	[ "${lines[-1]}" = "failures:     unknown: needs root" ]
}

@test "the policy: programs that are left alone, what they execute, and options" {
	cp /bin/sleep asleep
	cp /bin/bash shell
	rules <<-END
		$PWD/asleep off
		$PWD/shell  off,children
		/*/bin/cat  strict
	END
	on
	run -0 state_of sleep 3
	[ "$output" = sealed ]
	run -0 state_of ./asleep 3
	[ "$output" = unsealed ]
	run -0 state_of ./shell -c 'sleep 3; :'
	[ "$output" = unsealed ]
	run -0 machine ./shell -c 'sleep 3 & sleep 0.3; "$MEMSEAL" audit --raw --noheadings --output STATE $!; kill $!'
	[ "$output" = unsealed ]
	# What a set-uid program is executed by says nothing of it.
	cp /bin/sleep secure
	chmod 4755 secure
	chmod 755 . ..
	run -0 machine ./shell -c 'setpriv --reuid=65534 --clear-groups ./secure 3 & sleep 0.5
		"$MEMSEAL" audit --raw --noheadings --output STATE $!; kill $!'
	[ "$output" = sealed ]
}

@test "the policy: the bytes of a program are locked" {
	locked() {
		machine sh -c 'tail -f /dev/null & sleep 0.3; "$MEMSEAL" map --json $!; kill $!' |
			jq -r '[.mappings[] | select(.kind == "text" and (.object // "" | endswith("/tail")))][0].content'
	}
	on
	[ "$(locked)" = open ]
	echo '*/tail strict' | rules
	run -4 machine "$MEMSEAL" enable --force # patterns are whole paths
	echo '/*/tail strict' | rules
	run -0 machine "$MEMSEAL" enable --force
	[ "$(locked)" = locked ]
}

@test "a policy with errors is not used" {
	echo '/bin/true sometimes' | rules
	run -4 machine "$MEMSEAL" enable --force
	[[ "$output" == *"test.conf:1: error:"*"not done: the policy has errors" ]]
	[ ! -e "$LIST" ]
	echo '/bin/true off' | rules
	chmod 666 "$POLICY/policy.d/test.conf"
	run -4 machine "$MEMSEAL" enable --force
	[ ! -e "$LIST" ]
	chmod 644 "$POLICY/policy.d/test.conf"
	on
}

@test "a damaged policy is not followed, and the log is told" {
	cp /bin/sleep asleep
	echo "$PWD/asleep off" | rules
	on
	run -0 state_of ./asleep 3
	[ "$output" = unsealed ]
	printf x | dd of="$POLICY/policy.compiled" bs=1 seek=50 conv=notrunc status=none
	run -0 status .policy
	[ "$output" = other ]
	machine_log
	run -0 state_of ./asleep 3
	[ "$output" = sealed ]
	run -0 machine_logged
	[[ "$output" == *"the compiled policy is damaged, and not followed: run memseal enable"* ]]
}

@test "an agent that would break programs is not switched on" {
	local size half
	size=$(stat -c %s "$BUILD/libmemseal-machine.so")
	refused() { # TEXT
		run machine timeout 60 "$MEMSEAL" enable --force
		[ "$status" -eq 4 ]
		[[ "$output" == *"$1"* ]]
		[ ! -e "$LIST" ]
		run -0 status .agent
	}
	for half in 0 1 64 4096 8192; do
		truncate -s $half "$THERE"
		refused "damaged"
	done
	cp "$BUILD/libmemseal-machine.so" "$THERE"
	# Its code is gone: SIGSEGV or SIGILL in every program.
	dd if=/dev/zero of="$THERE" bs=4096 seek=2 count=4 conv=notrunc status=none
	refused "with the agent"
	rm "$THERE"
	refused "missing"
	mkfifo "$THERE"
	refused "not a regular file"
	rm "$THERE"
	ln -s "$BUILD/libmemseal-machine.so" "$THERE"
	refused "not a regular file"
	rm "$THERE"
	install -m 666 "$BUILD/libmemseal-machine.so" "$THERE"
	refused "not root's alone"
	chmod 600 "$THERE"
	refused "not readable by every user"
	install -m 644 -o nobody "$BUILD/libmemseal-machine.so" "$THERE"
	refused "not root's alone"
	rm "$THERE"
	cp "$BUILD/libmemseal-machine.so" "$THERE"
	on
}

# Sound, and loaded: but it seals nothing, and that is seen from outside.
@test "an agent that does not seal is not switched on" {
	echo 'int nothing;' | cc -shared -fPIC -x c - -o "$THERE"
	run -4 machine "$MEMSEAL" enable --force
	[[ "$output" == *"not done: /bin/cat is not sealed with the agent" ]]
	[ ! -e "$LIST" ]
}

@test "a list that is no file of root's is left as it is" {
	ln -s nowhere "$LIST"
	run -4 machine "$MEMSEAL" enable --force
	[[ "$output" == *"/etc/ld.so.preload: a symbolic link: make it a file" ]]
	[ -L "$LIST" ]
	rm "$LIST"
	mkdir "$LIST"
	run -4 machine "$MEMSEAL" enable --force
	[[ "$output" == *"/etc/ld.so.preload: not a regular file" ]]
	rmdir "$LIST"
	install -m 644 -o nobody /dev/null "$LIST"
	run -4 machine "$MEMSEAL" enable --force
	[[ "$output" == *"/etc/ld.so.preload: not root's alone"* ]]
	rm "$LIST"
	on
}

@test "who may, and what is no option" {
	run -4 setpriv --reuid=65534 --clear-groups "$BUILD/memseal-report" enable
	run -4 setpriv --reuid=65534 --clear-groups "$BUILD/memseal-report" disable
	for command in enable disable status; do
		run -0 "$MEMSEAL" $command --help
		[[ "$output" == "Usage: memseal $command"* ]]
		run -0 "$MEMSEAL" $command --version
		run -2 "$MEMSEAL" $command --nonsense
		run -2 "$MEMSEAL" $command argument
	done
}

@test "a policy may leave alone what it is tried with" {
	cp /bin/sleep asleep
	mkfifo fifo
	for rule in '/*/cat off' '* off'; do
		printf '%s seal\n%s\n' "$PWD/asleep" "$rule" | rules
		on
		run -0 state_of cat fifo
		[ "$output" = unsealed ]
		run -0 state_of ./asleep 3
		[ "$output" = sealed ]
		run -0 status .policy
		[ "$output" = current ]
		run -0 machine "$MEMSEAL" disable
	done
}

@test "in a chroot it cannot be tried, and is not done" {
	cat >inside <<-'END'
		set -e
		root=$MACHINE/root
		mkdir -p "$root"/{usr,etc,proc,dev,tmp}
		for dir in bin sbin lib lib64; do
			[ ! -e /$dir ] || ln -sf usr/$dir "$root/$dir"
		done
		for dir in usr etc proc dev; do
			mount --rbind /$dir "$root/$dir"
		done
		mkdir -p "$root$BUILD"
		mount --bind "$BUILD" "$root$BUILD"
		exec chroot "$root" "$MEMSEAL" enable --force
	END
	run -4 machine bash inside
	[[ "$output" == *"not done: it cannot be tried in a chroot: "* ]]
	[ ! -e "$LIST" ]
}
