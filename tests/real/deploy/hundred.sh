# hundred: a hundred changes of each strategy, one after the other, under a client that counts every lost request: GET and
# POST, kept alive and not, slow uploads, answers that take 2 s, and WebSockets. Half of the applications end gracefully on
# SIGTERM, half at once. Four services of each strategy, so 25 commits.
for ends in exit graceful; do host_image "hundred/web:$ends" "ON_TERM=$ends" START_DELAY_MS=200; done
mkdir "$HOST/hundred"
hundred_services=() hundred_hosts=
for strategy in rolling blue-green canary in-place; do
	for ends in exit graceful; do
		for copy in 1 2; do
			hundred_services+=("$strategy-$ends-$copy")
			hundred_hosts+=${hundred_hosts:+,}$strategy-$ends-$copy.test
		done
	done
done
hundred() { # GENERATION
	local service strategy ends routes=
	printf 'name: hundred\nservices:\n'
	for service in "${hundred_services[@]}"; do
		strategy=${service%-*-*} ends=${service%-*} ends=${ends##*-}
		cat <<-END
			  $service:
			    image: hundred/web:$ends
			    restart: unless-stopped
			    environment: {VERSION: "$(($1 % 2 + 1))", GENERATION: "$1"}
			    stop_grace_period: 3s
			    deploy: {replicas: $([[ $strategy == rolling || $strategy == in-place ]] && echo 2 || echo 1)}
			    x-reconcile:
			      strategy: $strategy
			      $([ $strategy != canary ] || echo 'steps: [50]')
			      ready: {http: {port: 8080, path: /health}, within: 60s}
			      $([ $strategy = in-place ] || echo 'hold: 0s')
			      $([[ $strategy == rolling || $strategy == in-place ]] || echo 'keep_old: 0s')
		END
		routes+="    - {host: $service.test, to: \"$service:8080\"}"$'\n'
	done
	printf 'x-reconcile:\n  routes:\n%s' "$routes"
}

hundred 0 >"$HOST/hundred/compose.yaml"
IN_STEP= tool --path "$HOST/hundred"
is "hundred: first" "[$CODE] $OUT" "[0] Apply complete: 24 added, 0 changed, 0 destroyed."
start_client --host "$hundred_hosts" --connections 128 --pause 200 --mix --long
hundred_runs=
for ((n = 1; n <= 25; n++)); do
	hundred "$n" >"$HOST/hundred/compose.yaml"
	UNTRACED="so many at once: whose turn comes first is a matter of milliseconds" tool --path "$HOST/hundred"
	hundred_runs+="[$CODE] $OUT"$'\n'
done
ok "hundred: no failed request" stop_client
echo "hundred: $CLIENT_LINE"
is "hundred: each run came to its end" "$(sort <<<"${hundred_runs%$'\n'}" | uniq -c | xargs)" "25 [0] Apply complete: 24 added, 0 changed, 24 destroyed."
[[ $CLIENT_LINE =~ \ failed=0\ versions=1:[0-9]+,2:[0-9]+\ waited=([0-9]+)\ sockets=([0-9]+)$ ]]
ok "hundred: both versions answered" test $? = 0
between "hundred: answers that took 2 s, in each" "${BASH_REMATCH[1]-}" $((25 * 16)) 1000000
between "hundred: WebSockets, in each" "${BASH_REMATCH[2]-}" $((25 * 16)) 1000000
