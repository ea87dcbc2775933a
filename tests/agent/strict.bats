# SPDX-License-Identifier: MIT
# memseal run --strict and --data: what is locked, looked at from outside by a tracer that may do
# everything and tried from inside; beside each refusal, the same without the option.

bats_require_minimum_version 1.5.0

load ../helpers/ask

MEMSEAL=$BUILD/memseal
WRITTEN=$SOURCE/tests/helpers/written.py
COVERAGE_SELF=$BUILD/tests/coverage-self

pid=

setup() {
	cd "$BATS_TEST_TMPDIR"
}

teardown() {
	stop
}

compile() { # output, options...; the source comes from stdin
	local out=$1
	shift
	"${CC:-cc}" -x c - -o "$out" "$@"
}

# start CMD...: in the background, until it has said "ready". $pid is its process.
start() {
	mkfifo said
	"$@" </dev/null >said 3>&- &
	pid=$!
	read -r line <said
	rm said
	[ "$line" = ready ]
}

stop() {
	[ -n "$pid" ] || return 0
	kill "$pid"
	wait "$pid" || true
	pid=
}

# Some kernels seal [vdso] themselves: then nobody can replace it, and it is left as it is.
vdso_left() {
	"$MEMSEAL" map --json $$ | jq -e 'any(.mappings[]; .kind == "vdso" and .sealed)' >/dev/null
}

# locked: of what $pid has of images, nothing can be written from outside; all of it is sealed, and
# told to be locked.
locked() {
	local left=0

	! vdso_left || left=1
	run -0 "$WRITTEN" "$pid"
	echo "$output"
	[ "${lines[1]}" = "written $left" ]
	[[ "${lines[2]}" == *"mem EIO, ptrace EIO, writev EFAULT" ]]
	[ "$left" = 0 ] || [ "${lines[3]}" = 'names [vdso]' ]
	"$MEMSEAL" audit --fail-under 100 "$pid"
	[ "$("$MEMSEAL" map --json "$pid" | jq '[.mappings[] | select((.kind |
		IN("text", "rodata", "relro")) and .content != "locked")] | length')" = 0 ]
}

# open: all of it can.
open() {
	run -0 "$WRITTEN" "$pid"
	echo "$output"
	[ "${lines[0]#mappings }" = "${lines[1]#written }" ]
	[ "${lines[0]#mappings }" -ge 8 ]
	[ "$("$MEMSEAL" map --json "$pid" |
		jq '[.mappings[] | select(.content == "locked")] | length')" = 0 ]
}

# everywhere CMD...: open under plain memseal run, locked under --strict.
everywhere() {
	start "$MEMSEAL" run "$@"
	open
	stop
	start "$MEMSEAL" run --strict "$@"
	locked
}

opener() { # output, options...: says ready when it has opened its arguments
	compile "$@" <<-'END'
		#define _GNU_SOURCE
		#include <dlfcn.h>
		#include <stdio.h>
		#include <unistd.h>
		int main(int argc, char **argv)
		{
			for (int i = 1; i < argc; i++)
				if (!dlopen(argv[i], RTLD_NOW))
					return puts(dlerror());
			(void)dlsym(RTLD_DEFAULT, "nothing"); /* musl: when what was opened is sealed */
			puts("ready");
			fflush(stdout);
			return pause();
		}
	END
}

@test "a dynamic PIE, and what it opens" {
	opener opener -pie -fPIE
	everywhere ./opener libm.so.6 libresolv.so.2
}

@test "a program at a fixed address" {
	opener opener -no-pie
	everywhere ./opener libm.so.6
}

@test "a program linked with musl, and what it opens" {
	needs musl-gcc
	CC=musl-gcc
	opener opener
	echo 'int seven(void) { return 7; }' | compile plugin.so -shared -fPIC
	everywhere ./opener ./plugin.so
}

@test "python3 with ssl, sqlite3 and ctypes: signals and clocks go on" {
	needs /usr/bin/python3
	everywhere /usr/bin/python3 -c '
import ssl, sqlite3, ctypes, signal, sys, time
signal.signal(signal.SIGALRM, lambda *a: print("ready", flush=True))
before = time.monotonic()
signal.setitimer(signal.ITIMER_REAL, 0.05)
time.sleep(0.1)
assert 0.1 <= time.monotonic() - before < 60
signal.pause()'
}

@test "perl with an XS module" {
	needs perl
	everywhere perl -MPOSIX -e '$| = 1; print "ready\n"; POSIX::pause()'
}


# The places where a file cannot be mapped once more: the bytes are copied, and nothing else differs.
@test "a library that was renamed while the program starts" {
	compile libplugin.so -shared -fPIC <<-'END'
		#include <stdio.h>
		__attribute__((constructor)) static void leave(void) { rename("libplugin.so", "gone.so"); }
		int seven(void) { return 7; }
	END
	opener opener -Wl,--no-as-needed -L. -lplugin
	LD_LIBRARY_PATH=. start "$MEMSEAL" run --strict ./opener libm.so.6
	locked
	run ! grep ' r-.*gone.so' "/proc/$pid/maps"
	grep -q 'rw-p .*gone.so' "/proc/$pid/maps"
	grep -q 'r-xs .*/libm.so.6' "/proc/$pid/maps"
}

@test "a library whose file is replaced while the program runs" {
	echo 'int seven(void) { return 7; }' | compile plugin.so -shared -fPIC
	opener opener
	start "$MEMSEAL" run --strict ./opener ./plugin.so
	locked
	cp /bin/true other.so
	mv other.so plugin.so
	run -0 "$WRITTEN" "$pid"
	[[ "${lines[2]}" == *"mem EIO, ptrace EIO, writev EFAULT" ]]
	[[ "${lines[3]}" != *plugin.so* ]]
	"$MEMSEAL" audit --fail-under 100 "$pid"
}

@test "a program that was never in a directory" {
	compile memory <<-'END'
		#define _GNU_SOURCE
		#include <fcntl.h>
		#include <sys/mman.h>
		#include <sys/sendfile.h>
		#include <unistd.h>
		extern char **environ;
		int main(int argc, char **argv)
		{
			int from = open(argv[argc > 1], O_RDONLY), to = memfd_create("program", MFD_CLOEXEC | MFD_ALLOW_SEALING);
			while (sendfile(to, from, NULL, 1 << 20) > 0)
				;
			fcntl(to, F_ADD_SEALS, F_SEAL_WRITE); /* else it counts as open */
			return fexecve(to, argv + 1, environ);
		}
	END
	opener opener
	everywhere ./memory ./opener
	grep -q 'r-xs .*/memfd:program' "/proc/$pid/maps"
}

@test "code with relocations, and code that was patched, stays as it is" {
	compile libpatched.so -shared -fPIC -O1 -Wl,-z,notext <<-'END'
		#include <stdlib.h>
		#include <string.h>
		#include <sys/mman.h>
		__asm__(".pushsection .text\n.balign 8\nwhere: .quad before\n.popsection");
		extern int (*const where)(int) __attribute__((visibility("hidden")));
		__attribute__((aligned(64))) int there(int x) { return where(x); }
		int after(int x) { return x + 2; }
		__attribute__((aligned(4096))) int before(int x) { return x + 1; }
		__attribute__((constructor)) static void patch(void)
		{
			if (mprotect((void *)before, 4096, PROT_READ | PROT_WRITE | PROT_EXEC))
				abort();
			memcpy((void *)before, (void *)after, 8);
			__builtin___clear_cache((char *)before, (char *)before + 8);
			if (mprotect((void *)before, 4096, PROT_READ | PROT_EXEC))
				abort();
		}
	END
	readelf -d libpatched.so | grep -q TEXTREL
	compile user -Wl,-rpath,. -L. -lpatched <<-'END'
		#include <stdio.h>
		#include <unistd.h>
		int before(int);
		int there(int);
		int main(void)
		{
			puts(before(1) == 3 && there(1) == 3 ? "ready" : "other bytes");
			fflush(stdout);
			return pause();
		}
	END
	everywhere ./user
}

# A breakpoint is no patch. In locked memory it would stay for ever, and kill when nobody handles it.
@test "software breakpoints: refused later, gone if set before; the program runs" {
	needs gdb
	compile work -g <<-'END'
		#include <stdio.h>
		#include <unistd.h>
		__attribute__((noinline)) int work(int i)
		{
			__asm__ volatile("");
			return i + 1;
		}
		int main(void)
		{
			puts("ready");
			fflush(stdout);
			while (access("end", F_OK)) /* the debugger may take its time */
				usleep(10000);
			return work(19);
		}
	END
	gdb() {
		command gdb -nx -batch -iex 'set debuginfod enabled off' "$@" 2>&1 3>&-
	}
	start "$MEMSEAL" run ./work
	run -0 gdb -ex 'break work' -ex 'shell touch end' -ex continue -ex bt -ex kill -p "$pid"
	[[ "$output" == *"#0  work ("* ]]
	wait "$pid" || true
	rm end
	start "$MEMSEAL" run --strict ./work
	run gdb -ex 'break work' -ex 'shell touch end' -ex continue -p "$pid"
	[[ "$output" == *"Cannot insert breakpoint"* ]]
	status=0
	wait "$pid" || status=$?
	pid=
	[ "$status" = 20 ]
	run -0 gdb -ex 'set breakpoint pending on' -ex 'break work' -ex run -ex 'info breakpoints' \
		--args "$MEMSEAL" run --strict ./work
	[[ "$output" == *"exited with code 024"* ]]
	# One in hardware works where it does without memseal: not in every virtual machine.
	hardware() {
		rm end
		start "$@" ./work
		run gdb -ex 'hbreak work' -ex 'shell touch end' -ex continue -ex bt -p "$pid"
		wait "$pid" || true
		pid=
		[[ "$output" == *"#0  work ("* ]]
	}
	if hardware env; then
		hardware "$MEMSEAL" run --strict
	fi
}

refused() { # reason, command...
	run -125 --separate-stderr "${@:2}"
	[ -z "$output" ]
	[ "${#stderr_lines[@]}" = 1 ]
	[[ "$stderr" == "memseal: "*": cannot lock the bytes of "?*" at 0x"*"($1); not started"* ]]
}

# unfiled CMD...: it cannot write to any file. What it prints comes by a pipe.
unfiled() {
	(ulimit -f 0; exec "$@" 2>&1) | cat >&2
	return "${PIPESTATUS[0]}"
}

@test "bytes that cannot be locked: nothing starts" {
	memfd_create=$(printf '#include <sys/syscall.h>\nSYS_memfd_create' | cc -E - | tail -n 1)
	refused EOPNOTSUPP "$BUILD/tests/deny-syscall" "$memfd_create" 38 "$MEMSEAL" run --strict ls /
	refused EACCES "$BUILD/tests/deny-syscall" "$memfd_create" 13 "$MEMSEAL" run --strict ls /
	refused EFBIG unfiled "$MEMSEAL" run --strict true
	run -0 unfiled "$MEMSEAL" run true
	run -0 --separate-stderr unfiled "$MEMSEAL" run --strict --allow-unsealed true
	[[ "$stderr" == *"cannot lock the bytes of"*"(EFBIG)" ]]
}

@test "an object that is opened later and cannot be locked is told, and left" {
	compile later <<-'END'
		#include <dlfcn.h>
		#include <stdio.h>
		#include <sys/resource.h>
		#include <unistd.h>
		int main(void)
		{
			int lowest = dup(0); /* one is enough for the loader, and to seal; to lock takes more */
			struct rlimit limit = { lowest + 1, lowest + 1 };
			double (*cosine)(double);
			if (close(lowest) || setrlimit(RLIMIT_NOFILE, &limit))
				return 99;
			cosine = (double (*)(double))dlsym(dlopen("libm.so.6", RTLD_NOW), "cos");
			return cosine(0) == 1 ? 7 : 8;
		}
	END
	run -7 --separate-stderr "$MEMSEAL" run --strict ./later
	[ "${#stderr_lines[@]}" = 1 ]
	[[ "$stderr" == "memseal: ./later: cannot lock the bytes of "*"/libm.so.6 at 0x"*"(EMFILE)" ]]
	run -7 --separate-stderr "$MEMSEAL" run ./later
	[ -z "$stderr" ]
}

# What becomes of a page of its own text, of one of its RELRO, and of a library that it opens.
unlocked() {
	compile unlocked -O1 -pie -fPIE <<-'END'
		#define _GNU_SOURCE
		#include <dlfcn.h>
		#include <errno.h>
		#include <stdio.h>
		#include <sys/mman.h>
		static int pointed;
		static int *const pointers[1024] __attribute__((aligned(4096))) = {
			[0 ... 1023] = &pointed };
		static void answer(const char *what, int failed)
		{
			printf("%s %s", what, !failed ? "ok" : errno == EPERM ? "EPERM" : "other");
		}
		static void protect(const char *what, void *in)
		{
			char *page = (char *)((unsigned long)in & -4096UL);
			answer(what, mprotect(page, 4096, PROT_READ | PROT_EXEC)); /* as it is */
		}
		int main(int argc, char **argv)
		{
			protect("text", (void *)main);
			if (argc > 1)
				protect(" later", dlsym(dlopen(argv[1], RTLD_NOW), "cos"));
			answer(" discard", madvise((void *)pointers, 4096, MADV_DONTNEED));
			puts(*(int *const volatile *)pointers == &pointed ? " kept" : " lost");
			return 0;
		}
	END
}

@test "bytes that cannot be locked, with --allow-unsealed: sealed and not locked" {
	memfd_create=$(printf '#include <sys/syscall.h>\nSYS_memfd_create' | cc -E - | tail -n 1)
	unlocked
	run -0 ./unlocked libm.so.6
	[ "$output" = "text ok later ok discard ok lost" ]
	for engine in kernel filter; do
		for how in "$BUILD/tests/deny-syscall $memfd_create 38" unfiled; do
			# shellcheck disable=SC2086
			run -125 --separate-stderr $how \
				"$MEMSEAL" run --strict --engine=$engine ./unlocked libm.so.6
			[ -z "$output" ]
			# shellcheck disable=SC2086
			run -0 $how "$MEMSEAL" run --strict --allow-unsealed --engine=$engine \
				./unlocked libm.so.6
			echo "$output"
			[ "${lines[2]}" = "text EPERM later EPERM discard EPERM kept" ]
			# Told once each: what there is at the start, and what comes later.
			[ "${#lines[@]}" = 3 ]
			[[ "${lines[0]}" == *": cannot lock the bytes of "* ]]
			[[ "${lines[1]}" == *": cannot lock the bytes of "*"/libm.so.6 at 0x"* ]]
		done
	done
	# To audit, it is sealed; RELRO is not locked; what can be mapped from its file is.
	opener opener
	start "$BUILD/tests/deny-syscall" "$memfd_create" 38 \
		"$MEMSEAL" run --strict --allow-unsealed ./opener libm.so.6 2>&1
	"$MEMSEAL" audit --fail-under 100 "$pid"
	"$MEMSEAL" map --json "$pid" | jq -e 'all(.mappings[]; select(.kind == "relro") |
		.sealed and .content == "open")'
}

@test "no descriptor stays open, and nothing is left mapped" {
	run -0 "$COVERAGE_SELF" libm.so.6
	read -r _ _ _ plain <<<"${lines[2]}"
	run -0 "$MEMSEAL" run --strict "$COVERAGE_SELF" -s libm.so.6
	[ "${lines[1]}" = covered ]
	read -r _ _ _ strict <<<"${lines[2]}"
	[ "$strict" = "$plain" ]
	run -0 "$MEMSEAL" run "$COVERAGE_SELF" -s libm.so.6
	[[ "${lines[1]}" == "gap "* ]]
}

@test "the filter engine locks bytes as well" {
	run -0 "$MEMSEAL" run --strict --engine=filter "$COVERAGE_SELF" -s -t libm.so.6 libresolv.so.2
	[ "${lines[1]}" = covered ]
	run -0 "$MEMSEAL" run --engine=filter "$COVERAGE_SELF" -s -t libm.so.6
	[[ "${lines[1]}" == "gap "* ]]
	opener opener -pie -fPIE
	start "$MEMSEAL" run --strict --engine=filter ./opener libm.so.6
	run -0 "$WRITTEN" "$pid"
	[ "${lines[1]}" = "written 0" ] || [ "${lines[3]}" = 'names [vdso]' ]
	# The lock of the mapping is the filter's, and shows nowhere; so nothing is told to be locked.
	[ "$("$MEMSEAL" map --json "$pid" |
		jq '[.mappings[] | select(.content == "locked")] | length')" = 0 ]
}

# What writable data of program and library answers, and whether stores still arrive there.
data_attacks() {
	compile libdata.so -shared -fPIC -O1 <<-'END'
		int library_data[5000] = { 1 }, library_bss[5000];
	END
	compile data -O1 -ldl <<-'END'
		#define _GNU_SOURCE
		#include <dlfcn.h>
		#include <errno.h>
		#include <stdio.h>
		#include <stdlib.h>
		#include <sys/mman.h>
		#include <unistd.h>
		static int program_data[5000] = { 1 }, program_bss[5000];
		static const char *name(int failed)
		{
			return !failed ? "ok" : errno == EPERM ? "EPERM" : "other";
		}
		/* The only page that lies whole in them, and what surely lies in no other mapping. */
		static void attack(const char *what, volatile int *array)
		{
			char *page = (char *)(((unsigned long)array + 4095) & -4096UL);
			volatile int *word = (volatile int *)page;
			void *other = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
			*word = 42;
			printf("%s none %s", what, name(mprotect(page, 4096, PROT_READ)));
			(void)mprotect(page, 4096, PROT_READ | PROT_WRITE);
			printf(" exec %s", name(mprotect(page, 4096, PROT_READ | PROT_WRITE | PROT_EXEC)));
			printf(" move %s", name(mremap(other, 4096, 4096, MREMAP_MAYMOVE | MREMAP_FIXED, page) == MAP_FAILED));
			printf(" map %s", name(mmap(page, 4096, PROT_READ | PROT_WRITE, MAP_FIXED |
				MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED));
			printf(" unmap %s", name(munmap(page, 4096)));
			(void)!mmap(page, 4096, PROT_READ | PROT_WRITE, MAP_FIXED | MAP_PRIVATE |
				MAP_ANONYMOUS, -1, 0);
			printf(" kept %s", *word == 42 ? "yes" : "no");
			*word = 43;
			printf(" stored %s\n", *word == 43 ? "yes" : "no");
		}
		int main(void)
		{
			void *library = dlopen("./libdata.so", RTLD_NOW), *heap = sbrk(65536);
			setvbuf(stdout, NULL, _IONBF, 0);
			attack("data", program_data);
			attack("bss", program_bss);
			attack("library", dlsym(library, "library_data"));
			attack("libbss", dlsym(library, "library_bss"));
			attack("heap", heap);
			attack("stack", (int[5000]){ 0 });
			return 0;
		}
	END
}

@test "--data: data keeps its place and its protection, and is data" {
	data_attacks
	open='ok exec ok move ok map ok unmap ok kept no stored yes'
	held='EPERM exec EPERM move EPERM map EPERM unmap EPERM kept yes stored yes'
	for how in '' --strict --engine=filter; do
		# shellcheck disable=SC2086
		run -0 "$MEMSEAL" run $how ./data
		[ "$output" = "data none $open
bss none $open
library none $open
libbss none $open
heap none $open
stack none $open" ]
	done
	for how in --data '--strict --data' '--engine=filter --data' '--strict --engine=filter --data'; do
		# shellcheck disable=SC2086
		run -0 "$MEMSEAL" run $how ./data
		[ "$output" = "data none $held
bss none $held
library none $held
libbss none $held
heap none $open
stack none $open" ]
	done
}

@test "--data: seals are seen, and coverage is that of what cannot be written" {
	opener opener
	start "$MEMSEAL" run --data ./opener libm.so.6
	"$MEMSEAL" audit --fail-under 100 "$pid"
	"$MEMSEAL" map --json "$pid" | jq -e 'all(.mappings[]; select(.kind | IN("data", "bss")) |
		.sealed and .why == null and .content == "open")'
	stop
	start "$MEMSEAL" run ./opener libm.so.6
	"$MEMSEAL" map --json "$pid" |
		jq -e 'all(.mappings[]; select(.kind | IN("data", "bss")) | .sealed | not)'
}

# set_mutable FILE SYMBOL SIZE: gives FILE the program header that linkers for OpenBSD make for a
# section .openbsd.mutable, in the place of a PT_NOTE.
set_mutable() {
	/usr/bin/python3 - "$1" "$(nm "$1" | awk -v name="$2" '$3 == name { print $1 }')" "$3" <<-'END'
		import struct, sys
		name, address, size = sys.argv[1], int(sys.argv[2], 16), int(sys.argv[3])
		data = bytearray(open(name, "rb").read())
		wide = data[4] == 2
		at, = struct.unpack_from("<Q" if wide else "<I", data, 32 if wide else 28)
		entry, count = struct.unpack_from("<HH", data, 54 if wide else 42)
		headers = [at + i * entry for i in range(count)]
		note = [h for h in headers if struct.unpack_from("<I", data, h)[0] == 4][0]
		new = (struct.pack("<IIQQQQQQ", 0x65a3dbe5, 6, 0, address, address, 0, size, 4096) if wide
		       else struct.pack("<IIIIIIII", 0x65a3dbe5, 0, address, address, 0, size, 6, 4096))
		data[note:note + len(new)] = new
		open(name, "wb").write(data)
	END
}

@test "--data: the loader's list of objects keeps its place, and objects come and go" {
	[ -z "$(ldd --version 2>&1 | sed -n '/musl/p')" ] || skip "glibc's loader"
	cat >"$BATS_TEST_TMPDIR/list.c" <<-'END'
		#define _GNU_SOURCE
		#include <dlfcn.h>
		#include <link.h>
		#include <stdint.h>
		#include <stdio.h>
		#include <sys/mman.h>
		int main(void)
		{
			int open = 0, listed = 0;
			for (struct link_map *map = _r_debug.r_map; map; map = map->l_next) {
				void *page = (void *)((uintptr_t)map & -4096);
				open += mprotect(page, 4096, PROT_READ | PROT_WRITE) == 0;
				listed++;
			}
			for (int i = 0; i < 20; i++) {
				void *object = dlopen(i % 2 ? "libm.so.6" : "libresolv.so.2", RTLD_NOW);
				if (!object || dlclose(object))
					return puts(dlerror());
			}
			printf("%d\n", open == listed ? 1 : open);
		}
	END
	gcc -o "$BATS_TEST_TMPDIR/list" "$BATS_TEST_TMPDIR/list.c"
	for mode in "" --strict; do
		run -0 "$BUILD/memseal" run $mode "$BATS_TEST_TMPDIR/list"
		[ "$output" = 1 ]
		run -0 "$BUILD/memseal" run --data $mode "$BATS_TEST_TMPDIR/list"
		[ "$output" = 0 ]
	done
	run -0 "$BUILD/memseal" run --data --engine=filter "$BATS_TEST_TMPDIR/list"
	[ "$output" = 0 ]
}

@test "--data: what an object marks as mutable is not sealed" {
	cat >marked.h <<-'END'
		#include <errno.h>
		#include <stdio.h>
		#include <sys/mman.h>
		#define PAGES __attribute__((aligned(4096)))
		static char before[4096] PAGES = { 1 };
		char marked[8192] PAGES = { 1 };
		static char after[4096] PAGES = { 1 }, bss[4096] PAGES;
		static void change(const char *what, char *page)
		{
			int r = mprotect(page, 4096, PROT_READ);
			printf("%s%s", what, !r ? "ok" : errno == EPERM ? "EPERM" : "other");
			if (mprotect(page, 4096, PROT_READ | PROT_WRITE) == 0)
				page[0] = 2;
		}
		static void change_all(void)
		{
			change("", before);
			change(" ", marked);
			change(" ", marked + 4096);
			change(" ", after);
			change(" ", bss);
			puts("");
		}
	END
	compile libmarked.so -I. -shared -fPIC -O1 -fno-toplevel-reorder <<-'END'
		#include "marked.h"
		void change_in_library(void) { change_all(); }
	END
	compile marked -I. -O1 -fno-toplevel-reorder -ldl <<-'END'
		#include <dlfcn.h>
		#include "marked.h"
		int main(void)
		{
			change_all();
			((void (*)(void))dlsym(dlopen("./libmarked.so", RTLD_NOW), "change_in_library"))();
			return 0;
		}
	END
	all='EPERM EPERM EPERM EPERM EPERM'
	run -0 "$MEMSEAL" run --data ./marked
	[ "$output" = "$all
$all" ]
	set_mutable marked marked 8192
	set_mutable libmarked.so marked 4097 # a part of its last page
	but='EPERM ok ok EPERM EPERM'
	for how in --data '--strict --data' '--engine=filter --data' '--strict --engine=filter --data'; do
		# shellcheck disable=SC2086
		run -0 "$MEMSEAL" run $how ./marked
		echo "$how: $output"
		[ "$output" = "$but
$but" ]
	done
	run -0 "$MEMSEAL" run ./marked
	[ "$output" = "ok ok ok ok ok
ok ok ok ok ok" ]
}
