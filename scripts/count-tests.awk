# SPDX-License-Identifier: MIT
# Sums up meson-logs/NAME.json of `meson test`, a test a line: prints how many cases passed, failed
# and were skipped, and on standard error which were not passed. A TAP program's cases count one by
# one; it fails once more if it fails though none of them does, as when it is killed.
# What "a sanitized program" cannot do the other build has done: it is not counted.

function tell(kind, name, what) {
	print kind " " name ": " what >"/dev/stderr"
}

{
	name = $0
	sub(/^\{"name": "/, "", name)
	sub(/".*/, "", name)
	result = $0
	sub(/.*", "result": "/, "", result)
	sub(/".*/, "", result)
	output = $0
	if (!sub(/^\{"name": "[^"]*", "stdout": "/, "", output))
		output = ""
	sub(/", "result": ".*/, "", output)
	cases = bad = 0
	count = split(output, lines, /\\n/)
	for (i = 1; i <= count; i++) {
		if (lines[i] ~ /^not ok /) {
			cases++
			bad++
			failed++
			tell("failed", name, lines[i])
		} else if (lines[i] ~ /^ok .*# [sS][kK][iI][pP].*a sanitized program/) {
			cases++
		} else if (lines[i] ~ /^ok .*# [sS][kK][iI][pP]/) {
			cases++
			skipped++
			tell("skipped", name, lines[i])
		} else if (lines[i] ~ /^ok /) {
			cases++
			passed++
		}
	}
	if (result == "SKIP" && !cases) {
		skipped++
		tell("skipped", name, output)
	} else if (result == "OK" && !cases) {
		passed++
	} else if (result != "OK" && result != "SKIP" && !bad) {
		failed++
		tell("failed", name, result)
	}
}

END {
	if (!NR)
		exit 1
	print passed + 0, failed + 0, skipped + 0
}
