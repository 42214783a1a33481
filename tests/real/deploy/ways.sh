# How ways in are taken: addresses, TLS and HTTP/2, redirects, limits, the page for a downtime, tcp and udp.
IN_STEP= # three services in one commit: which of them share a reload is a matter of milliseconds
for n in 1 2; do host_image ways/web:$n VERSION=$n; host_image ways/db:$n VERSION=db$n PORT=5432; done
host_image ways/ill:1 HEALTH=fail
for n in 1 2; do
	tar -C "$BUILD_DIR/tests/real" -c datagrams | docker import -c 'CMD ["/datagrams"]' -c "ENV VERSION=$n" - ways/names:$n >/dev/null
done
mkdir -p "$HOST/ways/shop" "$HOST/ways/other"
module=/usr/lib/nginx/modules/ngx_stream_module.so
cp "$HOST/nginx.conf" "$HOST/nginx.conf.before"

certificate() { # NAME: one of its own, in the place of that before
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj "/CN=$1" -addext "subjectAltName=DNS:$1" \
		-keyout "$HOST/$1.key" -out "$HOST/$1.pem.new" 2>/dev/null && mv "$HOST/$1.pem.new" "$HOST/$1.pem"
}
certificate shop.test
echo '<h1>back soon</h1>' >"$HOST/ways/shop/sorry.html"
ways() { # WEB DB NAMES
	cat >"$HOST/ways/shop/compose.yaml" <<-END
		name: shop
		x-own: &own {strategy: blue-green, hold: 300ms, keep_old: 0s, drain_timeout: 3s}
		x-server: &server
		  host: shop.test
		  listen: 127.0.0.1:8443
		  tls: {certificate: $HOST/shop.test.pem, key: $HOST/shop.test.key, hsts: 365d}
		  redirect: true
		services:
		  web: {image: "ways/web:$1", stop_grace_period: 2s, x-reconcile: {<<: *own, ready: {http: {port: 8080, path: /health}, for: 300ms}}}
		  db: {image: "ways/db:$2", stop_grace_period: 2s, x-reconcile: {<<: *own, ready: {tcp: {port: 5432}, for: 300ms}}}
		  names: {image: "ways/names:$3", stop_grace_period: 1s, x-reconcile: {<<: *own, ready: {for: 300ms}}}
		  ill: {image: "ways/ill:1", stop_grace_period: 1s, x-reconcile: {ready: {http: {port: 8080, path: /health}, within: 2s, for: 300ms}}}
		x-reconcile:
		  routes:
		    - {<<: *server, to: "web:8080", client_max_body_size: 10k, proxy_read_timeout: 500ms}
		    - {<<: *server, path: /ill, to: "ill:8080", maintenance: ./sorry.html}
		    - {tcp: "127.0.0.1:5432", to: "db:5432"}
		    - {udp: "127.0.0.1:5300", to: "names:5300", proxy_timeout: 1s}
	END
}
cat >"$HOST/ways/other/compose.yaml" <<-END
	name: other
	services:
	  web: {image: "ways/web:1", stop_grace_period: 1s, x-reconcile: {ready: {http: {port: 8080, path: /health}, for: 300ms}}}
	x-reconcile: {routes: [{host: other.test, to: "web:8080"}]}
END
shop() { in_netns curl -s -m 5 --resolve shop.test:8443:127.0.0.1 --cacert "$HOST/shop.test.pem" "$@"; }
code() { shop -o "$HOST/answer" -w '%{http_code}' "$@"; }
secure=https://shop.test:8443
serial() { in_netns openssl s_client -connect 127.0.0.1:8443 -servername shop.test </dev/null 2>/dev/null | openssl x509 -noout -serial; }
datagram() { # the version that answers
	# shellcheck disable=SC2016
	in_netns bash -c 'exec 3<>/dev/udp/127.0.0.1/5300; for ((i = 0; i < 5; i++)); do echo who >&3; read -t 1 -u 3 line && break; done; echo "$line"'
}

say "the stream module, and the line for it"
ways 1 1 1
tool --path "$HOST/ways"
is "no module: exit code" "$CODE" 1
has "no module: the package is named" "$LOG" "nginx has no stream module, and the tcp and udp routes need it: install it (Debian: apt-get install libnginx-mod-stream), and put this line at the end of $HOST/nginx.conf, outside of the http block: stream { include $HOST_STATE/nginx/live/stream*.conf; }"
echo "stream { include $HOST_STATE/nginx/live/stream*.conf; }" >>"$HOST/nginx.conf"
tool --path "$HOST/ways"
has "a line without the module" "$LOG" 'install it (Debian: apt-get install libnginx-mod-stream); its words: [emerg] unknown directive "stream"'
{ echo "load_module $module;"; cat "$HOST/nginx.conf.before"; } >"$HOST/nginx.conf"
tool --path "$HOST/ways"
has "a module without the line" "$LOG" "nginx does not read what is written for its tcp and udp routes: put this line at the end of $HOST/nginx.conf, outside of the http block: stream { include $HOST_STATE/nginx/live/stream*.conf; }"
echo "stream { include $HOST_STATE/nginx/live/stream*.conf; }" >>"$HOST/nginx.conf"
tool --path "$HOST/ways"
is "what does not become ready: exit code" "$CODE" 1
has "all but that" "$(running shop)$(running other)" "other-web-1"
tool --path "$HOST/ways"
hasnt "apply, then apply: nothing is published again" "$LOG" "publish routes"

say "TLS"
is "HTTP/2" "$(code -w '%{http_version} %{http_code}' "$secure/version") $(cat "$HOST/answer")" "2 200 1"
is "HTTP/1.1" "$(code --http1.1 -w '%{http_version} %{http_code}' "$secure/version")" "1.1 200"
is "TLS 1.1 is refused" "$(code --tls-max 1.1 "$secure/version")" 000
is "HSTS" "$(shop -i "$secure/version" | tr -d '\r' | grep -i '^strict-transport')" "strict-transport-security: max-age=31536000"
is "http is sent on" "$(in_netns curl -s -o /dev/null -w '%{http_code} %{redirect_url}' -H 'Host: shop.test' "$HOST_URL/a?b=c")" "308 $secure/a?b=c"
is "another host on that port" "$(version other.test)" 1
is "a key that only root can read" "$(find "$HOST_STATE/nginx/assets" -perm 600 | wc -l) of $(find "$HOST_STATE/nginx/assets" -type f | wc -l)" "1 of 3"

say "limits"
head -c 9000 /dev/zero >"$HOST/small"; head -c 11000 /dev/zero >"$HOST/large"
is "a body" "$(code --data-binary "@$HOST/small" "$secure/echo")" 200
is "a body that is too large" "$(code -H 'Expect:' --data-binary "@$HOST/large" "$secure/echo")" 413
is "an answer in time" "$(code "$secure/slow?ms=100")" 200
is "an answer that takes too long" "$(code "$secure/slow?ms=3000")" 504

say "nobody is there"
is "the page of the downtime" "$(code -D "$HOST/head" "$secure/ill/x") $(cat "$HOST/answer")" "503 <h1>back soon</h1>"
has "with a Retry-After" "$(tr -d '\r' <"$HOST/head")" "retry-after: 5"
has "as HTML" "$(tr -d '\r' <"$HOST/head")" "content-type: text/html"
is "the page has no way in of its own" "$(code "$secure/reconcile-away-1")" 404
sed -i '/path: \/ill/d; /^  ill:/d' "$HOST/ways/shop/compose.yaml"
tool --path "$HOST/ways"
is "without it: exit code" "$CODE" 0

say "tcp and udp, and a new version of them"
is "tcp" "$(in_netns curl -s -m 5 http://127.0.0.1:5432/version)" db1
is "udp" "$(datagram)" 1
nsenter --net="/run/netns/$DOCKERD_NETNS" "$BUILD_DIR/tests/real/strict-client" --url http://127.0.0.1:5432/ >"$HOST/tcp.out" 2>&1 </dev/null &
client=$!
ways 1 2 2
sed -i '/path: \/ill/d; /^  ill:/d' "$HOST/ways/shop/compose.yaml"
peek "new versions: the plan" --plan --path "$HOST/ways"
has "new versions: a shift is a reload there" "$OUT" "reloads of nginx, at most 6 instances"
tool --path "$HOST/ways"
is "new versions: the run" "[$CODE] $OUT" "[0] Apply complete: 2 added, 0 changed, 2 destroyed."
has "new versions: who stays connected is cut in the end, and told" "$LOG" "stop shop-db-1 (cuts "
no_changes "new versions" --path "$HOST/ways"
is "tcp, new" "$(in_netns curl -s -m 5 http://127.0.0.1:5432/version)" db2
is "udp, new" "$(datagram)" 2
kill -TERM $client; wait $client
has "no request over tcp is lost: $(cat "$HOST/tcp.out")" "$(cat "$HOST/tcp.out")" " failed=0 "

say "another port of udp"
tar -C "$BUILD_DIR/tests/real" -c datagrams | docker import -c 'CMD ["/datagrams"]' -c "ENV VERSION=3" -c "ENV PORT=5301" - ways/names:3 >/dev/null
# Asks without a second try, until that file is gone; a line for each: the version, or "lost". A byte at a time is all that
# bash has of a datagram.
: >"$HOST/asking"
# shellcheck disable=SC2016
nsenter --net="/run/netns/$DOCKERD_NETNS" bash -c 'while [ -e "$1" ]; do
	exec 3<>/dev/udp/127.0.0.1/5300; echo who >&3; line=; read -t 0.3 -N 1 -u 3 line; echo "${line:-lost}"; sleep 0.05
done' - "$HOST/asking" >"$HOST/datagrams" 2>/dev/null </dev/null &
client=$!
sleep 1
ways 1 2 3
sed -i '/path: \/ill/d; /^  ill:/d; s/names:5300/names:5301/' "$HOST/ways/shop/compose.yaml"
peek "another port: the plan" --plan --path "$HOST/ways"
has "another port: it is one of the revision" "$OUT" "        routed_udp_ports: [5300] -> [5301]  # forces replacement"
tool --path "$HOST/ways"
is "another port: the run" "[$CODE] $OUT" "[0] Apply complete: 1 added, 0 changed, 1 destroyed."
sleep 1
rm "$HOST/asking"; wait $client
# While a reload has workers of both generations on the socket, either may have a datagram.
answers=$(grep -v lost "$HOST/datagrams" | tr -d '\n')
is "another port: the old one is asked at the old port, the new one at the new" "${answers:0:1} ${answers: -1} ${answers//[23]/}" "2 3 "
ok "another port: $(grep -c lost "$HOST/datagrams") of $(wc -l <"$HOST/datagrams") datagrams lost" test "$(grep -c lost "$HOST/datagrams")" -le 2
no_changes "another port" --path "$HOST/ways"
ways 1 2 2
sed -i '/path: \/ill/d; /^  ill:/d' "$HOST/ways/shop/compose.yaml"
tool --path "$HOST/ways"
is "another port: and back" "$CODE $(datagram)" "0 2"

say "certificates that are renewed, under load"
cat >"$HOST/tunnel.conf" <<-END
	load_module $module;
	error_log $HOST/tunnel.log; pid $HOST/tunnel.pid;
	events { }
	stream { server { listen 127.0.0.1:8300; proxy_pass 127.0.0.1:8443; proxy_ssl on; proxy_ssl_server_name on; proxy_ssl_name shop.test; } }
END
in_netns nginx -c "$HOST/tunnel.conf" -e "$HOST/tunnel.log"
nsenter --net="/run/netns/$DOCKERD_NETNS" "$BUILD_DIR/tests/real/strict-client" --url http://127.0.0.1:8300/ --host shop.test >"$HOST/tls.out" 2>&1 </dev/null &
client=$!
for i in 1 2 3; do
	old=$(serial)
	certificate shop.test
	deploy "renewed $i" "0 1 0" --path "$HOST/ways"
	has "renewed $i: the plan says why" "$PLAN" "publish routes (the certificate of shop.test was renewed)"
	is "renewed $i: it is another one" "$(if [ "$(serial)" = "$old" ]; then echo same; else code "$secure/version"; fi)" 200
done
kill -TERM $client; wait $client
has "no request is lost: $(cat "$HOST/tls.out")" "$(cat "$HOST/tls.out")" " failed=0 "
kill -TERM "$(cat "$HOST/tunnel.pid")"
is "only what is used is kept" "$(find "$HOST_STATE/nginx/assets" -type f | wc -l)" 4

say "a certificate that is gone"
mv "$HOST/shop.test.pem" "$HOST/aside"
sed -i 's|ways/web:1|ways/web:2|' "$HOST/ways/other/compose.yaml"
tool --path "$HOST/ways"
is "exit code" "$CODE" 65
has "one clear error" "$LOG" "compose.yaml:6:22: x-reconcile.routes: tls.certificate: there is no file '$HOST/shop.test.pem' on the host; make it first"
is "another project goes on" "$(version other.test)" 2
mv "$HOST/aside" "$HOST/shop.test.pem"
is "and its own stays as it is" "$(code "$secure/version")" 200
tool --path "$HOST/ways"
is "back again" "$CODE" 0

say "a key that is another one's"
cp "$HOST/shop.test.key" "$HOST/aside"
openssl genpkey -algorithm ec -pkeyopt ec_paramgen_curve:prime256v1 -out "$HOST/shop.test.key" 2>/dev/null
sed -i 's|ways/web:2|ways/web:1|' "$HOST/ways/other/compose.yaml"
tool --path "$HOST/ways"
is "exit code" "$CODE" 65
has "one clear error" "$LOG" "compose.yaml:6:65: x-reconcile.routes: tls.key: '$HOST/shop.test.key' does not belong to the certificate '$HOST/shop.test.pem', or one of the two is damaged"
is "another project goes on" "$(version other.test)" 1
is "and its own stays as it is" "$(code "$secure/version")" 200
tool validate --path "$HOST/ways"
is "validate says so, too" "$CODE" 65
mv "$HOST/aside" "$HOST/shop.test.key"
tool --path "$HOST/ways"
is "back again" "$CODE" 0

rm "$HOST_STATE/nginx/assets/"*
deploy "our copies are gone" "0 1 0" --path "$HOST/ways"
has "our copies are gone: the plan says so" "$PLAN" "  ~   nginx: the certificate of shop.test was changed by hand or is gone"
tool validate --path "$HOST/ways"
is "validate" "$CODE" 0
mv "$HOST/shop.test.pem" "$HOST/aside"
tool validate --path "$HOST/ways"
is "validate needs no certificate" "$CODE" 0
has "but says what the host needs" "$LOG" "tls.certificate: '$HOST/shop.test.pem' is not here; the host must have it"
mv "$HOST/aside" "$HOST/shop.test.pem"

cp "$HOST/nginx.conf.before" "$HOST/nginx.conf"
docker ps -aq --filter label=com.docker.compose.project=shop | xargs -r docker rm -f >/dev/null
docker ps -aq --filter label=com.docker.compose.project=other | xargs -r docker rm -f >/dev/null
nginx_stop; rm -rf "$HOST_STATE/nginx"; nginx_start
unset IN_STEP
