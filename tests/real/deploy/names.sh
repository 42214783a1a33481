# The service's name: other containers find by it only what has passed its gate and is not about to go, and always find
# something. It moves by leaving the network for a moment; what is connected does not notice.
host_image names/web:1 VERSION=1
host_image names/web:2 VERSION=2 START_DELAY_MS=1500
host_image names/web:3 VERSION=3 HEALTH=fail
mkdir "$HOST/names"
names() { # VERSION [KEEP [MORE]]
	cat >"$HOST/names/compose.yaml" <<-END
		name: names
		services:
		  peer:
		    image: names/web:1
		    stop_grace_period: 2s
		  web:
		    image: names/web:$1
		    restart: unless-stopped
		    stop_grace_period: 2s
		    deploy: {replicas: 2}
		    ${3-}
		    x-reconcile:
		      strategy: blue-green
		      ready: {http: {port: 8080, path: /health}, within: 4s, for: 300ms}
		      hold: 500ms
		      keep_old: ${2:-0s}
		      drain_timeout: 5s
		networks: {back: {internal: true}}
		x-reconcile:
		  routes: [{host: names.test, to: "web:8080"}]
	END
}
# neighbour OF NAME ARGS...: a name-client in that container's network, until neighbour_ends NAME
neighbour() {
	local of=$1 name=$2
	shift 2
	nsenter --net="/proc/$(look "$of" '{{.State.Pid}}')/ns/net" "$BUILD_DIR/tests/real/name-client" "$@" \
		>"$HOST/$name.out" 2>"$HOST/$name.err" </dev/null &
	eval "neighbour_$name=$!"
}
# NEIGHBOUR is what it said, with every count as N
neighbour_ends() {
	local pid="neighbour_$1" code=0
	kill -TERM "${!pid}" 2>/dev/null
	wait "${!pid}" || code=$?
	say "$1: $(cat "$HOST/$1.out")"
	NEIGHBOUR="[$code] $(sed 's/\(asked=\|:\)[1-9][0-9]*/\1N/g' "$HOST/$1.out")$(cat "$HOST/$1.err")"
}
place() { look "$1" '{{with index .NetworkSettings.Networks "names_default"}}{{.IPAddress}} {{.MacAddress}}{{end}}'; }
# Which containers have the name now.
named() {
	docker ps --filter label=com.docker.compose.project=names --format '{{.Names}}' | sort | while read -r name; do
		[[ $(look "$name" '{{range .NetworkSettings.Networks}}{{.Aliases}} {{end}}') != *web[\ \]]* ]] || echo -n "$name "
	done
}

names 1
deploy "names: first" "3 0 0" --path "$HOST/names"
hasnt "names: a first deployment needs no moves" "$PLAN" alias
is "names: both have it" "$(named)" "names-web-1 names-web-2 "
before=$(place names-web-1)
neighbour names-peer-1 finder name web 8080
neighbour names-peer-1 inward hold "${before% *}" 8080
neighbour names-web-1 outward hold "$(place names-peer-1 | cut -d' ' -f1)" 8080

say "forward, and kept warm"
names 2 20s
peek "names: plan" --plan --path "$HOST/names"
tool --path "$HOST/names"
is "names: the run" "[$CODE] ${OUT%%$'\n'*}" "[0] Apply complete: 2 added, 0 changed, 0 destroyed."
is "names: only the new ones have it" "$(named)" "names-web-3 names-web-4 "
is "names: the old one has its address still" "$(place names-web-1)" "$before"
neighbour names-peer-1 after name web 8080
sleep 0.5
neighbour_ends after
is "names: by name only the new version answers" "$NEIGHBOUR" "[0] asked=N unknown=0 failed=0 versions=2:N"

say "way back"
names 1 20s
tool --path "$HOST/names"
is "way back: the run" "$CODE" 0
is "way back: the name comes first, then the traffic" "$(done_ | grep names/web: | grep -v unalias | head -3)" \
	"names/web: alias names-web-1 as web
names/web: alias names-web-2 as web
names/web: shift traffic: 0.0% to the next revision (back to the old revision)"
is "way back: only the old ones have it" "$(named)" "names-web-1 names-web-2 "
is "way back: the same address again" "$(place names-web-1)" "$before"

say "a version that never gets ready"
names 3
tool --path "$HOST/names"
is "never ready: rolled back" "$CODE" 3
hasnt "never ready: it never had the name" "$LOG" alias
is "never ready: the old ones have it" "$(named)" "names-web-1 names-web-2 "

say "what was connected all the time"
neighbour_ends inward
is "a connection to one whose name moved away and back" "$NEIGHBOUR" "[0] asked=N unknown=0 failed=0 versions=1:N"
neighbour_ends outward
is "a connection from it" "$NEIGHBOUR" "[0] asked=N unknown=0 failed=0 versions=1:N"
names 2
deploy "names: forward for good" "2 0 2" --path "$HOST/names"
neighbour_ends finder
is "names: by name somebody was there at any time, and was ready" "$NEIGHBOUR" "[0] asked=N unknown=0 failed=0 versions=1:N,2:N"

say "killed while an instance is off its network"
names 1
start_killed() { # N: a run that is killed when it has asked for the n-th disconnect
	nsenter --net="/run/netns/$DOCKERD_NETNS" env LD_PRELOAD="$BUILD_DIR/tests/real/libkill-at.so" KILL_AT="$1" KILL_ON=/disconnect \
		KILL_SAY="$HOST/point" TMPDIR="$HOST_TMP" "$BUILD_DIR/reconciler/reconcile" --config "$HOST/reconcile.yaml" \
		--path "$HOST/names" >"$HOST/out" 2>"$HOST/log" </dev/null &
	RECONCILE_PID=$!
}
start_killed 1
for ((i = 0; i < 200; i++)); do
	next=$(docker ps --filter ancestor=names/web:1 --filter name=names-web --format '{{.Names}}' | sort | head -1)
	[ -z "$next" ] || break
	sleep 0.05
done
held=$(place "$next")
neighbour "$next" kept hold "$(place names-peer-1 | cut -d' ' -f1)" 8080
wait "$RECONCILE_PID" 2>/dev/null
has "killed: between leaving and joining" "$(cat "$HOST/point")" "POST /v1.41/networks/names_default/disconnect"
is "killed: one is off its network" "$(docker ps --filter ancestor=names/web:1 --filter name=names-web --format '{{.Names}}' |
	while read -r name; do place "$name" | wc -w; done | sort | tr '\n' ' ')" "0 2 "
tool --path "$HOST/names"
is "killed: the next run" "$CODE" 0
is "killed: it is back where it was" "$(place "$next")" "$held"
neighbour_ends kept
is "killed: its connection lived on" "$NEIGHBOUR" "[0] asked=N unknown=0 failed=0 versions=1:N"
no_changes "killed" --path "$HOST/names"

say "several networks, and one that is not ours"
docker network create names_shared >/dev/null
names 2 0s 'networks: [default, back, shared]'
sed -i 's/^networks: .*/networks: {back: {internal: true}, shared: {external: true, name: names_shared}}/' "$HOST/names/compose.yaml"
deploy "several networks" "2 0 2" --path "$HOST/names"
has "several networks: the plan says what it means" "$PLAN" "(others reach it as web at once: no fixed address on names_shared)"
is "several networks: on all of them" "$(look names-web-3 '{{len .NetworkSettings.Networks}}')" 4
ok "several networks: theirs is left alone" docker network inspect -f . names_shared
