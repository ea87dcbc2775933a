# SPDX-License-Identifier: MIT
# Programs that are in the agent's way: without libc, with definitions of their own, with other
# preloaded libraries, and with descriptors, threads and protections that it does not expect.

bats_require_minimum_version 1.5.0

load ../helpers/agent

# opener: opens its arguments, and says what audit says.
opener() {
	compile opener "$@" <<-'END'
		#define _GNU_SOURCE
		#include <dlfcn.h>
		#include <stdio.h>
		#include <stdlib.h>
		#include <unistd.h>
		int main(int argc, char **argv)
		{
			char command[300];
			for (int i = 1; i < argc; i++)
				if (!dlopen(argv[i], RTLD_NOW))
					return puts(dlerror());
			snprintf(command, sizeof(command), "LD_PRELOAD= LD_AUDIT= %s audit --raw --noheadings "
				"--output STATE %d", getenv("MEMSEAL"), getpid());
			fflush(stdout);
			return system(command) == -1;
		}
	END
	export MEMSEAL
}

plugin() { # output: nothing special
	echo 'int seven(void) { return 7; }' | compile "$1" -shared -fPIC
}

# damaged FILE: RELRO where the loader finds it, and a place in the file that cannot be.
damaged() {
	plugin "$1"
	python3 - "$1" <<-'END'
		import struct, sys
		data = bytearray(open(sys.argv[1], 'rb').read())
		at, = struct.unpack_from('<Q', data, 32)
		count, = struct.unpack_from('<H', data, 56)
		for i in range(at, at + 56 * count, 56):
		  if struct.unpack_from('<I', data, i)[0] == 0x6474e552: # PT_GNU_RELRO
		    struct.pack_into('<Q', data, i + 8, 2**64 - 1)
		open(sys.argv[1], 'wb').write(data)
	END
}

# patcher FILE: its constructor makes a page of its text writable; with -DRELRO, of its RELRO.
patcher() {
	compile "$@" -shared -fPIC -O1 -Wl,-z,relro,-z,now <<-'END'
		#include <stdlib.h>
		#include <sys/mman.h>
		__attribute__((aligned(4096))) int patched(int x) { return x + 1; }
		__attribute__((aligned(4096))) int behind(int x) { return x + 2; }
		__attribute__((aligned(4096))) void *const table[512] = { (void *)patched };
		__attribute__((constructor)) static void patch(void)
		{
		#ifdef RELRO
			if (mprotect((void *)table, 4096, PROT_READ | PROT_WRITE))
				abort();
		#else
			if (mprotect((void *)patched, 4096, PROT_READ | PROT_WRITE | PROT_EXEC))
				abort();
		#endif
		}
	END
}

@test "an object that is not understood is told, once; the others are sealed" {
	opener
	damaged ./damaged.so
	plugin ./plugin.so
	run -0 --separate-stderr "$MEMSEAL" run ./opener ./damaged.so ./plugin.so libm.so.6
	[ "$(grep -c 'damaged program headers of ./damaged.so' <<<"$stderr")" = 1 ]
	[ "${#stderr_lines[@]}" = 1 ]
	compile left <<-'END'
		#include <dlfcn.h>
		#include <errno.h>
		#include <stdio.h>
		#include <sys/mman.h>
		int main(void)
		{
			char *cosine;
			dlopen("./damaged.so", RTLD_NOW);
			cosine = dlsym(dlopen("libm.so.6", RTLD_NOW), "cos");
			cosine -= (unsigned long)cosine % 4096;
			return !mprotect(cosine, 4096, PROT_READ | PROT_WRITE | PROT_EXEC) ? 1 : errno == EPERM ? 0 : 2;
		}
	END
	run -1 ./left
	run -0 "$MEMSEAL" run ./left
}

# teller: closes what it is told to, opens a file instead, then opens an object.
teller() {
	compile teller <<-'END'
		#include <dlfcn.h>
		#include <fcntl.h>
		#include <stdio.h>
		#include <stdlib.h>
		#include <sys/resource.h>
		#include <unistd.h>
		int main(int argc, char **argv)
		{
			struct rlimit limit = { 5, 5 };
			if (argc > 2) {
				close(2);
				if (open(argv[2], O_RDWR | O_CREAT | O_TRUNC, 0600) != 2 || write(2, "data", 4) != 4)
					return 9;
			} else if (getenv("LIMIT") && setrlimit(RLIMIT_FSIZE, &limit)) {
				return 8;
			}
			return dlopen(argv[1], RTLD_NOW) ? 7 : 6;
		}
	END
	damaged ./damaged.so
}

@test "a message goes to the stderr of the start, and to no other descriptor" {
	teller
	run -7 --separate-stderr "$MEMSEAL" run ./teller ./damaged.so
	[[ "$stderr" == "memseal: ./teller: damaged program headers"* ]]
	run -7 --separate-stderr "$MEMSEAL" run ./teller ./damaged.so ./database
	[ -z "$stderr" ]
	[ "$(cat database)" = data ]
	# A log stays one; a file that can be read as well may be somebody's data.
	"$MEMSEAL" run ./teller ./damaged.so 2>log || [ $? = 7 ]
	grep -q '^memseal: ' log
	printf data >both
	"$MEMSEAL" run ./teller ./damaged.so 2<>both || [ $? = 7 ]
	[ "$(cat both)" = data ]
	"$MEMSEAL" run ./teller ./damaged.so 2>&- || [ $? = 7 ]
}

@test "a message kills nobody: a broken pipe, a full limit" {
	teller
	compile broken <<-'END'
		#include <signal.h>
		#include <unistd.h>
		int main(int argc, char **argv)
		{
			int ends[2];
			signal(SIGPIPE, SIG_DFL);
			if (pipe(ends) || dup2(ends[1], 2) != 2)
				return 1;
			close(ends[0]);
			close(ends[1]);
			return execv(argv[argc > 1], argv + 1);
		}
	END
	run -7 ./broken "$MEMSEAL" run ./teller ./damaged.so
	LIMIT=1 "$MEMSEAL" run ./teller ./damaged.so 2>log || [ $? = 7 ]
	run -141 ./broken /bin/sh -c 'echo >&2; exec true'
}

@test "a message waits for nobody: a pipe that is full, and whose reader does not read" {
	patcher ./patched.so
	opener
	compile full <<-'END'
		#define _GNU_SOURCE
		#include <fcntl.h>
		#include <unistd.h>
		int main(int argc, char **argv)
		{
			int ends[2], flags;
			if (pipe(ends) || dup2(ends[1], 2) != 2)
				return 1;
			flags = fcntl(2, F_GETFL);
			fcntl(2, F_SETFL, flags | O_NONBLOCK);
			while (write(2, "x", 1) == 1)
				;
			fcntl(2, F_SETFL, flags);
			return execv(argv[1], argv + 1);
		}
	END
	run -124 timeout 1 ./full /bin/sh -c 'echo >&2'
	run -0 timeout 20 ./full "$MEMSEAL" run ./opener ./patched.so
	run -0 --separate-stderr "$MEMSEAL" run ./opener ./patched.so
	[[ "$stderr" == *"writable text of ./patched.so"* ]]
}

@test "a program that needs no libc" {
	[ "$(uname -m)" = x86_64 ] || skip "assembly for x86-64"
	compile nolibc -nostdlib -ffreestanding -fPIE -pie -O1 -fno-stack-protector \
		-Wl,-dynamic-linker,"$(readelf -l /bin/true | sed -n 's/.*interpreter: \(.*\)]/\1/p')" <<-'END'
		static long call(long nr, long a, long b, long c)
		{
			long ret;
			__asm__ volatile("syscall" : "=a"(ret) : "a"(nr), "D"(a), "S"(b), "d"(c) : "rcx", "r11", "memory");
			return ret;
		}
		/* 0: its text cannot be made writable; 1: it can. */
		void _start(void)
		{
			long page = (long)_start & -4096;
			call(231, call(10, page, 4096, 7) < 0 ? 0 : 1, 0, 0);
		}
	END
	run ! grep -q NEEDED <(readelf -d nolibc)
	run -1 ./nolibc
	for mode in "" --strict --data --no-dlopen; do
		# shellcheck disable=SC2086 # none or one
		run -0 timeout 10 "$MEMSEAL" run $mode ./nolibc
	done
	run -0 timeout 10 "$MEMSEAL" run --engine=filter ./nolibc
}

@test "a Go program, position-independent and without libc: goroutines, collection, children" {
	needs go
	cat >main.go <<-'END'
		package main

		import (
			"fmt"
			"os"
			"os/exec"
			"runtime"
			"sync"
		)

		func work(sum *int) {
			lists := map[string][]byte{}
			for i := 0; i < 2000; i++ {
				lists[fmt.Sprint(i)] = make([]byte, 1000)
				*sum += len(lists[fmt.Sprint(i/2)])
			}
			runtime.GC()
		}

		func main() {
			var group sync.WaitGroup
			var sums [8]int
			for i := range sums {
				group.Add(1)
				go func(sum *int) { work(sum); group.Done() }(&sums[i])
			}
			group.Wait()
			fmt.Println(sums)
			out, err := exec.Command(os.Getenv("MEMSEAL"), "audit", "--raw", "--noheadings",
				"--output", "STATE,COVERAGE", fmt.Sprint(os.Getpid())).CombinedOutput()
			fmt.Print(string(out))
			if err != nil {
				fmt.Println(err)
			}
		}
	END
	# Its standard library is built once.
	GOCACHE=$BUILD/tests/go-cache CGO_ENABLED=0 go build -buildmode=pie -o gopie main.go
	run ! grep -q NEEDED <(readelf -d gopie)
	export MEMSEAL
	sums='[2000000 2000000 2000000 2000000 2000000 2000000 2000000 2000000]'
	run -0 ./gopie
	[ "$output" = "$sums"$'\nunsealed 0.0' ]
	for mode in "" --strict --data "--strict --data" --no-dlopen --no-new-code; do
		# shellcheck disable=SC2086
		run -0 timeout 20 "$MEMSEAL" run $mode ./gopie
		echo "$mode: $output"
		[ "$output" = "$sums"$'\nsealed 100.0' ]
	done
	run -0 timeout 20 "$MEMSEAL" run --engine=filter ./gopie
	[ "${lines[0]}" = "$sums" ]
}

# next FILE...: a library that stands before another's dlopen() and dlsym().
interposer='
	#define _GNU_SOURCE
	#include <dlfcn.h>
	#include <link.h>
	void *dlopen(const char *file, int mode)
	{
		void *(*next)(const char *, int) = (void *(*)(const char *, int))dlsym(RTLD_NEXT, "dlopen");
		return next(file, mode);
	}
	int dl_iterate_phdr(int (*fn)(struct dl_phdr_info *, size_t, void *), void *arg)
	{
		return 0;
	}'

@test "others that define dlopen() and dl_iterate_phdr() and call the next one" {
	opener -ldl
	echo "$interposer" | compile before.so -shared -fPIC
	for mode in "" --no-dlopen; do
		# shellcheck disable=SC2086 # none or one
		run -0 --separate-stderr env LD_PRELOAD=./before.so timeout 10 "$MEMSEAL" run $mode ./opener libm.so.6
		[ -z "$stderr" ]
		[ -n "$mode" ] || [ "$output" = sealed ]
		# A library in front of the agent.
		run -0 --separate-stderr env LD_PRELOAD="./before.so:$AGENT" MEMSEAL_AGENT="${mode#--}" \
			timeout 10 ./opener libm.so.6
		[ -n "$mode" ] || [ "$output" = sealed ]
	done
	# The program itself.
	{ echo "$interposer"; echo '#include <stdio.h>
		int main(void) { puts(dlopen("libm.so.6", RTLD_NOW) ? "opened" : "not"); }'; } |
		compile itself -rdynamic
	run -0 --separate-stderr timeout 10 "$MEMSEAL" run ./itself
	[ "$output" = opened ]
	[ -z "$stderr" ]
}

@test "two agents, at two paths" {
	cp "$AGENT" other.so
	opener
	run -0 --separate-stderr timeout 20 env LD_PRELOAD="$PWD/other.so:$AGENT" ./opener libm.so.6 libresolv.so.2
	[ "$output" = sealed ]
	[ -z "$stderr" ]
}

@test "libraries of LD_AUDIT, and one at a fixed address in a namespace of its own" {
	echo 'unsigned la_version(unsigned version) { return version; }' | compile audit.so -shared -fPIC
	opener
	run -0 --separate-stderr env LD_AUDIT=./audit.so timeout 20 "$MEMSEAL" run ./opener
	[ "$output" = sealed ]
	run -0 --separate-stderr env LD_AUDIT=./audit.so ./opener
	[ "$output" != sealed ]
	echo 'int seven(void) { return 7; }' |
		compile fixed.so -shared -fPIC -nostdlib -Wl,-Ttext-segment=0x7000000
	compile namespace <<-'END'
		#define _GNU_SOURCE
		#include <dlfcn.h>
		#include <errno.h>
		#include <sys/mman.h>
		int main(void)
		{
			void *object = dlmopen(LM_ID_NEWLM, "./fixed.so", RTLD_NOW);
			char *page = object ? dlsym(object, "seven") : 0;
			if (!page)
				return 9;
			page -= (unsigned long)page % 4096;
			return !mprotect(page, 4096, PROT_READ | PROT_WRITE | PROT_EXEC) ? 1 : errno == EPERM ? 0 : 2;
		}
	END
	run -1 ./namespace
	run -0 timeout 20 "$MEMSEAL" run ./namespace
}

@test "text that a constructor makes writable: not started, or told" {
	patcher libpatcher.so
	echo 'int patched(int); int main(void) { return patched(4); }' |
		compile user -L. -lpatcher -Wl,-rpath,.
	run -5 ./user
	for mode in "" --strict; do
		# shellcheck disable=SC2086 # none or one
		run -125 --separate-stderr "$MEMSEAL" run $mode ./user
		[[ "$stderr" == "memseal: ./user: writable text of "*libpatcher.so*"; not started"* ]]
	done
	run -5 --separate-stderr "$MEMSEAL" run --allow-unsealed ./user
	[[ "$stderr" == "memseal: ./user: writable text of "*libpatcher.so* ]]
	opener
	run -0 --separate-stderr "$MEMSEAL" run ./opener ./libpatcher.so
	[[ "$stderr" == "memseal: ./opener: writable text of ./libpatcher.so at 0x"* ]]
}

@test "RELRO that a constructor leaves writable is made read-only and sealed" {
	patcher libpatcher.so -DRELRO
	opener
	run -0 --separate-stderr "$MEMSEAL" run ./opener ./libpatcher.so
	[ -z "$stderr" ]
	[ "$output" = sealed ]
	echo 'int patched(int); int main(void) { return patched(4); }' |
		compile user -L. -lpatcher -Wl,-rpath,.
	run -5 --separate-stderr "$MEMSEAL" run ./user
	[ -z "$stderr" ]
}

@test "a thread that opens when the first thread has ended" {
	plugin ./plugin.so
	compile ended -pthread <<-'END'
		#include <dlfcn.h>
		#include <errno.h>
		#include <pthread.h>
		#include <stdlib.h>
		#include <sys/mman.h>
		#include <unistd.h>
		static void *open_later(void *arg)
		{
			char *page;
			usleep(200000);
			page = dlsym(dlopen("./plugin.so", RTLD_NOW), "seven");
			page -= (unsigned long)page % 4096;
			exit(!mprotect(page, 4096, PROT_READ | PROT_WRITE | PROT_EXEC) ? 1 : errno == EPERM ? 0 : 2);
		}
		int main(void)
		{
			pthread_t thread;
			pthread_create(&thread, NULL, open_later, NULL);
			pthread_exit(NULL);
		}
	END
	run -1 ./ended
	run -0 --separate-stderr "$MEMSEAL" run ./ended
	[ -z "$stderr" ]
}

# Every word of the agent that can be written to, set to numbers that mean something.
@test "no store into the agent's own data switches it off" {
	plugin ./plugin.so
	compile store <<-'END'
		#define _GNU_SOURCE
		#include <dlfcn.h>
		#include <errno.h>
		#include <link.h>
		#include <stdio.h>
		#include <stdlib.h>
		#include <string.h>
		#include <sys/mman.h>
		#include <unistd.h>
		static unsigned long first, last;
		static int find(struct dl_phdr_info *info, size_t size, void *arg)
		{
			for (int i = 0; strstr(info->dlpi_name, "libmemseal-agent") && i < info->dlpi_phnum; i++)
				if (info->dlpi_phdr[i].p_type == PT_LOAD && info->dlpi_phdr[i].p_flags & PF_W) {
					first = info->dlpi_addr + info->dlpi_phdr[i].p_vaddr;
					last = first + info->dlpi_phdr[i].p_memsz;
				}
			return 0;
		}
		int main(int argc, char **argv)
		{
			int values[] = { getpid(), 1, -1 }, value = values[atoi(argv[1])];
			char line[400], prot[5], *page;
			FILE *maps = fopen("/proc/self/maps", "r");
			unsigned long start, end, words = 0;
			dl_iterate_phdr(find, NULL);
			while (fgets(line, sizeof(line), maps))
				if (sscanf(line, "%lx-%lx %4s", &start, &end, prot) == 3 && prot[1] == 'w')
					for (unsigned long at = start > first ? start : first; at < end && at < last;
						at += sizeof(int), words++)
						*(volatile int *)at = value;
			if (argc > 2 && !words)
				return 9;
			page = dlsym(dlopen("./plugin.so", RTLD_NOW), "seven");
			page -= (unsigned long)page % 4096;
			return !mprotect(page, 4096, PROT_READ | PROT_WRITE | PROT_EXEC) ? 1 : errno == EPERM ? 0 : 2;
		}
	END
	run -1 ./store 0
	for value in 0 1 2; do
		run -0 timeout 20 "$MEMSEAL" run ./store $value there
	done
}

@test "a child that is confined so that it cannot seal runs, and says nothing" {
	mseal=462
	run -0 --separate-stderr "$MEMSEAL" run "$BUILD/tests/deny-syscall" $mseal 38 echo ran
	[ "$output" = ran ]
	[ -z "$stderr" ]
	# The first program is another matter.
	run -125 "$BUILD/tests/deny-syscall" $mseal 38 "$MEMSEAL" run --engine=kernel echo ran
	# A filter that kills for it.
	run -0 --separate-stderr "$MEMSEAL" run "$BUILD/tests/deny-syscall" $mseal kill echo ran
	[ "$output" = ran ]
	[ -z "$stderr" ]
}

@test "12 threads that open libraries without RELRO, with slow relocation" {
	for i in $(seq 24); do
		compile slow$i.so -shared -fPIC -O1 -Wl,-z,norelro <<-END
			static int real(void) { return $i; }
			static int (*resolve(void))(void)
			{
				for (volatile int i = 0; i < 1000000; i++)
					;
				return real;
			}
			int number(void) __attribute__((ifunc("resolve")));
			int (*pointer)(void) = number;
		END
	done
	compile many -pthread <<-'END'
		#include <dlfcn.h>
		#include <errno.h>
		#include <pthread.h>
		#include <stdio.h>
		#include <sys/mman.h>
		static void *run(void *arg)
		{
			char name[40];
			for (int i = 1; i <= 24; i++) {
				snprintf(name, sizeof(name), "./slow%d.so", 1 + (i * 5 + (int)(long)arg * 2) % 24);
				if (!dlopen(name, RTLD_NOW))
					return dlerror();
				dlopen("./absent.so", RTLD_NOW);
			}
			return 0;
		}
		int main(void)
		{
			pthread_t threads[12];
			int failed = 0, open = 0;
			for (long i = 0; i < 12; i++)
				pthread_create(&threads[i], 0, run, (void *)i);
			for (int i = 0; i < 12; i++) {
				void *error = 0;
				pthread_join(threads[i], &error);
				failed += error != 0;
			}
			for (int i = 1; i <= 24; i++) {
				char name[40], *page;
				snprintf(name, sizeof(name), "./slow%d.so", i);
				page = dlsym(dlopen(name, RTLD_NOW), "number");
				page -= (unsigned long)page % 4096;
				open += mprotect(page, 4096, PROT_READ | PROT_EXEC) == 0;
				open += mprotect(page, 4096, PROT_READ | PROT_WRITE | PROT_EXEC) == 0;
			}
			printf("failed %d open %d\n", failed, open);
		}
	END
	run -0 ./many
	[ "$output" = "failed 0 open 48" ]
	for _ in 1 2 3; do
		run -0 --separate-stderr timeout 60 "$MEMSEAL" run ./many
		[ "$output" = "failed 0 open 0" ]
		[ -z "$stderr" ]
	done
}

# ordered OPEN: a program whose first thread opens an object by OPEN, and whose second opens another
# meanwhile, in the order that tests/helpers/interleave.c makes. libheld.so stops in the middle of its
# relocation; libtext.so and libbad.so need it, so that they are mapped and not relocated then.
ordered() {
	compile interleave < "$SOURCE/tests/helpers/interleave.c"
	compile libheld.so -shared -fPIC -O1 -Wl,-z,norelro <<-'END'
		#include <sys/syscall.h>
		static int real(void) { return 7; }
		__attribute__((no_stack_protector)) static int (*resolve(void))(void)
		{
			long ret;
			register long nr __asm__("rax") = 5000, place __asm__("rdi") = 2;
			__asm__ volatile("syscall" : "=r"(ret) : "0"(nr), "r"(place) : "rcx", "r11", "memory");
			return real;
		}
		static int number(void) __attribute__((ifunc("resolve")));
		int (*pointer)(void) = number;
	END
	compile libtext.so -shared -fPIC -Wl,-z,norelro -Wl,-z,notext -L. -Wl,--no-as-needed -lheld \
		-Wl,-rpath,. <<-'END'
		extern int (*pointer)(void);
		int called(void) { return pointer(); }
		__asm__(".text\n.globl where\nwhere: .quad called\n");
	END
	compile libbad.so -shared -fPIC -Wl,-z,norelro -L. -Wl,--no-as-needed -lheld -Wl,-rpath,. <<-'END'
		extern int nowhere(void);
		int called(void) { return nowhere(); }
	END
	plugin ./other.so
	plugin ./empty.so
	compile ordered -pthread "-DOPEN=$1" <<-'END'
		#define _GNU_SOURCE
		#include <dlfcn.h>
		#include <errno.h>
		#include <pthread.h>
		#include <stdio.h>
		#include <sys/mman.h>
		#include <unistd.h>
		static void *opened, *other, *held;
		static void *seal(void *arg)
		{
			syscall(5000, 4);
			other = dlopen("./other.so", RTLD_NOW);
			syscall(5000, 5);
			return arg;
		}
		/* Into a namespace that is there already. */
		static inline void *open_bad(void)
		{
			Lmid_t namespace = LM_ID_BASE;
			dlinfo(held, RTLD_DI_LMID, &namespace);
			return dlmopen(namespace, "./libbad.so", RTLD_NOW);
		}
		static int is_open(void *object, const char *name)
		{
			char *page = dlsym(object, name);
			page -= (unsigned long)page % 4096;
			return mprotect(page, 4096, PROT_READ | PROT_WRITE | PROT_EXEC) == 0;
		}
		int main(void)
		{
			pthread_t thread;
			int (*called)(void) = 0;
			held = dlmopen(LM_ID_NEWLM, "./empty.so", RTLD_NOW);
			pthread_create(&thread, 0, seal, 0);
			syscall(5000, 1);
			opened = OPEN;
			if (!opened)
				puts(dlerror());
			syscall(5000, 3);
			pthread_join(thread, 0);
			if (opened)
				called = (int (*)(void))dlsym(opened, "called");
			printf("%d %d\n", called ? called() : 0, opened ? is_open(opened, "called") : 0);
			return !other ? 9 : is_open(other, "seven");
		}
	END
}

@test "an object that is mapped and not relocated while another thread seals: it loads, and is sealed" {
	[ "$(uname -m)" = x86_64 ] || skip "assembly for x86-64"
	ordered 'dlopen("./libtext.so", RTLD_NOW)'
	readelf -d libtext.so | grep -q TEXTREL
	run -1 --separate-stderr ./interleave nothing ./ordered
	[ "$output" = "7 1" ]
	for mode in "" --strict --engine=filter; do
		# shellcheck disable=SC2086 # none or one
		run -0 --separate-stderr timeout 20 ./interleave nothing "$MEMSEAL" run $mode ./ordered
		echo "$mode: $output, $stderr"
		[ "$output" = "7 0" ]
		# The resolver ran while the other thread was in the middle of its open.
		[[ "$stderr" =~ ^"order: "(4 1|1 4)" 2 "(5 3|3 5)$ ]]
	done
}

@test "an object of a namespace that fails to load while another thread seals" {
	[ "$(uname -m)" = x86_64 ] || skip "assembly for x86-64"
	ordered 'open_bad()'
	run -1 --separate-stderr ./interleave libbad.so ./ordered
	[[ "${lines[0]}" == *"undefined symbol: nowhere"* ]]
	for mode in "" --strict; do
		# shellcheck disable=SC2086 # none or one
		run -0 --separate-stderr timeout 20 ./interleave libbad.so "$MEMSEAL" run $mode ./ordered
		echo "$mode: $output, $stderr"
		[[ "${lines[0]}" == *"undefined symbol: nowhere"* ]]
		[[ "$stderr" == "order: "[14]" "[14]" 2 "* ]]
	done
}

@test "an object that seals a page of its own while it is initialised is sealed, and what it needs" {
	compile libneeded.so -shared -fPIC <<-'END'
		int needed(void) { return 7; }
	END
	compile selfish.so -shared -fPIC -L. -lneeded -Wl,-rpath,. <<-'END'
		#include <sys/syscall.h>
		#include <unistd.h>
		extern const char __ehdr_start[] __attribute__((visibility("hidden")));
		extern int needed(void);
		int own(void) { return needed(); }
		__attribute__((constructor)) static void seal(void)
		{
			if (needed() == 7)
				syscall(462, __ehdr_start, 4096, 0);
		}
	END
	compile user <<-'END'
		#include <dlfcn.h>
		#include <stdio.h>
		#include <sys/mman.h>
		int main(void)
		{
			void *selfish = dlopen("./selfish.so", RTLD_NOW);
			char *needed = selfish ? dlsym(selfish, "needed") : 0;
			char *own = selfish ? dlsym(selfish, "own") : 0;
			int opened = 0;
			if (!needed || !own)
				return puts(dlerror());
			needed -= (unsigned long)needed % 4096;
			own -= (unsigned long)own % 4096;
			opened += mprotect(needed, 4096, PROT_READ | PROT_WRITE | PROT_EXEC) == 0;
			opened += mprotect(own, 4096, PROT_READ | PROT_WRITE | PROT_EXEC) == 0;
			return opened;
		}
	END
	run -2 ./user
	run -0 "$MEMSEAL" run ./user
	run -0 "$MEMSEAL" run --strict ./user
}

@test "children that are forked while a thread opens what is open already can open objects" {
	compile forking -pthread <<-'END'
		#define _GNU_SOURCE
		#include <dlfcn.h>
		#include <pthread.h>
		#include <signal.h>
		#include <sys/wait.h>
		#include <unistd.h>
		static void *open_again(void *arg)
		{
			for (;;)
				dlclose(dlopen("libm.so.6", RTLD_NOW));
			return arg;
		}
		int main(void)
		{
			pthread_t thread;
			int hanging = 0;
			if (!dlopen("libm.so.6", RTLD_NOW) || pthread_create(&thread, 0, open_again, 0))
				return 99;
			for (int i = 0; i < 30 && hanging < 4; i++) {
				pid_t child = fork();
				int status;
				if (child == 0) {
					alarm(2);
					_exit(!dlopen("libresolv.so.2", RTLD_NOW));
				}
				waitpid(child, &status, 0);
				hanging += WIFSIGNALED(status);
				usleep(500);
			}
			_exit(hanging);
		}
	END
	run -0 ./forking
	run -0 timeout 60 "$MEMSEAL" run ./forking
}

@test "programs with sanitizers, which define or look for the same functions" {
	local built=0 compiler kind status

	for compiler in gcc clang; do
		for kind in address thread; do
			command -v $compiler >/dev/null || continue
			CC=$compiler compile sanitized -pthread -fsanitize=$kind <<-'END' || continue
				#include <dlfcn.h>
				#include <pthread.h>
				static void *run(void *arg) { return arg; }
				int main(void)
				{
					pthread_t thread;
					pthread_create(&thread, 0, run, 0);
					pthread_join(thread, 0);
					return dlopen("libm.so.6", RTLD_NOW) ? 7 : 1;
				}
			END
			built=$((built + 1))
			run -7 ./sanitized
			for mode in "" --no-dlopen; do
				# shellcheck disable=SC2086 # none or one
				run -7 --separate-stderr timeout 60 "$MEMSEAL" run $mode ./sanitized
				[ -z "$stderr" ]
			done
		done
	done
	[ "$built" -gt 0 ] || skip "no sanitizers here"
}

@test "man shows a page, by helpers that are confined" {
	command -v man >/dev/null || skip "no man here"
	run -0 env MANPAGER=cat man -l "$SOURCE/man/memseal.1"
	expected=$output
	run -0 --separate-stderr env MANPAGER=cat "$MEMSEAL" run man -l "$SOURCE/man/memseal.1"
	[ "$output" = "$expected" ]
	[ -z "$stderr" ]
}

# Discarded, the pages of a private mapping are read from the file once more.
@test "text with relocations does not lose them" {
	compile libtext.so -shared -fPIC -O1 -Wl,-z,notext <<-'END'
		__asm__(".pushsection .text\n.balign 8\nwhere: .quad seven\n.popsection");
		extern int (*const where)(void) __attribute__((visibility("hidden")));
		__attribute__((visibility("hidden"))) int seven(void) { return 7; }
		int (*const *place(void))(void) { return &where; }
	END
	readelf -d libtext.so | grep -q TEXTREL
	compile user -Wl,-rpath,. -L. -ltext <<-'END'
		#include <sys/mman.h>
		int (*const *place(void))(void);
		int main(void)
		{
			int (*const *where)(void) = place(), (*before)(void) = *where;
			madvise((void *)((unsigned long)where & -4096UL), 4096, MADV_DONTNEED);
			return *where == before ? (*where)() : 1;
		}
	END
	run -1 ./user
	run -7 --separate-stderr "$MEMSEAL" run ./user
	[ -z "$stderr" ]
}

@test "what a user has in the environment does not change a set-uid program" {
	[ "$(id -u)" -eq 0 ] || skip "needs root, to be another user"
	public=$(mktemp -d)
	chmod 755 "$public"
	cp -a /etc "$public/etc"
	cp "$AGENT" "$public/agent.so"
	echo "$public/agent.so" >"$public/etc/ld.so.preload"
	cp /bin/cat "$public/plain"
	install -m 4755 /bin/cat "$public/secure"
	# Told to hold images by a filter, the agent installs one.
	seccomp() { # program
		unshare -m sh -c 'mount --bind "$1/etc" /etc && exec setpriv --reuid=65534 --clear-groups \
			env MEMSEAL_AGENT=filter "$1/$2" /proc/self/status' sh "$public" "$1" |
			awk '$1 == "Seccomp:" { print $2 }'
	}
	plain=$(seccomp plain) secure=$(seccomp secure)
	rm -rf "$public"
	[ "$plain" = 2 ]
	[ "$secure" = 0 ]
}

# glibc's lock of its list of objects, which another thread had: as without the agent.
@test "a child that is forked while a thread walks the list of objects hangs in dlopen, with or without the agent" {
	[ -n "$(getconf GNU_LIBC_VERSION)" ]
	compile walking -pthread <<-'END'
		#define _GNU_SOURCE
		#include <dlfcn.h>
		#include <link.h>
		#include <pthread.h>
		#include <sys/wait.h>
		#include <unistd.h>
		static int there[2];
		static int stay(struct dl_phdr_info *info, size_t size, void *arg)
		{
			if (write(there[1], "", 1) == 1)
				pause();
			return info && size && arg;
		}
		static void *walk(void *arg)
		{
			dl_iterate_phdr(stay, arg);
			return arg;
		}
		int main(int argc, char **argv)
		{
			pthread_t thread;
			int status;
			pid_t child;
			char c;
			if (pipe(there))
				return 99;
			if (argc > 1 && (pthread_create(&thread, 0, walk, argv) || read(there[0], &c, 1) != 1))
				return 99;
			child = fork();
			if (child == 0) {
				alarm(2);
				_exit(!dlopen("libresolv.so.2", RTLD_NOW));
			}
			waitpid(child, &status, 0);
			_exit(WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status));
		}
	END
	local hangs=$((128 + $(kill -l ALRM)))
	run -0 ./walking
	run -0 "$MEMSEAL" run ./walking
	run -$hangs ./walking walked
	run -$hangs "$MEMSEAL" run ./walking walked
}
