#!/usr/bin/env bash
# What changing a version costs those who ask meanwhile: a deploy.sh as blogs have it, the same with a health gate and a
# drain but a plain reload, and each strategy that keeps its service up; in one run, on a real engine and a real nginx.
#
#   loss.sh [TRANSITIONS]     so many of each (10), to and fro between two versions
#
# Of the release build, or of BUILD_DIR; as root. Eight strict connections ask all the time: half of them kept alive,
# one uploads slowly, one is opened early and silent. The application takes 300 ms to listen; on SIGTERM it ends at once, or
# gracefully. The last line is `loss: TRANSITIONS each; deploy.sh lost N, plain reload N, reconcile N`.
set -u
SOURCE_DIR=${SOURCE_DIR:-$(cd "$(dirname "$0")/../.." && pwd)} BUILD_DIR=${BUILD_DIR:-$SOURCE_DIR/build/release}
. "$SOURCE_DIR/tests/lib/check.sh"
. "$SOURCE_DIR/tests/lib/host.sh"
transitions=${1:-10}
DIR=$(mktemp -d /tmp/rec-loss-XXXXXX) && chmod 755 "$DIR"
trap 'host_stop; rm -rf "$DIR"' EXIT

host_start "$DIR/h" || exit 1
for ends in exit graceful; do
	for v in 1 2; do host_image "$ends:$v" "VERSION=$v" "ON_TERM=$ends" START_DELAY_MS=300 || exit 1; done
done
OWN=127.0.0.1:8090
cat >"$HOST/own.conf" <<-END
	server {
		listen $OWN;
		location / { include $HOST/service-url.inc; proxy_http_version 1.1; proxy_pass \$service_url; }
	}
END
sed -i "s|include $HOST_STATE/nginx/live/http|include $HOST/own.conf; &|" "$HOST/nginx.conf"

now_ms() { date +%s%3N; }
reloads() { grep -c ' (SIGHUP) received from .*, reconfiguring' "$HOST/nginx-error.log"; }
answers() { [ "$(in_netns curl -s -o /dev/null -m 1 -w '%{http_code}' "http://127.0.0.1:$1/health")" = 200 ]; }
# until COMMAND...: for ten seconds at most
until_() { for ((i = 0; i < 200; i++)); do "$@" && return; sleep 0.05; done; return 1; }
is_drained() { ! pgrep -f 'nginx: worker process is shutting down' -P "$(cat "$HOST/nginx.pid")" >/dev/null; }

# ---- The scripts: two ports, and a file that says which ----

port=8081
lead_to() { echo "set \$service_url http://127.0.0.1:$1;" >"$HOST/service-url.inc"; }
reload() { in_netns nginx -s reload -c "$HOST/nginx.conf" -e "$HOST/nginx-error.log" 2>/dev/null; }
start_beside() { # IMAGE
	old=$port port=$((8081 + 8082 - port))
	docker run -d --name "web-$port" -p "127.0.0.1:$port:8080" "$1" >/dev/null
}
stop_old() { docker stop -t 2 "web-$old" >/dev/null && docker rm "web-$old" >/dev/null; }
deploy_sh() {
	start_beside "$1"
	lead_to "$port"
	reload
	sleep 5
	stop_old
}
plain_reload() {
	start_beside "$1"
	until_ answers "$port"
	lead_to "$port"
	reload
	sleep 0.2 # until the old workers are told to go
	until_ is_drained
	stop_old
}

# ---- The tool ----

deploy() { # IMAGE
	mkdir -p "$DIR/manifest"
	cat >"$DIR/manifest/compose.yaml" <<-END
		name: shop
		services:
		  web:
		    image: $1
		    restart: unless-stopped
		    stop_grace_period: 2s
		    x-reconcile:
		      strategy: $STRATEGY
		      $([ "$STRATEGY" != canary ] || echo 'steps: [50]')
		      ready: {http: {port: 8080, path: /health}, within: 10s}
		      hold: 0s
		      keep_old: 0s
		      rollback_window: 0
		x-reconcile:
		  routes:
		    - {host: _, to: "web:8080"}
	END
	UNTRACED="measured" run_reconcile --path "$DIR/manifest" >"$DIR/out" 2>"$DIR/log" || {
		cat "$DIR/out" "$DIR/log" >&2
		exit 1
	}
}

# measure NAME URL COMMAND: adds a row, and to the sum of NAME
declare -A lost
printf '%-22s %-9s %11s %9s %6s %10s %12s %12s\n' "" "SIGTERM" transitions requests lost "lost each" "reloads each" "seconds each"
measure() {
	local name=$1 url=$2 before began n failed requests
	HOST_URL=$url
	before=$(reloads) began=$(now_ms)
	start_client --mix --pause 7
	for ((n = 1; n <= transitions; n++)); do "$3" "$ends:$((n % 2 + 1))"; done
	sleep 0.5
	stop_client 2>/dev/null
	requests=${CLIENT_LINE#requests=} requests=${requests%% *}
	failed=${CLIENT_LINE#*failed=} failed=${failed%% *}
	lost[${name%% *}]=$((${lost[${name%% *}]-0} + failed))
	awk -v name="$name" -v ends="$ends" -v n="$transitions" -v requests="$requests" -v failed="$failed" \
		-v reloads=$(($(reloads) - before)) -v ms=$(($(now_ms) - began)) \
		'BEGIN { printf "%-22s %-9s %11d %9d %6d %10.1f %12.1f %12.1f\n", name, ends, n, requests, failed, failed / n, reloads / n, ms / n / 1000 }'
}

for ends in exit graceful; do
	start_beside "$ends:1"
	until_ answers "$port"
	lead_to "$port"
	reload
	sleep 0.5
	measure "deploy.sh" "http://$OWN" deploy_sh
	measure "plain reload" "http://$OWN" plain_reload
	docker rm -f "web-$port" >/dev/null
	for STRATEGY in rolling blue-green canary; do
		deploy "$ends:1"
		measure "reconcile $STRATEGY" http://127.0.0.1:8080 deploy
	done
done
echo "loss: $transitions each; deploy.sh lost ${lost[deploy.sh]}, plain reload ${lost[plain]}, reconcile ${lost[reconcile]}"
