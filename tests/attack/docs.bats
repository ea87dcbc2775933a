#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# docs/attacks.md shows the tables that the attack tests hold.

: "${ATTACK_TABLE:?attack-table from tests/helpers}"

page=$BATS_TEST_DIRNAME/../../docs/attacks.md

shown() {
	awk -v begin="<!-- attack-table $1 -->" '
		$0 == begin { inside = 1; next }
		$0 == "<!-- end -->" { inside = 0 }
		inside' "$page"
}

@test "every lock's table is the one that the tests hold" {
	for lock in $("$ATTACK_TABLE" | cut -f 1 | uniq); do
		diff <(shown "$lock") <("$ATTACK_TABLE" "$lock")
	done
}
