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
has "memory: a section of its own" "$PLAN" "$title"
docker update --restart no drift-web-2 >/dev/null
drift "restart policy" "0 1 0" "drift/web: update drift-web-2: restart \"no\" -> \"unless-stopped\""
is "restart policy: is back" "$(look drift-web-2 '{{.HostConfig.RestartPolicy.Name}}')" unless-stopped
docker network disconnect drift_reconcile drift-web-2
drift "off its network" "1 0 1" "drift/web: create drift-web-3 (drift/web:1)"
docker network disconnect drift_default drift-web-1
drift "off the project's network" "0 1 0" "drift/web: alias drift-web-1 as web (it is not on drift_default)"
kept=$(ids drift)
echo '# by hand' >>"$live"
drift "configuration edited" "0 1 0" "publish routes (the configuration in force is not ours)"
hasnt "configuration edited: is ours again" "$(cat "$live")" "by hand"
rm "$live"
drift "configuration deleted" "0 1 0" "publish routes ("
is "no instance was touched for a configuration" "$(ids drift)" "$kept"
