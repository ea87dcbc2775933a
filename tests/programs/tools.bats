#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Command line tools of a Debian system: the same with and without `memseal run`.

# shellcheck source=tests/programs/programs.bash
load programs

@test "the audit tells an unsealed tree" {
	run "$tree_audit" "$BATS_TEST_TMPDIR/audit" sh -c 'ls / >/dev/null; exit 3'
	[ "$status" -eq 3 ]
	run cut -f 2,5 "$BATS_TEST_TMPDIR/audit"
	[ "$output" = $'0.00\tunsealed\n0.00\tunsealed' ]
}

@test "the audit passes a signal and a stop on" {
	run "$tree_audit" "$BATS_TEST_TMPDIR/audit" sh -c '
		(sleep 0.2; kill -CONT $$) & kill -STOP $$; kill -TERM $$'
	[ "$status" -eq 143 ]
}

@test "ls" {
	same_by_both 1 ls -la /usr/bin
}

@test "a status that is not 0" {
	observe plain ls /nonexistent
	[ "$(cat "$BATS_TEST_TMPDIR/plain.status")" -eq 2 ]
	sealed_same 1 ls /nonexistent
}

@test "a program that dies of a signal" {
	observe plain sh -c 'kill -SEGV $$'
	[ "$(cat "$BATS_TEST_TMPDIR/plain.status")" -eq 139 ]
	sealed_same 1 sh -c 'kill -SEGV $$'
}

@test "bash: 30 processes, pipes, substitutions, a trap, job control" {
	needs_pie bash cat sort
	same_by_both 30 bash "$src/thirty.bash"
	prints '^done 30$'
}

@test "git clone of a local repository" {
	needs_pie git sh sed cat
	export HOME=$BATS_TEST_TMPDIR GIT_CONFIG_NOSYSTEM=1
	export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@example.org GIT_AUTHOR_DATE='2020-01-01T00:00Z'
	export GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@example.org
	export GIT_COMMITTER_DATE='2020-01-01T00:00Z'
	same_by_both 8 sh -ec '
		git init -q -b main there && cd there
		for i in 1 2 3; do echo $i >file; git add file; git commit -q -m $i; done
		cd .. && git clone -q --no-local there here
		cd here && git log --oneline && git fsck 2>/dev/null && git gc -q && git status'
	prints '^[0-9a-f]+ 3$'
}

@test "gcc -flto: driver, cc1, as, collect2, lto1, ld" {
	needs gcc
	same 6 sh -ec '
		printf "int f(int); int main(void) { return f(41) - 42; }" >a.c
		printf "int f(int x) { return x + 1; }" >b.c
		gcc -O2 -flto -frandom-seed=1 -o ab a.c b.c && ./ab && echo linked && cksum ab'
	prints '^linked$'
	for comm in gcc cc1 as collect2 lto1 ld; do
		cut -f 6 "$BATS_TEST_TMPDIR/audit" | grep -q -x -e "$comm" -e "$comm-.*" -e "$comm\..*"
	done
}

@test "gcc with the filter engine, refused or the same: it is linked to a fixed address on Debian" {
	needs gcc
	printf 'int main(void) { return 0; }' >"$BATS_TEST_TMPDIR/a.c"
	gcc=(gcc -c -o "$BATS_TEST_TMPDIR/a.o" "$BATS_TEST_TMPDIR/a.c")
	succeeds "${gcc[@]}"
	if fixed_address gcc "$(gcc -print-prog-name=cc1)"; then
		refused_by_filter "${gcc[@]}"
	else
		filtered_same 3 "${gcc[@]}"
	fi
}

@test "curl of a file:// URL" {
	needs curl
	same_by_both 1 curl -sS file:///etc/os-release
	prints Debian
}

@test "perl with XS modules" {
	needs perl
	same_by_both 1 perl "$src/xs.pl"
	prints '^900150983cd24fb0d6963f7d28e17f72$'
}

@test "sqlite3" {
	needs sqlite3
	same_by_both 1 sqlite3 file.db "
		create table t (a integer primary key, b text);
		with recursive n(i) as (select 1 union all select i + 1 from n where i < 20000)
		insert into t select i, hex(i * i) from n;
		create index u on t (b);
		select count(*), sum(a), max(b) from t;
		pragma integrity_check;"
	prints '^ok$'
}

@test "lua" {
	needs lua5.4
	same_by_both 1 lua5.4 -e '
		local t = {}
		for i = 1, 200000 do t[#t + 1] = tostring(i):reverse() end
		table.sort(t)
		print(#t, t[1], t[#t], #table.concat(t))
		print(coroutine.wrap(function() coroutine.yield(7) end)())
		print(io.popen("echo popen"):read())'
	prints '^popen$'
}

@test "iconv between the character sets of gconv modules" {
	needs_pie iconv sh od
	same_by_both 14 sh -ec '
		for set in UTF-16 UTF-32 EUC-JP SHIFT_JIS ISO-2022-JP GB18030; do
			echo 日本 | iconv -f UTF-8 -t $set | iconv -f $set -t UTF-8
		done
		echo Grüße | iconv -f UTF-8 -t ISO-8859-15 | od -c
		echo Grüße | iconv -f UTF-8 -t ASCII//TRANSLIT'
	prints '^日本$'
}

@test "getent over NSS modules" {
	needs_pie getent sh
	same_by_both 5 sh -ec '
		getent passwd root nobody
		getent group root
		getent services ssh/tcp
		getent protocols tcp
		getent hosts 127.0.0.1
		getent ahosts localhost'
	prints '^root:'
}

@test "a shell that only becomes another program" {
	needs_pie sh env printenv
	same_by_both 1 sh -c 'exec env FOO=bar sh -c "exec printenv FOO"'
	prints '^bar$'
}
