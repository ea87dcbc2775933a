#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Servers under load, on loopback: each first unsealed, then sealed, then compared.

# shellcheck source=tests/programs/programs.bash
load programs

server=

# free_port: one that nobody listens on; the server complains if somebody was faster.
free_port() {
	local port

	while port=$((RANDOM % 20000 + 20000)); (: <"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do :; done
	echo "$port"
}

# serve PORT CMD...: starts it in the background and waits until it answers.
serve() {
	local port=$1 tries=0
	shift

	"$@" </dev/null >"$BATS_TEST_TMPDIR/server.log" 2>&1 3>&- &
	server=$!
	until (: <"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do
		if [ $((tries += 1)) -gt 100 ] || ! kill -0 "$server"; then
			cat "$BATS_TEST_TMPDIR/server.log"
			return 1
		fi
		sleep 0.1
	done
}

# stop SIGNAL: the server must end well.
stop() {
	local status=0

	kill "-$1" "$server"
	wait "$server" || status=$?
	server=
	[ "$status" -eq 0 ] && return
	echo "the server's status is $status"
	cat "$BATS_TEST_TMPDIR/server.log"
	return 1
}

teardown() {
	local pids

	[ -n "$server" ] || return 0
	mapfile -t pids < <(tree "$server")
	kill -KILL "${pids[@]}"
}

# tree PID: it and all that it started.
tree() {
	local child children

	echo "$1"
	read -r -a children < <(cat "/proc/$1/task/"*/children) || true # no newline
	for child in "${children[@]}"; do
		tree "$child"
	done
}

# sealed_server: runs what follows under memseal run, with an audit at the end.
# shellcheck disable=SC2206 # several options
sealed_server=("$tree_audit" "$BATS_TEST_TMPDIR/audit" "$memseal" run ${MEMSEAL_RUN_OPTIONS:-} --)

# audit_live MIN: every process that the server consists of now is wholly sealed.
audit_live() {
	local pids

	mapfile -t pids < <(tree "$server" | tail -n +2)
	[ "${#pids[@]}" -ge "$1" ]
	"$memseal" audit --fail-under 100 "${pids[@]}"
}

# filtered_server: the same with the filter engine.
filtered_server=("$tree_audit" "$BATS_TEST_TMPDIR/audit" "$memseal" run --engine=filter --)

# filtered_live MIN: every process that the server consists of now has a filter.
filtered_live() {
	local pid pids

	mapfile -t pids < <(tree "$server" | tail -n +2)
	[ "${#pids[@]}" -ge "$1" ]
	for pid in "${pids[@]}"; do
		[ "$(awk '$1 == "Seccomp_filters:" { print $2 }' "/proc/$pid/status")" -gt "$own_filters" ]
	done
}

write_nginx_conf() {
	mkdir -p "$BATS_TEST_TMPDIR/www"
	chmod 755 "$BATS_RUN_TMPDIR" "$BATS_RUN_TMPDIR/test" "$BATS_TEST_TMPDIR" "$BATS_TEST_TMPDIR/www"
	seq 10000 >"$BATS_TEST_TMPDIR/www/index.html"
	cat >"$BATS_TEST_TMPDIR/nginx.conf" <<-EOF
		daemon off;
		user www-data;
		worker_processes 2;
		pid $BATS_TEST_TMPDIR/nginx.pid;
		error_log $BATS_TEST_TMPDIR/error.log warn;
		events { worker_connections 256; }
		http {
			access_log off;
			client_body_temp_path $BATS_TEST_TMPDIR/t1;
			proxy_temp_path $BATS_TEST_TMPDIR/t2;
			fastcgi_temp_path $BATS_TEST_TMPDIR/t3;
			uwsgi_temp_path $BATS_TEST_TMPDIR/t4;
			scgi_temp_path $BATS_TEST_TMPDIR/t5;
			gzip on;
			gzip_types *;
			server { listen 127.0.0.1:$1; root $BATS_TEST_TMPDIR/www; }
		}
	EOF
}

# ask_nginx PORT: 10,000 requests, and one compressed answer.
ask_nginx() {
	ab -q -n 10000 -c 16 -k "http://127.0.0.1:$1/" 2>&1 |
		grep -E '^(Complete requests|Failed requests|Non-2xx|Document Length|HTML transferred)'
	curl -sS --compressed "http://127.0.0.1:$1/" | cksum
	curl -sS -o /dev/null -w '%{http_code}\n' "http://127.0.0.1:$1/absent"
}

# nginx_as_before PORT LIVE: the answers of the control, before and after a reload; LIVE MIN looks at
# the processes.
nginx_as_before() {
	local master old

	ask_nginx "$1" | diff "$BATS_TEST_TMPDIR/plain" -
	"$2" 3
	# A new configuration: the master starts new workers, the old ones leave.
	master=$(cat "$BATS_TEST_TMPDIR/nginx.pid")
	old=$(tree "$master" | tail -n 1)
	kill -HUP "$master"
	while kill -0 "$old" 2>/dev/null; do
		sleep 0.1
	done
	ask_nginx "$1" | diff "$BATS_TEST_TMPDIR/plain" -
	"$2" 3
	stop QUIT
}

@test "nginx: a master and workers of another user, 10,000 requests" {
	needs nginx ab curl
	port=$(free_port)
	write_nginx_conf "$port"
	serve "$port" nginx -c "$BATS_TEST_TMPDIR/nginx.conf"
	ask_nginx "$port" >"$BATS_TEST_TMPDIR/plain"
	grep -q -E '^Complete requests: +10000$' "$BATS_TEST_TMPDIR/plain"
	run ! "$memseal" audit --fail-under 100 "$server"
	stop QUIT

	serve "$port" "${sealed_server[@]}" nginx -c "$BATS_TEST_TMPDIR/nginx.conf"
	nginx_as_before "$port" audit_live
	all_sealed 5

	serve "$port" "${filtered_server[@]}" nginx -c "$BATS_TEST_TMPDIR/nginx.conf"
	nginx_as_before "$port" filtered_live
	all_filtered 5
}

# ask_redis PORT: a benchmark, a script, a snapshot by a child, and what is in it then.
ask_redis() {
	redis-benchmark -p "$1" -n 10000 -c 16 -q -t set,get,lpush,incr,zadd >/dev/null
	redis-cli -p "$1" eval 'return cjson.encode({redis.call("get", "counter:__rand_int__")})' 0
	redis-cli -p "$1" llen mylist
	redis-cli -p "$1" bgsave
	while [ "$(redis-cli -p "$1" info persistence |
		tr -d '\r' | sed -n 's/^rdb_bgsave_in_progress://p')" != 0 ]; do
		sleep 0.1
	done
	redis-cli -p "$1" info persistence | grep rdb_last_bgsave_status
	redis-cli -p "$1" dbsize
}

@test "redis under redis-benchmark, with a snapshot" {
	needs redis-server redis-benchmark redis-cli
	port=$(free_port)
	redis=(redis-server --port "$port" --bind 127.0.0.1 --save "" --dir "$BATS_TEST_TMPDIR")
	serve "$port" "${redis[@]}"
	ask_redis "$port" >"$BATS_TEST_TMPDIR/plain"
	grep -q -x 10000 "$BATS_TEST_TMPDIR/plain"
	run ! "$memseal" audit --fail-under 100 "$server"
	stop TERM
	rm -f "$BATS_TEST_TMPDIR/dump.rdb"

	serve "$port" "${sealed_server[@]}" "${redis[@]}"
	ask_redis "$port" | diff "$BATS_TEST_TMPDIR/plain" -
	audit_live 1
	stop TERM
	all_sealed 2
	rm -f "$BATS_TEST_TMPDIR/dump.rdb"

	serve "$port" "${filtered_server[@]}" "${redis[@]}"
	ask_redis "$port" | diff "$BATS_TEST_TMPDIR/plain" -
	filtered_live 1
	stop TERM
	all_filtered 2
}

# attach_to_server: it and all that it started, in the middle of what it does; sealed afterwards.
attach_to_server() {
	local pids

	[ "$(uname -m)" = x86_64 ] || skip "processes are entered on x86-64 alone"
	mapfile -t pids < <(tree "$server")
	run ! "$memseal" audit --fail-under 100 "${pids[@]}" # the control
	# shellcheck disable=SC2086 # several options
	"$memseal" attach ${MEMSEAL_RUN_OPTIONS:-} "${pids[@]}"
	"$memseal" audit --fail-under 100 "${pids[@]}"
}

@test "nginx is attached to under load: no request fails" {
	needs nginx ab
	port=$(free_port)
	write_nginx_conf "$port"
	serve "$port" nginx -c "$BATS_TEST_TMPDIR/nginx.conf"
	ab -q -n 20000 -c 16 "http://127.0.0.1:$port/" >"$BATS_TEST_TMPDIR/ab" 2>&1 3>&- &
	load=$!
	sleep 0.2
	attach_to_server
	kill -0 "$load"
	wait "$load"
	grep -q -E '^Complete requests: +20000$' "$BATS_TEST_TMPDIR/ab"
	grep -q -E '^Failed requests: +0$' "$BATS_TEST_TMPDIR/ab"
	stop QUIT
}

@test "redis is attached to under load, and saves a snapshot afterwards" {
	needs redis-server redis-benchmark redis-cli
	port=$(free_port)
	serve "$port" redis-server --port "$port" --bind 127.0.0.1 --save "" --dir "$BATS_TEST_TMPDIR"
	redis-benchmark -p "$port" -n 100000 -c 16 -q -t set,get >"$BATS_TEST_TMPDIR/load" 2>&1 3>&- &
	load=$!
	sleep 0.2
	attach_to_server
	kill -0 "$load"
	wait "$load"
	run ! grep -i error "$BATS_TEST_TMPDIR/load"
	ask_redis "$port" >"$BATS_TEST_TMPDIR/after"
	grep -q -x "rdb_last_bgsave_status:ok"$'\r' "$BATS_TEST_TMPDIR/after"
	stop TERM
}
