# shellcheck shell=bash disable=SC2034
# SPDX-License-Identifier: MIT
# What the tests of real programs share. BUILD is the build directory; MEMSEAL_RUN_OPTIONS are more
# options for memseal run.
bats_require_minimum_version 1.5.0

: "${BUILD:?the build directory}"

# shellcheck source=tests/helpers/ask.bash
source "${BASH_SOURCE[0]%/*}/../helpers/ask.bash"

memseal=$BUILD/memseal
tree_audit=$BUILD/tests/tree-audit
src=$BATS_TEST_DIRNAME/src

# Output that no two runs have in common, as sed commands: "s/pid [0-9]*/pid N/".
volatile=

# Static programs that CMD starts: no preloaded library reaches them, and they stay unsealed.
static=

# observe NAME CMD...: runs it in an empty directory; its output, errors and status go to files.
observe() {
	local at=$BATS_TEST_TMPDIR/$1 work=$BATS_TEST_TMPDIR/work status=0
	shift

	rm -rf "$work"
	mkdir "$work"
	(cd "$work" && exec "$@") </dev/null >"$at.out" 2>"$at.err" || status=$?
	echo "$status" >"$at.status"
	sed -i -e "$volatile" "$at.out" "$at.err"
}

# all_sealed MIN: the last tree had MIN processes or more, and each was wholly sealed at its end.
all_sealed() {
	local audit=$BATS_TEST_TMPDIR/audit

	if awk -F '\t' -v min="$1" -v static="$static" '
	    $5 != "sealed" || $2 != "100.00" { bad += $6 != static || $5 != "unsealed" }
	    END { exit bad || NR < min }' "$audit"; then
		return
	fi
	echo "$1 processes or more, all sealed, were expected; there were:"
	cat "$audit"
	return 1
}

# succeeds CMD...: the unsealed control.
succeeds() {
	observe plain "$@"
	[ "$(cat "$BATS_TEST_TMPDIR/plain.status")" = 0 ] && return
	echo "unsealed, $1 gives status $(cat "$BATS_TEST_TMPDIR/plain.status")"
	tail -n 20 "$BATS_TEST_TMPDIR/plain.out" "$BATS_TEST_TMPDIR/plain.err"
	return 1
}

# run_same OPTION CMD...: under memseal run with this option it does what the control did.
run_same() {
	local at=$BATS_TEST_TMPDIR option=$1 part
	shift

	# shellcheck disable=SC2086 # several options
	observe sealed "$tree_audit" "$at/audit" "$memseal" run "$option" ${MEMSEAL_RUN_OPTIONS:-} \
		-- "$@"
	for part in status err out; do
		diff -u --label "unsealed $part" --label "sealed $part" \
			"$at/plain.$part" "$at/sealed.$part" | head -n 40
		cmp -s "$at/plain.$part" "$at/sealed.$part" || return 1
	done
}

# sealed_same MIN CMD...: sealed, it does what the control did, and all MIN processes are sealed.
sealed_same() {
	run_same --engine=auto "${@:2}" && all_sealed "$1"
}

# Filters that this shell has itself, in a container perhaps.
own_filters=$(awk '$1 == "Seccomp_filters:" { print $2 }' /proc/self/status)

# all_filtered MIN: the last tree had MIN processes or more, and each had a filter more than this
# shell at its end. What a filter holds cannot be seen from outside: tests/agent/filter.bats tries.
all_filtered() {
	local audit=$BATS_TEST_TMPDIR/audit

	if awk -F '\t' -v min="$1" -v own="$own_filters" '
	    $7 == "-" || $7 <= own { bad++ }
	    END { exit bad || NR < min }' "$audit"; then
		return
	fi
	echo "$1 processes or more, with more than $own_filters filters, were expected; there were:"
	cat "$audit"
	return 1
}

# same MIN CMD...: CMD succeeds, does the same under memseal run, in a tree of MIN processes or
# more that are all sealed at their end.
same() {
	succeeds "${@:2}" && sealed_same "$@"
}

# refused_by_filter CMD...: the filter engine does not start it, and says why.
refused_by_filter() {
	run -125 --separate-stderr "$memseal" run --engine=filter -- "$@"
	# shellcheck disable=SC2154 # set by run
	[ -z "$output" ] && [[ "$stderr" == memseal*"linked to a fixed address"* ]]
}

# filtered_same MIN CMD...: the same with the filter engine, or refused if CMD is linked to a fixed
# address; none of what it starts may be.
filtered_same() {
	if fixed_address "$2"; then
		refused_by_filter "${@:2}"
	else
		run_same --engine=filter "${@:2}" && all_filtered "$1"
	fi
}

# same_by_both MIN CMD...: the same with either engine.
same_by_both() {
	same "$@" && filtered_same "$@"
}

# prints REGEX: one of the lines that the control printed matches.
prints() {
	grep -E -q -e "$1" "$BATS_TEST_TMPDIR/plain.out" && return
	echo "nothing printed matches $1:"
	head -n 20 "$BATS_TEST_TMPDIR/plain.out"
	return 1
}
