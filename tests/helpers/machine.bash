# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# A machine of its own for tests: a mount namespace in which /etc and /dev are copies, and where memseal
# is configured. BUILD is the build directory, CONF_DIR the directory of the policy. Needs root.

export MEMSEAL=$BUILD/memseal COVERAGE_SELF=$BUILD/tests/coverage-self

# Where other users find the agent, too.
machine_make() {
	MACHINE=$(mktemp -d)
	export MACHINE
	chmod 755 "$MACHINE"
	mkdir "$MACHINE/dev" "$MACHINE/lib"
	cp -a /etc "$MACHINE/etc"
	cp -a "${CONF_DIR%/*}" "$MACHINE/conf"
	mkdir -p "$MACHINE/conf/memseal"
	cp -a /dev/{null,zero,full,random,urandom,tty} "$MACHINE/dev/"
	cp "$BUILD/libmemseal-machine.so" "$MACHINE/lib/"
}

machine_remove() {
	rm -rf "$MACHINE"
}

machine_preload() { # what /etc/ld.so.preload says
	echo "$1" >"$MACHINE/etc/ld.so.preload"
}

machine_reset() {
	machine_preload "$MACHINE/lib/libmemseal-machine.so"
	rm -rf "$MACHINE/conf/memseal/"* "$MACHINE/log" "$MACHINE/dev/log"
}

# machine CMD...: runs it there. Its first program is from outside.
machine() {
	# shellcheck disable=SC2016 # expanded there
	unshare --mount --propagation private sh -c '
		set -e
		mount --bind "$MACHINE/dev" /dev
		mount --bind "$MACHINE/etc" /etc
		mount --bind "$MACHINE/conf" "${CONF_DIR%/*}"
		exec "$@"' sh "$@"
}

# The log: what is sent to it is in $MACHINE/log, or is not taken from it.
machine_log() { # [stopped]
	/usr/bin/python3 - "$MACHINE" "${1-}" 3>&- <<-'END' &
		import os, socket, sys, time
		machine, stopped = sys.argv[1:]
		log = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
		log.bind(machine + '/dev/log')
		os.chmod(machine + '/dev/log', 0o666)
		log.settimeout(60)
		while stopped:
		    time.sleep(1)
		while True:
		    with open(machine + '/log', 'ab') as file:
		        file.write(log.recv(4096) + b'\n')
	END
	echo $! >"$MACHINE/log.pid"
	for _ in {1..50}; do
		[ ! -S "$MACHINE/dev/log" ] || return 0
		sleep 0.1
	done
	return 1
}

machine_logged() {
	for _ in {1..30}; do
		[ ! -s "$MACHINE/log" ] || break
		sleep 0.1
	done
	kill "$(cat "$MACHINE/log.pid")"
	cat "$MACHINE/log"
}
