# analysis: a canary that is worse than what it replaces goes back by itself, with the figures; one that is not, goes on.
host_image moth/web:1 VERSION=1 DELAY_MS=20
host_image moth/web:2 VERSION=2 DELAY_MS=20
host_image moth/web:fails VERSION=3 DELAY_MS=20 FAIL_PERCENT=15
host_image moth/web:slow VERSION=4 DELAY_MS=45
mkdir "$HOST/moth"
moth() { # VERSION HOLD [ANALYSIS]
	cat >"$HOST/moth/compose.yaml" <<-END
		name: moth
		services:
		  web:
		    image: moth/web:$1
		    restart: unless-stopped
		    stop_grace_period: 2s
		    deploy: {replicas: 2}
		    x-reconcile:
		      strategy: canary
		      steps: [20, 50]
		      hold: $2
		      keep_old: 0s
		      rollback_window: 0
		      ${3:+analysis: $3}
		      ready: {http: {port: 8080, path: /health}, within: 10s, for: 300ms}
		      drain_timeout: 6s
		x-reconcile:
		  routes: [{host: moth.test, to: "web:8080"}]
	END
}
# log_has TEXT: waits for it in what the run in the background says.
log_has() {
	local i
	for ((i = 0; i < 600; i++)); do
		grep -qF -- "$1" "$HOST/log" && return 0
		kill -0 "$RECONCILE_PID" 2>/dev/null || return 1
		sleep 0.1
	done
	return 1
}
requests() { sed -n 's/^requests=\([0-9]*\) .*/\1/p' <<<"$CLIENT_LINE"; }

# A log of the user's own, in a format of its own, above our include.
sed -i "s|access_log off;|log_format own '\$host \$status'; access_log $HOST/own.log own;|" "$HOST/nginx.conf"
nginx_reload

moth 1 2s
deploy "analysis: first" "2 0 0" --path "$HOST/moth"

say "as good as the old one"
start_client --host moth.test --pause 7
moth 2 4s "{max_error_rate: 1%, min_requests: 20}"
tool --path "$HOST/moth"
is "a good one goes through" "$CODE" 0
ok "a good one: no failed request" stop_client
# The last lines are written within a second; the rest of this second is nobody's.
for ((i = 0; i < 50; i++)); do
	[ "$(grep -c '^moth.test 200$' "$HOST/own.log")" -ge "$(requests)" ] && break
	sleep 0.1
done
is "a good one: each request is in the user's own log" "$(grep -c '^moth.test 200$' "$HOST/own.log")" "$(requests)"
hasnt "a good one: nothing of a client in ours" "$(cat "$HOST_STATE/nginx/requests.log")" "moth.test"
no_changes "a good one" --path "$HOST/moth"
is "over: nothing of the log stays" "$(stat -c %s "$HOST_STATE/nginx/requests.log") $(ls "$HOST_STATE/nginx" | grep seen)" "0 "

say "B8 analysis fails: one request in ten"
start_client --host moth.test --pause 7
moth fails 30s
tool --path "$HOST/moth"
is "one that fails goes back" "$CODE" 3
has "one that fails: the figures of both sides" "$(grep -o 'next [0-9,]* of [0-9,]* attempts failed ([0-9.]* %[^)]*), stable 0 of [0-9,]*' <<<"$LOG$OUT" | head -1)" "attempts failed"
has "one that fails: and the rule" "$LOG" "by the relative test, bound 1 %"
hasnt "one that fails: never got more" "$LOG" "50.0%"
stop_client 2>/dev/null || true
tool --path "$HOST/moth"
is "one that fails: is not tried again" "$CODE" 3

say "B8 analysis fails: twice as slow"
start_client --host moth.test --pause 7
moth slow 60s
tool --path "$HOST/moth"
is "a slow one goes back" "$CODE" 3
has "a slow one: the figures of both sides" "$LOG" "next answered within "
has "a slow one: and the rule" "$LOG" "by the latency test, bound 1.5x"
ok "a slow one: no failed request" stop_client
moth slow 1s "off"
tool --path "$HOST/moth"
is "a slow one that nobody looks at: what failed is not tried again" "$CODE" 3
tool retry moth/web --path "$HOST/moth"
start_client --host moth.test --pause 7
tool --path "$HOST/moth"
is "a slow one that nobody looks at goes through" "$CODE" 0
ok "a slow one that nobody looks at: no failed request" stop_client

say "B8 analysis inconclusive: nobody asks"
moth 2 1s "{min_requests: 60}"
start_reconcile "$HOST/log" --path "$HOST/moth"
ok "without requests it waits, and says so" log_has "saw 0 of 60 requests"
rm "$HOST_STATE/nginx/requests.log"
ok "a log that somebody removed: is told" log_has "requests.log is gone; counted anew from now on"
for ((i = 0; i < 300; i++)); do
	[ -e "$HOST_STATE/nginx/requests.log" ] && break
	sleep 0.1
done
ok "a log that somebody removed: nginx opens it anew" test -e "$HOST_STATE/nginx/requests.log"
start_client --host moth.test --pause 7
ok "with requests it goes on" wait "$RECONCILE_PID"
ok "with requests: none fails" stop_client

say "B8 analysis inconclusive: what the manifest makes of it"
nobody="a plan takes it that there are requests enough"
moth 1 1s "{min_requests: 60, max_hold: 3s}"
UNTRACED=$nobody tool --path "$HOST/moth"
is "pause: it waits for an operator" "$CODE" 4
has "pause: and says for what" "$OUT$LOG" "it cannot be told yet whether it is good: saw 0 of 60 requests"
moth 1 1s "{min_requests: 60, max_hold: 3s, on_inconclusive: abort}"
UNTRACED=$nobody tool --path "$HOST/moth"
is "abort: it goes back" "$CODE" 3
has "abort: and says why" "$OUT$LOG" "it could not be told within 3s whether it is good: saw 0 of 60 requests"
tool retry moth/web --path "$HOST/moth"
moth 1 1s "{min_requests: 60, max_hold: 3s, on_inconclusive: promote}"
UNTRACED=$nobody tool --path "$HOST/moth"
is "promote: it goes on" "$CODE" 0
has "promote: and says why" "$LOG" "(on_inconclusive: saw 0 of 60 requests)"
no_changes "promote" --path "$HOST/moth"

sed -i "s|log_format own .* own;|access_log off;|" "$HOST/nginx.conf"
nginx_reload
