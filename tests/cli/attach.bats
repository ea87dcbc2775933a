# SPDX-License-Identifier: MIT
# memseal attach: programs that run already, and notice if something is done to them.

bats_require_minimum_version 1.5.0

load ../helpers/ask

MEMSEAL=$BUILD/memseal
TARGET=$BUILD/tests/attach-target

setup() {
	[ "$(uname -m)" = x86_64 ] || skip "processes are entered on x86-64 alone"
	cd "$BATS_TEST_TMPDIR"
	mkfifo in out
	pid=
	when=
}

teardown() {
	[ -z "$pid" ] || kill -KILL "$pid" 2>/dev/null || :
}

# begin CMD...: in the background, with the pipes in and out; sets $pid.
begin() {
	"$@" <in >out 3>&- &
	pid=$!
	exec 8>in 9<out
}

# answer: the next line that the program writes.
answer() {
	timeout 60 head -n 1 <&9
}

# ask LINE: what the program answers to it. One line at a time: head reads ahead.
ask() {
	echo "$1" >&8
	read -r -t 60 line <&9
	echo "$line"
}

ready() {
	read -r -t 60 line <&9
	[ "$line" = ready ]
}

# of KEY: of the only row of what attach says.
row() { # options... PID
	"$MEMSEAL" attach --json "$@" >row.json
}

of() {
	python3 -c 'import json, sys; print(json.load(open("row.json"))["attached"][0][sys.argv[1]])' "$1"
}

state() {
	"$MEMSEAL" audit --raw --noheadings --output STATE,COVERAGE "$pid" | tr -s ' '
}

# What smaps says, without memseal: bytes of mappings of objects that are not writable and not sealed.
open_bytes() {
	python3 - "$pid" <<-'END'
		import re, sys
		sizes, code = {}, set()
		for line in open(f'/proc/{sys.argv[1]}/smaps'):
		  head = re.match(r'([0-9a-f]+)-([0-9a-f]+) (....) \S+ \S+ (\d+)\s*(.*)', line)
		  if head:
		    size, name = int(head[2], 16) - int(head[1], 16), head[5]
		    counts = 'w' not in head[3] and name.startswith('/')
		    if 'x' in head[3]:
		      code.add(name)
		  elif line.startswith('VmFlags:') and counts and ' sl' not in line:
		    sizes[name] = sizes.get(name, 0) + size
		print(sum(size for name, size in sizes.items() if name in code))
	END
}

@test "what runs is sealed, with what it loads later, and goes on" {
	begin "$TARGET" attack
	ready
	before=$(ask attack)
	[ "${before% of *}" = "${before#* of }" ] # the control: all of them come through
	[ "$(open_bytes)" -gt 1000000 ]
	row "$pid"
	[ "$(of result)" = sealed ]
	[ "$(of after)" = 100.0 ]
	[ "$(of later)" = True ]
	[ "$(open_bytes)" -eq 0 ]
	after=$(ask attack)
	[ "${after% of *}" = 0 ]
	[ "${after#* of }" -gt 5 ]
	loaded=$(ask load)
	[ "${loaded% of *}" = 0 ]
	[ "${loaded#* of }" -gt "${after#* of }" ]
	[ "$(state)" = "sealed 100.0" ]
	exec 8>&-
	wait "$pid"
}

@test "a second time nothing is done, and nothing is lost" {
	begin "$TARGET" attack
	ready
	row "$pid"
	wc -l <"/proc/$pid/maps" >first
	row "$pid"
	[ "$(of result)" = sealed ]
	wc -l <"/proc/$pid/maps" | cmp - first
	run -1 "$MEMSEAL" attach --strict "$pid"
	[[ $output == *"it has the agent already, with fewer options"* ]]
	[ "$(ask attack | cut -d ' ' -f 1)" = 0 ]
}

@test "a dry run changes nothing" {
	begin "$TARGET" attack
	ready
	cat "/proc/$pid/maps" >before
	run -0 "$MEMSEAL" attach --dry-run "$pid"
	[[ $output == *possible* ]]
	cmp before "/proc/$pid/maps"
	[ "$(ask attack | cut -d ' ' -f 1)" -gt 5 ]
}

@test "locked bytes cannot be changed through /proc/PID/mem either" {
	write() {
		python3 - "$pid" <<-'END'
			import re, sys
			pid = sys.argv[1]
			for line in open(f'/proc/{pid}/maps'):
			  if 'libc.so' in line and ' r-xp ' in line or 'libc.so' in line and ' r-xs ' in line:
			    at = int(line.split('-')[0], 16)
			with open(f'/proc/{pid}/mem', 'r+b', 0) as mem:
			  mem.seek(at)
			  byte = mem.read(1)
			  mem.seek(at)
			  mem.write(byte)
		END
	}
	begin "$TARGET" attack
	ready
	write # the control
	row --strict "$pid"
	[ "$(of result)" = sealed ]
	run ! write
	[[ $output == *"Input/output error"* || $output == *"Permission"* ]]
	[ "$(ask load | cut -d ' ' -f 1)" = 0 ]
}

# survives MODE TIMES: the target ends as it should, whenever it is attached to.
survives() {
	for ((i = 0; i < $2; i++)); do
		"$TARGET" "$1" 0.4 wait <in >out 3>&- &
		pid=$!
		exec 8>in 9<out
		ready
		python3 -c 'import random, time; time.sleep(random.random() / 4)'
		row "$pid" || [ "$1" = load ] # which may be loading just then
		read -r -t 60 line <&9
		[[ $line == right:* ]] || { echo "$1: $line" && return 1; }
		[ "$(state)" = "sealed 100.0" ]
		exec 8>&- 9>&-
		wait "$pid"
	done
}

@test "signals, page faults and all registers in use: what it computes is right" {
	survives compute 6
}

@test "no blocking call sees an interruption" {
	survives wait 6
}

@test "threads that come and go" {
	survives breed 4
}

@test "200 threads" {
	survives threads 2
}

@test "threads that start programs" {
	survives spawn 4
}

@test "threads within the loader, which load and unload all the time" {
	survives load 6
}

@test "memseal is killed at whatever point: the program goes on" {
	sealed=0
	for ((i = 0; i < 25; i++)); do
		"$TARGET" compute 0.15 wait <in >out 3>&- &
		pid=$!
		exec 8>in 9<out
		ready
		python3 - "$MEMSEAL" "$pid" <<-'END'
			import os, random, signal, subprocess, sys, time
			p = subprocess.Popen([sys.argv[1], 'attach', sys.argv[2]], start_new_session=True,
			  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
			time.sleep(random.random() * 0.05)
			try:
			  os.killpg(p.pid, signal.SIGKILL)
			except ProcessLookupError:
			  pass
			p.wait()
		END
		read -r -t 60 line <&9
		[[ $line == right:* ]] || { echo "$line" && return 1; }
		[ "$(state)" != "sealed 100.0" ] || sealed=$((sealed + 1))
		exec 8>&- 9>&-
		wait "$pid"
	done
	echo "$sealed of 25 were sealed"
}

# program CMD...: sealed, and alive afterwards. With $when it is ready when that file is there.
program() {
	"$@" >/dev/null 3>&- &
	pid=$!
	sleep 0.3
	[ -z "$when" ] || until [ -e "$when" ]; do sleep 0.05; done
	row "$pid" || { cat row.json && return 1; }
	[ "$(of after)" = 100.0 ]
	[ "$(open_bytes)" -eq 0 ]
	sleep 0.1
	kill -0 "$pid"
	kill "$pid"
	wait "$pid" || :
}

sleeper() {
	cat <<-'END'
		#include <signal.h>
		#include <unistd.h>
		static void nothing(int signal) { (void)signal; }
		int main(void)
		{
			signal(SIGUSR1, nothing);
			for (;;)
				sleep(1);
		}
	END
}

@test "static programs: glibc's, at a fixed address and not, and busybox" {
	sleeper | cc -x c - -static -o fixed
	sleeper | cc -x c - -static-pie -fPIE -o pie
	program ./fixed
	program ./pie
	needs busybox
	program busybox sleep 100
}

@test "programs of musl" {
	needs musl-gcc
	sleeper | musl-gcc -x c - -o dynamic
	sleeper | musl-gcc -x c - -static -o static
	program ./dynamic
	program ./static
}

@test "programs of Go: static, and with a loader but no C library" {
	needs go
	cat >main.go <<-'END'
		package main

		import "time"

		func main() {
			for i := 0; i < 4; i++ {
				go func() {
					for {
						time.Sleep(time.Millisecond)
					}
				}()
			}
			time.Sleep(time.Minute)
		}
	END
	export GOCACHE=$BUILD/tests/go-cache CGO_ENABLED=0
	go build -o static main.go
	go build -buildmode=pie -o pie main.go
	program ./static
	program ./pie
}

@test "interpreters: bash, perl and python, with their libraries" {
	program bash -c 'while :; do sleep 0.01; done'
	program perl -e 'select(undef, undef, undef, 0.01) while 1'
	when=ready # python3 may be a script that starts another one
	program python3 -c 'import ssl, sqlite3, ctypes, time
open("ready", "w")
while True: time.sleep(0.001)'
}

@test "a program that is stopped stays so, and is sealed" {
	begin "$TARGET" attack
	ready
	kill -STOP "$pid"
	until grep -q '^State:.T' "/proc/$pid/status"; do sleep 0.01; done
	row "$pid"
	[ "$(of result)" = sealed ]
	grep -q '^State:.T' "/proc/$pid/status"
	kill -CONT "$pid"
	[ "$(ask attack | cut -d ' ' -f 1)" = 0 ]
}

@test "a program whose first thread has ended" {
	cat >ended.c <<-'END'
		#include <pthread.h>
		#include <unistd.h>
		static void *stay(void *arg)
		{
			for (;;)
				sleep(1);
			return arg;
		}
		int main(void)
		{
			pthread_t thread;
			pthread_create(&thread, NULL, stay, NULL);
			pthread_exit(NULL);
		}
	END
	cc ended.c -o ended -pthread
	program ./ended
}

@test "a program with a filter that kills for what it does not know" {
	[ "$(id -u)" -eq 0 ] || skip "takes CAP_SYS_ADMIN"
	cat >confined.c <<-'END'
		#include <linux/filter.h>
		#include <linux/seccomp.h>
		#include <stddef.h>
		#include <sys/prctl.h>
		#include <sys/syscall.h>
		#include <unistd.h>
		int main(void)
		{
			struct sock_filter code[] = {
				BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
				BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clock_nanosleep, 1, 0),
				BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
				BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
			};
			struct sock_fprog program = { 4, code };
			prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
			if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0)
				return 1;
			for (;;)
				sleep(1);
		}
	END
	cc confined.c -o confined
	program ./confined
	./confined 3>&- &
	pid=$!
	sleep 0.2
	run -1 setpriv --bounding-set=-sys_admin --inh-caps=-sys_admin "$MEMSEAL" attach "$pid"
	[[ $output == *"it has a seccomp filter: that takes CAP_SYS_ADMIN"* ]]
	kill -0 "$pid"
}

@test "a filter of the only thread that is left, which the first thread has not" {
	[ "$(id -u)" -eq 0 ] || skip "takes CAP_SYS_ADMIN"
	cat >worker.c <<-'END'
		#include <linux/filter.h>
		#include <linux/seccomp.h>
		#include <pthread.h>
		#include <stddef.h>
		#include <sys/prctl.h>
		#include <sys/syscall.h>
		#include <unistd.h>
		static void *confined(void *arg)
		{
			struct sock_filter code[] = {
				BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
				BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clock_nanosleep, 1, 0),
				BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
				BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
			};
			struct sock_fprog program = { 4, code };
			sleep(1);
			prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
			prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
			for (;;)
				sleep(1);
			return arg;
		}
		int main(void)
		{
			pthread_t thread;
			pthread_create(&thread, NULL, confined, NULL);
			pthread_exit(NULL);
		}
	END
	cc worker.c -o worker -pthread
	./worker 3>&- &
	pid=$!
	until grep -q '^Seccomp:.2' "/proc/$pid/task"/*/status; do sleep 0.05; done
	grep -q '^Seccomp:.0' "/proc/$pid/status"
	row "$pid"
	[ "$(of after)" = 100.0 ]
	sleep 1.2
	kill -0 "$pid"
}

@test "limits that are reached: refused, and it goes on" {
	begin "$TARGET" attack
	ready
	prlimit --pid "$pid" --nofile=3:
	run -1 "$MEMSEAL" attach "$pid"
	[[ $output == *"it has no free file descriptor"* ]]
	prlimit --pid "$pid" --nofile=1024: --as=100000:
	run -1 "$MEMSEAL" attach "$pid"
	[[ $output == *"it has no memory left within its limits"* ]]
	[ "$(ask attack | cut -d ' ' -f 1)" -gt 5 ]
	prlimit --pid "$pid" --as=unlimited:
	row "$pid"
	[ "$(ask attack | cut -d ' ' -f 1)" = 0 ]
}

@test "what is refused: the first process, itself, kernel threads, what is traced, others'" {
	if [ "$(id -u)" -eq 0 ]; then # of a namespace, so that nothing comes of it if it is not refused
		run -1 unshare --pid --fork --mount-proc sh -c '"$1" attach 1; exit' sh "$MEMSEAL"
		[[ $output == *"it is the first process"* ]]
	fi
	run -2 "$MEMSEAL" attach
	run -2 "$MEMSEAL" attach --all 1
	run -4 "$MEMSEAL" attach 999999999
	[[ $output == *"no such process"* ]]
	begin "$TARGET" attack
	ready
	needs strace
	strace -o /dev/null -p "$pid" 3>&- &
	tracer=$!
	until grep -q "^TracerPid:.$tracer" "/proc/$pid/status"; do sleep 0.01; done
	run -1 "$MEMSEAL" attach "$pid"
	[[ $output == *"it is traced already, by process $tracer"* ]]
	kill "$tracer"
	wait "$tracer" || :
	[ "$(id -u)" -eq 0 ] || return 0
	mkdir public
	chmod 711 "${BATS_RUN_TMPDIR:?}" "$BATS_FILE_TMPDIR" "$BATS_TEST_TMPDIR" "$BATS_TEST_TMPDIR"/..
	cp "$BUILD/memseal" "$BUILD/memseal-report" "$BUILD/libmemseal-attach.so" public
	run -1 setpriv --reuid=65534 --regid=65534 --clear-groups public/memseal attach "$pid"
	[[ $output == *refused* ]]
	[ "$(ask attack | cut -d ' ' -f 1)" -gt 5 ]
}

@test "a user's own program, without privileges" {
	[ "$(id -u)" -eq 0 ] || skip "the other tests are without privileges"
	[ "$(cat /proc/sys/kernel/yama/ptrace_scope 2>/dev/null || echo 0)" -eq 0 ] || skip "Yama forbids it"
	mkdir public
	chmod 711 "${BATS_RUN_TMPDIR:?}" "$BATS_FILE_TMPDIR" "$BATS_TEST_TMPDIR" "$BATS_TEST_TMPDIR"/..
	cp "$BUILD/memseal" "$BUILD/memseal-report" "$BUILD/libmemseal-attach.so" public
	cp "$(command -v sleep)" public/sleep
	setpriv --reuid=65534 --regid=65534 --clear-groups public/sleep 100 3>&- &
	pid=$!
	sleep 0.2
	run -0 setpriv --reuid=65534 --regid=65534 --clear-groups public/memseal attach "$pid"
	[[ $output == *sealed* ]]
	[ "$(open_bytes)" -eq 0 ]
}

@test "a process that has given up root's privileges is refused, and nothing is left in it" {
	[ "$(id -u)" -eq 0 ] || skip "takes root"
	python3 -c 'import os, time
os.setgid(65534)
os.setuid(65534)
os.write(1, b"ready\n")
time.sleep(100)' >out 3>&- &
	pid=$!
	exec 9<out
	ready
	for i in 1 2; do
		run -1 "$MEMSEAL" attach "$pid"
		[[ $output == *"it may not read its own /proc/self/auxv"* ]]
		run ! grep memseal "/proc/$pid/maps"
	done
	kill -0 "$pid"
}

@test "an agent that is missing or none" {
	mkdir public
	cp "$BUILD/memseal" "$BUILD/memseal-report" public
	echo none >public/libmemseal-attach.so
	begin "$TARGET" attack
	ready
	run -1 public/memseal attach "$pid"
	[[ $output == *"the agent is not one of this version"* ]]
	cp "$BUILD/libmemseal-agent.so" public/libmemseal-attach.so
	run -1 public/memseal attach "$pid"
	[[ $output == *"the agent is not one of this version"* ]]
	[ "$(ask attack | cut -d ' ' -f 1)" -gt 5 ]
}

@test "a process from memseal run has its agent already" {
	begin "$MEMSEAL" run "$TARGET" attack
	ready
	[ "$(ask attack | cut -d ' ' -f 1)" = 0 ]
	row "$pid"
	[ "$(of result)" = already ]
}

@test "several at once, as a table with the pauses" {
	for i in 1 2 3; do
		sleep 100 3>&- &
		pids+=($!)
	done
	sleep 0.2
	run -0 "$MEMSEAL" attach "${pids[@]}"
	[ "$(grep -c ' sealed ' <<<"$output")" -eq 3 ]
	[[ $output == *Pauses:* ]]
	kill "${pids[@]}"
}
