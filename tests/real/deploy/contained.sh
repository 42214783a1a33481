# nginx in a container of the user's own, on the host's network: tested, reloaded and asked inside of it.
for n in 1 2 3; do host_image contained/web:$n VERSION=$n; done
edge_image
mkdir "$HOST/contained"
contained() { # VERSION
	cat >"$HOST/contained/compose.yaml" <<-END
		name: contained
		services:
		  web: {image: "contained/web:$1", stop_grace_period: 1s, x-reconcile: {strategy: blue-green, hold: 300ms, keep_old: 0s, drain_timeout: 5s,
		        ready: {http: {port: 8080, path: /health}, for: 300ms}}}
		x-reconcile: {routes: [{host: contained.test, to: "web:8080"}]}
	END
}
nginx_stop
cp "$HOST/reconcile.yaml" "$HOST/reconcile.yaml.before"
sed -i 's|^nginx:.*|nginx: {container: edge, config: /etc/edge/nginx.conf, listen: "127.0.0.1:8080", status_port: 9180}|' "$HOST/reconcile.yaml"

contained 1
tool --path "$HOST/contained"
is "no container: exit code" "$CODE" 69
has "no container" "$LOG$OUT" "nginx is not running: no container edge runs"
edge
tool --path "$HOST/contained"
is "a network of its own: exit code" "$CODE" 1
has "a network of its own" "$LOG" "the container edge of nginx has a network of its own, from which it does not reach the instances; give it network_mode: host, or name its network in the settings, as nginx.network"
edge --network host
tool --path "$HOST/contained"
is "our files are not in it: exit code" "$CODE" 1
has "our files are not in it" "$LOG" "it must have $HOST_STATE/nginx at the same path, as in volumes: [\"$HOST_STATE/nginx:$HOST_STATE/nginx\"]"
edge --network host -v "$HOST_STATE/nginx:$HOST_STATE/nginx"
tool --path "$HOST/contained"
is "it is all there: exit code" "$CODE" 0
is "it answers" "$(version contained.test)" 1
start_client --host contained.test
contained 2
deploy "a new version" "1 0 1" --path "$HOST/contained"
ok "no request is lost" stop_client
say "$CLIENT_LINE"
is "the new one" "$(version contained.test)" 2

say "what nginx in there refuses, and another container of that name"
echo nonsense >>"$EDGE/nginx.conf"
contained 3
tool --path "$HOST/contained"
has "its words" "$LOG" "the nginx configuration was broken before this change: [emerg] "
is "goes on" "$(version contained.test)" 2
sed -i '$d' "$EDGE/nginx.conf"
edge --network host -v "$HOST_STATE/nginx:$HOST_STATE/nginx"
is "another container has what is in force" "$(version contained.test)" 2
tool --path "$HOST/contained"
is "and goes on from there" "[$CODE] $(version contained.test)" "[0] 3"
no_changes "in a container" --path "$HOST/contained"

docker rm -f edge >/dev/null
docker ps -aq --filter label=com.docker.compose.project=contained | xargs -r docker rm -f >/dev/null
mv "$HOST/reconcile.yaml.before" "$HOST/reconcile.yaml"
rm -rf "$HOST_STATE/nginx"; nginx_start
