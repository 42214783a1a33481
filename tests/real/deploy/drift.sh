# The host differs from what was applied and Git did not ask for it: the plan shows it, one run mends it.
host_image drift/web:1 VERSION=1
mkdir "$HOST/drift"
cat >"$HOST/drift/compose.yaml" <<END
name: drift
services:
  web:
    image: drift/web:1
    restart: unless-stopped
    stop_grace_period: 2s
    mem_limit: 64m
    deploy: {replicas: 2}
    x-reconcile:
      strategy: blue-green
      ready: {http: {port: 8080, path: /health}, within: 5s, for: 300ms}
      drain_timeout: 5s
x-reconcile:
  routes: [{host: drift.test, to: "web:8080"}]
END
deploy "drift: first" "2 0 0" --path "$HOST/drift"
live=$HOST_STATE/nginx/live/http.conf

# drift WHAT "ADDED CHANGED DESTROYED" STEP: after it was done
drift() {
	deploy "$1" "$2" --path "$HOST/drift"
	has "$1: the plan names it" "$PLAN" "$3"
	is "$1: answers" "$(version drift.test)" 1
}
title="Drift: the host differs from what was last applied, and Git did not ask for it:
  ~   drift/web
"
say "D22 drift: containers"
docker stop drift-web-1 >/dev/null
drift stopped "0 1 0" "drift/web: start drift-web-1 (drift-web-1 exited with code 0)"
has "stopped: a section of its own" "$PLAN" "$title"
docker kill drift-web-2 >/dev/null
drift killed "0 1 0" "drift/web: start drift-web-2 (drift-web-2 exited with code 137)"
docker pause drift-web-1 >/dev/null
drift paused "0 1 0" "drift/web: start drift-web-1 (drift-web-1 is paused)"
docker rm -f drift-web-1 >/dev/null
drift removed "1 0 0" "drift/web: create drift-web-1 (drift/web:1)"
has "removed: a section of its own" "$PLAN" "Drift: "
docker update --memory 32m --memory-swap 64m drift-web-1 >/dev/null
drift memory "0 1 0" "drift/web: update drift-web-1: mem_limit 33554432 -> 67108864"
has "memory: a section of its own" "$PLAN" "$title        drift-web-1: mem_limit is 33554432, wanted is 67108864
"
docker update --memory-swap 96m drift-web-1 >/dev/null
drift "memory and swap, which Git does not set" "0 1 0" "drift/web: update drift-web-1: memswap_limit 100663296 -> 134217728"
docker update --pids-limit 50 drift-web-1 >/dev/null
drift "a limit of processes, which Git does not set" "0 1 0" "drift/web: update drift-web-1: pids_limit 50 -> -1"
is "a limit of processes: is gone" "$(look drift-web-1 '{{.HostConfig.PidsLimit}}')" 0
docker update --cpu-shares 512 drift-web-1 >/dev/null
drift "a share of the CPUs, which Git does not set" "0 1 0" "drift/web: update drift-web-1: cpu_shares 512 -> 1024"
docker rename drift-web-1 mine
drift "another name" "0 1 0" "drift/web: rename mine to drift-web-1"
has "another name: a section of its own" "$PLAN" "$title        drift-web-1: name is mine, wanted is drift-web-1
"
docker update --restart no drift-web-2 >/dev/null
drift "restart policy" "0 1 0" "drift/web: update drift-web-2: restart \"no\" -> \"unless-stopped\""
is "restart policy: is back" "$(look drift-web-2 '{{.HostConfig.RestartPolicy.Name}}')" unless-stopped
docker network disconnect drift_reconcile drift-web-2
drift "off its network" "1 0 1" "drift/web: create drift-web-3 (drift/web:1)"
docker network disconnect drift_default drift-web-1
drift "off the project's network" "0 1 0" "drift/web: alias drift-web-1 as web (it is not on drift_default)"
docker update --cpus 0.5 drift-web-1 drift-web-3 >/dev/null
drift "a limit that the engine cannot take away" "2 0 2" "(drift-web-1 has cpus 500000000, and Git sets none)"
has "a limit that the engine cannot take away: says so" "$PLAN" "        drift-web-1 has cpus 500000000, and Git sets none
"
say "D22 drift: the configuration of nginx"
kept=$(ids drift)
title="Drift: the host differs from what was last applied, and Git did not ask for it:
  ~   nginx: "
# nginx WHAT SAYS: after a file of its configuration was changed
nginx_drift() {
	drift "$1" "0 1 0" "publish routes ($2)"
	has "$1: a section of its own" "$PLAN" "$title$2
"
	hasnt "$1: no change of Git's" "$PLAN" "Changes:"
}
echo '# by hand' >>"$live"
nginx_drift "configuration edited" "http.conf was changed by hand"
hasnt "configuration edited: is ours again" "$(cat "$live")" "by hand"
rm "$live"
drift "configuration deleted" "0 1 0" "publish routes ("
has "configuration deleted: a section of its own" "$PLAN" "${title}http.conf is gone"
rm "$HOST_STATE/nginx/live"
nginx_drift "link deleted" "its link 'live' is gone"
mv "$HOST_STATE/nginx/generations" "$HOST/aside"
drift "all generations deleted" "0 1 0" "publish routes ("
rm -r "$HOST/aside"
is "no instance was touched for a configuration" "$(ids drift)" "$kept"

say "D22 drift: flags"
sed -i 's|image: drift/web:1|image: drift/web:2|; s|drain_timeout|hold: 1s\n      keep_old: 1h\n      drain_timeout|' "$HOST/drift/compose.yaml"
host_image drift/web:2 VERSION=2
tool --path "$HOST/drift"
is "version 2: the run" "[$CODE] $(version drift.test)" "[0] 2"
flags=$(echo "$HOST_STATE"/nginx/traffic/drift/web/*)
kept=$(ids drift)
# flags WHAT STEP: after they were changed
flags() {
	peek "$1: the plan" --plan --detailed-exitcode --path "$HOST/drift"
	is "$1: the plan's exit code" "$CODE" 2
	has "$1: the plan names it" "$OUT" "$2"
	has "$1: a section of its own" "$OUT" "Git did not ask for it:
  ~   drift/web
"
	tool --path "$HOST/drift"
	is "$1: the run" "$CODE" 0
	has "$1: the run mends it" "$LOG" "$2"
	peek "$1: the next plan" --plan --detailed-exitcode --path "$HOST/drift"
	is "$1: the next plan" "$CODE" 0
	is "$1: answers" "$(version drift.test) $(version drift.test) $(version drift.test)" "2 2 2"
}
rm "$flags/now"
is "the link of the weight deleted: the old one serves" "$(version drift.test)" 1
flags "the link of the weight deleted" "drift/web: shift traffic: 100.0% to the next revision"
rm "$flags"/now/{1,2,3}?? # the set itself, which other services share
flags "some flags deleted" "drift/web: shift traffic: 100.0% to the next revision (its flags were changed by hand)"
is "some flags deleted: all are back" "$(ls "$flags/now/" | wc -l)" 1001 # of all buckets, and of testers
touch "$flags/now/1000"
flags "a flag added" "drift/web: shift traffic: 100.0% to the next revision (its flags were changed by hand)"
rm "$flags/both"
flags "who may stand in deleted" "drift/web: shift traffic: 100.0% to the next revision (its flags were changed by hand)"
rm "$flags/now" && mkdir "$flags/now"
flags "the link of the weight replaced" "drift/web: shift traffic: 100.0% to the next revision"
say "D28 clock jump: set back after the traffic has moved"
touch -h -d tomorrow "$flags/now"
flags "a time to come" "drift/web: shift traffic: 100.0% to the next revision (its flags were changed by hand)"
is "a time to come: is over" "$(($(stat -c %Y "$flags/now") <= $(date +%s)))" 1
rm -r "$HOST_STATE/nginx/traffic" "$HOST_STATE/nginx/sets"
flags "all flags deleted" "drift/web: shift traffic: 100.0% to the next revision"
is "no instance was touched for flags" "$(ids drift)" "$kept"
sed -i 's/keep_old: 1h/keep_old: 0s/' "$HOST/drift/compose.yaml"
tool --path "$HOST/drift"
is "the old one is not kept any more" "$CODE" 0

say "D22 drift: a place that the engine cannot give any more"
one=$(running drift | cut -d' ' -f1)
# As after an engine that was killed in the middle of a move: what is in there is in the way of what it makes anew.
nsenter --net="$(look "$one" '{{.NetworkSettings.SandboxKey}}')" \
	ip route add "$(docker network inspect -f '{{(index .IPAM.Config 0).Subnet}}' drift_default)" dev lo metric 99
docker network disconnect drift_default "$one"
start_client --connections 2
UNTRACED="the engine fails" tool --path "$HOST/drift"
ok "a place that the engine cannot give: no failed request" stop_client
is "a place that the engine cannot give: the run" "[$CODE] $OUT" "[0] Apply complete: 1 added, 0 changed, 1 destroyed."
other=$(docker ps --filter name=drift-web --format '{{.CreatedAt}} {{.Names}}' | sort | tail -1 | sed 's/.* //')
has "a place that the engine cannot give: it says why" "$LOG" "drift/web: create $other (drift/web:2) at $(look "$other" \
	'{{.NetworkSettings.Networks.drift_reconcile.IPAddress}}') ($one cannot be given its place on a network: "
is "a place that the engine cannot give: answers" "$(version drift.test)" 2
no_changes "a place that the engine cannot give" --path "$HOST/drift"
