# shellcheck shell=sh disable=SC2034
# SPDX-License-Identifier: MIT
# What ./demo, ./check and their kin share: the packages they need, and building. To be sourced,
# from the root of the repository.

# A package of Debian a line, and a command that is there if it is installed, or that tells.
# Meson looks for what the tests need, too, when it sets a build up.
to_build='
gcc cc
libc6-dev test -e /usr/include/stdio.h
meson meson
ninja-build ninja
pkg-config pkg-config
libsmartcols-dev pkg-config smartcols
check pkg-config check
bats bats
mandoc mandoc'

to_demo='
python3 test -e /usr/bin/python3'

to_check='
clang-format clang-format
cmake cmake
clang-tidy clang-tidy
codespell codespell
git git
jq jq
libcap2-bin setcap
netbase test -e /etc/services
procps pgrep
python3 test -e /usr/bin/python3
shellcheck shellcheck'

to_check_all='
abigail-tools abidiff
apache2-utils ab
binutils ld
chromium chromium
clang clang
curl curl
debian-archive-keyring test -e /usr/share/keyrings/debian-archive-keyring.gpg
default-jdk-headless javac
firefox-esr firefox-esr
g++ c++
gcc-aarch64-linux-gnu aarch64-linux-gnu-gcc
gcc-arm-linux-gnueabihf arm-linux-gnueabihf-gcc
gcc-i686-linux-gnu i686-linux-gnu-gcc
gcc-riscv64-linux-gnu riscv64-linux-gnu-gcc
golang-go go
libpython3.11 test -e /usr/lib/*/libpython3.11.so.1.0
libpython3.11-testsuite test -e /usr/lib/python3.11/test/test_json
libsodium-dev pkg-config libsodium
libssl-dev pkg-config libcrypto
libc6-dev-arm64-cross test -e /usr/aarch64-linux-gnu/include/stdio.h
libc6-dev-armhf-cross test -e /usr/arm-linux-gnueabihf/include/stdio.h
libc6-dev-i386-cross test -e /usr/i686-linux-gnu/include/stdio.h
libc6-dev-riscv64-cross test -e /usr/riscv64-linux-gnu/include/stdio.h
lld ld.lld
libtcc-dev test -e /usr/include/libtcc.h
lua5.4 lua5.4
mold mold
musl-tools musl-gcc
nginx-light nginx
nodejs node
perl perl -MStorable -e 1
php-cli php
qemu-user qemu-x86_64
redis-server redis-server
redis-tools redis-benchmark
sqlite3 sqlite3
valgrind valgrind'

to_check_kernels='
binutils readelf
busybox-static busybox
debian-archive-keyring test -e /usr/share/keyrings/debian-archive-keyring.gpg
gcc-aarch64-linux-gnu aarch64-linux-gnu-gcc
gcc-arm-linux-gnueabihf arm-linux-gnueabihf-gcc
gcc-i686-linux-gnu i686-linux-gnu-gcc
gcc-riscv64-linux-gnu riscv64-linux-gnu-gcc
libc6-dev-arm64-cross test -e /usr/aarch64-linux-gnu/include/stdio.h
libc6-dev-armhf-cross test -e /usr/arm-linux-gnueabihf/include/stdio.h
libc6-dev-i386-cross test -e /usr/i686-linux-gnu/include/stdio.h
libc6-dev-riscv64-cross test -e /usr/riscv64-linux-gnu/include/stdio.h
qemu-system-arm qemu-system-aarch64
qemu-system-misc qemu-system-riscv64
qemu-system-x86 qemu-system-x86_64'

to_check_machine='
binutils readelf
debian-archive-keyring test -e /usr/share/keyrings/debian-archive-keyring.gpg
e2fsprogs test -x /sbin/mke2fs
jq jq
mmdebstrap mmdebstrap
python3 test -e /usr/bin/python3
qemu-system-x86 qemu-system-x86_64'

# missing LIST...: the packages of them that this machine lacks.
missing() {
	printf '%s\n' "$@" | while read -r package test args; do
		case $test in
		'') continue ;;
		pkg-config) args=${args:+--exists }${args:---version} ;;
		esac
		# Words, on purpose.
		# shellcheck disable=SC2086
		if [ -n "$args" ]; then
			$test $args >/dev/null 2>&1 </dev/null
		else
			command -v "$test" >/dev/null
		fi || printf '%s ' "$package"
	done
}

# as_root CMD...: as root, without questions.
as_root() {
	if [ "$(id -u)" -eq 0 ]; then
		"$@"
	else
		sudo -n "$@"
	fi
}

can_install() {
	command -v apt-get >/dev/null && as_root true 2>/dev/null
}

apt() {
	as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=300 "$@"
}

# The lock of the lists has no such option.
apt_update() {
	for _ in 1 2 3 4 5 6 7 8 9 10; do
		apt update && return
		sleep 6
	done
	return 1
}

# apt_sources: what this machine gets packages from, as "URI SUITE", whatever format its files have.
apt_sources() {
	apt-get -o Debug::NoLocking=true --print-uris update 2>/dev/null |
		sed -n "s,^'\(.*[^/]\)/*/dists/\([^']*\)/InRelease' .*,\1 \2,p"
}

# first_mirror FILE: the first of apt's list of mirrors.
first_mirror() {
	sed -n 's/^[[:space:]]*\([a-z]*:[^[:space:]#]*\).*/\1/p' "$1" | sed -n '1s,/*$,,p'
}

# debian_mirror: where Debian's archive is, for any suite of it: MIRROR if that is set, else what
# apt uses here for its own suite; of several, what is named as mirrors of Debian are.
debian_mirror() {
	suite=$(. /etc/os-release && echo "${VERSION_CODENAME:-stable}")
	uri=${MIRROR:-$(apt_sources | awk -v suite="$suite" '
		{ rank = 4 - 2 * ($2 == suite) - ($1 ~ /[\/:]debian$/ || $1 ~ /^mirror/) }
		$2 !~ /security|updates/ && (!best || rank < best) { best = rank; uri = $1 }
		END { print uri }')}
	case $uri in
	mirror+file:* | mirror:file:*) uri=$(first_mirror "/${uri#*file:*/}") ;;
	esac
	case $uri in
	file:/* | copy:/*) uri=file:///$(echo "${uri#*:}" | sed 's,^/*,,') ;;
	http://* | https://*) ;;
	*)
		echo "No mirror of Debian is known to this machine's apt: name one in MIRROR" >&2
		return 1
		;;
	esac
	echo "$uri"
}

# apt_state MIRROR SUITE ARCHITECTURE: a state of apt's of its own, in the current directory, which the
# apt commands that follow use.
apt_state() {
	mkdir -p lists/partial archives/partial
	: >status
	echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $1 $2 main" >sources.list
	# A mirror may be behind: what comes is only tried out. Signatures and checksums count.
	cat >apt.conf <<-CONF
		APT::Architecture "$3";
		APT::Architectures { "$3"; };
		APT::Sandbox::User "root";
		Acquire::Check-Valid-Until "false";
		Acquire::Languages "none";
		Acquire::Retries "3";
		Dir::State "$PWD";
		Dir::State::Lists "$PWD/lists";
		Dir::State::status "$PWD/status";
		Dir::Cache "$PWD";
		Dir::Cache::Archives "$PWD/archives";
		Dir::Etc::SourceList "$PWD/sources.list";
		Dir::Etc::SourceParts "/dev/null";
		Dir::Etc::Parts "/dev/null";
		Dir::Etc::Preferences "/dev/null";
		Dir::Etc::PreferencesParts "/dev/null";
	CONF
	APT_CONFIG=$PWD/apt.conf
	export APT_CONFIG
}

# need LIST...: what is missing of it is installed.
need() {
	packages=$(missing "$@")
	[ -n "$packages" ] || return 0
	if ! can_install; then
		echo "These packages of Debian, or what your system has in their place, are missing, and" >&2
		echo "installing them needs apt and root: $packages" >&2
		exit 2
	fi
	echo "Installing $packages"
	quietly packages install_packages
	packages=$(missing "$@")
	[ -z "$packages" ] && return
	echo "Not there after installing them: $packages" >&2
	exit 2
}

install_packages() {
	# shellcheck disable=SC2086
	apt_update && apt install --no-install-recommends $packages
}

# show_progress NAME LOG: what a long step has come to, on one line of the terminal, until it is killed.
show_progress() {
	started=$(date +%s)
	while sleep 1 && kill -0 $$ 2>/dev/null; do
		line=$(tail -n 1 "$2" | tr -cd '[:print:]')
		printf '\r\033[K%s, %d s: %.60s' "$1" $(($(date +%s) - started)) "$line" >&2
	done
}

# watched NAME LOG CMD...: CMD, and meanwhile what LOG ends with, if there is a terminal to show it
# on. Nothing of that is left behind.
watched() {
	name=$1 log=$2
	shift 2
	if ! [ -t 2 ] || [ "${TERM:-dumb}" = dumb ]; then
		"$@"
		return
	fi
	show_progress "$name" "$log" &
	watcher=$! status=0
	"$@" || status=$?
	kill "$watcher" 2>/dev/null || true
	wait "$watcher" 2>/dev/null || true
	printf '\r\033[K' >&2
	return "$status"
}

to_log() {
	"$@" >"$log" 2>&1 </dev/null
}

# quietly NAME CMD...: its output goes to build/log-NAME, and is shown if it fails.
quietly() {
	name=$1 log=build/log-$1
	shift
	mkdir -p build
	: >"$log"
	watched "$name" "$log" to_log "$@" && return
	echo "Failed: $* (all of its output: $log)" >&2
	tail -n 40 "$log" >&2
	return 1
}

# build DIR [OPTION...]: sets DIR up unless it is, and builds.
build() {
	dir=$1
	shift
	build_targets "$dir" all "$@"
}

# build_targets DIR TARGET [OPTION...]: the same for a part of it.
build_targets() {
	dir=$1 target=$2
	shift 2
	configure "$dir" "$@" && ninja -C "$dir" "$target"
}

# configure DIR [OPTION...]
configure() {
	dir=$1
	shift
	if [ ! -e "$dir/build.ninja" ]; then
		meson setup "$dir" "$@"
	elif [ $# -gt 0 ]; then
		meson configure "$dir" "$@"
	fi
}

# configure_cross DIR MACHINE: as scripts/cross/MACHINE.ini says, for guests, to which no debugger comes.
configure_cross() {
	[ -e "$1/build.ninja" ] ||
		meson setup -Dwerror=true -Ddebug=false --cross-file "scripts/cross/$2.ini" "$1"
}
