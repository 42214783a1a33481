# drain: who looks on while an old instance drains reads what is waited for, since when and until when; each stop says it
# afterwards.
for n in 1 2 3; do host_image ebb/web:$n VERSION=$n; done
mkdir "$HOST/ebb"
ebb() { # VERSION TIMEOUT
	cat >"$HOST/ebb/compose.yaml" <<-END
		name: ebb
		services:
		  web:
		    image: ebb/web:$1
		    stop_grace_period: 1s
		    x-reconcile:
		      strategy: blue-green
		      hold: 300ms
		      keep_old: 0s
		      ready: {http: {port: 8080, path: /health}, for: 300ms}
		      drain_timeout: $2
		x-reconcile:
		  routes: [{host: ebb.test, to: "web:8080"}]
	END
}
# A client that is answered after so many seconds by the instance that serves now.
stay() {
	nsenter --net="/run/netns/$DOCKERD_NETNS" curl -s -m 300 -H 'Host: ebb.test' "$HOST_URL/slow?ms=${1}000" >"$HOST/stayed" 2>&1 </dev/null &
	STAYS=$!
	sleep 0.2
}
stop_line() { grep -o 'ebb/web: stop .*' <<<"$1"; }

ebb 1 60s
deploy "drain: first" "1 0 0" --path "$HOST/ebb"

say "a client that takes its time"
ebb 2 60s
peek "drain: the plan" --plan --path "$HOST/ebb"
is "drain: the plan says what will be waited for" "$(stop_line "$OUT")" "ebb/web: stop ebb-web-1 (drained: name 1.5s, old nginx workers, connections)"
stay 14
start_reconcile "$HOST/run.log" --path "$HOST/ebb"
for ((i = 0; i < 200; i++)); do
	grep -q ' drains since .* 1 old nginx worker;' "$HOST/run.log" && break
	sleep 0.1
done
is "drain: the log says for what, since when and until when" "$(grep -m 1 -oE 'ebb-web-1 drains since [-0-9]+ [0-9:]+Z: 1 connection, 1 old nginx worker; cut after the drain_timeout of 1m \(until [-0-9]+ [0-9:]+Z\)' "$HOST/run.log" | wc -l)" 1
tool status --path "$HOST/ebb"
is "drain: so does status" "$(grep -oE 'ebb-web-1 drains since [-0-9]+ [0-9:]+Z: 1 connection, 1 old nginx worker; cut after the drain_timeout of 1m$' <<<"$OUT" | wc -l)" 1
tool status --json --path "$HOST/ebb"
has "drain: and for machines" "$OUT" ": 1 connection, 1 old nginx worker; cut after the drain_timeout of 1m\""
ok "drain: the run" wait "$RECONCILE_PID"
wait "$STAYS"
is "drain: who took its time has its answer" "$(cat "$HOST/stayed")" "slow"
read -r name workers connections < <(sed -nE 's/.*stop ebb-web-1 \(drained: name ([0-9]+)\.[0-9]s, old nginx workers ([0-9]+)\.[0-9]s, connections ([0-9]+)\.[0-9]s\)$/\1 \2 \3/p' "$HOST/run.log")
ok "drain: the stop says what was waited for: $(stop_line "$(cat "$HOST/run.log")")" \
	test "${name:-0}" -eq 1 -a "${workers:-0}" -ge 4 -a "${workers:-0}" -le 14 -a "${connections:-0}" -ge 4 -a "${connections:-0}" -le 14
no_changes "drain" --path "$HOST/ebb"

say "one that takes too long"
ebb 3 2s
stay 100
tool --json --path "$HOST/ebb"
is "cut: the run" "$CODE" 0
is "cut: the stop says so" "$(stop_line "$LOG")" \
	"ebb/web: stop ebb-web-2 (cuts 1 connection after the drain time-out of 2s: name 1.5s, old nginx workers (1 left), connections (1 left))"
has "cut: for machines, too" "$OUT" "(cuts 1 connection after the drain time-out of 2s: name 1.5s, old nginx workers (1 left), connections (1 left))"
wait "$STAYS"
docker ps -aq --filter label=com.docker.compose.project=ebb | xargs -r docker rm -f >/dev/null
