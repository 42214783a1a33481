# flight: what takes long of one service holds up nobody else.
host_image flight/web:1 VERSION=1
# Ends by itself in its hold: long after its share was given to it, long before the other service has stopped.
host_image flight/web:dies VERSION=2 EXIT_AFTER_MS=15000
mkdir "$HOST/flight"
flight() { # VERSION OF slow, IMAGE OF web
	cat >"$HOST/flight/compose.yaml" <<-END
		name: flight
		services:
		  slow:
		    image: flight/web:1
		    environment: {GENERATION: "$1"}
		    stop_grace_period: 60s
		    x-reconcile: {strategy: in-place}
		  web:
		    image: flight/web:$2
		    stop_grace_period: 2s
		    x-reconcile:
		      strategy: canary
		      steps: [20]
		      hold: 300s
		      keep_old: 0s
		      ready: {http: {port: 8080, path: /health}, within: 60s, for: 300ms}
		      drain_timeout: 6s
		x-reconcile:
		  routes: [{host: flight.test, to: "web:8080"}]
	END
}

flight 1 1
deploy "flight: first" "2 0 0" --path "$HOST/flight"

# An application that is asked to end finishes its requests first: this one takes longer than its whole grace.
slow=$(look flight-slow-1 '{{.NetworkSettings.Networks.flight_default.IPAddress}}')
nsenter --net="/run/netns/$DOCKERD_NETNS" curl -s -m 300 "http://$slow:8080/slow?ms=300000" >/dev/null 2>&1 </dev/null &
slow_client=$!
flight 2 dies
tool --path "$HOST/flight"
is "flight: the canary went back" "$CODE" 3
back=$(grep -n 'flight/web: shift traffic: 0.0% ' <<<"$LOG" | cut -d: -f1)
stopped=$(grep -n 'flight/slow: stop flight-slow-1' <<<"$LOG" | cut -d: -f1)
has "flight: it had its share while the other one was stopping" "$(head -n "${stopped:-0}" <<<"$LOG")" "flight/web: shift traffic: 20.0%"
is "flight: and its share back before that one had stopped" "$((${back:-0} > 0 && ${back:-0} < ${stopped:-0}))" 1
is "flight: one stop, though it was asked for again and again" "$(grep -c 'flight/slow: stop ' <<<"$LOG")" 1
has "flight: the other one is changed all the same" "$LOG" "flight/slow: start flight-slow-"
wait "$slow_client"
