# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# A machine of its own for tests: a mount namespace in which /etc and /dev are copies, and memseal is
# installed. BUILD is the build directory, CONF_DIR and AGENT_DIR are where memseal would be installed.
# Needs root.

export MEMSEAL=$BUILD/memseal COVERAGE_SELF=$BUILD/tests/coverage-self

# The deepest directory on the way to this one that is there.
directory_above() {
	local dir=$1

	while [ ! -d "$dir" ]; do
		dir=${dir%/*}
	done
	echo "$dir"
}

# On the file system of the loader, where other users find it, too.
machine_make() {
	local lib=/lib64 node

	[ -d $lib ] || lib=/lib
	LIB_AT=$(directory_above "$AGENT_DIR") CONF_AT=$(directory_above "$CONF_DIR")
	MACHINE=$(mktemp -d -p /var/tmp)
	[ "$(stat -Lc %d "$MACHINE")" = "$(stat -Lc %d $lib/)" ] || {
		rmdir "$MACHINE"
		MACHINE=$(mktemp -d -p "$(realpath $lib)")
	}
	export MACHINE LIB_AT CONF_AT
	chmod 755 "$MACHINE"
	mkdir "$MACHINE/dev"
	cp -a /etc "$MACHINE/etc"
	[ "$(du -sm "$LIB_AT" | cut -f 1)" -lt 100 ] || return 0 # not where it is installed
	cp -a "$LIB_AT" "$MACHINE/lib"
	cp -a "$CONF_AT" "$MACHINE/conf"
	mkdir -p "$MACHINE/lib/${AGENT_DIR#"$LIB_AT"}" "$MACHINE/conf/${CONF_DIR#"$CONF_AT"}"
	cp "$BUILD/libmemseal-machine.so" "$MACHINE/lib/${AGENT_DIR#"$LIB_AT"}/"
	for node in null zero full random urandom tty; do
		[ ! -e /dev/$node ] || cp -a /dev/$node "$MACHINE/dev/"
	done
}

machine_remove() {
	rm -rf "$MACHINE"
}

machine_preload() { # what /etc/ld.so.preload says
	echo "$1" >"$MACHINE/etc/ld.so.preload"
}

# Enabled, without a policy.
machine_reset() {
	[ "$(id -u)" -eq 0 ] || skip "needs root, for a mount namespace with set-uid programs"
	[ -e "$MACHINE/conf" ] || skip "the prefix of this build is that of the system"
	machine_preload "$AGENT_DIR/libmemseal-machine.so"
	rm -rf "${MACHINE:?}/conf/${CONF_DIR#"$CONF_AT"}" "$MACHINE/log" "$MACHINE/dev/log"
	mkdir "$MACHINE/conf/${CONF_DIR#"$CONF_AT"}"
}

# machine CMD...: runs it there. Its first program is from outside.
machine() {
	# shellcheck disable=SC2016 # expanded there
	unshare --mount --propagation private sh -c '
		set -e
		mount --bind "$MACHINE/dev" /dev
		mount --bind "$MACHINE/lib" "$LIB_AT"
		mount --bind "$MACHINE/conf" "$CONF_AT"
		mount --bind "$MACHINE/etc" /etc
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
