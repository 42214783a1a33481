# Ways in, from the manifest to the request: hosts, paths, shares, a server of the user's own, the host's own network; each
# with a new version under the strict client.
for n in 1 2; do host_image routes/web:$n VERSION=$n; host_image routes/api:$n VERSION=api$n; host_image routes/lan:$n VERSION=lan$n PORT=8100; done
mkdir -p "$HOST/routes"
routes() { # WEB API LAN WEIGHT
	cat >"$HOST/routes/compose.yaml" <<-END
		name: routes
		x-ready: &ready {http: {port: 8080, path: /health}, within: 10s, for: 300ms}
		services:
		  web:
		    image: routes/web:$1
		    stop_grace_period: 2s
		    x-reconcile: {strategy: blue-green, ready: *ready, hold: 500ms, keep_old: 0s, drain_timeout: 5s}
		  api:
		    image: routes/api:$2
		    stop_grace_period: 2s
		    x-reconcile: {strategy: blue-green, ready: *ready, hold: 500ms, keep_old: 0s, drain_timeout: 5s}
		  lan:
		    image: routes/lan:$3
		    network_mode: host
		    stop_grace_period: 2s
		    x-reconcile: {ready: {http: {port: 8100, path: /health}, within: 10s, for: 300ms}, drain_timeout: 5s}
		x-reconcile:
		  routes:
		    - {host: [routes.test, "*.routes.test"], to: "web:8080"}
		    - {host: routes.test, path: /version, to: "api:8080"}
		    - {host: split.test, to: [{service: "web:8080", weight: $4}, {service: "api:8080", weight: $((100 - $4))}]}
		    - {upstream: backend, to: "web:8080"}
		    - {host: lan.test, to: "lan:8100"}
	END
}
routes 1 1 1 90
IN_STEP= deploy "routes: first" "3 0 0" --path "$HOST/routes"
is "a path" "$(version routes.test) $(version x.routes.test)" "api1 1"
is "the host's own network" "$(version lan.test) $(look routes-lan-1 '{{.HostConfig.NetworkMode}}')" "lan1 host"
own=127.0.0.1:8200 hop=127.0.0.1:8201
cat >"$HOST/own.conf" <<-END
	server { listen $own; include $HOST_STATE/nginx/live/location-backend.conf; }
	server {
		listen $hop;
		location / {
			if (-f $HOST_STATE/nginx/close) { error_page 418 = @close; return 418; }
			proxy_pass http://backend;
		}
		location @close { keepalive_timeout 0; proxy_pass http://backend; }
	}
END
sed -i "s|include $HOST_STATE/nginx/live/http|include $HOST/own.conf; &|" "$HOST/nginx.conf"
nginx_reload
at() { in_netns curl -s -m 5 "http://$1/version"; }
is "a server of the user's own" "$(at $own) $(at $hop)" "1 1"

say "a new version of all of them"
pids=()
for url in "$HOST_URL/ --host split.test" "http://$own/" "http://$hop/"; do
	# shellcheck disable=SC2086
	nsenter --net="/run/netns/$DOCKERD_NETNS" "$BUILD_DIR/tests/real/strict-client" --url $url --mix >"$HOST/routes.${#pids[@]}" 2>&1 </dev/null &
	pids+=($!)
done
routes 2 2 2 50
IN_STEP= deploy "routes: new versions" "3 0 3" --path "$HOST/routes"
has "the host's own network: the plan says what it is" "$PLAN" "-/+ routes/lan  in-place (a port of the host): the old one stops first, downtime"
for i in "${!pids[@]}"; do
	kill -TERM "${pids[$i]}"
	wait "${pids[$i]}"
	has "no request is lost: $(cat "$HOST/routes.$i")" "$(cat "$HOST/routes.$i")" " failed=0 "
done
is "all new" "$(version routes.test) $(version x.routes.test) $(version lan.test) $(at $own) $(at $hop)" "api2 2 lan2 2 2"

say "what is drift there"
echo >>"$HOST_STATE/nginx/live/location-backend.conf"
deploy "its locations edited" "0 1 0" --path "$HOST/routes"
has "its locations edited: the plan says so" "$PLAN" "  ~   nginx: location-backend.conf was changed by hand"
rm "$HOST_STATE/nginx/live/location-backend.conf"
deploy "its locations deleted" "0 1 0" --path "$HOST/routes"
has "its locations deleted: the plan says so" "$PLAN" "  ~   nginx: location-backend.conf is gone"

say "what is in the way"
sed -i 's|weight: 50|weight: 60|' "$HOST/routes/compose.yaml"
tool --path "$HOST/routes"
is "shares that do not fit: exit code" "$CODE" 65
has "shares that do not fit" "$LOG" "compose.yaml:21:30: "
has "shares that do not fit" "$LOG" "x-reconcile.routes: the weights make 110 together; they are percent, and must make 100"
routes 2 2 2 50
sed -i '/upstream: backend/d; s|lan.test|lan2.test|' "$HOST/routes/compose.yaml"
tool --path "$HOST/routes"
is "an upstream that is still used: exit code" "$CODE" 1
has "an upstream that is still used: who uses it" "$OUT$LOG" "the upstream 'backend' left Git and goes on, because $HOST/own.conf:1 still names it; remove that, or put the route back"
hasnt "an upstream that is still used: nginx has nothing to refuse" "$LOG" "nginx refuses"
is "an upstream that is still used: goes on" "$(at $own) $(at $hop)" "2 2"
is "an upstream that is still used: all else is published" "$(version lan2.test)" lan2
sed -i "s|include $HOST/own.conf; ||" "$HOST/nginx.conf"
tool --path "$HOST/routes"
is "and when it is not used any more" "$CODE" 0

say "nginx is down: what has no route goes on"
nginx_stop
sed -i "s|^  lan:|  job: {image: routes/web:1, restart: unless-stopped, x-reconcile: {ready: {http: {port: 8080}, for: 300ms}}}\n&|" "$HOST/routes/compose.yaml"
tool --path "$HOST/routes"
is "nginx down: exit code" "$CODE" 69
is "nginx down: what has no route is there" "$(look routes-job-1 '{{.State.Status}}')" running
nginx_start
no_changes "nginx is back" --path "$HOST/routes"
