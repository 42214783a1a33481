# An nginx that cannot reach Docker's bridge: instances are reached at ports of 127.0.0.1.
for v in 1 2; do host_image "loop/web:$v" "VERSION=$v"; done
mkdir "$HOST/loop"
loop() { # VERSION
	cat >"$HOST/loop/compose.yaml" <<-END
		name: loop
		services:
		  web:
		    image: loop/web:$1
		    restart: unless-stopped
		    stop_grace_period: 2s
		    deploy: {replicas: 2, update_config: {monitor: 500ms}}
		    x-reconcile:
		      ready: {http: {port: 8080, path: /health}, within: 5s, for: 300ms}
		      drain_timeout: 6s
		x-reconcile:
		  routes: [{host: loop.test, to: "web:8080"}]
	END
}
export RECONCILE_NGINX_LOOPBACK_PORTS=20000-20009
loop 1
deploy "loopback: first" "2 0 0" --path "$HOST/loop"
is "loopback: where nginx reaches them" "$(grep -o 'server 127.0.0.1:2[0-9]*' "$HOST_STATE/nginx/live/http.conf" | sort -u | tr '\n' ' ')" \
	"server 127.0.0.1:20000 server 127.0.0.1:20001 "
is "loopback: no network for nginx" "$(docker network ls -q --filter name=loop_reconcile)" ""
start_client --host loop.test --mix
loop 2
deploy "loopback: a new version" "2 0 2" --path "$HOST/loop"
ok "loopback: no failed request" stop_client
has "loopback: both versions answered" "$CLIENT_LINE" " failed=0 versions=1:"
is "loopback: version 2 answers" "$(version loop.test)" 2
docker restart -t 1 loop-web-3 >/dev/null
tool --path "$HOST/loop"
is "loopback: restarted by hand: the same port" "[$CODE] $OUT" "[0] No changes."
unset RECONCILE_NGINX_LOOPBACK_PORTS
