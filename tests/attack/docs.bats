# SPDX-License-Identifier: MIT
# docs/attacks.md shows the tables that the attack tests hold.

table=${BUILD:?}/tests/attack-table
page=${SOURCE:?}/docs/attacks.md

shown() {
	awk -v begin="<!-- attack-table $1 -->" '
		$0 == begin { inside = 1; next }
		$0 == "<!-- end -->" { inside = 0 }
		inside' "$page"
}

@test "every lock's table is the one that the tests hold" {
	for lock in $("$table" | cut -f 1 | uniq); do
		diff <(shown "$lock") <("$table" "$lock")
	done
}
