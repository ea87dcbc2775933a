# SPDX-License-Identifier: MIT
# Every system call of the agent fails once, in turn. Whatever happens, the program either does not
# start, or is sealed, or the user is told what is not.

bats_require_minimum_version 1.5.0

load ../helpers/ask

COVERAGE_SELF=$BUILD/tests/coverage-self
AGENT_FAULTY=$BUILD/tests/libmemseal-agent-faulty.so
MREMAP=$(number_of mremap)
SECCOMP=$(number_of seccomp)
LIBRARIES="libm.so.6 libresolv.so.2"

# The engine: kernel, whose seals are read, or filter, which shows by trying alone. strict: the kernel
# engine, and bytes that are tried.
use() {
	agent=
	try=
	case $1 in
	filter) agent=filter try=-t ;;
	strict) agent=strict,data try=-s ;;
	esac
}

@test "without a fault the program is covered; without the agent it is not" {
	for engine in kernel filter strict; do
		use $engine
		run -0 env MEMSEAL_AGENT=$agent LD_PRELOAD="$AGENT_FAULTY" \
			"$COVERAGE_SELF" $try $LIBRARIES
		[ "${lines[0]}" = main ]
		[ "${lines[1]}" = covered ]
		run -0 "$COVERAGE_SELF" $try $LIBRARIES
		[ "${lines[0]}" = main ]
		[[ "${lines[1]}" == "gap "* ]]
	done
}

every_fault_is_honest() { # engine, and how each call fails
	use "$1"
	python3 "$SOURCE/tests/helpers/fault-walk.py" "$AGENT_FAULTY" "$agent" "$2" \
		"$COVERAGE_SELF" $try $LIBRARIES
}

@test "each system call failing once ends in a refusal, a seal, or a message" {
	every_fault_is_honest kernel each
}

@test "so it does under the filter engine" {
	every_fault_is_honest filter turns
}

@test "so it does when bytes are locked and data is held" {
	every_fault_is_honest strict turns
}

# Whoever looks from outside: limits, no more mappings, threads that fork, open and write, a fork at
# each call.
@test "whatever disturbs it, what is sealed or held refuses every attack, and the rest is told" {
	"${CC:-cc}" -O1 -D_GNU_SOURCE -pthread -o "$BATS_TEST_TMPDIR/agent-walked" \
		"$SOURCE/tests/helpers/agent-walked.c" -ldl
	run -0 python3 "$SOURCE/tests/truth/agent.py" "$BUILD" "$BATS_TEST_TMPDIR/agent-walked"
	[[ "$output" == *" disturbances" ]]
}

@test "a seccomp filter that refuses mremap does not make memory look sealed" {
	for errno in 1 13 38; do
		run -125 --separate-stderr "$BUILD/tests/deny-syscall" "$MREMAP" $errno \
			env LD_PRELOAD="$BUILD/libmemseal-agent.so" "$COVERAGE_SELF"
		[ -z "$output" ]
		[[ "$stderr" == *"cannot ask mremap(2) what is sealed"* ]]
	done
}

# memseal run asks before it starts the first program; so this filter is of a program further down.
@test "a seccomp filter that was there and refuses mseal: the program runs, unsealed" {
	for errno in 1 38 kill; do
		run -0 --separate-stderr "$BUILD/tests/deny-syscall" "$MSEAL" $errno \
			env LD_PRELOAD="$BUILD/libmemseal-agent.so" "$COVERAGE_SELF"
		[ "${lines[0]}" = main ]
		[[ "${lines[1]}" == "gap "* ]]
		[ -z "$stderr" ]
		[ "$errno" = kill ] ||
			run -125 "$BUILD/tests/deny-syscall" "$MSEAL" $errno "$BUILD/memseal" run \
				--engine=kernel "$COVERAGE_SELF"
	done
}

# The program is covered, or it did not start, and somebody said why.
is_covered_or_refused() { # status, output, errors
	case $1 in
	0) [ "$2" = $'main\ncovered' ] ;;
	125) [ -z "$2" ] && [[ "$3" == "memseal"*": "* ]] ;;
	126) [[ "$3" == "memseal run: "* ]] ;;
	*) false ;;
	esac
}

@test "no answer of a seccomp filter in the kernel's place makes a program start unsealed" {
	local call nr answer mode try
	for call in clone rt_sigprocmask mprotect mremap madvise ioctl memfd_create ftruncate seccomp mseal; do
		nr=$(number_of $call)
		for mode in --engine=kernel "--engine=kernel --strict" --engine=filter "--engine=filter --strict"; do
			try=
			[[ "$mode" != *filter* ]] || try=-t
			[[ "$mode" != *"kernel --strict" ]] || try=-s
			for answer in 0 1; do
				[ $call$answer != mprotect1 ] || continue # ld.so starts nothing then
				# shellcheck disable=SC2086 # one or more
				run --separate-stderr timeout 10 "$BUILD/tests/deny-syscall" "$nr" $answer \
					"$BUILD/memseal" run $mode "$COVERAGE_SELF" $try
				is_covered_or_refused "$status" "$(head -n 2 <<<"$output")" "$stderr" || {
					echo "$mode, $call answers $answer: $status, $output, $stderr"
					return 1
				}
			done
		done
	done
}

@test "a seccomp filter that answers 0 to mseal and seals nothing is found out" {
	run -125 --separate-stderr "$BUILD/tests/deny-syscall" "$MSEAL" 0 \
		env LD_PRELOAD="$BUILD/libmemseal-agent.so" "$COVERAGE_SELF"
	[ -z "$output" ]
	[[ "$stderr" == *"cannot seal"*"(EOPNOTSUPP)"* ]]
	run -0 --separate-stderr "$BUILD/tests/deny-syscall" 9999 0 \
		env LD_PRELOAD="$BUILD/libmemseal-agent.so" "$COVERAGE_SELF"
	[ -n "$output" ]
}

# RELRO, which the loader believes to have made read-only, would be sealed as it is.
@test "a seccomp filter that answers 0 to mprotect and protects nothing is found out" {
	local nr
	nr=$(number_of mprotect)
	run -0 "$BUILD/tests/deny-syscall" "$nr" 0 "$COVERAGE_SELF"
	[ "${lines[0]}" = main ]
	run -125 --separate-stderr "$BUILD/tests/deny-syscall" "$nr" 0 \
		env LD_PRELOAD="$BUILD/libmemseal-agent.so" "$COVERAGE_SELF"
	[ -z "$output" ]
	[[ "$stderr" == *"cannot copy to anonymous memory what differs from its file"*"(EOPNOTSUPP)"* ]]
}

@test "a seccomp filter that answers 0 to seccomp and installs nothing is found out" {
	run -125 --separate-stderr "$BUILD/tests/deny-syscall" "$SECCOMP" 0 \
		env MEMSEAL_AGENT=filter LD_PRELOAD="$BUILD/libmemseal-agent.so" "$COVERAGE_SELF"
	[ -z "$output" ]
	[[ "$stderr" == *"cannot install a seccomp filter"*"(EOPNOTSUPP)"* ]]
}
