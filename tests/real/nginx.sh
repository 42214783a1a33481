#!/usr/bin/env bash
# The nginx room against a real nginx on loopback: publish, weights, refusals, restarts, kills; under the strict client.
set -u
. "$SOURCE_DIR/tests/real/nginx_room.sh"

say "the tools themselves"
refused 64 "strict-client: only http:// to 127.0.0.0/8 is asked" "$BIN/strict-client" --url http://192.0.2.1/
PORT=$APP BIND=127.0.0.1 HEALTH=fail "$BIN/web" & PIDS[tool]=$!
sleep 0.2
[[ $(curl -s -w '%{http_code}' "http://127.0.0.1:$APP/health") == $'DOWN\n503' ]] || fail "HEALTH=fail is not seen"
curl -s "http://127.0.0.1:$APP/slow?ms=700" > "$T/slow" & PIDS[slow]=$!
sleep 0.2
kill -TERM "${PIDS[tool]}"; wait "${PIDS[tool]}" || fail "SIGTERM: exit $?"
wait "${PIDS[slow]}"; unset 'PIDS[slow]' 'PIDS[tool]'
[[ $(cat "$T/slow") == slow ]] || fail "SIGTERM cut the request in flight"
PORT=$APP BIND=127.0.0.1 EXIT_AFTER_MS=900 "$BIN/web" & PIDS[tool]=$!
sleep 0.2
refused 1 "connect" "$BIN/strict-client" --url "http://127.0.0.1:$APP/" --seconds 2 # it notices when the server dies
wait "${PIDS[tool]}"; [[ $? == 1 ]] || fail "EXIT_AFTER_MS does not exit 1"
unset 'PIDS[tool]'

PORT=$APP BIND=127.0.0.2 VERSION=1 "$BIN/web" & PIDS[web1]=$!
PORT=$APP BIND=127.0.0.3 VERSION=2 "$BIN/web" & PIDS[web2]=$!

say "nothing runs yet"
ok driver prepare
observed "up=0 current=0 draining=0 announcing=0 installed=1 problem=nginx is not running: $T/nginx.pid: "
refused 69 "unreachable: nginx is not running" publish r1
before=$(readlink "$T/r/live")
start_nginx
observed "up=1 current=1"

say "publish"
ok publish r1 127.0.0.3
[[ $(readlink "$T/r/live") != "$before" ]] || fail "live did not move"
observed "up=1 current=1 draining="
nginx -T -c "$T/nginx.conf" 2>/dev/null | grep -q "upstream shop.web.$APP.next_both { server 127.0.0.3:$APP max_fails=0; server 127.0.0.2:$APP max_fails=0 backup; }" || fail "nginx -T has no such pool"
[[ $(version) == 1 ]] || fail "the committed side does not answer"
pid=$(nginx_pids | tr '\n' ' ')
ok publish r1 127.0.0.3
[[ $(nginx_pids | tr '\n' ' ') == "$pid" ]] || fail "the same topology was reloaded"
refused 1 "conflict: shop/web: nginx has no rollout 'r9' installed" weight r9 500

say "weights, without a reload"
client_start --mix
for w in 10 1000 250 0 500 1000 0 1000 0; do ok weight r1 "$w"; sleep 0.15; done
client_stop "weights under load"
ok weight r1 1000
[[ $(version) == 2 ]] || fail "weight 1000 does not reach next"
ls "$T/r/traffic/shop/web/r1/both" >/dev/null || fail "no flag 'both' at weight 1000"
ok weight r1 0
[[ $(version) == 1 ]] || fail "weight 0 reaches next"
[[ ! -e $T/r/traffic/shop/web/r1/both ]] || fail "flag 'both' at weight 0"
ok weight r1 250
since=$(driver observe | grep -o 'since=[0-9]*')
ok weight r1 250
observed "shop/web rollout=r1 weight=250 $since stable=aaaa next=bbbb"
"$BIN/strict-client" --url "$URL/" --host shop.test --requests 20000 >"$T/share" || fail "share: $(cat "$T/share")"
say "weight 250: $(cat "$T/share")"
next=$(sed 's/.*[=,]2:\([0-9]*\).*/\1/' "$T/share")
(( next > 20000 * 235 / 1000 && next < 20000 * 265 / 1000 )) || fail "weight 250 gave $next of 20000"
rm "$T/r/sets/250/$(ls "$T/r/sets/250" | head -1)"
ok weight r1 250
[[ $(ls "$T/r/sets/250" | wc -l) == 251 ]] || fail "a damaged set is not repaired"

chmod 700 "$T/r/traffic"
refused 1 "conflict: shop/web: weight 260 is not in force: bucket " weight r1 260
chmod 755 "$T/r/traffic"
ok weight r1 250
since=$(driver observe | grep -o 'since=[0-9]*')

say "D10 nginx refuses: the test"
say "B8 nginx -t fails"
live=$(readlink "$T/r/live")
NGX_LISTEN=127.0.0.1:99999 refused 65 "invalid: nginx refuses the new configuration: [emerg] invalid port in \"127.0.0.1:99999\" of the \"listen\" directive in $T/r/live/http.conf:" publish r2
echo 'nonsense;' >> "$T/nginx.conf"
refused 65 "invalid: the nginx configuration was broken before this change: [emerg] unknown directive \"nonsense\"" publish r2
sed -i '$d' "$T/nginx.conf"
[[ $(readlink "$T/r/live") == "$live" ]] || fail "a refused candidate was installed"
refused 1 "denied: testing the nginx configuration needs a mount namespace of its own: CAP_SYS_ADMIN is missing (run as root)" \
	setpriv --inh-caps -sys_admin --bounding-set -sys_admin bash -c "printf '# route shop.test shop web 1 / 100\n' | '$BIN/nginx-driver' publish"

say "D10 nginx refuses: a taken port"
say "B8 reload accepted but not live"
PORT=$TAKEN BIND=127.0.0.1 "$BIN/web" & PIDS[taken]=$!
sleep 0.3
NGX_LISTEN=127.0.0.1:$TAKEN refused 1 "conflict: nginx did not take the new configuration over: bind() to 127.0.0.1:$TAKEN failed (98: Address already in use); still could not bind()" publish r2
[[ $(readlink "$T/r/live") == "$live" ]] || fail "a configuration that was not confirmed stays installed"
observed "up=1 current=1 draining=0 announcing=0"
observed "rollout=r1 weight=250"

say "changed by hand"
echo '# by hand' >> "$T/r/live/http.conf"
observed "current=0"
observed "rollout=r1 weight=250 $since"
ok publish r1 127.0.0.3
observed "current=1"
observed "rollout=r1 weight=250 $since"

say "D13 reboot: nginx starts by itself and the weights are in force at once"
ok weight r1 1000
for p in $(nginx_pids); do kill -9 "$p"; done
sleep 0.2
observed "up=0 current=0 draining=0 announcing=0 installed=1 problem=nginx is not running: $T/nginx.pid names process"
rm "$T/nginx.pid"
start_nginx
[[ $(version) == 2 ]] || fail "weight lost by the restart"
observed "rollout=r1 weight=1000"
observed "up=1 current=1"

say "a stale announcement"
touch "$T/r/close"
observed "announcing=1"
curl -s -i -H 'Host: shop.test' "$URL/version" | grep -qi '^connection: close' || fail "the announcement says nothing"
curl -s -d "$(printf '%700s' x)" -H 'Host: shop.test' "$URL/echo" | grep -q '^700 ' || fail "a body is lost under the announcement"
ok driver unannounce
observed "announcing=0"

say "announced reloads"
client_start
for i in $(seq 20); do ok publish "a$i" 127.0.0.3; done
client_stop "20 reloads under load"
observed "shop/web rollout=a20 weight=0"
(( $(ls -A "$T/r/generations" | wc -l) == 2 )) || fail "generations: $(ls -A "$T/r/generations")"
sleep 0.3
ok weight a20 700
ok publish r1 127.0.0.3
observed "shop/web rollout=r1 weight=0"
ok publish r1
[[ ! -e $T/r/traffic/shop/web/a19 ]] || fail "flags of dead rollouts stay: $(ls "$T/r/traffic/shop/web")"

say "D14 tool killed: at any point of a publish"
client_start
for i in $(seq 10); do
	topology "k$i" 127.0.0.3 > "$T/topology"
	"$BIN/nginx-driver" publish < "$T/topology" 2>/dev/null & PIDS[victim]=$!
	sleep "0.$((RANDOM % 60 + 10))"
	kill -9 "${PIDS[victim]}" 2>/dev/null; wait "${PIDS[victim]}" 2>/dev/null; unset 'PIDS[victim]'
	nginx -t -q -c "$T/nginx.conf" || fail "kill $i left a configuration that nginx refuses"
	[[ $(version) == 1 ]] || fail "kill $i: no answer"
done
ok publish k99 127.0.0.3
client_stop "10 kills under load"
observed "up=1 current=1"
observed "announcing=0"

say "draining workers"
sleep 0.3
observed "draining=0"
curl -s -H 'Host: shop.test' "$URL/slow?ms=2500" > "$T/slow" & PIDS[slow]=$!
sleep 0.2
ok publish d1 127.0.0.3
ok publish d2 127.0.0.3
observed "draining=1"
wait "${PIDS[slow]}" || fail "the held request was cut"
[[ $(cat "$T/slow") == slow ]] || fail "the held request was cut"
sleep 0.2
observed "draining=0"

say "sides that are not there"
printf '# service shop web rollout=e1 stable= next=bbbb,127.0.0.3\n# route shop.test shop web %s / 100\n# route gone.test shop gone 80 / 100\n' "$APP" | driver publish || fail "publish without stable"
curl -s -i -H 'Host: shop.test' "$URL/" | tr -d '\r' > "$T/empty"
grep -q '^HTTP/1.1 503' "$T/empty" && grep -q '^Retry-After: 5' "$T/empty" || fail "empty stable: $(head -3 "$T/empty")"
curl -s -i -H 'Host: gone.test' "$URL/" | grep -q '^HTTP/1.1 503' || fail "a service that is not there"
ok weight e1 1000
[[ $(version) == 2 ]] || fail "next alone does not answer"

say "not included"
sed -i "s|include $T/r|include $T/elsewhere|" "$T/nginx.conf"
live=$(readlink "$T/r/live")
refused 1 "setup: nginx does not read what is written for it: put this line into the http block of $T/nginx.conf, or into a file that is included there (Debian: /etc/nginx/conf.d/reconcile.conf): include $T/r/live/http*.conf;" publish n1
[[ $(readlink "$T/r/live") == "$live" ]] || fail "what nginx does not read was installed"

room_end
