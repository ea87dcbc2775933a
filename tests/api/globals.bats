# SPDX-License-Identifier: MIT
# Marked variables in programs and libraries of every kind of compiling and linking. The program
# prints "fine" if all of them, and nothing else, can no longer be written once they are frozen.

load api

HELPERS=$SOURCE/tests/helpers
GC="-Wl,--gc-sections"

setup() {
	cd "$BATS_TEST_TMPDIR"
	export LD_LIBRARY_PATH=$BUILD
}

language() {
	case $1 in
	*++) echo c++ ;;
	*) echo c ;;
	esac
}

# objects COMPILER SUFFIX OPTION...: globals.SUFFIX and globals-more.SUFFIX
objects() {
	local compiler=$1 suffix=$2 name
	shift 2
	for name in globals globals-more; do
		"$compiler" -x "$(language "$compiler")" -c -D_GNU_SOURCE -Wall -Wextra -Werror -pedantic \
			-ffunction-sections -fdata-sections -I"$SOURCE/include" "$@" "$HELPERS/$name.c" \
			-o "$name.$suffix"
	done
}

# link COMPILER SUFFIX OPTION...: program; those that are known to this file come first.
link() {
	local compiler=$1 suffix=$2
	shift 2
	"$compiler" "globals-more.$suffix" "globals.$suffix" "$@" -o program 2>log
}

fine() {
	local output
	output=$(./program "$@" 2>&1) && [ "$output" = fine ] || {
		echo "$output"
		return 1
	}
}

# The kinds of program: position independent or not, with the shared library or the static one.
KINDS=(
	'pie.o -pie -lmemseal'
	'fixed.o -no-pie -lmemseal'
	"pie.o -static-pie $BUILD/libmemseal.a"
	"fixed.o -static $BUILD/libmemseal.a"
)

# link_each COMPILER COUNT OPTION LTO KIND...: a program of each kind by every linker.
# How many there are is added to COUNT, a variable.
link_each() {
	local compiler=$1 lto=$4 linker kind
	local -n links=$2
	for linker in bfd gold lld mold; do
		case $compiler$linker$lto in
		g*lld-flto) continue ;; # lld does not know gcc's objects
		esac
		for kind in "${@:5}"; do
			case $linker$kind in
			gold*static-pie*) continue ;; # gold cannot
			esac
			echo "# $compiler $linker $lto $3 $kind"
			link "$compiler" $kind -O2 $lto $3 -fuse-ld=$linker -L"$BUILD" || {
				cat log
				return 1
			}
			fine
			links=$((links + 1))
		done
	done
}

# every_link COMPILER COUNT: every linker, whole programs and not, sections collected and not, each
# kind of program. Of C++, whose objects have the same sections for a linker to place, the two kinds
# that have the least in common, with sections collected.
every_link() {
	local compiler=$1 lto count=0
	for lto in '' -flto; do
		objects "$compiler" pie.o -O2 -fPIE $lto
		objects "$compiler" fixed.o -O2 -fno-pie $lto
		if [ "$(language "$compiler")" = c ]; then
			link_each "$compiler" count '' "$lto" "${KINDS[@]}"
			link_each "$compiler" count "$GC" "$lto" "${KINDS[@]}"
		else
			link_each "$compiler" count "$GC" "$lto" "${KINDS[0]}" "${KINDS[3]}"
		fi
	done
	[ $count -eq "$2" ]
}

linkers() {
	local linker
	for linker in ld.bfd ld.gold ld.lld ld.mold; do
		need $linker
	done
}

@test "gcc with every linker" {
	linkers
	every_link gcc 52
}

@test "g++ with every linker" {
	linkers
	need g++
	every_link g++ 14
}

@test "clang with every linker" {
	linkers
	need clang
	every_link clang 60
}

@test "clang++ with every linker" {
	linkers
	need clang++
	every_link clang++ 16
}

@test "every level of optimization" {
	for compiler in gcc g++ clang clang++; do
		need $compiler
		for level in -O0 -O1 -O2 -O3 -Os '-O0 -flto' '-O3 -flto'; do
			echo "# $compiler $level"
			objects $compiler o $level -fPIE
			link $compiler o $level -pie -L"$BUILD" -lmemseal
			fine
		done
	done
}

# What is said of each variable is what becomes of it: a store after the freeze kills, or not. g++
# ignores the mark in templates; whether it does is for the compiler to say, and for us to notice.
@test "a mark that g++ ignores in templates is noticed" {
	cat >templates.cc <<-'END'
	#include <memseal-globals.h>
	#include <cstdio>
	#include <sys/wait.h>
	#include <unistd.h>
	template <class T> struct of_class { static T x; };
	template <class T> MEMSEAL_RO_AFTER_INIT T of_class<T>::x = 3;
	template <class T> MEMSEAL_RO_AFTER_INIT T variable = 4;
	template <class T> T *of_function() { static MEMSEAL_RO_AFTER_INIT T x = 5; return &x; }
	MEMSEAL_RO_AFTER_INIT static int marked = 1;
	static int plain = 2;
	static bool is_writable(int *at)
	{
		int status = -1;
		if (fork() == 0) {
			*(volatile int *)at = 7;
			_exit(0);
		}
		wait(&status);
		return status == 0;
	}
	int main()
	{
		int *all[] = { &marked, &plain, &of_class<int>::x, &variable<int>, of_function<int>() };
		if (memseal_globals_freeze() != 0)
			return 2;
		for (int *at : all)
			std::printf("%d %d\n", memseal_globals_marked(at), is_writable(at));
	}
	END
	for compiler in g++ clang++; do
		need $compiler
		$compiler -std=c++17 -Wall -Wextra -Werror -I"$SOURCE/include" templates.cc -o templates \
			-L"$BUILD" -lmemseal
		run ./templates
		echo "$compiler: $output"
		[ "$status" = 0 ]
		[ "${lines[0]}" = "1 0" ] && [ "${lines[1]}" = "0 1" ]
		[ "${#lines[@]}" = 5 ]
		[ "$(grep -c '^1 0$\|^0 1$' <<<"$output")" = 5 ]
	done
}

@test "link-time optimization in parts, and of a part" {
	need clang
	need ld.lld
	objects gcc lto.o -O2 -fPIE -flto
	objects gcc o -O2 -fPIE
	for parts in none one 1to1 max; do
		link gcc lto.o -O2 -flto=2 -flto-partition=$parts -L"$BUILD" -lmemseal
		fine
	done
	for linker in bfd gold; do
		for mixed in 'globals.lto.o globals-more.o' 'globals-more.lto.o globals.o' \
			'globals.o globals-more.lto.o' 'globals-more.o globals.lto.o'; do
			gcc -O2 -flto $mixed -o program -fuse-ld=$linker $GC -L"$BUILD" -lmemseal
			fine
		done
	done
	objects clang thin.o -O2 -fPIE -flto=thin
	link clang thin.o -O2 -flto=thin -fuse-ld=lld $GC -L"$BUILD" -lmemseal
	fine
	objects clang o -O2 -fPIE
	clang globals.o globals-more.thin.o -O2 -flto=thin -fuse-ld=lld $GC -o program -L"$BUILD" -lmemseal
	fine
}

# library COMPILER NAME OPTION...
library() {
	local compiler=$1 name=$2
	shift 2
	objects "$compiler" so.o -O2 -fPIC -DLIBRARY
	"$compiler" -shared globals-more.so.o globals.so.o -o "$name" -L"$BUILD" -lmemseal "$@"
}

loader() {
	objects gcc o -O1 -DWITH_DLOPEN
	link gcc o -L"$BUILD" -lmemseal
}

# clang++ makes it a local variable, unless it is told that others use it: there is nothing to freeze.
@test "a variable that only main() uses is in memory" {
	cat >only.c <<-'END'
		#include <memseal-globals.h>

		static MEMSEAL_RO_AFTER_INIT int only;

		int main(int argc, char **)
		{
			only = argc;
			if (memseal_globals_freeze())
				return 100;
			return ++only;
		}
	END
	for compiler in g++ clang++; do
		need $compiler
		for option in '' -flto; do
			$compiler -x c++ -O2 $option -I"$SOURCE/include" only.c -x none -o only -L"$BUILD" -lmemseal
			run ./only
			[ "$status" -eq $((128 + $(kill -l SEGV))) ]
		done
	done
}

@test "every shared library freezes its own" {
	linkers
	need clang++
	for linker in bfd gold lld mold; do
		library gcc one.so -fuse-ld=$linker
		library clang++ two.so -fuse-ld=$linker $GC
		loader
		fine ./one.so ./two.so
	done
}

@test "a library that the program is linked with" {
	library gcc libone.so
	cat >main.c <<-'END'
		#include <stdio.h>
		int globals_check(int);
		int main(void) { return globals_check(0) || puts("fine") < 0; }
	END
	gcc main.c -o program -L. -lone -Wl,-rpath,.
	fine
}

@test "a library that is linked with the static library" {
	objects gcc so.o -O2 -fPIC -DLIBRARY
	gcc -shared globals-more.so.o globals.so.o -o one.so "$BUILD/libmemseal.a"
	loader
	fine ./one.so
}

@test "a library must not export what it marks" {
	objects gcc so.o -O2 -fPIC -DLIBRARY -DEXPORTED
	gcc -shared globals-more.so.o globals.so.o -o gnu.so -L"$BUILD" -lmemseal -Wl,--hash-style=gnu
	gcc -shared globals-more.so.o globals.so.o -o sysv.so -L"$BUILD" -lmemseal -Wl,--hash-style=sysv
	echo '{ global: globals_check; local: *; };' >map
	gcc -shared globals-more.so.o globals.so.o -o local.so -L"$BUILD" -lmemseal \
		-Wl,--version-script=map
	objects gcc so.o -O2 -fPIC -DLIBRARY -DEXPORTED -fvisibility=hidden \
		-D'globals_check=__attribute__((visibility("default"))) globals_check'
	gcc -shared globals-more.so.o globals.so.o -o hidden.so -L"$BUILD" -lmemseal
	loader
	fine -e "$(errno_of ENOTUNIQ)" ./gnu.so -e "$(errno_of ENOTUNIQ)" ./sysv.so ./local.so ./hidden.so
}

errno_of() {
	/usr/bin/python3 -c "import errno; print(errno.$1)"
}

# As the page says: it leaks, and the next one is another.
@test "a library that is closed after it froze" {
	library gcc one.so
	cat >main.c <<-'END'
		#include <dlfcn.h>
		#include <stdio.h>

		int main(void)
		{
			for (int i = 0; i < 3; i++) {
				void *library = dlopen("./one.so", RTLD_NOW);
				int (*check)(int);

				*(void **)&check = dlsym(library, "globals_check");
				if (check(0) || dlclose(library))
					return 1;
			}
			return puts("fine") < 0;
		}
	END
	gcc main.c -o program
	fine
}

# The reason for it: the program has a variable of its own, and the library uses that.
@test "what a library exports may be in the program" {
	echo 'int shared = 1; int *library(void) { return &shared; }' >lib.c
	echo 'extern int shared; int *library(void); int main(void) { return &shared != library(); }' >main.c
	gcc -shared -fPIC lib.c -o libcopy.so
	gcc -fno-pie -no-pie main.c -o main -L. -lcopy -Wl,-rpath,.
	./main
	readelf -rW main | grep 'R_.*_COPY.* shared'
}

@test "a program may export what it marks" {
	objects gcc o -O2 -fPIE -DEXPORTED
	link gcc o -rdynamic -L"$BUILD" -lmemseal
	nm -D program | grep -w exported
	fine
}

@test "several objects freeze" {
	cat >one.c <<-'END'
		#include <memseal-globals.h>
		MEMSEAL_RO_AFTER_INIT int one;
		int freeze_one(void) { return memseal_globals_freeze(); }
	END
	cat >two.c <<-'END'
		#include <memseal-globals.h>
		#include <stdio.h>
		int freeze_one(void);
		int main(void) { return freeze_one() || memseal_globals_freeze() || puts("fine") < 0; }
	END
	for linker in bfd gold lld mold; do
		need ld.$linker
		for option in '' -flto $GC; do
			[ $linker$option = lld-flto ] && continue
			gcc -O2 $option -I"$SOURCE/include" one.c two.c -o program -fuse-ld=$linker -L"$BUILD" -lmemseal
			fine
		done
	done
}

# size_of SECTION FILE: in hexadecimal digits
size_of() {
	readelf -SW "$2" | sed -n "s/.* $1 *PROGBITS *[0-9a-f]* [0-9a-f]* \([0-9a-f]*\) .*/\1/p"
}

# twelve COMPILER OPTION...: links them
twelve() {
	echo "# $*"
	"$@" twelve*.o main.o -o twelve -L"$BUILD" -lmemseal
	./twelve
	[ "$(size_of memseal_ro_after_init_end twelve)" = 001000 ]
	[ $((0x$(size_of memseal_ro_after_init twelve))) -lt 8192 ]
}

# Sections of a page each: what the variables take with the byte that aligns them, and the padding.
@test "twelve files that freeze pay for the padding once" {
	linkers
	need clang
	for i in $(seq 12); do
		printf '#include <memseal-globals.h>
			static MEMSEAL_RO_AFTER_INIT int v%d;
			int freeze%d(void);
			int freeze%d(void) { v%d++; return memseal_globals_freeze(); }
			int twice%d(void);
			int twice%d(void) { return memseal_globals_freeze(); }' $i $i $i $i $i $i >"twelve$i.c"
	done
	echo 'int freeze1(void), twice12(void); int main(void) { return freeze1() || twice12(); }' >main.c
	for compiler in gcc clang; do
		for option in -O0 -O2 '-O2 -flto'; do
			$compiler $option -I"$SOURCE/include" -c twelve*.c main.c
			for linker in bfd gold lld mold; do
				case $compiler$linker$option in
				gcclld*-flto | clangbfd*-flto) continue ;;
				esac
				twelve $compiler $option -fuse-ld=$linker
				[ "$option" != -O2 ] || twelve $compiler $option -fuse-ld=$linker $GC
			done
		done
	done
}

@test "no marked variable at all" {
	echo '#include <memseal-globals.h>
		int main(void) { return memseal_globals_freeze() || memseal_globals_freeze(); }' >none.c
	for linker in bfd gold lld mold; do
		need ld.$linker
		gcc -O2 -I"$SOURCE/include" none.c -o none -fuse-ld=$linker -L"$BUILD" -lmemseal
		./none
	done
}

@test "programs that mark nothing get no section of any size" {
	echo '#include <memseal-globals.h>
		int main(void) { return memseal_version() == 0; }' >none.c
	for linker in bfd gold lld mold; do
		need ld.$linker
		gcc -O2 -I"$SOURCE/include" none.c -o none -fuse-ld=$linker -L"$BUILD" -lmemseal
		readelf -SW none | awk '/memseal_ro/ && $(NF - 5) !~ /^0+$/ && !/ 000000 / { print; bad = 1 }
			END { exit bad }'
	done
}

# An object that names the section without the header, and then another: that one comes between.
@test "something in the way is an error, and nothing is frozen" {
	cat >foreign.c <<-'END'
		int foreign __attribute__((section("memseal_ro_after_init"), used)) = 1;
		int other __attribute__((section("others"), used)) = 2;
	END
	cat >main.c <<-'END'
		#include <errno.h>
		#include <memseal-globals.h>
		#include <stdio.h>
		extern int foreign, other;
		static MEMSEAL_RO_AFTER_INIT int own;
		int main(void)
		{
			if (memseal_globals_freeze() != -ENOEXEC)
				return 1;
			foreign = other = own = 3;
			return puts("fine") < 0;
		}
	END
	for linker in bfd gold lld; do
		need ld.$linker
		gcc -I"$SOURCE/include" foreign.c main.c -o program -fuse-ld=$linker -L"$BUILD" -lmemseal
		fine
	done
}

# refused PATTERN COMPILER DECLARATION
refused() {
	local pattern=$1 compiler=$2
	printf '#include <memseal-globals.h>\n%s\nint freeze(void);\nint freeze(void) { return memseal_globals_freeze(); }\n' \
		"$3" >wrong.c
	refute "$compiler" -x "$(language "$compiler")" -Werror -O2 -fPIC -I"$SOURCE/include" -c wrong.c \
		-o wrong.o 2>log
	grep -iE "$pattern" log
}

@test "what cannot be marked does not compile" {
	for compiler in gcc g++ clang clang++; do
		need $compiler
		refused 'section type conflict' $compiler 'extern const int x; const MEMSEAL_RO_AFTER_INIT int x = 5;'
		refused 'section.* attribute' $compiler 'void f(void); void f(void) { MEMSEAL_RO_AFTER_INIT int x = 5; (void)x; }'
		refused 'section.* attribute' $compiler 'struct s { MEMSEAL_RO_AFTER_INIT int x; };'
		refused 'attribute ignored' $compiler 'extern MEMSEAL_RO_AFTER_INIT int x;'
		refused 'section type conflict' $compiler 'MEMSEAL_RO_AFTER_INIT int f(void); int f(void) { return 1; }'
	done
	for compiler in gcc g++; do
		refused 'section type conflict' $compiler 'MEMSEAL_RO_AFTER_INIT __thread int x;'
	done
}

# thread_local LINKER: a program that marks such a variable in one object, and freezes in another
thread_local() {
	echo '#include <memseal-globals.h>
		MEMSEAL_RO_AFTER_INIT __thread int local = 1;' >local.c
	echo '#include <memseal-globals.h>
		#include <errno.h>
		static MEMSEAL_RO_AFTER_INIT int own;
		extern __thread int local;
		int main(void) { return own + local != 1 || memseal_globals_freeze() != -ENOEXEC; }' >main.c
	gcc -I"$SOURCE/include" local.c main.c -o program -fuse-ld=$1 -L"$BUILD" -lmemseal
}

@test "thread-local variables are refused by GNU ld's programs, and by lld" {
	need ld.lld
	thread_local bfd
	./program
	run thread_local lld
	[ "$status" -ne 0 ]
	[[ $output == *memseal_ro_after_init* ]]
}

# See the page: they give it a section of its own, by the same name.
@test "thread-local variables are not seen by gold" {
	run thread_local gold
	[ "$status" -eq 0 ]
	run ./program
	[ "$status" -eq 1 ]
}

@test "a program that memseal run has sealed" {
	objects gcc o -O2 -fPIE
	link gcc o -pie -L"$BUILD" -lmemseal
	[ "$("$BUILD/memseal" run ./program)" = fine ]
}

@test "musl, static and dynamic" {
	need musl-gcc
	musl_library "$BATS_TEST_TMPDIR/libmemseal.a"
	objects musl-gcc o -O2 -fPIE
	link musl-gcc o -static libmemseal.a
	fine
	link musl-gcc o -pie libmemseal.a
	fine
	objects musl-gcc so.o -O2 -fPIC -DLIBRARY
	musl-gcc -shared globals-more.so.o globals.so.o -o one.so libmemseal.a
	objects musl-gcc o -O2 -fPIE -DWITH_DLOPEN
	link musl-gcc o -pie libmemseal.a
	fine ./one.so
}

# What another machine's linker makes of it: address, size and the address of the padding.
layout() {
	"$1-gcc" -O2 $2 -nostdlib -D_GNU_SOURCE -I"$SOURCE/include" "$HELPERS/globals-more.c" \
		"$HELPERS/globals.c" -DLIBRARY -Wl,--unresolved-symbols=ignore-all -Wl,-e,globals_check -o image
	"$1-readelf" -SW image | /usr/bin/python3 -c '
import re, sys
found = {}
for name, start, size in re.findall(r"(memseal_ro\w+) +PROGBITS +(\w+) \w+ (\w+)", sys.stdin.read()):
    found[name] = int(start, 16), int(size, 16)
start, size = found["memseal_ro_after_init"]
pad, pad_size = found["memseal_ro_after_init_end"]
page = int(sys.argv[1])
sys.exit(start % page != 0 or size == 0 or pad != start + size or pad_size != page)' "$3"
}

@test "other architectures" {
	for option in -shared\ -fPIC '-static -fno-pie' '-static -flto' "-static -ffunction-sections $GC"; do
		for machine in 'aarch64-linux-gnu 65536' 'arm-linux-gnueabihf 65536' \
			'riscv64-linux-gnu 4096' 'i686-linux-gnu 4096'; do
			need "${machine% *}-gcc"
			layout "${machine% *}" "$option" "${machine#* }"
		done
	done
}
