# SPDX-License-Identifier: MIT
# The script of the initramfs, on a root directory of its own in a mount namespace: what it does with
# an agent that works, and with those that would keep the machine from starting.

bats_require_minimum_version 1.5.0

setup() {
	[ "$(id -u)" -eq 0 ] || skip "needs root, for chroot(1) and mounts"
	cd "$BATS_TEST_TMPDIR"
	ROOT=$PWD/root AGENT=$PWD/root/memseal/libmemseal-machine.so
	LIST=$ROOT/etc/ld.so.preload
	export ROOT LIST
	mkdir -p "$ROOT"/{usr,etc,proc,dev,memseal}
	for dir in bin sbin lib lib64; do
		[ ! -e /$dir ] || ln -s usr/$dir "$ROOT/$dir"
	done
	cp "$BUILD/libmemseal-machine.so" "$AGENT"
	echo /memseal/libmemseal-machine.so >"$LIST"
}

script() { # [readonly=y]
	# shellcheck disable=SC2016 # expanded there
	unshare --mount --propagation private bash -c '
		mount --bind "$ROOT" "$ROOT" && mount --bind /usr "$ROOT/usr" && mount --bind /dev/null /dev/kmsg || exit 99
		[ "$2" != readonly=y ] || mount -o remount,bind,ro "$ROOT" || exit 99
		env rootmnt="$ROOT" $2 sh "$1" && ! grep " $ROOT/proc" /proc/self/mounts' \
		bash "$SOURCE/packaging/initramfs-tools/memseal" "${1-}" 3>&- # bats waits for what has it
}

starts() { # with the list
	# shellcheck disable=SC2016 # expanded there
	unshare --mount --propagation private bash -c \
		'mount --bind /usr "$ROOT/usr" && exec timeout 5 chroot "$ROOT" /bin/true'
}

@test "an agent that works stays" {
	run -0 starts
	run -0 script
	[ "$(cat "$LIST")" = /memseal/libmemseal-machine.so ]
	[ ! -e "$LIST.memseal-broken" ]
}

@test "one that was cut off does not, and programs start" {
	for size in 4096 8192; do
		truncate -s $size "$AGENT"
		run starts
		[ "$status" -gt 128 ]
		run -0 script
		[ ! -e "$LIST" ]
		run -0 starts
		mv "$LIST.memseal-broken" "$LIST"
		cp "$BUILD/libmemseal-machine.so" "$AGENT"
	done
}

@test "nor does one that was overwritten" {
	dd if=/dev/zero of="$AGENT" bs=4096 seek=2 count=6 conv=notrunc status=none
	run starts
	[ "$status" -gt 128 ]
	run -0 script
	[ ! -e "$LIST" ]
	run -0 starts
}

@test "nor does one that holds every program up" {
	rm "$AGENT"
	mkfifo "$AGENT"
	run -124 starts
	run -0 script
	[ ! -e "$LIST" ]
	run -0 starts
}

@test "one that is missing stays: programs run" {
	rm "$AGENT"
	run -0 starts
	run -0 script
	[ -e "$LIST" ]
}

@test "without it in the list, or where a program fails anyway, nothing is changed" {
	truncate -s 4096 "$AGENT"
	echo /usr/lib/other.so >"$LIST"
	run -0 script
	[ -e "$LIST" ]
	rm "$LIST"
	run -0 script
	echo /memseal/libmemseal-machine.so >"$LIST"
	rm "$ROOT/bin"
	run -0 script
	[ -e "$LIST" ]
}

@test "a root that is mounted read-only is so afterwards" {
	truncate -s 4096 "$AGENT"
	run -0 script readonly=y
	[ ! -e "$LIST" ]
	run -0 starts
}
