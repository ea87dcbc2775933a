# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# What tests of the agent begin with: a directory of their own, and programs that they compile there.

# shellcheck source=tests/helpers/ask.bash
source "${SOURCE:?}/tests/helpers/ask.bash"

MEMSEAL=${BUILD:?}/memseal
AGENT=$BUILD/libmemseal-agent.so

setup() {
	cd "$BATS_TEST_TMPDIR" || return
}

compile() { # output, options...; the source comes from stdin
	local out=$1
	shift
	"${CC:-cc}" -x c - -o "$out" "$@"
}
