#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Browsers without a display, in their sandboxes: dozens of processes, of which most confine themselves
# further. They are started by nobody, for their sandboxes are not root's.

# shellcheck source=tests/programs/programs.bash
load programs

setup() {
	home=$BATS_TEST_TMPDIR/home
	public=${TMPDIR:-/tmp}/memseal-browsers.$BASHPID
	browser=
	mkdir -p "$home" "$public"
	cp "$BUILD/memseal" "$BUILD/memseal-report" "$BUILD/libmemseal-agent.so" "$public"
	chmod 755 "$public"
	chmod 711 "${BATS_RUN_TMPDIR:?}" "$BATS_FILE_TMPDIR" "$BATS_TEST_TMPDIR" "$BATS_TEST_TMPDIR"/..
	[ "$(id -u)" -ne 0 ] || chown 65534 "$home"
	echo '<script>document.title = 6 * 7</script><h1>here</h1>' >"$public/page.html"
	as_user unshare --user true || skip "no user namespaces here"
}

teardown() {
	[ -z "$browser" ] || kill -KILL -- -"$browser" 2>/dev/null || :
	rm -rf "$public"
}

as_user() {
	local user=
	[ "$(id -u)" -ne 0 ] || user='setpriv --reuid=65534 --regid=65534 --clear-groups'
	(cd "$home" && exec $user env HOME="$home" TMPDIR="$home" DBUS_SESSION_BUS_ADDRESS=none: "$@")
}

# start NAME CMD...: in a process group of its own, until the end of the test.
start() {
	: >"$home/err"
	as_user setsid sh -c 'echo $$ >pid; exec "$@"' sh "$public/memseal" run $MEMSEAL_RUN_OPTIONS \
		"$@" >"$home/out" 2>"$home/err" 3>&- &
	until browser=$(cat "$home/pid" 2>/dev/null) && [ "$browser" ]; do sleep 0.1; done
}

# A process that is loading an object just now is not asked.
main_sealed() {
	for _ in {1..50}; do
		"$BUILD/memseal" audit -J "$(pgrep -o -x -u 65534 "$1" || pgrep -o -x "$1")" \
			>"$home/audit" 2>/dev/null || :
		jq -e '.processes[0] | .state == "sealed" and .coverage == 100' "$home/audit" && return
		sleep 0.2
	done
	cat "$home/audit" "$home/err"
	return 1
}

@test "chromium draws a page, and its processes are sealed" {
	needs chromium
	dump() {
		as_user "$@" chromium --headless=new --disable-gpu --user-data-dir="$home/profile" \
			--dump-dom "file://$public/page.html" 2>"$home/err"
	}
	plain=$(dump)
	[[ $plain == *"<title>42</title>"* ]]
	[ "$(dump "$public/memseal" run $MEMSEAL_RUN_OPTIONS)" = "$plain" ]
	run ! grep memseal "$home/err"
	start chromium --headless=new --disable-gpu --user-data-dir="$home/other" \
		--remote-debugging-port=0 "file://$public/page.html"
	until grep -q 'DevTools listening' "$home/err"; do sleep 0.1; done
	main_sealed chromium
	[ "$(pgrep -c -x chromium)" -gt 3 ]
	"$BUILD/memseal" audit -J $(pgrep -x chromium) >"$home/audit"
	jq -e 'all(.processes[]; .coverage > 95)' "$home/audit"
}

@test "firefox draws a page, and its processes are sealed" {
	needs firefox-esr
	draw() {
		rm -rf "$home/profile" "$home/page.png"
		mkdir "$home/profile"
		[ "$(id -u)" -ne 0 ] || chown 65534 "$home/profile"
		as_user "$@" firefox-esr --headless --profile "$home/profile" \
			--screenshot "$home/page.png" "file://$public/page.html" >"$home/err" 2>&1
		cksum <"$home/page.png"
	}
	plain=$(draw)
	[ "$(draw "$public/memseal" run $MEMSEAL_RUN_OPTIONS)" = "$plain" ]
	run ! grep memseal "$home/err"
	rm -rf "$home/profile"
	mkdir "$home/profile"
	[ "$(id -u)" -ne 0 ] || chown 65534 "$home/profile"
	start firefox-esr --headless --profile "$home/profile" "file://$public/page.html"
	until pgrep -x 'Web Content'; do sleep 0.1; done
	main_sealed firefox-esr
	# What a sandbox lets a process load later, and not seal, is little: memseal-run(1).
	"$BUILD/memseal" audit -J $(pgrep -x 'firefox-esr|Web Content|Socket Process') >"$home/audit"
	jq -e 'all(.processes[]; .coverage > 95)' "$home/audit"
}
