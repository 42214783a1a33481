# prometheus: a real one, which finds the instances by Docker and knows their revisions by our label. nginx sees nothing bad
# of any version here; what is bad of one is only in its metrics.
host_image heron/web:1 VERSION=1
host_image heron/web:2 VERSION=2
host_image heron/web:wrong VERSION=3 WRONG_PERCENT=30
host_image heron/web:4 VERSION=4
mkdir "$HOST/heron"
heron() { # VERSION
	cat >"$HOST/heron/compose.yaml" <<-END
		name: heron
		services:
		  web:
		    image: heron/web:$1
		    stop_grace_period: 2s
		    x-reconcile:
		      strategy: canary
		      steps: [20]
		      hold: 3s
		      keep_old: 0s
		      analysis:
		        query:
		          url: http://127.0.0.1:9090
		          promql: >-
		            sum(rate(web_wrong_total{revision="{{revision}}"}[{{window}}]))
		            / sum(rate(web_asked_total{revision="{{revision}}"}[{{window}}]))
		          max: 0.05
		      ready: {http: {port: 8080, path: /health}, within: 10s, for: 300ms}
		      drain_timeout: 2s
		x-reconcile:
		  routes: [{host: heron.test, to: "web:8080"}]
	END
}
cat >"$HOST/prometheus.yml" <<-END
	global: {scrape_interval: 1s, scrape_timeout: 1s}
	scrape_configs:
	  - job_name: instances
	    docker_sd_configs: [{host: "$DOCKER_HOST", port: 8080, refresh_interval: 1s}]
	    relabel_configs:
	      # It has an address on each of its networks: one is enough.
	      - {source_labels: [__meta_docker_network_name], regex: heron_default, action: keep}
	      - {source_labels: [__meta_docker_container_label_io_reconcile_revision], target_label: revision}
END
prometheus_start() {
	nsenter --net="/run/netns/$DOCKERD_NETNS" prometheus --config.file="$HOST/prometheus.yml" \
		--storage.tsdb.path="$HOST/prometheus" --web.listen-address=127.0.0.1:9090 --log.level=warn >>"$HOST/prometheus.log" 2>&1 </dev/null &
	PROMETHEUS=$!
}
prometheus_stop() { kill -TERM "$PROMETHEUS" && wait "$PROMETHEUS"; }
knows() { # EXPRESSION: until Prometheus has an answer for it
	local i
	for ((i = 0; i < 200; i++)); do
		[[ $(in_netns curl -s -m 5 --data-urlencode "query=$1" http://127.0.0.1:9090/api/v1/query) == *'"value":['* ]] && return 0
		sleep 0.1
	done
	tail -n 5 "$HOST/prometheus.log" >&2
	return 1
}

heron 1
deploy "prometheus: first" "1 0 0" --path "$HOST/heron"
prometheus_start
ok "prometheus: it finds the instances, and their revision" knows 'web_asked_total{revision!=""}'
start_client --host heron.test

say "nothing bad in its metrics"
heron 2
tool --path "$HOST/heron"
is "prometheus: a good one goes through" "$CODE" 0
# It keeps its connection to whatever it scrapes, which looks like anybody's.
has "prometheus: as a client that stays it is cut in the end" "$LOG" "stop heron-web-1 (cuts 1 connection after the drain time-out of 2s: "

say "wrong in its metrics alone"
heron wrong
tool --path "$HOST/heron"
is "prometheus: one that is wrong goes back" "$CODE" 3
figure=$(sed -nE 's/.*the query answered (0\.[0-9]+), and 0\.05 is the most that it may be.*/\1/p' <<<"$OUT" | head -1)
ok "prometheus: the report has the figure and the rule: ${OUT##*$'\n'}" awk "BEGIN { exit !(${figure:-0} > 0.2 && ${figure:-0} < 0.4) }"
hasnt "prometheus: it never got more" "$LOG" "100.0%"
is "prometheus: for nginx there was nothing wrong" "$(grep -c 'attempts failed' <<<"$LOG$OUT")" 0

say "Prometheus is away"
ok "prometheus: it ends" prometheus_stop
heron 4
start_reconcile "$HOST/run.log" --path "$HOST/heron"
for ((i = 0; i < 300; i++)); do
	grep -q 'cannot be told yet' "$HOST/run.log" && break
	sleep 0.1
done
has "away: neither on nor back, and the log says why" "$(cat "$HOST/run.log")" \
	"has 20.0% of the requests; the hold is over, but it cannot be told yet whether it is good: the query has no answer yet: Prometheus cannot be reached"
hasnt "away: it got no more meanwhile" "$(cat "$HOST/run.log")" "100.0%"
prometheus_start
ok "back again: it goes through" wait "$RECONCILE_PID"
has "back again: with all of the requests" "$(cat "$HOST/run.log")" "accept revision"
ok "prometheus: no request failed in all of that" stop_client
ok "prometheus: it ends again" prometheus_stop
docker ps -aq --filter label=com.docker.compose.project=heron | xargs -r docker rm -f >/dev/null
