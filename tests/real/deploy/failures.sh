# What goes wrong in ways that no other part shows: each is over in seconds, and what served goes on.
for v in 1 2 3; do host_image "fail/web:$v" "VERSION=$v"; done
host_image fail/web:loops VERSION=loops EXIT_AFTER_MS=1500
host_image fail/web:broken VERSION=broken SMOKE=fail
host_image fail/web:tried VERSION=tried
mkdir "$HOST/fail"
# failing IMAGE [KEY...]: a routed service of two, old ones first seen good; keys are lines of YAML for it.
failing() {
	local image=$1 key
	shift
	{
		printf '%s\n' "name: fail" "services:" "  web:" "    image: fail/web:$image" "    restart: ${RESTART-always}" \
			"    stop_grace_period: 2s" "    deploy: {replicas: 2}"
		for key; do echo "    $key"; done
		cat <<-END
			    x-reconcile:
			      strategy: ${STRATEGY-rolling}
			      ready: {${READY-http: {port: 8080, path: /health\}, }within: 4s, for: ${FOR-300ms}}
			      hold: ${HOLD-300ms}
			      keep_old: 0s
			      rollback_window: 0
			      drain_timeout: 4s
			      ${SMOKE-}
			x-reconcile:
			  routes: [{host: fail.test, to: "web:${PORT-8080}"}]
		END
	} >"$HOST/fail/compose.yaml"
}
# until_logged TEXT: the run in the background has said so
until_logged() {
	local i
	for ((i = 0; i < 1200; i++)); do
		grep -qs "$1" "$HOST/fail.log" && return 0
		sleep 0.05
	done
	return 1
}
# goes_back WHAT REASON: the run rolls back, says why, and what served was not touched
goes_back() {
	tool --path "$HOST/fail"
	is "$1: exit code, and what served" "$CODE $(ids fail)" "3 $fail"
	has "$1: says why" "$OUT" "$2"
}

failing 1
deploy "failures: first" "2 0 0" --path "$HOST/fail"
fail=$(ids fail)
start_client --host fail.test --mix

say "D6 start fails: a mount that is not there"
failing 2 'volumes: [{type: bind, source: /nowhere/at/all, target: /data, read_only: true, bind: {create_host_path: false}}]'
goes_back "no such mount" "/nowhere/at/all"
say "D6 start fails: no such program"
failing 2 'command: [/no-such-program]'
goes_back "no such program" "/no-such-program"

say "D7 crash loop: Docker starts it again and again"
FOR=2s failing loops
goes_back "a crash loop" "fail-web-3 "

say "D9 no health check: nothing listens where the route leads"
READY= failing 2 'environment: {PORT: 8081}'
goes_back "no health check" "cannot connect to "
has "no health check: says where" "$OUT" ":8080: Connection refused"

say "D18 one replica fails: the second of two, when the first has traffic"
HOLD=1s failing 3
start_reconcile "$HOST/fail.log" --path "$HOST/fail"
ok "the second one is started" until_logged 'start fail-web-4'
docker kill fail-web-4 >/dev/null
code=0
wait "$RECONCILE_PID" || code=$?
is "one replica fails: exit code, and what serves" "$code $(version fail.test) $(ids fail)" "3 1 $fail"
has "one replica fails: the other gives its share back" "$(cat "$HOST/fail.log")" "fail/web: shift traffic: 0.0% to the next revision (back to the old revision)"
has "one replica fails: says which" "$(cat "$HOST/fail.log")" "is quarantined: fail-web-4 exited with code 137"

say "D27 secret missing"
failing nowhere 'environment: {SECRET: "${FAIL_SECRET:?ask the team for it}"}'
for secret in "" FAIL_SECRET=; do
	echo "$secret" >"$HOST/env"
	tool --path "$HOST/fail"
	is "secret missing ($secret): exit code" "$CODE$OUT" 65
	has "secret missing ($secret): says which, and what to do" "$LOG" "compose.yaml:8:27: services.web.environment: the variable FAIL_SECRET has no value: ask the team for it"
	hasnt "secret missing ($secret): nothing is pulled" "$LOG" "pull"
done
: >"$HOST/env"
is "secret missing: what served" "$(ids fail)" "$fail"

say "D16 two runs at once: the second one waits"
failing 1
flock "$HOST/run/lock" sleep 2 &
sleep 0.5
tool --lock-timeout 100ms --path "$HOST/fail"
is "not for longer than it was told" "$CODE$OUT" 75
tool --lock-timeout 30s --path "$HOST/fail"
is "and then goes on" "[$CODE] $OUT$LOG" "[0] No changes."

say "a smoke test"
smoke='smoke: {http: {port: 8080, path: /smoke, status: 200, body: ok}, within: 2s}'
for strategy in rolling blue-green canary; do
	STRATEGY=$strategy SMOKE=$smoke failing broken "environment: {STRATEGY: $strategy}"
	goes_back "$strategy, smoke fails" " has not passed within 2s: smoke: GET http://"
	has "$strategy, smoke fails: what was answered" "$OUT" ":8080/smoke answered 500, wanted 200"
	hasnt "$strategy, smoke fails: it has no request" "$LOG" "shift traffic"
	hasnt "$strategy, smoke fails: and nginx never hears of it" "$LOG" "publish"
done
STRATEGY=blue-green SMOKE=${smoke/2s/30s} failing broken "environment: {STRATEGY: killed}"
start_reconcile "$HOST/fail.log" --path "$HOST/fail"
ok "killed while it is asked: it is" until_logged 'smoke: GET .*answered 500'
kill -KILL "$RECONCILE_PID"
wait "$RECONCILE_PID" 2>/dev/null
STRATEGY=blue-green SMOKE=$smoke failing broken "environment: {STRATEGY: killed}"
goes_back "killed while it is asked: and again by the next run" ":8080/smoke answered 500, wanted 200"
STRATEGY=canary SMOKE=$smoke failing tried
peek "smoke passes: the plan" --plan --path "$HOST/fail"
has "smoke passes: the plan says so" "$OUT" "each new instance passes its smoke test before its first request: GET :8080/smoke, within 2s"
tool --path "$HOST/fail"
is "smoke passes: the run" "$CODE $(version fail.test)" "0 tried"
for name in $(running fail); do
	is "smoke passes: $name was asked once" "$(in_netns curl -s -m 5 "http://$(look "$name" '{{.NetworkSettings.Networks.fail_default.IPAddress}}'):8080/metrics" | grep '^web_smoke')" "web_smoke_total 1"
done
STRATEGY=canary SMOKE=${smoke/path: \/smoke/path: /nowhere} failing tried
sed -i 's/replicas: 2/replicas: 3/' "$HOST/fail/compose.yaml"
tool --path "$HOST/fail"
is "one more of what serves has nothing to prove" "$CODE $(running fail | wc -w)" "0 3"

say "D19 newer commit: in the middle of a rollout"
git init -q --bare -b main "$HOST/fail.git"
git init -q -b main "$HOST/fail"
fail_commit() { # SUBJECT
	git -C "$HOST/fail" add compose.yaml && git -C "$HOST/fail" -c user.name=t -c user.email=t@example.com commit -qm "$1" &&
		git -C "$HOST/fail" push -q "$HOST/fail.git" HEAD:main
}
HOLD=60s STRATEGY=blue-green failing 2 && fail_commit first
start_reconcile "$HOST/fail.log" --repo "file://$HOST/fail.git"
ok "newer commit: the first is watched" until_logged 'is watched for 1m'
STRATEGY=blue-green failing 3 'environment: {COMMIT: second}' && fail_commit second
code=0
wait "$RECONCILE_PID" || code=$?
is "newer commit: the same run takes it" "$code $(version fail.test)" "0 3"
has "newer commit: is said" "$(cat "$HOST/fail.log")" ' "second" takes over'
hasnt "newer commit: the first was never accepted" "$(sed '/takes over/q' "$HOST/fail.log")" "accept revision"
ok "failures: no failed request" stop_client
has "failures: asked all the time" "$CLIENT_LINE" " failed=0 "
hasnt "failures: what fails its smoke test never got a request" "$CLIENT_LINE" "broken:"

say "D26 no way back: the old one is gone, too"
host_image fail/old:1
host_image fail/web:ill HEALTH=fail
mkdir "$HOST/lone"
lone() { # IMAGE
	cat >"$HOST/lone/compose.yaml" <<-END
		name: lone
		services:
		  job:
		    image: $1
		    stop_grace_period: 1s
		    healthcheck: {test: [CMD, /web, --probe, "http://127.0.0.1:8080/health"], interval: 500ms, timeout: 2s, retries: 2}
	END
}
lone fail/old:1
tool --path "$HOST/lone"
is "no way back: first" "$CODE" 0
old=$(look lone-job-1 '{{index .Config.Labels "io.reconcile.revision"}}')
lone fail/web:ill
start_reconcile "$HOST/fail.log" --path "$HOST/lone"
ok "no way back: the new one is started" until_logged 'lone/job: start lone-job-'
docker ps -a --filter label=com.docker.compose.project=lone --filter ancestor=fail/old:1 -q | xargs docker rm -f >/dev/null
docker rmi fail/old:1 >/dev/null
code=0
wait "$RECONCILE_PID" || code=$?
said="lone/job: failed: the health check of lone-job-2 says unhealthy; there is no way back: nothing is left of the last \
good revision, ${old:0:8}. Correct it in Git"
is "no way back: exit code" "$code" 1
has "no way back: says so" "$(cat "$HOST/fail.log")" "$said"
lone=$(ids lone)
tool --path "$HOST/lone"
is "no way back: nothing more is tried" "[$CODE] $OUT$LOG $(ids lone)" "[1] Nothing can be done now:
$said $lone"
lone fail/web:1
tool --path "$HOST/lone"
is "no way back: but something newer is" "$CODE $(running lone | wc -w)" "0 1"

say "D6 start fails: the last words are shown"
mkdir "$HOST/words"
words() { # KEY...
	{
		printf '%s\n' "name: words" "services:" "  job:" "    image: fail/web:1" "    stop_grace_period: 1s"
		for key; do echo "    $key"; done
	} >"$HOST/words/compose.yaml"
}
last_words() { # WHAT CODE SAYS
	words 'command: [/web, --probe, nonsense]'
	tool --path "$HOST/words"
	is "$1: exit code" "$CODE" "$2"
	has "$1: the rule" "$LOG$OUT" "$3"
	has "$1: the last words" "$LOG" "reconcile: the last lines of words-job-"
	has "$1: the last words" "$LOG" "web: --probe needs http"
	kept=$(find "$HOST_STATE/failed" -name 'words-job-*.log' -newer "$HOST/words/compose.yaml" -perm 600)
	has "$1: and where they stay" "$LOG" " stay for a day in $kept"
	has "$1: how it ended stays" "$(cat "$kept")" '"ExitCode":	64'
	has "$1: the last words stay" "$(cat "$kept")" "web: --probe needs http"
}
last_words "with nothing to go back to" 1 "words/job: failed: words-job-1 exited with code "
words
tool --path "$HOST/words"
is "words: a good one" "$CODE" 0
last_words "with a way back" 3 " exited with code 64)"

say "D12 dockerd restarts: killed in the middle of a rollout, and what runs ends with it"
engine_killed() {
	kill -KILL "$(cat "$HOST/docker/pid")" "$(cat "$HOST/docker/exec/containerd/containerd.pid")"
	wait "$(cat "$HOST/docker/launched")" 2>/dev/null
	dockerd_launch_ "$HOST/docker"
}
RESTART=unless-stopped HOLD=5s STRATEGY=blue-green failing 1
tool --path "$HOST/fail"
is "dockerd killed: before" "$CODE $(version fail.test)" "0 1"
RESTART=unless-stopped HOLD=5s STRATEGY=blue-green failing 2
start_reconcile "$HOST/fail.log" --path "$HOST/fail"
ok "dockerd killed: version 2 is watched" until_logged 'is watched for'
ok "dockerd killed: comes back" engine_killed
code=0
wait "$RECONCILE_PID" || code=$?
is "dockerd killed: the run goes on, with the new one" "$code $(version fail.test)" "0 2"
hasnt "dockerd killed: is no verdict" "$(cat "$HOST/fail.log")" "quarantine"
# Another revision than the one that has failed above.
RESTART=unless-stopped HOLD=5s STRATEGY=blue-green failing 3 'environment: {ENGINE: killed}'
start_reconcile "$HOST/fail.log" --path "$HOST/fail"
ok "dockerd and the tool killed: version 3 is watched" until_logged 'is watched for'
kill -KILL "$RECONCILE_PID"
wait "$RECONCILE_PID" 2>/dev/null
ok "dockerd and the tool killed: comes back" engine_killed
is "dockerd and the tool killed: nothing of it runs" "$(running fail)" ""
tool --path "$HOST/fail"
is "dockerd and the tool killed: the next run goes on" "$CODE $(version fail.test)" "0 3"
hasnt "dockerd and the tool killed: is no verdict" "$LOG" "quarantine"
has "dockerd and the tool killed: its hold begins again" "$LOG" "is watched for 5s"

say "D13 reboot: in the middle of a rollout"
HOLD=60s STRATEGY=blue-green failing 1
start_reconcile "$HOST/fail.log" --path "$HOST/fail"
ok "reboot: the traffic has moved" until_logged 'shift traffic: 100'
kill -KILL "$RECONCILE_PID"
wait "$RECONCILE_PID" 2>/dev/null
nginx_kill
docker ps -q | xargs docker kill >/dev/null
dockerd_end_ "$HOST/docker"
rm -rf "$HOST"/{body,proxy,fastcgi,uwsgi,scgi,run,nginx.pid}
ok "reboot: dockerd starts" dockerd_launch_ "$HOST/docker"
ok "reboot: nginx starts" nginx_start
STRATEGY=blue-green failing 1
tool --path "$HOST/fail"
is "reboot: the run" "$CODE $(version fail.test)" "0 1"
hasnt "reboot: goes on where it was" "$LOG" "shift traffic: 0.0%"
no_changes "reboot" --path "$HOST/fail"
is "reboot: what serves" "$(docker ps --filter label=com.docker.compose.project=fail --format '{{.Image}}' | xargs)" "fail/web:1 fail/web:1"
