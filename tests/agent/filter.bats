# SPDX-License-Identifier: MIT
# The filter engine inside real programs. Nothing shows from outside what a filter holds, so these
# tests attack from inside: the whole catalogue, with src/attack/expect.c for the answers.

bats_require_minimum_version 1.5.0

load ../attack/inside

COVERAGE_SELF=$helpers/coverage-self
DENY=$helpers/deny-syscall
MSEAL=462

# Filters and the flag of the shell that runs the tests, in a container perhaps not 0.
filters=$(awk '$1 == "Seccomp_filters:" { print $2 }' /proc/self/status)
# Read by the shell itself.
STATUS='while read -r key value; do
	[ "$key" != Seccomp_filters: ] || echo "$value"; done </proc/self/status'

setup() {
	cd "$BATS_TEST_TMPDIR"
}

compile() { # output, options...; the source comes from stdin
	local out=$1
	shift
	cc -x c - -o "$out" "$@"
}

hello() {
	echo '#include <stdio.h>
	int main(void) { puts("hello"); return 7; }'
}

refused() { # reason, command...
	run -125 --separate-stderr "${@:2}"
	[ -z "$output" ]
	[ "${#stderr_lines[@]}" = 1 ]
	[[ "$stderr" == "memseal"*"$1"* ]]
}

@test "all images are held before main, and what is loaded later" {
	run -0 "$memseal" run --engine=filter "$COVERAGE_SELF" -t libm.so.6 libresolv.so.2
	[ "${lines[0]}" = main ]
	[ "${lines[1]}" = covered ]
	run -0 "$COVERAGE_SELF" -t libm.so.6
	[[ "${lines[1]}" == "gap "* ]]
	run -0 "$memseal" run --engine=filter --no-dlopen "$COVERAGE_SELF" -t libm.so.6
	[[ "${lines[1]}" == "gap "*libm.so.6* ]]
	# No seal of the kernel is among them.
	run -0 "$memseal" run --engine=filter "$COVERAGE_SELF"
	[[ "${lines[1]}" == "gap "* ]]
}

@test "what dlmopen loads is held" {
	cat >namespace.c <<-'END'
		#define _GNU_SOURCE
		#include <dlfcn.h>
		#include <stdio.h>
		#include <sys/mman.h>
		int main(void)
		{
			void *library = dlmopen(LM_ID_NEWLM, "libm.so.6", RTLD_NOW);
			long page = library ? (long)dlsym(library, "cos") & -4096 : 0;
			puts(mprotect((void *)page, 4096, PROT_READ | PROT_EXEC) ? "held" : "open");
			return !library;
		}
	END
	compile namespace <namespace.c
	run -0 "$memseal" run --engine=filter ./namespace
	[ "$output" = held ]
	run -0 ./namespace
	[ "$output" = open ]
}

@test "auto: mseal where it works, else the filter, without a word" {
	run -0 "$memseal" run sh -c "$STATUS"
	[ "$output" = "$filters" ]
	for errno in 38 1; do
		run -0 --separate-stderr "$DENY" $MSEAL $errno "$memseal" run "$COVERAGE_SELF" -t
		[ "${lines[1]}" = covered ]
		[ -z "$stderr" ]
	done
	refused mseal "$DENY" $MSEAL 38 "$memseal" run --engine=kernel "$COVERAGE_SELF" -t
}

@test "one filter holds all images of a start" {
	run -0 "$memseal" run --engine=filter cat /proc/self/status
	[[ "$output" == *"Seccomp_filters:	$((filters + 1))"* ]]
	# Each program of a chain has its own.
	run -0 "$memseal" run --engine=filter sh -c "env sh -c '$STATUS'; :"
	[ "$output" = $((filters + 3)) ]
}

@test "a chain of programs that has no more room for filters ends with a message" {
	# shellcheck disable=SC2016
	printf '#!/bin/sh\n[ "$1" -eq 0 ] || exec "$0" $(($1 - 1))\necho end\n' >chain
	chmod +x chain
	run -0 "$memseal" run --engine=filter ./chain 20
	[ "$output" = end ]
	run -125 "$memseal" run --engine=filter ./chain 200
	[[ "$output" == *"cannot install a seccomp filter"*"not started"* ]]
}

@test "a program at a fixed address is refused, first or later" {
	hello | compile fixed -no-pie
	refused "linked to a fixed address" "$memseal" run --engine=filter ./fixed
	refused "linked to a fixed address" "$DENY" $MSEAL 38 "$memseal" run ./fixed
	refused "linked to a fixed address" "$memseal" run --engine=filter env ./fixed
	run -7 "$memseal" run ./fixed
	[ "$output" = hello ]
	run -7 --separate-stderr "$memseal" run --engine=filter --allow-unsealed ./fixed
	[ "$output" = hello ]
	[ "${#stderr_lines[@]}" = 1 ]
	[[ "$stderr" == "memseal: ./fixed: linked to a fixed address"* ]]
	# No agent comes into a static program.
	hello | compile static -static
	run -7 --separate-stderr "$memseal" run --engine=filter --allow-unsealed ./static
	[ "$output" = hello ]
	[ "${#stderr_lines[@]}" = 1 ]
	[[ "$stderr" == *"warning: not sealed: "*"statically linked"* ]]
	run -7 --separate-stderr "$memseal" run --engine=filter --allow-unsealed env ./fixed
	[ "$output" = hello ]
	[[ "$stderr" == "memseal: ./fixed: linked to a fixed address"* ]]
}

@test "without random addresses nothing starts" {
	needs setarch
	refused "addresses are not random" setarch -R "$memseal" run --engine=filter /bin/echo started
	refused "addresses are not random" "$memseal" run --engine=filter setarch -R /bin/echo started
	run -0 setarch -R "$memseal" run --engine=kernel /bin/echo started
	run -0 --separate-stderr setarch -R "$memseal" run --engine=filter --allow-unsealed \
		/bin/echo started
	[ "$output" = started ]
	[ "${#stderr_lines[@]}" = 1 ]
	[[ "$stderr" == "memseal: /bin/echo: addresses are not random"* ]]
	run -0 "$memseal" run --engine=filter /bin/echo started
	[ "$output" = started ]
}

@test "no_new_privs is set where the kernel wants it, and only there" {
	[ "$(id -u)" = 0 ] || skip "needs root, to be another user"
	run -0 "$memseal" run --engine=filter grep NoNewPrivs /proc/self/status
	[[ "$output" == *0 ]]
	public=$(mktemp -d)
	chmod 755 "$public"
	cp "$memseal" "$BUILD/libmemseal-agent.so" "$public"
	run -0 setpriv --reuid=65534 --clear-groups "$public/memseal" run --engine=filter \
		grep NoNewPrivs /proc/self/status
	rm -r "$public"
	[[ "$output" == *1 ]]
}

@test "where there are no filters, nothing starts" {
	seccomp=$(printf '#include <sys/syscall.h>\nSYS_seccomp' | cc -E - | tail -n 1)
	refused "no seccomp filters" "$DENY" "$seccomp" 38 "$memseal" run --engine=filter echo started
	# In a program that is started later.
	refused "cannot install a seccomp filter" "$memseal" run --engine=filter \
		"$DENY" "$seccomp" 38 echo started
}

@test "an open io_uring is refused: it could discard memory without a call" {
	cat >ring.c <<-'END'
		#include <linux/io_uring.h>
		#include <fcntl.h>
		#include <sys/syscall.h>
		#include <unistd.h>
		int main(int argc, char **argv)
		{
			struct io_uring_params p = { 0 };
			int fd = syscall(SYS_io_uring_setup, 4, &p);
			if (fd < 0 || fcntl(fd, F_SETFD, 0) < 0)
				return 99;
			execvp(argv[1], argv + 1);
			return 98;
		}
	END
	compile ring <ring.c
	run ./ring true
	[ "$status" != 99 ] || skip "no io_uring here"
	[ "$status" = 0 ]
	refused "an io_uring is open" ./ring "$memseal" run --engine=filter echo started
	run -0 ./ring "$memseal" run --engine=kernel echo started
	# And none can be opened later.
	run -99 "$memseal" run --engine=filter ./ring true
}

@test "a thread with a filter of its own: what is loaded then is told, and left" {
	cat >thread.c <<-'END'
		#include <dlfcn.h>
		#include <linux/filter.h>
		#include <linux/seccomp.h>
		#include <pthread.h>
		#include <stdio.h>
		#include <stdlib.h>
		#include <sys/mman.h>
		#include <sys/prctl.h>
		#include <unistd.h>
		static int ready[2];
		static void *thread(void *own)
		{
			struct sock_filter code[] = { BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW) };
			struct sock_fprog program = { 1, code };
			if (own && (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
				prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0))
				exit(99);
			(void)!write(ready[1], "", 1);
			for (;;)
				pause();
		}
		int main(int argc, char **argv)
		{
			pthread_t id;
			char c;
			long page;
			(void)argv;
			if (pipe(ready) < 0 || pthread_create(&id, NULL, thread, argc > 1 ? ready : NULL))
				return 99;
			(void)!read(ready[0], &c, 1);
			page = (long)dlsym(dlopen("libm.so.6", RTLD_NOW), "cos") & -4096;
			puts(mprotect((void *)page, 4096, PROT_READ | PROT_EXEC) ? "held" : "open");
			return 0;
		}
	END
	compile thread <thread.c -pthread
	run -0 --separate-stderr "$memseal" run --engine=filter ./thread
	[ "$output" = held ]
	[ -z "$stderr" ]
	run -0 --separate-stderr "$memseal" run --engine=filter ./thread own
	[ "$output" = open ]
	[[ "$stderr" == *"a thread has a seccomp filter of its own, thread "[0-9]*": out of reach (ESRCH)" ]]
	run -0 ./thread
	[ "$output" = open ]
}

# same CMD...: the same output and status under the filter engine as without, and no message.
same() {
	local how status

	for how in plain filter; do
		status=0
		if [ $how = plain ]; then
			"$@" >out.$how 2>err.$how </dev/null || status=$?
		else
			"$memseal" run --engine=filter -- "$@" >out.$how 2>err.$how </dev/null || status=$?
		fi
		echo "status $status" >>out.$how
	done
	diff out.plain out.filter
	diff err.plain err.filter
	[ -s out.plain ]
}

@test "the same output and status: ls, find, tar, sort, failing programs" {
	needs_pie ls find tar sort tail sh
	same ls -l /etc
	same ls /no/such/file
	same find /etc/init.d
	same sh -c 'tar -C /usr/include -c linux | tar -t | sort | tail -n 3'
	same sh -c 'exit 77'
	same bash -c 'for ((i = 0; i < 100000; i++)); do s+=$i; done; echo ${#s}'
}

@test "the same output and status, or refused: awk, which some link to a fixed address" {
	if fixed_address awk; then
		refused "linked to a fixed address" "$memseal" run --engine=filter awk 'BEGIN { print }'
	else
		same awk 'BEGIN { for (i = 0; i < 100000; i++) s = s i; print length(s) }'
	fi
}

@test "the same output and status: trees of programs" {
	needs_pie bash tr sed sh find sort xargs cat md5sum
	same bash -c 'for i in 1 2 3 4 5; do (echo $i | tr 1-5 a-e | sed s/a/z/) & wait; done; exit 3'
	same sh -c 'find /usr/include -name "std*.h" | sort | xargs -n 4 cat | md5sum'
	needs_pie git
	git init -q repository
	git -C repository -c user.name=a -c user.email=a@b commit -q --allow-empty -m first
	same git -C repository log --oneline
}

@test "the same output and status: java" {
	needs_pie java
	cat >T.java <<-'END'
		public class T {
			public static void main(String[] a) throws Exception {
				long sum = 0;
				Thread[] t = new Thread[4];
				for (int i = 0; i < 4; i++) {
					t[i] = new Thread(() -> { for (int j = 0; j < 100000; j++) new byte[64].hashCode(); });
					t[i].start();
				}
				for (Thread x : t) x.join();
				for (int i = 0; i < 10000000; i++) sum += i % 7;
				System.out.println(sum);
			}
		}
	END
	same java T.java
}

@test "bash with children, attacked" {
	everywhere held /bin/bash -c 'for i in 1 2 3; do (echo $i | tr 1 2); done; wait'
}

@test "perl with an XS module, attacked" {
	needs_pie perl
	everywhere held perl -MPOSIX -MList::Util=sum -e 'print sum(1 .. 10), POSIX::floor(2.5), "\n"'
}

@test "curl, attacked" {
	needs_pie curl
	everywhere held curl -s "file:///etc/passwd"
}

@test "a program linked with musl, attacked" {
	needs musl-gcc
	echo 'int puts(const char *); int main(void) { return puts("musl") < 0; }' |
		musl-gcc -x c - -fPIE -pie -o m
	for how in unsealed held; do
		$how ./m
		as_expected_of_musl ./m
	done
}

@test "python3, refused or attacked: it is linked to a fixed address on Debian 12" {
	needs /usr/bin/python3
	if fixed_address /usr/bin/python3; then
		refused "linked to a fixed address" "$memseal" run --engine=filter /usr/bin/python3 -V
	else
		everywhere held /usr/bin/python3 -c 'import ssl, sqlite3, ctypes; print(1)'
	fi
}
