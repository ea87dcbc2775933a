# SPDX-License-Identifier: MIT
# The manual against the header and the program.

load api

# Words of a page's text that stand behind a macro, one a line: "Fl -json" gives --json.
options_of() {
	sed -n 's/^\.It //p' "$1" | grep -oE 'Fl (-[a-z][a-z-]*|[a-zA-Z])|, -[a-z][a-z-]*' |
		sed -e 's/^Fl -/--/' -e 's/^Fl /-/' -e 's/^, -/--/' | sort -u
}

@test "every function of the headers is named in a page" {
	for name in $(declared); do
		grep -lE "^\.Nm $name( ,)?$" "$SOURCE"/man/*.3 || {
			echo "$name has no page"
			return 1
		}
	done
}

@test "every function in a page is in a header" {
	diff <(declared) <(sed -n 's/^\.Nm \(m[a-z_]*\)\( ,\)\{0,1\}$/\1/p' "$SOURCE"/man/*.3 |
		grep -vx memseal | sort -u)
}

@test "every error of the headers is in the page of its function" {
	for name in memseal_range memseal_query memseal_self memseal_probe memseal_filter_allow \
			memseal_globals_freeze; do
		for error in $(awk -v name="$name" '
				/^\/\*/ { comment = "" }
				{ comment = comment $0 }
				$0 ~ "[ *]" name "\\(" && !/^ \*/ { print comment; exit }' "${HEADERS[@]}" |
				grep -oE -- '-E[A-Z]+' | tr -d -); do
			grep -E "Er .*\b$error\b|Er $error" "$SOURCE/man/$name.3" || {
				echo "$name: $error"
				return 1
			}
		done
	done
}

# The commands of a page: the names that it gives itself.
commands_of() {
	sed -n '/^\.Sh SYNOPSIS/q; s/^\.Nm memseal-\([a-z]*\)\( ,\)\{0,1\}$/\1/p' "$1"
}

help_options() {
	"$BUILD/memseal" "$1" --help | grep -oE '^ +(-[a-zA-Z], )?--[a-z-]+|^ +-[a-zA-Z]\b' |
		grep -oE -- '-{1,2}[a-zA-Z][a-z-]*'
}

@test "the options of --help are those of the page" {
	for page in "$SOURCE"/man/memseal-*.1; do
		diff <(for command in $(commands_of "$page"); do help_options "$command"; done | sort -u) \
			<(options_of "$page")
	done
}

@test "every command has a page, and memseal(1) names it" {
	for command in $("$BUILD/memseal" --help | sed -n '/^Commands:/,/^$/s/^  \([a-z]*\) .*/\1/p'); do
		[ "$(for page in "$SOURCE"/man/memseal-*.1; do commands_of "$page"; done | grep -cx "$command")" = 1 ]
		grep -x "\.It Cm $command" "$SOURCE/man/memseal.1"
	done
}
