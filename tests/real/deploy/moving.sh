# From a deploy.sh with two ports and service-url.inc, as the README says it. The user's own two reloads are plain ones, as
# the script's were: what they do to idle connections is not ours. Between and after them no request is lost.
for v in old 1 2; do host_image "moving/web:$v" "VERSION=$v"; done
mkdir "$HOST/moving"
cat >"$HOST/moving/compose.yaml" <<-END
	name: moving
	services:
	  web:
	    image: moving/web:1
	    restart: unless-stopped
	    stop_grace_period: 2s
	    x-reconcile:
	      ready: {http: {port: 8080, path: /health}, within: 5s, for: 300ms}
	      hold: 500ms
	      drain_timeout: 6s
	x-reconcile:
	  routes: [{upstream: backend, to: "web:8080"}]
END
docker run -d --name backend-8081 -p 127.0.0.1:8081:8080 moving/web:old >/dev/null
old=$(docker inspect backend-8081)
own=127.0.0.1:8090
echo 'set $service_url http://127.0.0.1:8081;' >"$HOST/service-url.inc"
own_server() { # LOCATION
	cat >"$HOST/own.conf" <<-END
		server {
			listen $own;
			$1
		}
	END
}
proxied_to() { # WHERE [FIRST]: with the announcement of reloads, as the README has it
	local pass="${2-} proxy_http_version 1.1; proxy_pass $1;"
	own_server "location / {
			if (-f $HOST_STATE/nginx/close) { error_page 418 = @close; return 418; }
			$pass
		}
		location @close { keepalive_timeout 0; $pass }"
}
proxied_to '$service_url' "include $HOST/service-url.inc;"
sed -i "s|include $HOST_STATE/nginx/live/http|include $HOST/own.conf; &|" "$HOST/nginx.conf"
at() { in_netns curl -s -m 5 "http://$own/version"; }
nginx_reload
is "moving: deploy.sh's container answers" "$(at)" old

HOST_URL_KEPT=$HOST_URL HOST_URL=http://$own
start_client --mix
HOST_URL=$HOST_URL_KEPT
deploy "moving: beside the old one" "1 0 0" --path "$HOST/moving"
is "moving: nothing has changed for a client" "$(at)" old
ok "moving: between the plain reloads: no failed request" stop_client
proxied_to http://backend
nginx_reload
for ((i = 0; i < 100; i++)); do
	[ "$(at)" = 1 ] && break
	sleep 0.1
done
for ((i = 0; i < 200; i++)); do
	pgrep -f 'nginx: worker process is shutting down' >/dev/null || break
	sleep 0.1
done
is "moving: the new one answers" "$(at)" 1
is "moving: the old container was not touched" "$(docker inspect backend-8081)" "$old"
HOST_URL=http://$own
start_client --mix
HOST_URL=$HOST_URL_KEPT
docker stop -t 5 backend-8081 >/dev/null
sed -i 's|moving/web:1|moving/web:2|' "$HOST/moving/compose.yaml"
deploy "moving: the next version is a commit" "1 0 1" --path "$HOST/moving"
ok "moving: after it: no failed request" stop_client
has "moving: both answered" "$CLIENT_LINE" " failed=0 versions=1:"
is "moving: version 2 answers" "$(at)" 2
docker rm backend-8081 >/dev/null
sed -i "s|include $HOST/own.conf; ||" "$HOST/nginx.conf"
nginx_reload
