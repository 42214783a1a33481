# depends_on: who waits for whom, and what a dependency that never gets healthy holds up.
host_image chain/slow:1 START_DELAY_MS=2500
host_image chain/ill:1 HEALTH=fail
host_image chain/ill:2
mkdir "$HOST/chain"
chain() { # VERSION of ill
	local check='healthcheck: {test: [CMD, /web, --probe, "http://127.0.0.1:8080/health"], interval: 300ms, timeout: 2s'
	cat >"$HOST/chain/compose.yaml" <<-END
		name: chain
		x-quick: &quick {ready: {within: 8s, for: 300ms}}
		services:
		  app: {image: "chain/ill:2", depends_on: {db: {condition: service_healthy}}, x-reconcile: *quick}
		  db: {image: "chain/slow:1", $check, retries: 20}, x-reconcile: *quick}
		  ill: {image: "chain/ill:$1", $check, retries: 2}, x-reconcile: *quick}
		  behind: {image: "chain/ill:2", depends_on: {ill: {condition: service_healthy}}, x-reconcile: *quick}
		  last: {image: "chain/ill:2", depends_on: [behind], x-reconcile: *quick}
	END
}
say "D17 partial failure: only what depends on it waits"
chain 1
tool --path "$HOST/chain"
is "a dependency never gets healthy" "[$CODE] $OUT" "[1] Apply incomplete: 3 added, 0 changed, 0 destroyed.
chain/ill: failed: the health check of chain-ill-1 says unhealthy
chain/behind: blocked: waits for ill to be healthy: the health check of chain-ill-1 says unhealthy
chain/last: blocked: waits for behind to be started: waits for ill to be healthy: the health check of chain-ill-1 says unhealthy"
is "... and only what is behind it is held up" "$(running chain)" "chain-app-1 chain-db-1 chain-ill-1 "
started() { date +%s%N -d "$(look "$1" '{{.State.StartedAt}}')"; }
later=$((($(started chain-app-1) - $(started chain-db-1)) / 1000000))
is "app started after db was healthy" "$((later >= 2500))" 1
has "... and said why it waited" "$LOG" "reconcile: chain/app: waits for db to be healthy"
chain 2
deploy "the dependency is mended" "3 0 1" --path "$HOST/chain"
is "everything runs" "$(running chain | sed 's/-[0-9]* / /g')" "chain-app chain-behind chain-db chain-ill chain-last "

mkdir "$HOST/plain"
cat >"$HOST/plain/compose.yaml" <<-END
	name: plain
	services:
	  app: {image: "chain/ill:2", depends_on: {db: {condition: service_healthy}}}
	  db: {image: "chain/ill:2"}
END
tool --path "$HOST/plain"
is "a dependency without any health check" "[$CODE] ${OUT#*$'\n'}" "[1] plain/app: failed: depends_on.db.condition is service_healthy, \
and db has no health check, in the manifest or in its image: give it one, or wait for service_started"
rm -r "$HOST/plain" # nothing more can be done to it, and what comes next looks at all that is here
