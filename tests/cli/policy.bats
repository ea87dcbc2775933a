#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# memseal policy: what is accepted, what is complained of and where, whose files count, and what
# applies to a program.

setup() {
	bats_require_minimum_version 1.5.0
	# Whoever runs this is root in a namespace of its own, and owns what it makes.
	command=("$BUILD/memseal")
	[ "$(id -u)" -eq 0 ] || command=("$(command -v unshare)" -r "$BUILD/memseal")
	export LC_ALL=C.UTF-8
	root=$BATS_TEST_TMPDIR/root
	dir=$("$BUILD/memseal" policy --help | grep -o '/[^ ,]*/policy\.d')
	mkdir -p "$root$dir"
	file=$root$dir/10-test.conf
}

policy() {
	"${command[@]}" policy "$@"
}

check() {
	policy check --root="$root" "$@"
}

explain() {
	policy explain --root="$root" --noheadings --raw "$@"
}

# A rule or several, a line each.
rules() {
	printf '%s\n' "$@" > "$file"
}

# Adds a line that is wrong, between others that are not, at this severity, with this text.
expect() {
	printf '%s\n' "/fine$number off" "$1" >> "$file"
	number=$((number + 2))
	expected+=("$file:$number: $2: *$3*")
}

# They are, each of them, and nothing else.
found_expected() {
	run -1 check
	[ "${#lines[@]}" -eq "${#expected[@]}" ]
	for i in "${!expected[@]}"; do
		# shellcheck disable=SC2053 # a pattern
		[[ ${lines[i]} == ${expected[i]} ]] || {
			echo "${lines[i]} is not ${expected[i]}"
			return 1
		}
	done
}

# A dynamic program at a path of the root.
program() {
	mkdir -p "$(dirname "$root$1")"
	cp /bin/true "$root$1"
}

# decided PROGRAM EXPECTED...: ACTION and LINE for the programs at these paths.
decided() {
	local programs=() expected=() i

	for ((; $# > 0; )); do
		program "$1"
		programs+=("$1")
		expected+=("$2")
		shift 2
	done
	run -0 explain --output action,line "${programs[@]}"
	for i in "${!programs[@]}"; do
		[ "${lines[i]% }" = "${expected[i]}" ] || { # no rule, no line
			echo "${programs[i]}: ${lines[i]}, not ${expected[i]}"
			return 1
		}
	done
}

@test "no directory and no rules are fine" {
	run -0 check
	[ "$output" = "0 rules, nothing is wrong" ]
	rm -r "${root:?}${dir:?}"
	run -0 check
	run -0 policy check --root="$BATS_TEST_TMPDIR/root"
	run -1 policy check --root="$BATS_TEST_TMPDIR/none"
	[[ $output == *"/none: error: cannot be read: No such file or directory" ]]
}

@test "every word, alone and with others" {
	rules '/1 seal' '/2 off' '/3 strict' '/4 data' '/5 no-new-code' '/6 no-dlopen' \
		'/7 seal,strict,data,no-new-code,no-dlopen,children' '/8 children,off'
	run -0 check
	[ "$output" = "8 rules, nothing is wrong" ]
	decided /3 "seal,strict 3" \
		/7 "seal,data,no-dlopen,no-new-code,strict,children 7" \
		/8 "off,children 8"
}

@test "every option of memseal run but allow-unsealed is a word" {
	for option in $("$BUILD/memseal" run --help | grep -oE '^ +--[a-z-]+ ' | sed 's/[ ]*--//'); do
		[ "$option" = allow-unsealed ] && continue
		rules "/a $option"
		run -0 check
		[[ $("$BUILD/memseal" policy --help) == *" $option "* ]]
	done
	[[ $("$BUILD/memseal" policy --help) != *allow-unsealed* ]]
}

@test "each error has its line and a remedy" {
	number=0 expected=()
	expect '/a' error "'/a': no action: write"
	expect '/a children' error "'children': no action: write"
	expect '/a stric' error "'stric': unknown word"
	expect '/a off,' error "unknown word"
	expect '/a OFF' error "'OFF': unknown word"
	expect '/a allow-unsealed' error "'allow-unsealed': allow-unsealed has no meaning here"
	expect '/a off,strict' error "'off,strict': off seals nothing"
	expect '/a seal,off' error "off seals nothing"
	expect '/a strict,data,strict' error "'strict': the same word twice"
	expect '/a off strict' error "'strict': more than a pattern and an action"
	expect '/a b off' error "'b': unknown word"
	expect 'bin/a off' error "'bin/a': not an absolute path"
	expect '*a off' error "not an absolute path"
	expect '** off' error "not an absolute path"
	expect '"" off' error "not an absolute path"
	expect '/bin//a off' error "no program has such a path"
	expect '/bin/../a off' error "no program has such a path"
	expect '/bin/./a off' error "no program has such a path"
	expect '/bin/ off' error "no program has such a path"
	expect '"/a off' error "quotes"
	expect '"/a"b off' error "quotes"
	expect '"/a\b" off' error "quotes"
	expect '/a" off' error "quotes"
	expect '/a\ b off' error "quotes"
	expect $'/a off\r' error "a control character"
	expect $'/a\x01 off' error "a control character"
	expect "/$(printf '%01024d' 0) off" error "longer than 1024 bytes"
	found_expected
	rules "/$(printf '%01023d' 0) off"
	run -0 check
}

@test "several errors are found at once, in all files" {
	rules '/a' '/b off' 'c off'
	printf '/d nothing\n/e off\n' > "$root$dir/20-more.conf"
	run -1 check
	[ "${#lines[@]}" -eq 3 ]
	[[ ${lines[0]} == "$file:1: "* && ${lines[1]} == "$file:3: "* ]]
	[[ ${lines[2]} == "$root$dir/20-more.conf:1: "* ]]
}

@test "comments, blanks and a last line without an end" {
	printf '# comment\n\n \t \n  /a\toff# none\n/b off # one, more\n#/c off\n/d off' > "$file"
	run -0 check
	[ "$output" = "3 rules, nothing is wrong" ]
	decided /d "off 7" \
		/c "seal"
}

@test "quotes keep blanks, number signs, quotes and backslashes" {
	rules '"/a b" off' '"/a#b" off' '"/a\"b" off' '"/a\\b" off' '"/a b*" strict'
	run -0 check
	decided '/a b' "off 1" \
		'/a#b' "off 2" \
		'/a"b' "off 3" \
		'/a\b' "off 4" \
		'/a bc' "seal,strict 5" \
		/a seal
}

@test "the first match decides, over all files in the order of their names" {
	rules '/usr/bin/a strict' '/usr/bin/* off'
	printf '/usr/bin/b strict\n/usr/* data\n' > "$root$dir/9.conf"
	printf '/usr/bin/c strict\n' > "$root$dir/1.conf"
	decided /usr/bin/a "seal,strict 1" \
		/usr/bin/b "off 2" \
		/usr/bin/c "seal,strict 1" \
		/usr/d/e "seal,data 2" \
		/opt/e seal
	program /usr/bin/c
	run -0 explain --output rule,file /usr/bin/c
	[ "$output" = "/usr/bin/c $root$dir/1.conf" ]
}

@test "a star takes directories too, a question mark one character" {
	rules '/opt/*/bin/a? off' '/x*y strict'
	decided /opt/1/2/bin/ab "off 1" \
		/opt/1/bin/a seal \
		/x/1/y "seal,strict 2"
}

@test "a rule that no program is left for is warned of" {
	rules '/a off' '/a strict'
	run -1 check
	[[ $output == "$file:2: warning: '/a': never used, an earlier rule"*" ($file:1)" ]]
	rules '/usr/* off' '/usr/bin/b* strict'
	run -1 check
	rules '* off' '/b children,strict'
	run -1 check
	rules '/a off,children' '/a strict,children'
	run -1 check
	# But not of these.
	rules '/a strict' '/a off,children' '/b? off' '/b* strict' '/* off'
	run -0 check
}

@test "names that are not *.conf, and hidden ones, are ignored" {
	rules '/a off'
	for name in README 10-test.conf~ 10-test.conf.dpkg-old .hidden.conf .conf conf 10.CONF; do
		echo nonsense > "$root$dir/$name"
	done
	mkdir "$root$dir/directory"
	run -0 check
	[ "$output" = "1 rule, nothing is wrong" ]
}

# What is wrong with a file or a directory: as text, and no rule of it is there.
refused() {
	run -1 check
	[[ $output == *"$1: error: $2"* ]]
	run -4 explain /a
	[[ ${lines[-1]} == *"the policy has errors and is not used"* ]]
}

@test "who may write to a file or a directory above it must be root alone" {
	rules '/a off'
	for path in "$file" "$root$dir" "$root${dir%/*}" "$root"; do
		for mode in g+w o+w; do
			chmod $mode "$path"
			refused "$path" "can be changed by others than root: chmod go-w"
			chmod go-w "$path"
			run -0 check
		done
	done
}

@test "the owner of a file and of the directories above it must be root" {
	rules '/a off'
	if [ "$(id -u)" -ne 0 ]; then # whose files these are
		command=("$BUILD/memseal")
		refused "$root" "does not belong to root"
		return
	fi
	for path in "$file" "$root$dir" "$root${dir%/*}" "$root"; do
		chown 65534 "$path"
		refused "$path" "does not belong to root"
		chown 0 "$path"
		run -0 check
	done
}

@test "nobody's policy is nobody's, and root's can be read by everyone" {
	[ "$(id -u)" -eq 0 ] || skip "needs another user"
	# Where others may go, as not everywhere that a tree is built.
	public=$(mktemp -d)
	chmod 755 "$public"
	cp "$BUILD"/memseal "$BUILD"/memseal-report "$public"
	root=$public/root
	mkdir -p "$root$dir"
	file=$root$dir/10-test.conf
	rules '/a strict'
	nobody=(setpriv --reuid 65534 --regid 65534 --clear-groups "$public/memseal" policy)
	program /a
	run -0 "${nobody[@]}" explain --root="$root" -nr -o action,line /a
	[ "$output" = "seal,strict 1" ]
	chmod 600 "$file"
	run -1 "${nobody[@]}" check --root="$root"
	[[ $output == "$file: error: cannot be read: Permission denied" ]]
	chown -R 65534 "$root"
	run -1 "${nobody[@]}" check --root="$root"
	[[ $output == "$root: error: does not belong to root"* ]]
	rm -r "$public"
}

@test "links, FIFOs, devices, sockets and directories are not files" {
	rules '/a off'
	mv "$file" "$root$dir/file"
	ln -s file "$file"
	refused "$file" "a symbolic link"
	rm "$file"
	mkfifo "$file"
	run -1 timeout 10 "${command[@]}" policy check --root="$root"
	refused "$file" "not a regular file"
	rm "$file"
	mkdir "$file"
	refused "$file" "not a regular file"
	rmdir "$file"
	python3 -c 'import socket, sys
socket.socket(socket.AF_UNIX).bind(sys.argv[1])' "$file" 2>/dev/null || return 0 # too long a path
	refused "$file" "not a regular file"
}

@test "a directory that is a link is not followed" {
	rules '/a off'
	mv "$root$dir" "$root/elsewhere"
	ln -s /elsewhere "$root$dir"
	refused "$root$dir" "not a directory, or a symbolic link"
	rm "$root$dir"
	echo > "$root$dir"
	refused "$root$dir" "not a directory"
}

@test "size, files and rules are bounded" {
	head -c 1048576 /dev/zero | tr '\0' '#' > "$file"
	run -0 check
	printf '#' >> "$file"
	refused "$file" "larger than 1 MiB"
	seq -f '/%g off' 4096 > "$file"
	run -0 check
	echo '/a off' >> "$file"
	refused "$file:4097" "more than 4096 rules"
	rm "$file"
	for i in $(seq 256); do echo > "$root$dir/$i.conf"; done
	run -0 check
	echo > "$root$dir/257.conf"
	refused "$root$dir" "more than 256 files"
}

@test "more findings than anybody reads are counted" {
	yes nonsense | head -n 1000 > "$file"
	run -1 check
	[ "${#lines[@]}" -eq 101 ]
	[ "${lines[100]}" = "and 900 more" ]
}

@test "a path that leads through a symbolic link is warned of" {
	program /usr/bin/a
	ln -s usr/bin "$root/bin"
	ln -s a "$root/usr/bin/b"
	rules '/bin/a off' '/usr/bin/b off' '/bin/x* off' '/usr/bin/a strict' '/none/a off'
	run -1 check
	[ "${#lines[@]}" -eq 3 ]
	[[ ${lines[0]} == "$file:1: warning: '/usr/bin/a': never used, the path leads"* ]]
	[[ ${lines[1]} == "$file:2: warning: '/usr/bin/a': "* ]]
	[[ ${lines[2]} == "$file:3: warning: '/usr/bin': "* ]]
}

@test "files and directories that are named are checked wherever they are and whoever's" {
	mkdir "$BATS_TEST_TMPDIR/drafts"
	echo '/a off' > "$BATS_TEST_TMPDIR/drafts/1.conf"
	echo '/b off' > "$BATS_TEST_TMPDIR/draft"
	chmod a+w "$BATS_TEST_TMPDIR/draft" "$BATS_TEST_TMPDIR/drafts"
	rules nonsense
	run -0 check "$BATS_TEST_TMPDIR/drafts" "$BATS_TEST_TMPDIR/draft"
	[ "$output" = "2 rules, nothing is wrong" ]
	run -1 check "$BATS_TEST_TMPDIR/nothing"
	[[ $output == "$BATS_TEST_TMPDIR/nothing: error: cannot be read: No such file or directory" ]]
	mkfifo "$BATS_TEST_TMPDIR/fifo"
	run -1 timeout 10 "${command[@]}" policy check "$BATS_TEST_TMPDIR/fifo"
	[[ $output == *"not a regular file"* ]]
}

@test "JSON is valid and has the documented keys" {
	rules '/a strict,data,children' '/b off' '/b off' 'c'
	run -1 check --json
	printf '%s' "$output" | python3 -c '
import json, sys
report = json.load(sys.stdin)
assert list(report) == ["rules", "findings", "more"], report
assert report["rules"][0] == {"file": sys.argv[1], "line": 1, "pattern": "/a", "action": "seal",
    "options": ["data", "strict"], "children": True}, report
assert report["rules"][1]["action"] == "off" and report["rules"][1]["options"] == [], report
for finding in report["findings"]:
    assert list(finding) == ["file", "line", "severity", "word", "text", "other_file",
        "other_line", "error"], finding
assert [(f["line"], f["severity"]) for f in report["findings"]] == [(3, "warning"), (4, "error")]
assert report["findings"][0]["other_line"] == 2
assert report["more"] == 0
' "$file"
	program /a
	rules '/x strict,children' '/a off'
	run -0 policy explain --root="$root" --json /a
	printf '%s' "$output" | python3 -c '
import json, sys
programs = json.load(sys.stdin)["programs"]
for program in programs:
    assert list(program) == ["program", "path", "action", "inherited", "rule", "file", "line",
        "note"], program
assert [(p["action"], p["inherited"], p["line"]) for p in programs] == [
    ("off", False, 2), ("seal,strict,children", True, 1)], programs
'
}

@test "bytes from files and names do not reach the terminal" {
	printf '/a \x1b[31m\n/b\xc2\x9b off off\n' > "$file"
	cp "$file" "$root$dir"/$'evil\e[2J\n.conf'
	run -1 check
	[[ $output == *'evil\x1b[2J\x0a.conf:1: error: '* ]]
	[[ $output == *"'off': more than"* ]]
	run -1 check --json
	[[ $output != *$'\e'* && $output != *$'\x9b'* ]]
	printf '%s' "$output" | python3 -c 'import json, sys; json.load(sys.stdin)'
	rm "$root$dir"/evil*
	rules '/a* off'
	program $'/a\e[2J\n'
	run -0 explain $'/a\e[2J\n'
	[[ $output != *$'\e'* ]]
	run -0 policy explain --root="$root" $'/a\e[2J\n'
	[[ $output != *$'\e'* && $output == *'\x1b[2J'* ]]
	run -4 explain $'/b\e[2J'
	[[ $output != *$'\e'* ]]
}

@test "a program is found through PATH, by a relative path, and through links" {
	rules '/usr/bin/a off'
	program /usr/bin/a
	ln -s /usr/bin/a "$root/usr/link"
	PATH=/bin:/usr/bin:$PATH run -0 explain --output path,action a
	[ "$output" = "/usr/bin/a off" ]
	run -0 explain --output path,action usr/bin/a
	[ "$output" = "/usr/bin/a off" ]
	run -0 explain --output path,action /usr/link
	[ "$output" = "/usr/bin/a off" ]
	PATH=/usr run -0 explain --output path link
	[ "$output" = /usr/bin/a ]
	# Here as well.
	run -0 "$BUILD/memseal" policy explain --noheadings --raw --output path sh
	[ "$output" = "$(readlink -f "$(command -v sh)")" ]
}

@test "what is not there, not executable or damaged is a failure, the rest is explained" {
	program /a
	program /b
	chmod -x "$root/b"
	printf '\177ELFdamaged' > "$root/c"
	chmod +x "$root/c"
	run -4 --separate-stderr explain --output path /none /a /b none /c /
	[ "$output" = /a ]
	[[ $stderr == *"'/none': not found"* && $stderr == *"'none': not found"* ]]
	[[ $stderr == *"'/b': not executable"* && $stderr == *"'/c': cannot be executed: damaged"* ]]
}

@test "of a script the interpreter decides" {
	program /usr/bin/interpreter
	program /bin/sh
	printf '#! /usr/bin/interpreter -x\n' > "$root/script"
	printf 'echo\n' > "$root/text"
	printf '#!/script\n' > "$root/second"
	printf '#!/loop\n' > "$root/loop"
	chmod +x "$root"/{script,text,second,loop}
	rules '/script off' '/usr/bin/interpreter strict' '/bin/sh data'
	for script in /script /second; do
		run -0 explain --output path,action,line,note $script
		[ "$output" = '/usr/bin/interpreter seal,strict 2 a\x20script:\x20its\x20interpreter\x20decides' ]
	done
	run -0 explain --output path,action,line,note /text
	[ "$output" = '/bin/sh seal,data 3 a\x20script\x20without\x20#!:\x20the\x20shell\x20decides' ]
	run -4 explain /loop
	[[ $output == *"too many interpreters"* ]]
}

@test "of set-user-ID and static programs it says what is different" {
	rules '/parent off,children'
	program /setuid
	chmod u+s "$root/setuid"
	run -0 policy explain --root="$root" /setuid
	[ "${#lines[@]}" -eq 2 ] # no rule of an ancestor counts
	[[ $output == *"set-user-ID"*"do not count"* ]]
	printf 'int main(void) { return 0; }' | cc -static -x c - -o "$root/static"
	run -0 policy explain --root="$root" /static
	[[ $output == *"statically linked: the preload does not reach it"* ]]
}

@test "rules for what a program executes are shown if they come first" {
	rules '/parent off,children' '/a strict' '/late off,children'
	program /a
	run -0 explain --output action,inherited,rule /a
	[ "${lines[0]}" = "seal,strict no /a" ]
	[ "${lines[1]}" = "off,children yes /parent" ]
	[ "${#lines[@]}" -eq 2 ]
	# How far they reach is said of those, and of no other.
	run -0 policy explain --root="$root" --json /a
	run -0 jq -r '.programs[].note' <<<"$output"
	[ "${lines[0]}" = null ]
	[[ "${lines[1]}" == "children: what runs below a process of such a program, up to 32 parents away; not if "* ]]
	program /parent
	run -0 policy explain --root="$root" --noheadings --output note /parent
	[[ "$output" == "children: "* ]]
}

@test "usage errors" {
	run -2 policy
	run -2 policy nothing
	run -2 policy check --nothing
	run -2 policy check --root
	run -2 policy explain
	run -2 policy explain --output nothing ls
	run -0 policy check --help
	run -0 policy explain --help
	run -0 policy --version
	[ "$output" = "$("$BUILD/memseal" --version)" ]
}

@test "a report that cannot be written is a failure" {
	rules '/a off'
	for option in "" --json; do
		run -4 sh -c '"$@" > /dev/full' sh "${command[@]}" policy check --root="$root" $option
	done
}

@test "the rules that ship are right, in force or not" {
	cp "$SOURCE/packaging/policy.d/50-defaults.conf" "$file"
	run -0 check
	[ "$output" = "0 rules, nothing is wrong" ]
	sed -n 's,^#\(/.*\),\1,p' "$SOURCE/packaging/policy.d/50-defaults.conf" > "$file"
	[ "$(wc -l < "$file")" -ge 4 ]
	run -0 check
}
