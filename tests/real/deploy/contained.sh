# nginx in a container of the user's own, on the host's network: tested, reloaded and asked inside of it.
for n in 1 2 3; do host_image contained/web:$n VERSION=$n; done
root=$HOST/edge-root edge=$HOST/edge
mkdir -p "$root"/{etc/nginx,usr/sbin,tmp,var/log,run,proc,dev} "$edge" "$HOST/contained" "$HOST_STATE/nginx"
cp /usr/sbin/nginx "$root/usr/sbin/"
ldd /usr/sbin/nginx | grep -o '/[^ ]*' | while read -r library; do install -D "$library" "$root$library"; done
printf 'root:x:0:0::/:/\nnobody:x:65534:65534::/:/\n' >"$root/etc/passwd"
printf 'root:x:0:\nnogroup:x:65534:\n' >"$root/etc/group"
tar -C "$root" -c . | docker import -c 'CMD ["/usr/sbin/nginx", "-c", "/etc/edge/nginx.conf", "-e", "/tmp/error.log", "-g", "daemon off;"]' - edge:1 >/dev/null
cat >"$edge/nginx.conf" <<-END
	worker_processes 2;
	user nobody nogroup;
	error_log /tmp/error.log notice;
	pid /tmp/nginx.pid;
	events { worker_connections 1024; }
	http {
		access_log off;
		client_body_temp_path /tmp/body; proxy_temp_path /tmp/proxy; fastcgi_temp_path /tmp/f; uwsgi_temp_path /tmp/u; scgi_temp_path /tmp/s;
		include $HOST_STATE/nginx/live/http*.conf;
	}
END
edge() { # ARGS...: the container
	docker rm -f edge >/dev/null 2>&1
	docker run -d --name edge -v "$edge:/etc/edge:ro" "$@" edge:1 >/dev/null
	for _ in $(seq 50); do [[ $(look edge '{{.State.Running}}') == true && $(cat "/proc/$(look edge '{{.State.Pid}}')/cmdline" | tr '\0' ' ') == "nginx: master"* ]] && return; sleep 0.1; done
}
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
has "a network of its own" "$LOG" "the container edge of nginx has a network of its own, from which it reaches neither the instances nor us; give it network_mode: host"
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
echo nonsense >>"$edge/nginx.conf"
contained 3
tool --path "$HOST/contained"
has "its words" "$LOG" "the nginx configuration was broken before this change: [emerg] "
is "goes on" "$(version contained.test)" 2
sed -i '$d' "$edge/nginx.conf"
edge --network host -v "$HOST_STATE/nginx:$HOST_STATE/nginx"
is "another container has what is in force" "$(version contained.test)" 2
tool --path "$HOST/contained"
is "and goes on from there" "[$CODE] $(version contained.test)" "[0] 3"
no_changes "in a container" --path "$HOST/contained"

docker rm -f edge >/dev/null
docker ps -aq --filter label=com.docker.compose.project=contained | xargs -r docker rm -f >/dev/null
mv "$HOST/reconcile.yaml.before" "$HOST/reconcile.yaml"
rm -rf "$HOST_STATE/nginx"; nginx_start
