# SPDX-License-Identifier: MIT
# What becomes of libraries: the holes in them, and those that a program closes.

bats_require_minimum_version 1.5.0

load ../helpers/agent

# holes: opens its first argument, and says what becomes of pages that are mapped in the place of
# what lies between its segments; then what is sealable of it all, and what audit says.
holes() {
	compile holes "$@" <<-'END'
		#define _GNU_SOURCE
		#include <dlfcn.h>
		#include <errno.h>
		#include <link.h>
		#include <stdio.h>
		#include <stdlib.h>
		#include <string.h>
		#include <sys/mman.h>
		#include <unistd.h>
		static unsigned long page;
		static void replace(unsigned long at, const char *where)
		{
			void *r = mmap((void *)at, page, PROT_READ | PROT_EXEC,
				MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
			printf(" %s %s", where, r != MAP_FAILED ? "ok" : errno == EPERM ? "EPERM" : "other");
		}
		static int find(struct dl_phdr_info *info, size_t size, void *name)
		{
			unsigned long end = 0, start;
			(void)size;
			if (!strstr(info->dlpi_name, name))
				return 0;
			for (int i = 0; i < info->dlpi_phnum; i++) {
				const ElfW(Phdr) *load = &info->dlpi_phdr[i];
				if (load->p_type != PT_LOAD)
					continue;
				start = (info->dlpi_addr + load->p_vaddr) & -page;
				if (end && start > end) {
					replace(end, "first");
					replace((start - end) / 2 / page * page + end, "middle");
					replace(start - page, "last");
				}
				end = (info->dlpi_addr + load->p_vaddr + load->p_memsz + page - 1) & -page;
			}
			return 1;
		}
		int main(int argc, char **argv)
		{
			char command[300];
			page = (unsigned long)sysconf(_SC_PAGESIZE);
			if (argc < 2 || !dlopen(argv[1], RTLD_NOW))
				return puts(dlerror());
			(void)dlsym(RTLD_DEFAULT, "nothing"); /* musl: when what was opened is sealed */
			snprintf(command, sizeof(command), "LD_PRELOAD= %s audit --raw --noheadings "
				"--output STATE,SEALABLE %d", getenv("MEMSEAL"), getpid());
			if (system(command) == -1)
				return 1;
			dl_iterate_phdr(find, argv[1]);
			puts("");
			return 0;
		}
	END
	export MEMSEAL
}

# with_holes FILE [OPTION...]: three holes of nearly 2 MiB and more.
with_holes() {
	compile "$1" -shared -fPIC -Wl,-z,max-page-size=0x200000 "${@:2}" <<-'END'
		int data[5000] = { 1 }, bss[5000];
		int *const relro = data;
		int seven(void) { return 7; }
	END
}

all_holes_are() { # answer, hole after hole
	local holes

	holes=$(grep -o 'first [a-zA-Z]* middle [a-zA-Z]* last [a-zA-Z]*' <<<"$output")
	[ "$(wc -l <<<"$holes")" -ge "$2" ]
	[ "$(sort -u <<<"$holes")" = "first $1 middle $1 last $1" ]
}

@test "holes in a library are sealed with it, and do not count" {
	holes -ldl
	with_holes ./libholes.so -Wl,-z,separate-code
	run -0 ./holes ./libholes.so
	all_holes_are ok 3
	for how in '' --strict --data --engine=filter; do
		# shellcheck disable=SC2086
		run -0 "$MEMSEAL" run $how ./holes ./libholes.so
		echo "$how: $output"
		all_holes_are EPERM 3
		[ -n "$how" ] || sealable=${lines[0]}
	done
	echo "$sealable"
	[[ "$sealable" == "sealed "* ]]
	[ "${sealable#sealed }" -gt 0 ]
	[ "${sealable#sealed }" -lt $((6 << 20)) ] # the holes have 8 MiB
	with_holes ./libholes.so -Wl,-z,noseparate-code
	run -0 ./holes ./libholes.so
	all_holes_are ok 1
	run -0 "$MEMSEAL" run ./holes ./libholes.so
	all_holes_are EPERM 1
	run -0 "$MEMSEAL" run --no-dlopen ./holes ./libholes.so
	all_holes_are ok 1
}

@test "holes as musl leaves them" {
	needs musl-gcc
	CC=musl-gcc
	holes
	with_holes ./libholes.so -Wl,-z,separate-code
	run -0 ./holes ./libholes.so
	all_holes_are ok 2
	run -0 "$MEMSEAL" run ./holes ./libholes.so
	echo "$output"
	all_holes_are EPERM 2
}

library_of() { # FILE, what version() answers; tells when it is unloaded
	compile "$1" -shared -fPIC -D"VERSION=$2" <<-'END'
		#include <stdio.h>
		static int calls;
		int version(void) { return VERSION * 10 + ++calls; }
		__attribute__((destructor)) static void leave(void) { puts("left"); }
	END
}

# What a plugin host does: opens, calls, closes; the file is replaced; once more.
@test "a library that is closed, built anew and opened: the old one; the new one with --no-dlopen" {
	compile host -ldl <<-'END'
		#include <dlfcn.h>
		#include <stdio.h>
		static void use(void)
		{
			void *library = dlopen("./plugin.so", RTLD_NOW);
			int (*version)(void) = library ? (int (*)(void))dlsym(library, "version") : NULL;
			printf("%d\n", version ? version() : -1);
			if (library)
				dlclose(library);
		}
		int main(void)
		{
			setvbuf(stdout, NULL, _IONBF, 0);
			use();
			if (rename("new.so", "plugin.so"))
				return 1;
			use();
			puts("end");
			return 0;
		}
	END
	replaced() { # command...
		library_of plugin.so 1
		library_of new.so 2
		run -0 "$@"
	}
	new_one=$'11\nleft\n21\nleft\nend'
	replaced ./host
	[ "$output" = "$new_one" ]
	for how in '' --strict --engine=filter; do
		# shellcheck disable=SC2086
		replaced "$MEMSEAL" run $how ./host
		[ "$output" = $'11\n12\nend\nleft' ]
		# shellcheck disable=SC2086
		replaced "$MEMSEAL" run --no-dlopen $how ./host
		[ "$output" = "$new_one" ]
	done
}

@test "namespaces that a program opens and closes: glibc has 15 of them" {
	compile namespaces -ldl <<-'END'
		#define _GNU_SOURCE
		#include <dlfcn.h>
		#include <stdio.h>
		int main(void)
		{
			for (int i = 1; i <= 40; i++) {
				void *library = dlmopen(LM_ID_NEWLM, "./plugin.so", RTLD_NOW);
				if (!library)
					return printf("%d: %s\n", i, dlerror()) < 0;
				dlclose(library);
			}
			return puts("all") < 0;
		}
	END
	echo 'int seven(void) { return 7; }' | compile plugin.so -shared -fPIC
	run -0 ./namespaces
	[ "$output" = all ]
	run -0 "$MEMSEAL" run --no-dlopen ./namespaces
	[ "$output" = all ]
	run -0 "$MEMSEAL" run ./namespaces
	echo "$output"
	[[ "$output" == "16: "*"no more namespaces available for dlmopen()"* ]]
}
