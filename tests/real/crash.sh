#!/bin/bash
# Crash safety on a real host: the tool killed at random moments and after every single act of a swap and of a rollout
# that fails, asked to stop, run twice, its engine or nginx killed under it, its disk full, its notes gone. After each
# of them the next run must bring the host to what the manifest says, and the client must not notice.
#
#   crash.sh [PART...]    random points stop engine nginx disk notes; all of them without an argument
set -u
. "$SOURCE_DIR/tests/lib/check.sh"
. "$SOURCE_DIR/tests/lib/host.sh"

DIR=$(mktemp -d /tmp/rec-crash-XXXXXX) && chmod 755 "$DIR"
disk=
clean_up() {
	[ -z "$disk" ] || umount -l "$disk" 2>/dev/null
	host_stop
	rm -rf "$DIR"
}
trap clean_up EXIT
RANDOM=20240

want() { # IMAGE [REPLICAS]
	mkdir -p "$DIR/manifest"
	cat >"$DIR/manifest/compose.yaml" <<-END
		name: shop
		services:
		  web:
		    image: $1
		    restart: unless-stopped
		    deploy: {replicas: ${2:-2}}
		    x-reconcile:
		      ready: {http: {port: 8080, path: /health, body: UP}, within: 1500ms, for: 100ms}
		      hold: 0s
		      keep_old: 0s
		x-reconcile:
		  routes:
		    - {host: _, to: "web:8080"}
	END
}
run() { run_reconcile --path "$DIR/manifest" "$@" >"$DIR/out" 2>"$DIR/log"; }
start_run() { start_reconcile "$DIR/log" --path "$DIR/manifest"; }
now_ms() { date +%s%3N; }
version() { in_netns curl -s -m 5 "$HOST_URL/version"; }
# wait_for SECONDS COMMAND...
wait_for() {
	local end=$(($(now_ms) + $1 * 1000))
	shift
	until "$@" >/dev/null 2>&1; do
		[ "$(now_ms)" -lt "$end" ] || return 1
		sleep 0.02
	done
}
# runs_well CODE WHAT: one run ends so; else its log is shown.
runs_well() {
	local code=0
	run || code=$?
	is "$2: the run ends" "$code" "$1"
	[ "$code" = "$1" ] || cat "$DIR/out" "$DIR/log" >&2
}

containers() { docker ps -a --filter label=io.reconcile.instance --format '{{.Image}} {{.State}}' | sort | uniq -c | tr -s ' \n' ' '; }
# How many can be found by the service's name.
named() {
	docker ps -q --filter label=io.reconcile.instance |
		xargs docker inspect -f '{{with index .NetworkSettings.Networks "shop_default"}}{{.Aliases}}{{end}}' | grep -c '^\[web '
}
# leftovers: what no settled host has: temporary files and a close flag. Flags of dead rollouts go, with all that is in
# their folders, at the next reload that no old worker can see: checked once, at the end.
leftovers() {
	find "$HOST_STATE" "$HOST/run" -path "$HOST_STATE/nginx/traffic" -prune -o \( -name '*.tmp-*' -o -name .candidate -o \
		-name .new -o -name close \) -print
}
# killed WHAT: what must hold at the very moment after a kill
killed() {
	local said
	said=$(in_netns nginx -t -q -c "$HOST/nginx.conf" 2>&1) || check_fail_ "$1: nginx -t" "$said" "a good configuration"
}
# converged WHAT IMAGE VERSION [REPLICAS]
converged() {
	local networks
	networks=$(docker network ls --format '{{.Name}}' | grep -c '^shop_')
	is "$1: converged" "$(containers)/$(version)/$networks networks/$(leftovers)" " ${4:-2} $2 running /$3/2 networks/"
	is "$1: by name" "$(named)" "${4:-2}"
	killed "$1"
	is "$1: plan" "$(run --plan; head -1 "$DIR/out")" "No changes."
}
strict() { # WHAT: the client noticed nothing
	ok "$1: the client" stop_client
	say "$1: $CLIENT_LINE"
	has "$1: no failed request" "$CLIENT_LINE" " failed=0 "
}

test_random() {
	local i kills=0 length begun target=1 delay runs codes=
	say "killed at random moments"
	want app:2 && begun=$(now_ms)
	runs_well 0 "measuring a swap"
	length=$(($(now_ms) - begun))
	say "a swap takes $length ms"
	start_client --mix
	for ((i = 1; kills < 20; i++)); do
		want app:$target
		for ((runs = 1 + RANDOM % 3; runs > 0; runs--)); do
			delay=$((RANDOM % length))
			start_run
			sleep "$((delay / 1000)).$(printf %03d $((delay % 1000)))"
			kill -KILL "$RECONCILE_PID" 2>/dev/null && kills=$((kills + 1))
			wait "$RECONCILE_PID" 2>/dev/null
			codes="$codes $delay:$?"
			killed "random swap $i after $delay ms"
		done
		runs_well 0 "random swap $i"
		converged "random swap $i" app:$target $target
		target=$((3 - target))
	done
	strict "random kills"
	say "$kills kills (ms:exit code):$codes"
}

kill_at() { # N: a run that is killed right after its n-th act; its exit code is 137 then
	local code=0
	rm -f "$DIR/point"
	in_netns env LD_PRELOAD="$BUILD_DIR/tests/real/libkill-at.so" KILL_AT="$1" KILL_SAY="$DIR/point" TMPDIR="$HOST_TMP" \
		"$BUILD_DIR/reconciler/reconcile" --config "$HOST/reconcile.yaml" --path "$DIR/manifest" >"$DIR/out" 2>"$DIR/log" || code=$?
	return "$code"
}

test_points() {
	local n code from=1 to=2 quarantine point
	say "killed after each act of a swap"
	want app:1 1
	runs_well 0 "one instance"
	start_client --connections 4
	for ((n = 1; n < 100; n++)); do
		want app:$to 1
		kill_at "$n" 2>/dev/null
		code=$?
		[ "$code" = 137 ] || break
		point=$(cat "$DIR/point")
		killed "swap, act $n, $point"
		runs_well 0 "swap, after act $n, $point"
		converged "swap, after act $n" app:$to $to 1
		from=$to to=$((3 - to))
	done
	is "swap: the last run is not hit" "$code" 0
	converged "swap, not killed" app:$to $to 1
	is "swap: it was killed often enough" "$((n > 25))" 1
	from=$to

	say "killed after each act of a rollout that fails"
	for ((n = 1; n < 60; n++)); do
		# Another variable makes another revision, which nobody has tried yet.
		want app:bad 1
		sed -i "s/    deploy/    environment: {TRY: \"$n\"}\n&/" "$DIR/manifest/compose.yaml"
		kill_at "$n" 2>/dev/null
		code=$?
		[ "$code" = 137 ] || break
		point=$(cat "$DIR/point")
		killed "rollback, act $n, $point"
		runs_well 3 "rollback, after act $n, $point"
		is "rollback, after act $n" "$(containers)/$(version)/$(leftovers)" " 1 app:$from running /$from/"
		runs_well 3 "rollback, after act $n: not tried again"
		is "rollback, after act $n: quarantine" "$(head -1 "$DIR/out")" "No changes."
	done
	is "rollback: the last run is not hit" "$code" 3
	is "rollback: it was killed often enough" "$((n > 6))" 1
	strict "$n points"
	want app:$from
	runs_well 0 "two instances again"
}

test_stop() {
	local first code=0
	say "asked to stop, and two runs at once"
	start_client --mix
	want app:2
	start_run
	first=$RECONCILE_PID
	wait_for 10 grep -q 'publish routes (announce' "$DIR/log"
	run_reconcile --path "$DIR/manifest" >"$DIR/second" 2>&1 || code=$?
	is "the second run: exit code" "$code" 75
	has "the second run names the first" "$(cat "$DIR/second")" "another run is at work: pid $first, since "
	code=0
	kill -TERM "$first"
	wait "$first" || code=$?
	is "SIGTERM: exit code" "$code" 75
	has "SIGTERM: it says so" "$(cat "$DIR/log")" "stopped at a safe point; the next run goes on from here"
	killed "SIGTERM"
	is "SIGTERM: no close flag" "$(find "$HOST_STATE" -name close)" ""
	runs_well 0 "after SIGTERM"
	converged "after SIGTERM" app:2 2
	strict "SIGTERM"
	want app:1
	runs_well 0 "after SIGTERM, back"
}

# The engine and its containerd at once, as when memory runs out; the containers go on, as live-restore has it.
engine_kill() {
	local file
	for file in "$HOST/docker/pid" "$HOST/docker/exec/containerd/containerd.pid"; do
		kill -KILL "$(cat "$file")"
	done
	wait "$(cat "$HOST/docker/launched")" 2>/dev/null
}

test_engine() {
	local point target=2 code
	for point in 'start shop-web' 'shift traffic'; do
		say "the engine is killed after: $point"
		start_client --mix
		want app:$target
		start_run
		wait_for 10 grep -q "$point" "$DIR/log"
		engine_kill
		sleep 0.5
		ok "the engine comes back" dockerd_launch_ "$HOST/docker"
		code=0
		wait "$RECONCILE_PID" || code=$?
		say "the run that met it: exit code $code"
		runs_well 0 "after the engine's restart"
		converged "after the engine's restart" app:$target $target
		strict "the engine is killed"
		target=$((3 - target))
	done
}

test_nginx() {
	local point target=2 code
	for point in 'pass a little longer' 'publish routes (announce' 'accept revision'; do
		say "nginx is killed after: $point"
		start_client --connections 4
		want app:$target
		start_run
		wait_for 10 grep -q "$point" "$DIR/log"
		# Nobody can be served while it is dead: the client counts before and after.
		strict "until nginx is killed"
		nginx_kill
		code=0
		wait "$RECONCILE_PID" || code=$?
		say "the run that met it: exit code $code"
		rm -rf "$HOST"/{body,proxy,fastcgi,uwsgi,scgi} "$HOST/nginx.pid"
		ok "nginx starts by itself" nginx_start
		start_client --mix
		runs_well 0 "after nginx was killed"
		converged "after nginx was killed" app:$target $target
		strict "after nginx was killed"
		target=$((3 - target))
	done
	want app:1
	runs_well 0 "after nginx was killed, back"
}

fill_disk() {
	dd if=/dev/zero of="$disk/filler" bs=64k 2>/dev/null
	dd if=/dev/zero of="$disk/filler2" bs=1 count=8192 2>/dev/null
	: >"$disk/filler"4 2>/dev/null
}

# state_on_disk: the state moves to a small disk of its own, at the same place
state_on_disk() {
	disk=$HOST_STATE
	cp -a "$disk" "$DIR/aside" && mount -t tmpfs -o size=3m,mode=755 none "$disk" && cp -a "$DIR/aside/." "$disk/"
}

test_disk() {
	local code live
	say "a full disk"
	ok "a small disk" state_on_disk
	runs_well 0 "on a small disk"
	start_client --mix
	live=$(readlink "$disk/nginx/live")
	fill_disk
	want app:2
	code=0
	run || code=$?
	is "full, a swap: exit code" "$code" 75
	has "full, a swap: it says why" "$(cat "$DIR/log")" "No space left on device"
	is "full, a swap: the old one serves" "$(version)/$(readlink "$disk/nginx/live")" "1/$live"
	killed "full, a swap"
	rm "$disk"/filler*
	runs_well 0 "room again, the swap"
	converged "room again, the swap" app:2 2
	fill_disk
	want app:bad
	code=0
	run || code=$?
	is "full, a bad version: exit code" "$code" 75
	has "full, a bad version: it says why" "$(cat "$DIR/log")" "No space left on device"
	is "full, a bad version: the old one serves" "$(version)" 2
	killed "full, a bad version"
	rm "$disk"/filler*
	runs_well 3 "room again, the bad version"
	runs_well 3 "room again, not tried again"
	is "room again, not tried again: nothing done" "$(head -1 "$DIR/out")/$(containers)" "No changes./ 2 app:2 running "
	want app:1
	runs_well 0 "room again, a good one"
	converged "room again, a good one" app:1 1
	strict "full disk"
}

test_notes() {
	local code=0 started
	say "notes broken and lost"
	start_client --mix
	rm "$HOST_STATE/notes/notes.a"
	want app:2
	runs_well 0 "one copy is gone"
	converged "one copy is gone" app:2 2
	truncate -s 100 "$HOST_STATE/notes/notes.b"
	want app:1
	runs_well 0 "one copy is cut"
	converged "one copy is cut" app:1 1
	rm "$HOST_STATE"/notes/notes.*
	want app:2
	started=$(docker ps -q | sort)
	run || code=$?
	is "both are gone: exit code" "$code" 1
	has "both are gone: it says so" "$(cat "$DIR/out" "$DIR/log")" "the notes are lost: nothing new is rolled out until \`reconcile retry\`"
	is "both are gone: all that runs goes on" "$(version)/$(docker ps -q | sort)" "1/$started"
	has "retry" "$(run_reconcile retry --path "$DIR/manifest" 2>&1)" "new notes were begun"
	runs_well 0 "after retry"
	converged "after retry" app:2 2
	strict "notes"
	want app:1
	runs_well 0 "after retry, back"
}

export DOCKERD_FLAGS=--live-restore
parts=${*:-random points stop engine nginx notes disk}
host_start "$DIR/h" || exit 1
for v in 1 2; do host_image app:$v VERSION=$v || exit 1; done
host_image app:bad VERSION=bad HEALTH=fail || exit 1
want app:1
runs_well 0 "the first deployment"
converged "the first deployment" app:1 1
for part in $parts; do "test_$part"; done
for v in 2 1; do want app:$v && runs_well 0 "a quiet swap"; done
is "flags of dead rollouts are swept" "$(find "$HOST_STATE/nginx/traffic" -mindepth 3 -maxdepth 3 | wc -l)" 1
check_end
