# rolling, the default of a routed service: three instances replaced one by one under load, what a bad one does, and a
# bad one that shows only after it got its share.
for v in 1 2; do host_image "roll/web:$v" "VERSION=$v"; done
host_image roll/web:sick VERSION=3 HEALTH=fail
host_image roll/web:late VERSION=4 EXIT_AFTER_REQUESTS=30
mkdir "$HOST/roll"
roll() { # VERSION
	cat >"$HOST/roll/compose.yaml" <<-END
		name: roll
		services:
		  web:
		    image: roll/web:$1
		    restart: unless-stopped
		    stop_grace_period: 2s
		    deploy:
		      replicas: 3
		      update_config: {parallelism: 1, monitor: 1s}
		    x-reconcile:
		      ready: {http: {port: 8080, path: /health}, within: 5s, for: 300ms}
		      drain_timeout: 6s
		x-reconcile:
		  routes: [{host: roll.test, to: "web:8080"}]
	END
}
roll 1
deploy "rolling: first" "3 0 0" --path "$HOST/roll"

start_client --host roll.test --mix
roll 2
deploy "rolling: three instances" "3 0 3" --path "$HOST/roll"
has "rolling: the plan says which strategy it is, and why" "$PLAN" "  +/- roll/web  rolling (routed)
        image: \"roll/web:1\" -> \"roll/web:2\""
is "rolling: a reload for each batch and one more" "$(grep -c 'publish routes' <<<"$PLAN")" 4
is "rolling: its share to each" "$(grep -o 'shift traffic: [0-9.]*%' <<<"$PLAN" | tr '\n' ' ')" \
	"shift traffic: 33.3% shift traffic: 66.7% shift traffic: 100.0% "
ok "rolling: no failed request" stop_client
has "rolling: both versions answered" "$CLIENT_LINE" " failed=0 versions=1:"
has "rolling: both versions answered" "$CLIENT_LINE" ",2:"

say "D8 not healthy: rolling"
start_client --host roll.test --mix
roll sick
tool --path "$HOST/roll"
is "rolling: one that never gets ready" "[$CODE] $OUT" "[3] Rolled back: 1 added, 0 changed, 1 destroyed.
roll/web: rolled back: revision $(grep -o 'quarantine revision [0-9a-f]*' <<<"$LOG" | cut -d' ' -f3) is quarantined: $(sed -n 's/.*quarantine revision [0-9a-f]* (\(.*\))$/\1/p' <<<"$LOG")"
hasnt "rolling: it never got a request" "$LOG" "shift traffic"
is "rolling: only one of it was started" "$(grep -c 'roll/web: start' <<<"$LOG")" 1

roll late
tool --path "$HOST/roll"
is "rolling: one that fails with traffic: exit code" "$CODE" 3
has "rolling: one that fails with traffic goes back" "$LOG" "roll/web: shift traffic: 0.0% to the next revision (back to the old revision)"
is "rolling: its words are read when its traffic has gone back" \
	"$(grep -o 'shift traffic: 0.0% to\|the last lines of roll-web-[0-9]*\|the state and the last lines' <<<"$LOG" | head -1)" "shift traffic: 0.0% to"
ok "rolling: bad ones: no failed request" stop_client
has "rolling: the old one answered" "$CLIENT_LINE" "versions=2:"
hasnt "rolling: nobody saw the one that never got ready" "$CLIENT_LINE" "3:"
is "rolling: three of the old revision run" "$(docker ps --filter label=com.docker.compose.project=roll --format '{{.Image}}' | sort | uniq -c | xargs)" "3 roll/web:2"

roll 2
tool --path "$HOST/roll"
is "rolling: back to what serves is no change" "[$CODE] $OUT" "[0] No changes."
