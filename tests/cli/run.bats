# SPDX-License-Identifier: MIT
# memseal run, seen from outside: what it starts, what it refuses, and what it leaves alone.

bats_require_minimum_version 1.5.0

MEMSEAL=$BUILD/memseal
COVERAGE_SELF=$BUILD/tests/coverage-self

setup() {
	cd "$BATS_TEST_TMPDIR"
}

compile() { # output, options...; the source comes from stdin
	local out=$1
	shift
	cc -x c - -o "$out" "$@"
}

refused() { # reason, command...
	local reason=$1
	shift
	run -125 --separate-stderr "$MEMSEAL" run "$@"
	[ -z "$output" ]
	[ "${#stderr_lines[@]}" = 1 ]
	[[ "$stderr" == "memseal run: not started: "*"$reason"*"--allow-unsealed"* ]]
	# The control: the same starts if it is allowed to, with a warning.
	run --separate-stderr "$MEMSEAL" run --allow-unsealed "$@"
	[[ "$stderr" == "memseal run: warning: not sealed: "*"$reason"* ]]
}

hello() {
	echo '#include <stdio.h>
	int main(void) { puts("hello"); return 7; }'
}

@test "a program is sealed before its main" {
	run -0 "$MEMSEAL" run "$COVERAGE_SELF"
	[ "${lines[1]}" = covered ]
	run -0 "$COVERAGE_SELF"
	[[ "${lines[1]}" == "gap "* ]]
}

@test "what is loaded later is sealed; with --no-dlopen it is not" {
	run -0 "$MEMSEAL" run "$COVERAGE_SELF" libm.so.6
	[ "${lines[1]}" = covered ]
	run -0 "$MEMSEAL" run --no-dlopen "$COVERAGE_SELF"
	[ "${lines[1]}" = covered ]
	run -0 "$MEMSEAL" run --no-dlopen "$COVERAGE_SELF" libm.so.6
	[[ "${lines[1]}" == "gap "*libm.so.6* ]]
}

@test "the program takes the place of memseal: same process, nothing beside it" {
	sh -c 'echo $$; exec "$0" run sh -c "echo \$\$; ps --no-headers -o pid --ppid \$\$ | wc -l"' \
		"$MEMSEAL" > out
	[ "$(sed -n 1p out)" = "$(sed -n 2p out)" ]
	# The two of the pipeline that counts.
	[ "$(sed -n 3p out)" -le 2 ]
}

@test "arguments, name, descriptors and standard input reach the program" {
	run -0 bash -c 'echo input | "$0" run -- sh -c '\''printf "%s|" "$@"; cat; cat <&7'\'' x -a "b c" "" -- 7<<<seven' \
		"$MEMSEAL"
	[ "${lines[0]}" = '-a|b c||--|input' ]
	[ "${lines[1]}" = seven ]
	ln -s "$(command -v sh)" named
	run -0 "$MEMSEAL" run ./named -c 'echo $0'
	[ "$output" = ./named ]
}

@test "the environment is the caller's but for LD_PRELOAD and MEMSEAL_AGENT" {
	env -i A=1 PATH="$PATH" 'B=x y' env > before
	env -i A=1 PATH="$PATH" 'B=x y' "$MEMSEAL" run env > after
	diff <(grep -v ^LD_PRELOAD= after) before
	[ "$(grep -c ^LD_PRELOAD= after)" = 1 ]
	[ "$(grep ^LD_PRELOAD= after)" = "LD_PRELOAD=$BUILD/libmemseal-agent.so" ]
	env -i PATH="$PATH" MEMSEAL_AGENT=allow-unsealed "$MEMSEAL" run --no-dlopen env > after
	grep -qx MEMSEAL_AGENT=no-dlopen after
	env -i PATH="$PATH" "$MEMSEAL" run --no-dlopen --allow-unsealed --engine=filter env > after
	grep -qx MEMSEAL_AGENT=allow-unsealed,no-dlopen,filter after
	env -i PATH="$PATH" "$MEMSEAL" run --strict --data env > after
	grep -qx MEMSEAL_AGENT=data,strict after
}

@test "a preload of the user's stays, and memseal within memseal is one" {
	! grep -q __asan_init "$MEMSEAL" || skip "a sanitized program does not run so"
	echo 'int unused;' | compile other.so -shared -fPIC
	LD_PRELOAD=$PWD/other.so run -0 "$MEMSEAL" run sh -c '"$0" run sh -c "echo \$LD_PRELOAD"' "$MEMSEAL"
	[ "$output" = "$BUILD/libmemseal-agent.so:$PWD/other.so" ]
}

@test "signal dispositions and the signal mask reach the program" {
	grep -E '^(SigBlk|SigIgn|SigCgt)' /proc/self/status > before
	"$MEMSEAL" run grep -E '^(SigBlk|SigIgn|SigCgt)' /proc/self/status > after
	diff before after
	(trap '' INT USR1; "$MEMSEAL" run grep ^SigIgn /proc/self/status > after)
	(trap '' INT USR1; grep ^SigIgn /proc/self/status > before)
	diff before after
}

@test "the exit status is the program's" {
	for status in 0 1 7 125 255; do
		run "-$status" "$MEMSEAL" run sh -c "exit $status"
	done
	run -137 "$MEMSEAL" run sh -c 'kill -KILL $$'
}

@test "not found is 127, not executable is 126, with one line each" {
	run -127 "$MEMSEAL" run no-such-program
	[ "$output" = "memseal run: 'no-such-program': No such file or directory" ]
	run -127 "$MEMSEAL" run ./no-such-program
	run -127 "$MEMSEAL" run ''
	touch plain
	run -126 "$MEMSEAL" run ./plain
	[ "$output" = "memseal run: './plain': Permission denied" ]
	mkdir dir
	run -126 "$MEMSEAL" run ./dir
	[ "$output" = "memseal run: './dir': Is a directory" ]
	run -126 "$MEMSEAL" run ./plain/x
}

@test "PATH is searched as shells do" {
	mkdir a b
	printf '#!/bin/sh\necho from b\n' > b/tool
	cp b/tool a/tool
	chmod +x b/tool
	PATH=a:b:$PATH run -0 "$MEMSEAL" run tool
	[ "$output" = "from b" ]
	cd b
	PATH=:$PATH run -0 "$MEMSEAL" run tool
	[ "$output" = "from b" ]
	chmod -x tool
	PATH=.:/bin:/usr/bin run -126 "$MEMSEAL" run tool
	run -0 env -u PATH "$MEMSEAL" run sh -c 'echo found'
	[ "$output" = found ]
}

@test "scripts are followed to what the kernel will load" {
	printf '#! %s libm.so.6\n' "$COVERAGE_SELF" > script
	chmod +x script
	# The interpreter tries to open the script itself as a library, and says so: it did run.
	run "$MEMSEAL" run ./script
	[ "${lines[0]}" = main ]
	printf '#!./script\n' > outer
	chmod +x outer
	run "$MEMSEAL" run ./outer
	[ "${lines[0]}" = main ]
	printf '#!./loop\n' > loop
	chmod +x loop
	run -126 "$MEMSEAL" run ./loop
	printf '#!/no/such/interpreter\n' > missing
	chmod +x missing
	run -127 "$MEMSEAL" run ./missing
	printf '#!\n' > empty
	chmod +x empty
	run -126 "$MEMSEAL" run ./empty
}

@test "a script without #! is read by the shell, as env does it" {
	printf 'echo "$0 $1 $LD_PRELOAD"\n' > script
	chmod +x script
	run -0 "$MEMSEAL" run ./script argument
	[ "$output" = "./script argument $BUILD/libmemseal-agent.so" ]
}

@test "damaged ELF files are 126, never a crash" {
	hello | compile hello
	for size in 4 16 32 63 64 100 300 700; do
		head -c $size hello > ./cut
		chmod +x cut
		run -126 "$MEMSEAL" run ./cut
		[[ "$output" == "memseal run: './cut': "* ]]
	done
	cp hello broken
	# e_phoff and e_phnum beyond the file
	printf '\377\377\377\377\377\377\377\177' | dd of=broken bs=1 seek=32 conv=notrunc status=none
	run -126 "$MEMSEAL" run ./broken
	cp hello broken
	printf '\377\376' | dd of=broken bs=1 seek=56 conv=notrunc status=none
	run -126 "$MEMSEAL" run ./broken
	cp hello sparse
	truncate -s 4G sparse
	run -7 "$MEMSEAL" run ./sparse
	[ "$output" = hello ]
	truncate -s 4G holes
	chmod +x holes
	refused 'neither an ELF program nor a script' ./holes
}

@test "static programs are refused" {
	hello | compile static -static
	refused 'statically linked' ./static
	[ "$status" = 7 ] && [ "$output" = hello ]
	hello | compile static-pie -static-pie
	refused 'statically linked' ./static-pie
	[ "$status" = 7 ] && [ "$output" = hello ]
}

@test "the loader and shared objects are refused" {
	loader=$(readelf -lW /bin/sh | sed -n 's/.*interpreter: \(.*\)]/\1/p')
	refused 'dynamic loader or shared object' "$loader" /bin/echo hi
	[ "$output" = hi ]
}

@test "set-user-ID, set-group-ID and file capabilities are refused" {
	hello | compile hello
	chmod u+s hello
	refused 'set-user-ID' ./hello
	[ "$status" = 7 ]
	chmod u-s,g+sx hello
	refused 'set-group-ID' ./hello
	chmod g-s hello
	run -7 "$MEMSEAL" run ./hello
	if [ "$(id -u)" = 0 ]; then
		setcap cap_net_raw+p hello
		refused 'file capabilities' ./hello
	fi
}

@test "other architectures and unknown loaders are refused" {
	hello | compile hello
	cp hello foreign
	# e_machine: EM_RISCV
	printf '\363\000' | dd of=foreign bs=1 seek=18 conv=notrunc status=none
	refused 'another architecture' ./foreign
	hello | compile odd -Wl,--dynamic-linker="$PWD/odd-loader"
	cp "$(readelf -lW /bin/sh | sed -n 's/.*interpreter: \(.*\)]/\1/p')" odd-loader
	refused "neither glibc's nor musl's" ./odd
	[ "$status" = 7 ] && [ "$output" = hello ]
}

@test "a file that may not be read is refused" {
	[ "$(id -u)" = 0 ] || skip "needs root, to be another user"
	public=$(mktemp -d)
	chmod 755 "$public"
	cp "$MEMSEAL" "$BUILD/libmemseal-agent.so" "$public"
	hello | compile "$public/hello"
	chmod 711 "$public/hello"
	run -125 --separate-stderr setpriv --reuid=65534 --clear-groups "$public/memseal" run "$public/hello"
	reason=$stderr
	chmod 755 "$public/hello"
	run -7 setpriv --reuid=65534 --clear-groups "$public/memseal" run "$public/hello"
	rm -r "$public"
	[[ "$reason" == *"may be executed but not read"* ]]
}

@test "without a usable agent nothing starts" {
	cp "$MEMSEAL" .
	run -125 ./memseal run echo started
	[[ "$output" == *"not a usable agent"* ]]
	printf 'no library\n' > libmemseal-agent.so
	run -125 ./memseal run echo started
	[[ "$output" == *"not a usable agent"* ]]
	run -0 ./memseal run --allow-unsealed echo started
	[ "${lines[1]}" = started ]
	cp "$BUILD/libmemseal-agent.so" .
	run -0 ./memseal run echo started
	[ "$output" = started ]
}

@test "an agent whose path the loader would split or expand: nothing starts" {
	for dir in plain 'a b' 'a:b' 'a;b' '$ORIGIN' '${LIB}'; do
		mkdir "$dir"
		cp "$MEMSEAL" "$BUILD/libmemseal-agent.so" "$dir"
		if [ "$dir" = plain ]; then
			run -0 "$dir/memseal" run "$COVERAGE_SELF"
			[ "${lines[1]}" = covered ]
			continue
		fi
		run -125 "$dir/memseal" run "$COVERAGE_SELF"
		[[ "$output" == *"$dir/libmemseal-agent.so': the loader cannot take this path"* ]]
	done
}

@test "an agent on a file system without execution: nothing starts" {
	[ "$(id -u)" = 0 ] || skip "needs root, to mount"
	! grep -q __asan_init "$MEMSEAL" || skip "a sanitized program does not run so"
	cp "$MEMSEAL" "$BUILD/libmemseal-agent.so" .
	printf '%s\n' 'mount --bind libmemseal-agent.so libmemseal-agent.so' './memseal run "$1"' \
		'mount -o remount,bind,noexec libmemseal-agent.so' './memseal run "$1"' > script
	run -125 unshare -m sh script "$COVERAGE_SELF"
	[ "${lines[1]}" = covered ]
	[ "$(grep -cx main <<<"$output")" = 1 ]
	[[ "$output" == *"libmemseal-agent.so': the agent must not be executed here"* ]]
}

@test "an agent that the user may not read: nothing starts, and the reason is right" {
	[ "$(id -u)" = 0 ] || skip "needs root, to be another user"
	public=$(mktemp -d)
	chmod 755 "$public"
	cp "$MEMSEAL" "$COVERAGE_SELF" "$public"
	mkdir -m 700 "$public/closed"
	cp "$BUILD/libmemseal-agent.so" "$public/closed"
	ln -s closed/libmemseal-agent.so "$public"
	nobody="setpriv --reuid=65534 --clear-groups"
	run -125 $nobody "$public/memseal" run "$public/coverage-self"
	[[ "$output" == *"the agent cannot be read"* ]]
	chmod 755 "$public/closed"
	run -0 $nobody "$public/memseal" run "$public/coverage-self"
	[ "${lines[1]}" = covered ]
	chmod 000 "$public/closed/libmemseal-agent.so"
	run -125 $nobody "$public/memseal" run "$public/coverage-self"
	[[ "$output" == *"the agent cannot be read"* ]]
	rm -r "$public"
}

@test "a caller whose real and effective ids differ: the loader would ignore the agent" {
	[ "$(id -u)" = 0 ] || skip "needs root, to be two users"
	for ids in --ruid=65534 "--rgid=65534 --keep-groups"; do
		# The control: it runs, and with the agent preloaded by hand it is not sealed.
		run -0 setpriv $ids env LD_PRELOAD="$BUILD/libmemseal-agent.so" "$COVERAGE_SELF"
		[[ "${lines[1]}" == "gap "* ]]
		run -125 --separate-stderr setpriv $ids "$MEMSEAL" run "$COVERAGE_SELF"
		[ -z "$output" ]
		[[ "$stderr" == *"real and effective IDs of the caller differ"* ]]
		run -0 setpriv $ids "$MEMSEAL" run --allow-unsealed "$COVERAGE_SELF"
	done
	run -0 setpriv --no-new-privs "$MEMSEAL" run "$COVERAGE_SELF"
	[ "${lines[1]}" = covered ]
}

@test "ambient capabilities and users without any do not keep the agent out" {
	[ "$(id -u)" = 0 ] || skip "needs root, to be another user"
	public=$(mktemp -d)
	chmod 755 "$public"
	cp "$MEMSEAL" "$COVERAGE_SELF" "$BUILD/libmemseal-agent.so" "$public"
	for caps in "" "--inh-caps=+net_raw --ambient-caps=+net_raw" "--inh-caps=+net_raw"; do
		run -0 setpriv --reuid=65534 --clear-groups $caps \
			"$public/memseal" run "$public/coverage-self"
		[ "${lines[1]}" = covered ]
	done
	rm -r "$public"
}

# Needs a loader and nothing else: the loader gives up for want of the agent alone.
no_libc() {
	loader=$(readelf -lW /bin/sh | sed -n 's/.*interpreter: \(.*\)]/\1/p')
	echo '#include "base/arch.h"
	char used[3 << 20];
	void _start(void) {
		arch_syscall(NR_write, 1, (long)"ran\n", 4, 0, 0, 0);
		arch_syscall(NR_exit_group, 0, 0, 0, 0, 0, 0);
	}' | compile "$1" -O1 -I"$SOURCE/src" -nostdlib -fPIE -pie -fno-stack-protector \
		-fno-asynchronous-unwind-tables -Wl,--dynamic-linker="$loader"
}

limited() { # option of ulimit, value, command...
	(ulimit "$1" "$2" && shift 2 && "$@")
}

@test "limits under which the loader would leave the agent out: nothing starts" {
	! grep -q __asan_init "$MEMSEAL" || skip "a sanitized program does not run so"
	no_libc no-libc
	ignored=
	for kib in $(seq 3300 8 3600); do
		run limited -v "$kib" env -i LD_PRELOAD="$BUILD/libmemseal-agent.so" ./no-libc
		[[ "$output" == *"cannot be preloaded"*"ran" ]] || continue
		ignored+=" $kib"
		run -125 limited -v "$kib" "$MEMSEAL" run ./no-libc
		[[ "$output" == *"a limit of memory leaves no room"* ]]
	done
	[ -n "$ignored" ]
	run -0 limited -n 3 ./no-libc
	run -125 limited -n 3 "$MEMSEAL" run ./no-libc
	[[ "$output" == *"Too many open files"* ]]
}

registered() { # registration, program...: in a namespace of its own, with it registered
	local registration=$1
	shift
	unshare -Urm sh -c 'mount -t binfmt_misc none /proc/sys/fs/binfmt_misc &&
		printf "%s" "$0" > /proc/sys/fs/binfmt_misc/register && exec "$@"' "$registration" "$@"
}

@test "files that are registered with binfmt_misc go to their interpreter" {
	unshare -Urm mount -t binfmt_misc none /proc/sys/fs/binfmt_misc ||
		skip "needs binfmt_misc in a user namespace, Linux 6.7"
	printf '#!/bin/sh\necho "interpreter $* ${LD_PRELOAD##*/}"\n' > interpreter
	chmod +x interpreter
	# As text, as bytes, and by its name: without #!, and with one.
	printf 'magic text\n' > text
	printf 'magic\0bytes\n' > bytes
	printf '#!/bin/sh\necho script\n' > named.ext
	chmod +x text bytes named.ext
	agent=libmemseal-agent.so
	for file in ./text ./bytes; do
		run -0 registered ":test:M:0:mag_c:\xff\xff\xff\x00\xff:$PWD/interpreter:" \
			"$MEMSEAL" run $file argument
		[ "$output" = "interpreter $file argument $agent" ]
		run -0 registered ":test:M:1:agic::$PWD/interpreter:" "$MEMSEAL" run $file
		[ "$output" = "interpreter $file $agent" ]
	done
	run -0 registered ":test:E::ext::$PWD/interpreter:" "$MEMSEAL" run ./named.ext
	[ "$output" = "interpreter ./named.ext $agent" ]
	# Registered, but not for these.
	run -0 registered ":test:E::ex::$PWD/interpreter:" "$MEMSEAL" run ./named.ext
	[ "$output" = script ]
	run -125 registered ":test:M:0:magix::$PWD/interpreter:" "$MEMSEAL" run ./bytes
	[[ "$output" == *"neither an ELF program nor a script"* ]]
}

@test "what a registered interpreter is decides whether the file can be sealed" {
	unshare -Urm mount -t binfmt_misc none /proc/sys/fs/binfmt_misc ||
		skip "needs binfmt_misc in a user namespace, Linux 6.7"
	hello | compile static -static
	printf 'magic\0bytes\n' > bytes
	chmod +x bytes
	run -7 registered ":test:M:0:magic::$PWD/static:" ./bytes
	run -125 registered ":test:M:0:magic::$PWD/static:" "$MEMSEAL" run ./bytes
	[[ "$output" == *"statically linked"* ]]
	run -127 registered ":test:M:0:magic::/no/such:" "$MEMSEAL" run ./bytes
}

# How new code is refused: by PR_SET_MDWE, by a filter where the kernel has no such prctl, by both.
guarded() { # way, command...
	local way=$1
	shift
	case $way in
	mdwe) "$MEMSEAL" run --no-new-code "$@" ;;
	filter) "$BUILD/tests/deny-syscall" "$PRCTL" 22 "$MEMSEAL" run --no-new-code "$@" ;;
	both) "$MEMSEAL" run --no-new-code --engine=filter "$@" ;;
	esac
}

@test "--no-new-code: what was writable never becomes code, in children as well" {
	PRCTL=$(printf '#include <sys/syscall.h>\nSYS_prctl' | cc -E - | tail -n 1)
	ways="mdwe both"
	# Where prctl is refused, only root gets a filter.
	[ "$(id -u)" != 0 ] || ways+=" filter"
	for kind in anon heap stack data mapped shared; do
		run -0 "$BUILD/tests/new-code" $kind
		[ "$output" = code ]
		[ $kind = data ] || {
			run -0 "$MEMSEAL" run "$BUILD/tests/new-code" $kind
			[ "$output" = code ]
		}
		for way in $ways; do
			run -0 guarded $way "$BUILD/tests/new-code" $kind
			[ "$output" = refused ]
			run -0 guarded $way env -i /bin/sh -c "$BUILD/tests/new-code $kind"
			[ "$output" = refused ]
		done
	done
}

@test "--no-new-code: programs are sealed and load libraries as before" {
	for options in "" --strict "--strict --data"; do
		run -0 "$MEMSEAL" run --no-new-code $options "$COVERAGE_SELF" libm.so.6
		[ "${lines[1]}" = covered ]
	done
	run -0 "$MEMSEAL" run --no-new-code --engine=filter "$COVERAGE_SELF" -t libm.so.6
	[ "${lines[1]}" = covered ]
}

@test "--no-new-code: a program that needs such memory is refused" {
	hello | compile needs-stack -Wl,-z,execstack
	run -7 "$MEMSEAL" run ./needs-stack
	run -125 "$MEMSEAL" run --no-new-code ./needs-stack
	[[ "$output" == *"not started: './needs-stack': needs memory that is writable and executable"* ]]
	run -7 --separate-stderr "$MEMSEAL" run --no-new-code --allow-unsealed ./needs-stack
	[ "$output" = hello ]
	[[ "$stderr" == *"warning: new code is not refused: './needs-stack'"* ]]
}

within() { # options of the outer, of the inner, command...
	local outer=$1 inner=$2
	shift 2
	env -i PATH="$PATH" "$MEMSEAL" run $outer sh -c 'exec "$@"' sh "$MEMSEAL" run $inner "$@"
}

@test "memseal within memseal: what was asked for stays, what allows more does not" {
	run -0 within "--strict --data --no-new-code" "" env
	grep -qx MEMSEAL_AGENT=data,no-new-code,strict <<<"$output"
	run -0 within --strict --data env
	grep -qx MEMSEAL_AGENT=data,strict <<<"$output"
	run -0 within "--allow-unsealed --no-dlopen" "" env
	[[ "$output" != *MEMSEAL_AGENT* ]]
	# By what it does: bytes are tried.
	run -0 within "--strict --data" "" "$COVERAGE_SELF" -s
	[ "${lines[1]}" = covered ]
	run -0 within "" "" "$COVERAGE_SELF" -s
	[[ "${lines[1]}" == "gap "* ]]
}

# patcher: a library whose function the program itself changes, as hot patchers do, after it was
# loaded at the start or later; status 4 if that is refused, 0 if it was done.
patching() {
	echo 'int patched(int x) { return x + 1; }' |
		gcc -x c - -shared -fPIC -O1 -o libpatched.so
	gcc -x c - -o patching -L. -Wl,-rpath,"$PWD" "$@" <<-'END'
		#include <dlfcn.h>
		#include <stdint.h>
		#include <sys/mman.h>
		int main(void)
		{
			void *object = dlopen("libpatched.so", RTLD_NOW);
			unsigned char *code = object ? dlsym(object, "patched") : 0;
			if (!code)
				return 9;
			if (mprotect((void *)((uintptr_t)code & -4096), 4096, PROT_READ | PROT_WRITE | PROT_EXEC))
				return 4;
			code[0] = code[0];
			return 0;
		}
	END
}

@test "--except: an object that is patched is left, at the start and later; the others are sealed" {
	cd "$BATS_TEST_TMPDIR"
	for link in "-Wl,--no-as-needed -lpatched" ""; do
		patching $link
		run -0 ./patching
		for mode in "" --strict --engine=filter; do
			run -4 "$MEMSEAL" run $mode ./patching
			run -0 "$MEMSEAL" run $mode --except=other --except='libpatched.*' ./patching
			run -0 "$MEMSEAL" run $mode --except="$PWD/*.so" ./patching
			run -4 "$MEMSEAL" run $mode --except='patched*' --except=/libpatched.so ./patching
			# Children have it too; a memseal run of theirs does not.
			run -0 "$MEMSEAL" run $mode --except='libp*' sh -c './patching; exit $?'
			run -4 "$MEMSEAL" run --except='libp*' sh -c "$MEMSEAL run $mode ./patching; exit \$?"
		done
	done
	run -0 "$MEMSEAL" run --except=libm.so.6 "$COVERAGE_SELF" libm.so.6
	[[ "${lines[1]}" == "gap "*libm.so.6* ]]
	run -0 "$MEMSEAL" run --except=libm.so.7 "$COVERAGE_SELF" libm.so.6
	[ "${lines[1]}" = covered ]
}

# objects_of PATTERN COMMAND...: what audit says of it in $state, and the text mappings that are open.
objects_of() {
	local pattern=$1
	shift
	"$MEMSEAL" run --except="$pattern" "$@" >/dev/null 2>&1 3>&- &
	for _ in {1..200}; do
		! grep -q libc.so /proc/$!/maps || [ "$(cat /proc/$!/comm)" = memseal ] || break
		sleep 0.05
	done
	sleep 0.3
	open=$("$MEMSEAL" map --raw --noheadings --output OBJECT,KIND,SEALED $! | sed -n 's/ text no$//p')
	state=$("$MEMSEAL" audit --raw --noheadings --output STATE $!)
	kill $!
}

@test "--except: the program itself, by the name of its file; but not the agent and the loader" {
	cd "$BATS_TEST_TMPDIR"
	cp "$(command -v tail)" follow
	printf '#!%s/follow -f\n' "$PWD" >script
	chmod +x script
	objects_of nothing ./follow -f /dev/null
	[ "$state,$open" = sealed, ]
	objects_of follow ./follow -f /dev/null
	[ "$state,$open" = "partial,$PWD/follow" ]
	objects_of "$PWD/f*" ./script
	[ "$state,$open" = "partial,$PWD/follow" ]
	objects_of script ./script
	[ "$state,$open" = sealed, ]
	objects_of '*' ./follow -f /dev/null
	[ "$state" = partial ]
	[[ "$open" == *"$PWD/follow"*libc.so* ]]
	run ! grep -E 'agent.so|ld-' <<<"$open"
}

@test "--except: patterns that cannot be are told" {
	for pattern in "" a:b a,strict "$(printf '%01024d' 0)"; do
		run -125 --separate-stderr "$MEMSEAL" run --except="$pattern" true
		[[ "$stderr" == "memseal run: --except: "* ]]
	done
	run -125 --separate-stderr "$MEMSEAL" run --except="$(printf '%01000d' 0)" \
		--except="$(printf '%023d' 0)" true
	[[ "$stderr" == *"more than 1023 characters together"* ]]
	run -0 "$MEMSEAL" run --except="$(printf '%01000d' 0)" --except="$(printf '%022d' 0)" true
}

@test "a program with AddressSanitizer starts sealed, and finds what it should" {
	unset ASAN_OPTIONS # those of this test run, if it is sanitized
	echo '#include <stdio.h>
	#include <stdlib.h>
	#include <string.h>
	int main(int argc, char **argv) {
		FILE *maps = fopen("/proc/self/smaps", "r");
		char *p = malloc(8), line[512], *sealed = NULL;
		while (!sealed && fgets(line, sizeof(line), maps))
			sealed = strncmp(line, "VmFlags:", 8) ? NULL : strstr(line, " sl");
		fclose(maps);
		puts(sealed ? "sealed" : "open");
		fflush(stdout);
		p[argc > 1 ? 8 : 0] = **argv;
		free(p);
		return 7;
	}' | compile asan -fsanitize=address || skip "no AddressSanitizer"
	run -7 ./asan
	[ "$output" = open ]
	run -7 "$MEMSEAL" run ./asan
	[ "$output" = sealed ]
	# In what the program starts as well, and it still does its work.
	run -1 "$MEMSEAL" run sh -c './asan x'
	[ "${lines[0]}" = sealed ]
	[[ "$output" == *heap-buffer-overflow* ]]
	# The user's own word counts.
	ASAN_OPTIONS=verify_asan_link_order=1 run -1 "$MEMSEAL" run ./asan
	[[ "$output" == *"does not come first"* ]]
}

@test "the kernel engine without mseal is told, and nothing starts" {
	run -125 "$BUILD/tests/deny-syscall" 462 1 "$MEMSEAL" run --engine=kernel echo started
	[[ "$output" == *"a seccomp filter refuses mseal(2)"* ]]
	run -0 --separate-stderr "$BUILD/tests/deny-syscall" 462 1 \
		"$MEMSEAL" run --engine=kernel --allow-unsealed echo started
	[ "$output" = started ]
	[ "${#stderr_lines[@]}" = 1 ]
}

@test "without /proc nothing starts" {
	[ "$(id -u)" = 0 ] || skip "needs root, to hide /proc"
	! grep -q __asan_init "$MEMSEAL" || skip "a sanitized program does not run so"
	run -125 unshare -m sh -c 'mount -t tmpfs none /proc && exec "$0" run echo started' "$MEMSEAL"
	[[ "$output" == *"'/proc/self/maps': cannot be read"* ]]
}

@test "options: help, version, unknown ones, and those behind the command" {
	run -0 "$MEMSEAL" run --help
	[[ "${lines[0]}" == "Usage: memseal run "* ]]
	run -0 "$MEMSEAL" run --version
	[[ "$output" == "memseal "[0-9]* ]]
	run -125 "$MEMSEAL" run --frobnicate echo
	[[ "$output" == *"'--frobnicate'"* ]]
	run -125 "$MEMSEAL" run
	run -125 "$MEMSEAL" run --engine=cartridge echo
	[[ "$output" == *"'cartridge': no engine"* ]]
	run -125 "$MEMSEAL" run --engine
	run -0 "$MEMSEAL" run sh -c 'echo "$1"' sh --version
	[ "$output" = --version ]
	run -125 bash -c '"$0" run --help >&-' "$MEMSEAL"
	run -125 bash -c '"$0" run --help > /dev/full' "$MEMSEAL"
}

@test "names never reach the terminal raw" {
	run -127 "$MEMSEAL" run $'no\e[31msuch\nprogram'
	[ "$output" = "memseal run: 'no\\x1b[31msuch\\x0aprogram': No such file or directory" ]
}

@test "what is not inherited: a cleaned environment" {
	run -0 "$MEMSEAL" run env -i "$COVERAGE_SELF"
	[[ "${lines[1]}" == "gap "* ]]
	run -0 "$MEMSEAL" run env "$COVERAGE_SELF"
	[ "${lines[1]}" = covered ]
}
