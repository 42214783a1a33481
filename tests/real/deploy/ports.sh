# The port that a route leads to belongs to the revision: it changes with the image under the strict client, and a bad
# version on a new port goes back. Nothing here says what ready means: a connect at the routed port does.
host_image ports/web:1 VERSION=1 PORT=8080
host_image ports/web:2 VERSION=2 PORT=9090
host_image ports/web:elsewhere VERSION=3 PORT=9091
host_image ports/web:late VERSION=4 PORT=7070 EXIT_AFTER_REQUESTS=30
mkdir "$HOST/ports"
ports() { # VERSION PORT STRATEGY HOLD
	cat >"$HOST/ports/compose.yaml" <<-END
		name: ports
		services:
		  web:
		    image: ports/web:$1
		    stop_grace_period: 2s
		    deploy: {replicas: 2}
		    x-reconcile: {strategy: $3, hold: $4, keep_old: 0s, drain_timeout: 6s, ready: {within: 4s, for: 300ms}}
		x-reconcile:
		  routes: [{host: ports.test, to: "web:$2"}]
	END
}
ports 1 8080 rolling 500ms
tool --path "$HOST/ports"
is "ports: first" "[$CODE] $OUT" "[0] Apply complete: 2 added, 0 changed, 0 destroyed."
start_client --host ports.test --mix
ports 2 9090 rolling 500ms
peek "ports: the plan" --plan --path "$HOST/ports"
has "ports: the plan says that it is a new revision" "$OUT" "        routed_ports: [8080] -> [9090]  # forces replacement"
tool --path "$HOST/ports"
is "ports: port and image together" "[$CODE] $OUT" "[0] Apply complete: 2 added, 0 changed, 2 destroyed."
is "ports: its instances say so" "$(docker ps -q --filter label=com.docker.compose.project=ports | xargs docker inspect -f '{{index .Config.Labels "io.reconcile.ports"}}' | sort -u)" 9090
ok "ports: no failed request" stop_client
has "ports: both versions answered" "$CLIENT_LINE" " failed=0 versions=1:"
has "ports: both versions answered" "$CLIENT_LINE" ",2:"

say "ports: bad ones go back"
start_client --host ports.test --mix
ports elsewhere 7070 rolling 500ms
tool --path "$HOST/ports"
is "ports: one that does not listen there: exit code" "$CODE" 3
has "ports: one that does not listen there" "$OUT" ":7070: Connection refused"
hasnt "ports: one that does not listen there gets nothing" "$LOG" "shift traffic"
ports late 7070 blue-green 20s
tool --path "$HOST/ports"
is "ports: one that fails with the traffic: exit code" "$CODE" 3
has "ports: one that fails with the traffic" "$LOG" "ports/web: shift traffic: 0.0% to the next revision (back to the old revision)"
ok "ports: bad ones: no failed request" stop_client
has "ports: the old one answered" "$CLIENT_LINE" " failed=0 versions=2:"
is "ports: the old port again" "$(grep -o 'server 10[0-9.]*:[0-9]*' "$HOST_STATE/nginx/live/http.conf" | grep -c ':9090$')" 2

say "ports: a way in moves"
start_client --host ports.test --mix
ports 2 9090 blue-green 500ms
sed -i 's|^services:|&\n  next: {image: ports/web:elsewhere, x-reconcile: {ready: {within: 3s, for: 300ms}}}|; s|to: "web:|to: "next:|' "$HOST/ports/compose.yaml"
sed -i 's|strategy: blue-green, ||' "$HOST/ports/compose.yaml"
tool --path "$HOST/ports"
is "ports: to one that does not come up: exit code" "$CODE" 1
has "ports: to one that does not come up: it stays" "$OUT" "keeps the host ports.test until ports/next is ready"
is "ports: to one that does not come up: the old one answers" "$(version ports.test)" 2
sed -i 's|next:9090|next:9091|' "$HOST/ports/compose.yaml"
tool --path "$HOST/ports"
is "ports: to one that does: exit code" "$CODE" 0
is "ports: to one that does" "$(version ports.test)" 3
ok "ports: moving: no failed request" stop_client
