#!/bin/bash
# Crash safety on a real host: the tool killed at random moments, after every single act of a swap and of a rollout that
# fails, and after every action of every strategy; asked to stop, run twice, its engine or nginx killed under it, its disk
# full, its notes gone or not to be written. After each of them the next run must bring the host to what the manifest
# says, and the client must not notice.
#
#   crash.sh PART...      random points stop engine nginx disk notes; walk, downtime and unnoted as PART:STRATEGY
set -u
[ $# -gt 0 ] || exit 64
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

# want IMAGE [REPLICAS]: with the strategy of this part, and watched for HOLD
want() {
	mkdir -p "$DIR/manifest"
	cat >"$DIR/manifest/compose.yaml" <<-END
		name: shop
		services:
		  web:
		    image: $1
		    restart: unless-stopped
		    deploy: {replicas: ${2:-2}}
		    x-reconcile:
		      strategy: $STRATEGY
		      $([ "$STRATEGY" != canary ] || echo 'steps: [50]')
		      ready: {http: {port: 8080, path: /health, body: UP}, within: 1500ms, for: 100ms}
		      hold: ${HOLD-0s}
		      keep_old: 0s
		      rollback_window: 0
		x-reconcile:
		  routes:
		    - {host: _, to: "web:8080"}
	END
}
# another: a variable makes it another revision, which nobody has tried yet.
tries=0
another() { sed -i "s/    deploy/    environment: {TRY: \"$((++tries))\"}\n&/" "$DIR/manifest/compose.yaml"; }
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
# The same right after trouble: what the run before it had told the engine or nginx may still go on under the plan.
recovers() { UNTRACED="a run right after trouble" runs_well "$@"; }

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

# Sleeps so long, or until the run has ended by itself.
wait_for_end() { # MS
	local end=$(($(now_ms) + $1))
	while [ "$(now_ms)" -lt "$end" ] && ! has_ended "$RECONCILE_PID"; do sleep 0.05; done
}
test_random() {
	local i kills=0 length begun took first target=1 delay runs codes=
	say "D14 tool killed: at random moments"
	want app:2 && begun=$(now_ms)
	runs_well 0 "measuring a swap"
	length=$(($(now_ms) - begun))
	say "a swap takes $length ms"
	start_client --mix
	for ((i = 1; kills < 20; i++)); do
		want app:$target
		first=yes
		for ((runs = 1 + RANDOM % 3; runs > 0; runs--)); do
			delay=$((RANDOM % length))
			start_run
			begun=$(now_ms)
			wait_for_end "$delay"
			took=$(($(now_ms) - begun))
			kill -KILL "$RECONCILE_PID" 2>/dev/null && kills=$((kills + 1))
			wait "$RECONCILE_PID" 2>/dev/null
			codes="$codes $delay:$?"
			# A whole swap, and faster than the one that was measured.
			[ -n "$first" ] && [ "$took" -lt "$delay" ] && length=$took
			first=
			killed "random swap $i after $delay ms"
		done
		recovers 0 "random swap $i"
		converged "random swap $i" app:$target $target
		target=$((3 - target))
	done
	strict "random kills"
	say "$kills kills (ms:exit code):$codes"
	want app:1
	runs_well 0 "random kills, back"
}

kill_at() { # N [ARGS...]: a run that is killed right after its n-th act; its exit code is 137 then
	local code=0 n=$1
	shift
	rm -f "$DIR/point"
	in_netns env LD_PRELOAD="$BUILD_DIR/tests/real/libkill-at.so" KILL_AT="$n" KILL_ON="${KILL_ON-}" KILL_SAY="$DIR/point" \
		TMPDIR="$HOST_TMP" "$BUILD_DIR/reconciler/reconcile" --config "$HOST/reconcile.yaml" --path "$DIR/manifest" "$@" >"$DIR/out" 2>"$DIR/log" || code=$?
	return "$code"
}

test_points() {
	local n code from=1 to=2 quarantine point
	say "D14 tool killed: after each act of a swap"
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
		recovers 0 "swap, after act $n, $point"
		converged "swap, after act $n" app:$to $to 1
		from=$to to=$((3 - to))
	done
	is "swap: the last run is not hit" "$code" 0
	converged "swap, not killed" app:$to $to 1
	is "swap: it was killed often enough" "$((n > 25))" 1
	from=$to

	say "D14 tool killed: after each act of a rollout that fails"
	for ((n = 1; n < 60; n++)); do
		want app:bad 1
		another
		kill_at "$n" 2>/dev/null
		code=$?
		[ "$code" = 137 ] || break
		point=$(cat "$DIR/point")
		killed "rollback, act $n, $point"
		recovers 3 "rollback, after act $n, $point"
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

# walk WHAT LEAST CODE [KILLS]: a run is killed after its first action, the next one goes on and is killed after its first
# one, and so on to the end of the deployment, which must come with CODE: no run lives for longer than one action. With
# KILLS="1 2 3" they are killed in turn so many acts after their start, also in the middle of an action.
walk() {
	local what=$1 least=$2 wanted=$3 kills=${4-1} n code at point
	: >"$DIR/said"
	for ((n = 0; n < 150; n++)); do
		# shellcheck disable=SC2086
		set -- $kills
		at=$((n % $# + 1))
		kill_at "${!at}" --json 2>/dev/null
		code=$?
		cat "$DIR/out" >>"$DIR/said"
		[ "$code" = 137 ] || break
		point=$(sed 's/.*"@message":"\([^"]*\)".*/\1/' "$DIR/point")
		killed "$what: $point"
		echo "killed after: $point"
	done
	is "$what: ends" "$code" "$wanted"
	[ "$code" = "$wanted" ] || cat "$DIR/out" "$DIR/log" >&2
	is "$what: was killed often enough: $n" "$((n > least))" 1
}
# made COMMAND...: how many containers were made by it is in MADE.
made() {
	local since
	since=$(date +%s.%N)
	"$@"
	MADE=$(docker events --since "$since" --until "$(date +%s.%N)" --filter event=create --filter type=container --format . | wc -l)
}
# STRATEGY|replicas|how many of a bad version are made before it shows|that version
walks='
rolling|2|1|dies
blue-green|1|1|dies
canary|1|1|dies
in-place|2|1|bad
'
test_walk() {
	local replicas bad image
	IFS='|' read -r _ replicas bad image < <(grep "^$STRATEGY|" <<<"$walks")
	want app:1 "$replicas" && runs_well 0 "$STRATEGY: the old version"
	start_client --connections 4

	say "D14 tool killed: after each action of $STRATEGY"
	want app:2 "$replicas"
	KILL_ON='"type":"apply_complete"' made walk "$STRATEGY" "$((3 + replicas * 5))" 0
	is "$STRATEGY: nothing is made twice" "$MADE" "$replicas"
	converged "$STRATEGY" app:2 2 "$replicas"

	say "D14 tool killed: after each action of $STRATEGY that fails"
	HOLD=60s want app:$image "$replicas"
	another
	KILL_ON='"type":"apply_complete"' made walk "$STRATEGY astray" 6 3
	is "$STRATEGY astray: nothing is made twice" "$MADE" "$bad"
	is "$STRATEGY astray: the old ones serve" "$(containers)/$(version)/$(leftovers)/$(named)" " $replicas app:2 running /2//$replicas"
	runs_well 3 "$STRATEGY astray: not tried again"
	is "$STRATEGY astray: quarantine" "$(head -1 "$DIR/out")" "No changes."

	say "D14 tool killed: in the middle of the actions of $STRATEGY"
	want app:1 "$replicas"
	walk "$STRATEGY, in the middle" "$((3 + replicas * 5))" 0 "7 11 5 13 3 17"
	converged "$STRATEGY, in the middle" app:1 1 "$replicas"
	strict "$STRATEGY"
}

# Asks again and again, and writes down each time that it got no answer, from its beginning to its end: ms since 1970.
ask_on() {
	local begun
	while :; do
		begun=$(now_ms)
		in_netns curl -sf -m 5 -o /dev/null "$HOST_URL/version" || echo "$begun $(now_ms)"
		sleep 0.02
	done >"$DIR/unanswered"
}
# said_at FIRST|LAST TYPE: when the tool told so of nginx's routes or of a stop
said_at() {
	date +%s%3N -d "$(grep -E "\"type\":\"$2\".*\"action\":\"(publish routes|stop)\"" "$DIR/said" |
		sed 's/.*"@timestamp":"\([^"]*\)".*/\1/' | case $1 in FIRST) head -n 1 ;; LAST) tail -n 1 ;; esac)"
}
test_downtime() {
	local asker from to
	say "D14 tool killed: one instance in place, and nobody else to answer"
	want app:1 1 && runs_well 0 "one in place"
	want app:2 1
	has "one in place: the plan marks the downtime" "$(run --plan; cat "$DIR/out")" "in-place (set in the manifest): the old one stops first, downtime"
	ask_on &
	asker=$!
	KILL_ON='"type":"apply_complete"' made walk "one in place" 6 0
	kill "$asker"
	wait "$asker" 2>/dev/null
	is "one in place: nothing is made twice" "$MADE" 1
	converged "one in place" app:2 2 1
	from=$(said_at FIRST apply_start) to=$(said_at LAST apply_complete)
	is "one in place: requests that failed outside of it" "$(awk -v from="$from" -v to="$to" '$2 < from || $1 > to' "$DIR/unanswered")" ""
	say "$(wc -l <"$DIR/unanswered") failed in the $((to - from)) ms of downtime"
}

test_stop() {
	local first code=0
	say "D16 two runs at once, and one asked to stop"
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
	recovers 0 "after SIGTERM"
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

# interrupted WHAT POINT COMMAND...: a run in which COMMAND is done once it has said POINT
interrupted() {
	local what=$1 point=$2 code=0
	shift 2
	start_run
	ok "$what, $STRATEGY: it comes to: $point" wait_for 120 grep -q "$point" "$DIR/log"
	"$@"
	wait "$RECONCILE_PID" || code=$?
	say "the run that met it: exit code $code"
}

engine_restarts() {
	engine_kill
	sleep 0.5
	ok "the engine comes back" dockerd_launch_ "$HOST/docker"
}
# STRATEGY|after what it has said
engines='
rolling|start shop-web
rolling|shift traffic: 100
blue-green|alias shop-web
canary|shift traffic: 50
in-place|stop shop-web
'
test_engine() {
	local strategy point target=2
	while IFS='|' read -r strategy point <&3; do
		STRATEGY=$strategy
		say "D12 dockerd restarts: killed in the middle of $STRATEGY, after: $point"
		start_client --mix
		want app:$target
		interrupted "the engine is killed" "$point" engine_restarts
		recovers 0 "after the engine's restart"
		converged "after the engine's restart" app:$target $target
		strict "the engine is killed"
		target=$((3 - target))
	done 3< <(grep . <<<"$engines")
	want app:1 && runs_well 0 "after the engine's restart, back"
}

# Nobody can be served while it is dead: the client counts before and after.
nginx_restarts() {
	strict "until nginx is killed"
	nginx_kill
	wait_for 120 has_ended "$RECONCILE_PID"
	rm -rf "$HOST"/{body,proxy,fastcgi,uwsgi,scgi} "$HOST/nginx.pid"
	ok "nginx starts by itself" nginx_start
	start_client --mix
}
has_ended() { [ "$(sed 's/.*) //; s/ .*//' "/proc/$1/stat" 2>/dev/null || echo Z)" = Z ]; }
nginxes='
rolling|start shop-web
rolling|publish routes (announce
blue-green|accept revision
canary|shift traffic: 50
in-place|stop shop-web
'
test_nginx() {
	local strategy point target=2
	while IFS='|' read -r strategy point <&3; do
		STRATEGY=$strategy
		say "D11 nginx away: killed in the middle of $STRATEGY, after: $point"
		start_client --connections 4
		want app:$target
		interrupted "nginx is killed" "$point" nginx_restarts
		recovers 0 "after nginx was killed"
		converged "after nginx was killed" app:$target $target
		strict "after nginx was killed"
		target=$((3 - target))
	done 3< <(grep . <<<"$nginxes")
	want app:1 && runs_well 0 "after nginx was killed, back"
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
	ok "a small disk" state_on_disk
	for STRATEGY in rolling blue-green canary in-place; do
		say "D15 disk full: the state, $STRATEGY"
		runs_well 0 "on a small disk"
		start_client --connections 4
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
		recovers 0 "room again, the swap"
		converged "room again, the swap" app:2 2
		fill_disk
		want app:bad
		another
		code=0
		run || code=$?
		is "full, a bad version: exit code" "$code" 75
		has "full, a bad version: it says why" "$(cat "$DIR/log")" "No space left on device"
		is "full, a bad version: the old one serves" "$(version)" 2
		killed "full, a bad version"
		rm "$disk"/filler*
		recovers 3 "room again, the bad version"
		runs_well 3 "room again, not tried again"
		is "room again, not tried again: nothing done" "$(head -1 "$DIR/out")/$(containers)" "No changes./ 2 app:2 running "
		want app:1
		runs_well 0 "room again, a good one"
		converged "room again, a good one" app:1 1
		strict "full disk"
	done
}

# A run whose n-th act on the files of the notes fails.
fail_at() { # N ERRNO
	local code=0
	rm -f "$DIR/point"
	in_netns env LD_PRELOAD="$BUILD_DIR/tests/real/libfail-at.so" FAIL_AT="$1" FAIL_WITH="$2" FAIL_ON=/state/notes FAIL_SAY="$DIR/point" \
		TMPDIR="$HOST_TMP" "$BUILD_DIR/reconciler/reconcile" --config "$HOST/reconcile.yaml" --path "$DIR/manifest" >"$DIR/out" 2>"$DIR/log" || code=$?
	return "$code"
}
# unnoted WHAT CODE: each act of such a rollout on the notes fails in turn; the next run ends with CODE all the same.
# `forth` writes the manifest, `arrived WHAT` sees to the end. What strategies have in common, the second copy and the end
# of a run, is looked at in place, which is the fastest; of the others it is the first note.
unnoted() {
	local what=$1 wanted=$2 last=5 n code point errors=(5 28) codes=(1 75) # EIO, ENOSPC
	[ "$STRATEGY" != in-place ] || last=99
	for ((n = 1; n <= last; n++)); do
		forth
		fail_at "$n" "${errors[n % 2]}"
		code=$?
		[ -e "$DIR/point" ] || break
		point=$(sed 's/tmp-[0-9]*/tmp/; s|/[^ ]*/||' "$DIR/point")
		# The second copy, or one that could be written at the next attempt, is no more than a warning.
		has "$what, act $n, $point ($code): it is said, or was mended" "$wanted ${codes[n % 2]}" "$code"
		has "$what, act $n, $point: it says what" "$(cat "$DIR/log")" "$HOST_STATE/notes"
		killed "$what, act $n"
		recovers "$wanted" "$what, after act $n, $point"
		arrived "$what, after act $n"
	done
	is "$what: there were acts that failed: $((n - 1))" "$((n > 5 && (last == 5 || n > 10)))" 1
}
test_unnoted() {
	local to=1
	say "the notes cannot be written: each write, fsync and rename in turn, $STRATEGY"
	runs_well 0 "$STRATEGY"
	# One instance in place cannot be replaced without downtime.
	[ "$STRATEGY" = in-place ] || start_client --connections 4
	forth() { to=$((3 - to)) && want app:$to 1; }
	arrived() { converged "$1" app:$to $to 1; }
	unnoted "$STRATEGY" 0
	forth() { want app:bad 1 && another; }
	arrived() {
		is "$1: the old one serves" "$(containers)/$(version)/$(leftovers)" " 1 app:$to running /$to/"
		runs_well 3 "$1: not tried again"
		is "$1: quarantine" "$(head -1 "$DIR/out")" "No changes."
	}
	unnoted "$STRATEGY astray" 3
	[ "$STRATEGY" = in-place ] || strict "$STRATEGY"
	want app:1 && runs_well 0 "$STRATEGY, back"
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
STRATEGY=rolling
host_start "$DIR/h" || exit 1
for v in 1 2; do host_image app:$v VERSION=$v || exit 1; done
host_image app:bad VERSION=bad HEALTH=fail || exit 1
host_image app:dies VERSION=dies EXIT_AFTER_REQUESTS=30 || exit 1
want app:1
runs_well 0 "the first deployment"
converged "the first deployment" app:1 1
for part; do
	STRATEGY=rolling
	case $part in *:*) STRATEGY=${part#*:} ;; esac
	SECONDS=0
	"test_${part%%:*}"
	say "$part: $SECONDS s"
done
for v in 2 1; do want app:$v && runs_well 0 "a quiet swap"; done
is "flags of dead rollouts are swept" "$(find "$HOST_STATE/nginx/traffic" -mindepth 3 -maxdepth 3 | wc -l)" 1
trace_end
check_end
