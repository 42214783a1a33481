# One instance with a named volume: never two at once, and the old one comes back with its data.
host_image store/db:1 VERSION=1
host_image store/db:2 VERSION=2
host_image store/db:3 VERSION=3 HEALTH=fail
mkdir "$HOST/store"
store() { # VERSION
	cat >"$HOST/store/compose.yaml" <<-END
		name: store
		services:
		  db:
		    image: store/db:$1
		    restart: unless-stopped
		    volumes: [data:/data]
		    healthcheck: {test: [CMD, /web, --probe, "http://127.0.0.1:8080/health"], interval: 300ms, timeout: 2s, retries: 2}
		    stop_grace_period: 2s
		    x-reconcile: {ready: {within: 5s, for: 300ms}}
		volumes: {data: {}}
	END
}
data() { docker cp "$1:/data/kept" - 2>&1 | tar -xO; }
# The most that ran at the same time since SECONDS, when one ran then.
most() {
	docker events --since "$1" --until "$(date +%s.%N)" --filter label=com.docker.compose.project=store \
		--filter event=start --filter event=die --format '{{.TimeNano}} {{.Action}}' |
		awk -v n=1 '{ n += $2 == "start" ? 1 : -1; if (n > m) m = n } END { print m + 0 }'
}

store 1
deploy "in-place: first" "1 0 0" --path "$HOST/store"
has "in-place: the plan says why" "$PLAN" "+   store/db  in-place (a writable volume)"
has "in-place: the volume comes first" "$PLAN" "store: create volume store_data"
echo precious >"$HOST/kept"
docker cp "$HOST/kept" store-db-1:/data/kept >/dev/null
since=$(date +%s.%N)
store 2
deploy "in-place: upgrade" "1 0 1" --path "$HOST/store"
has "in-place: the plan marks the downtime" "$PLAN" "  -/+ store/db  in-place (a writable volume): the old one stops first, downtime"
is "in-place: never two at once" "$(most "$since")" 1
db=$(ids store)
is "in-place: the data is there" "$(data "${db%% *}")" precious

say "D8 not healthy: in place, the old one comes back"
since=$(date +%s.%N)
store 3
tool --path "$HOST/store"
revision=$(sed -n 's/.*: quarantine revision \([0-9a-f]\{8\}\).*/\1/p' <<<"$LOG")
is "in-place: a failing upgrade" "[$CODE] $OUT" "[3] Rolled back: 1 added, 2 changed, 1 destroyed.
store/db: rolled back: revision $revision is quarantined: the health check of store-db-1 says unhealthy"
is "in-place: the old container is back" "$(ids store)" "$db"
is "in-place: it runs, with its restart policy" "$(look "${db%% *}" '{{.State.Running}} {{.HostConfig.RestartPolicy.Name}}')" "true unless-stopped"
is "in-place: with its data" "$(data "${db%% *}")" precious
is "in-place: never two at once, on the way back either" "$(most "$since")" 1
tool --path "$HOST/store"
is "in-place: not tried again" "[$CODE] ${OUT%%$'\n'*}$LOG" "[3] No changes."
store 2
tool --path "$HOST/store"
is "in-place: reverted" "[$CODE] $OUT$LOG" "[0] No changes."
no_changes "in-place: reverted" --path "$HOST/store"
