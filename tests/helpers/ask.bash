# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# What the tests ask about the programs of this machine: which awk, sh or interpreter there is, and
# how it is linked, differs.

# needs CMD...: the test is skipped on a machine without one of them.
needs() {
	local cmd

	for cmd; do
		command -v "$cmd" >/dev/null || skip "no $cmd here"
	done
}

# fixed_address CMD...: is one of them linked to a fixed address? The filter engine refuses those.
# Debian 12 has gawk, gcc, node and python3 like that.
fixed_address() {
	local cmd

	for cmd; do
		readelf -h "$(command -v "$cmd")" 2>/dev/null | grep -q 'Type: *EXEC' && return
	done
	return 1
}

# needs_pie CMD...: the test is skipped on a machine where one is missing, or the filter engine
# would refuse it.
needs_pie() {
	local cmd

	needs "$@"
	for cmd; do
		! fixed_address "$cmd" || skip "$cmd is linked to a fixed address here"
	done
}

# The number of a system call; that of mseal, which is the same everywhere, no header may know.
MSEAL=462
number_of() { # call
	printf '#include <sys/syscall.h>\n#ifndef SYS_mseal\n#define SYS_mseal %s\n#endif\nSYS_%s' \
		$MSEAL "$1" | cc -E - | tail -n 1
}
