# SPDX-License-Identifier: MIT
# What the scripts share, and the check of the tests' names.

bats_require_minimum_version 1.5.0

setup() {
	cd "$BATS_TEST_TMPDIR" || return
	export LC_ALL=C
	unset MIRROR
}

# mirror_of FILE: what debian_mirror says where apt has this file of sources and no other.
mirror_of() {
	command -v apt-get >/dev/null || skip "no apt here"
	mkdir parts
	cp "$1" parts/
	cat >apt.conf <<-END
		Dir::Etc::SourceList "/dev/null";
		Dir::Etc::SourceParts "$PWD/parts";
	END
	APT_CONFIG=$PWD/apt.conf run sh -c '. "$0"; debian_mirror' "$SOURCE/scripts/setup.sh"
	rm -r parts
}

codename() {
	(. /etc/os-release && echo "$VERSION_CODENAME")
}

@test "the mirror of a list of one line each" {
	cat >one.list <<-END
		# deb http://commented.example/debian $(codename) main
		deb http://security.example/debian-security $(codename)-security main
		deb [arch=amd64] http://other.example/apt $(codename) main
		deb http://mirror.example/debian/ $(codename) main contrib
	END
	mirror_of one.list
	[ "$output" = http://mirror.example/debian ]
}

@test "the mirror of deb822 sources" {
	cat >one.sources <<-END
		Types: deb
		URIs: https://other.example/apt
		Suites: stable
		Components: main

		Types: deb deb-src
		URIs: https://mirror.example/pub/debian
		Suites: $(codename) $(codename)-updates
		Components: main
	END
	mirror_of one.sources
	[ "$output" = https://mirror.example/pub/debian ]
}

@test "a mirror in the file system, and a list of mirrors" {
	echo "deb file:/srv/debian $(codename) main" >one.list
	mirror_of one.list
	[ "$output" = file:///srv/debian ]
	printf '# ours\nhttps://first.example/debian/\tpriority:1\nhttps://second.example/debian\n' >mirrors
	echo "deb mirror+file:$PWD/mirrors $(codename) main" >one.list
	mirror_of one.list
	[ "$output" = https://first.example/debian ]
}

@test "no mirror is an error that says what to do, and MIRROR has the last word" {
	: >one.list
	mirror_of one.list
	[ "$status" -ne 0 ]
	[[ "$output" == *"name one in MIRROR"* ]]
	MIRROR=http://named.example/debian mirror_of one.list
	[ "$output" = http://named.example/debian ]
}

@test "two tests of one name are found" {
	printf "project('names')\nyes = find_program('true')\ntest('a', yes)\ntest('b', yes)\n" >meson.build
	meson setup build >/dev/null
	run -0 "$SOURCE/scripts/check-test-names" build
	printf "test('a', yes, suite: 'other')\n" >>meson.build
	meson setup --reconfigure build >/dev/null
	run -1 "$SOURCE/scripts/check-test-names" build
	[ "${lines[1]}" = a ]
	[ "${#lines[@]}" = 2 ]
}

@test "a long step shows on a terminal how far it is, and in a pipe nothing" {
	step='. "$SOURCE/scripts/setup.sh"; quietly long sh -c "echo half; sleep 3"; echo done'
	run -0 sh -c "$step"
	[ "$output" = "done" ]
	command -v script >/dev/null || skip "no script(1) here"
	TERM=xterm run -0 script -q -e -c "sh -c '$step'" /dev/null
	[[ "$output" == *"long, "[1-9]" s: half"*done* ]]
}
