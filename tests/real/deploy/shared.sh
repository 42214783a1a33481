# nginx in a container on a network that it shares with the instances: it has a loopback of its own, and its port is published.
for n in 1 2 3; do host_image shared/web:$n VERSION=$n; host_image shared/db:$n VERSION=db$n PORT=5432; done
host_image shared/web:ill VERSION=ill HEALTH=fail
edge_image
mkdir "$HOST/shared"
shared() { # VERSION [REPLICAS]
	cat >"$HOST/shared/compose.yaml" <<-END
		name: shared
		x-own: &own {hold: 300ms, keep_old: 0s, drain_timeout: 5s}
		x-web: &web
		  image: shared/web:$1
		  restart: unless-stopped
		  stop_grace_period: 1s
		services:
		  web: {<<: *web, x-reconcile: {<<: *own, strategy: blue-green, ready: {http: {port: 8080, path: /health}, within: 4s, for: 300ms}}}
		  roll:
		    <<: *web
		    deploy: {replicas: ${2-2}}
		    networks: [default, edgenet]
		    x-reconcile: {<<: *own, ready: {http: {port: 8080, path: /health}, within: 4s, for: 300ms}}
		  dark: {<<: *web, image: "shared/web:1", networks: [edgenet]}
		  db: {image: "shared/db:${1/ill/3}", restart: unless-stopped, stop_grace_period: 1s, x-reconcile: {<<: *own, ready: {tcp: {port: 5432}, for: 300ms}}}
		networks: {edgenet: {external: true}}
		x-reconcile:
		  routes:
		    - {host: shared.test, to: "web:8080"}
		    - {host: roll.test, to: "roll:8080"}
		    - {upstream: backend, to: "roll:8080"}
		    - {tcp: 5432, to: "db:5432"}
	END
}
run() { tool --path "$HOST/shared" "$@"; }
settings() { # KEYS: of nginx
	sed "s|^nginx:.*|nginx: {config: /etc/edge/nginx.conf, status_port: 9180, $1}|" "$HOST/reconcile.yaml.before" >"$HOST/reconcile.yaml"
}
edge_on() { # NETWORK: as it is to be
	edge --network "$1" --restart unless-stopped -v "$HOST_STATE/nginx:$HOST_STATE/nginx" -p 127.0.0.1:8080:8080 -p 127.0.0.1:8081:8081 -p 127.0.0.1:5432:5432
}
at() { look "$1" "{{(index .NetworkSettings.Networks \"$2\").IPAddress}}"; }
versions() { echo "$(version shared.test)" "$(version roll.test)" "$(in_netns curl -s -m 5 http://127.0.0.1:8081/version)" "$(in_netns curl -s -m 5 http://127.0.0.1:5432/version)"; }
all_at() { # NETWORK: the addresses of those with routes
	for c in $(docker ps --format '{{.Names}}' --filter label=com.docker.compose.project=shared); do [[ $c == shared-dark-* ]] || at "$c" "$1"; done | sort | tr '\n' ' '
}
clients() { # two of them, at our servers and at the user's own
	start_client --host shared.test --mix
	nsenter --net="/run/netns/$DOCKERD_NETNS" "$BUILD_DIR/tests/real/strict-client" --url http://127.0.0.1:8081/ --connections 4 >"$HOST/own.out" 2>&1 </dev/null &
	OWN_PID=$!
	nsenter --net="/run/netns/$DOCKERD_NETNS" "$BUILD_DIR/tests/real/strict-client" --url "$HOST_URL/" --host roll.test --connections 4 >"$HOST/roll.out" 2>&1 </dev/null &
	ROLL_PID=$!
}
clients_end() { # WHAT
	ok "$1: no request of shared.test is lost" stop_client
	kill -TERM "$OWN_PID" "$ROLL_PID"
	ok "$1: none of the user's own server" wait "$OWN_PID"
	ok "$1: none of roll.test" wait "$ROLL_PID"
	say "$CLIENT_LINE | $(tail -n 1 "$HOST/own.out") | $(tail -n 1 "$HOST/roll.out")"
}
OWN_PID='' ROLL_PID=''
cp "$HOST/reconcile.yaml" "$HOST/reconcile.yaml.before"
sed -i 's/listen: "127.0.0.1:8080", /listen: 8080, /' "$HOST/reconcile.yaml.before"
nginx_stop

say "what is not as it must be"
shared 1
settings 'listen: 8080, network: edgenet'
run
is "no container in the settings" "[$CODE] $LOG" "[65] reconcile: error: $HOST/reconcile.yaml:4:81: nginx.network: 'edgenet' is the network of the container that nginx is in; set nginx.container, too, or remove it"
settings 'listen: 8080, container: edge, network: edgenet'
docker network create other >/dev/null
edge_on other
run
is "no such network: exit code" "$CODE" 1
has "no such network" "$LOG" "the network edgenet (setting nginx.network) does not exist; make it, and connect the container of nginx: docker network create --subnet 10.77.0.0/24 --ip-range 10.77.0.0/25 edgenet; docker network connect edgenet edge"
docker network create edgenet >/dev/null
run
is "nginx is not on it: exit code" "$CODE" 1
has "nginx is not on it" "$LOG" "the container edge of nginx is not on the network edgenet (setting nginx.network); connect it: docker network connect edgenet edge"
edge_on edgenet
run
is "a subnet that Docker chose: exit code" "$CODE" 1
has "a subnet that Docker chose" "$LOG$OUT" "the network edgenet (setting nginx.network): Docker gives fixed addresses only where it did not choose the subnet itself; make the network anew with a subnet of your own: docker network create --subnet"
hasnt "which is no verdict" "$LOG$OUT" quarantine
docker rm -f edge $(docker ps -aq --filter label=com.docker.compose.project=shared) >/dev/null
docker network rm edgenet other >/dev/null

say "it is all there"
docker network create --subnet 10.77.0.0/27 --gateway 10.77.0.30 edgenet >/dev/null
docker create --name foreign --network edgenet --ip 10.77.0.17 shared/web:1 >/dev/null # the first of ours, if it were not
before=$(docker network inspect -f '{{json .Labels}} {{json .IPAM}} {{.Id}}' edgenet)
settings 'listen: 8080, container: edge'
edge --network host -v "$HOST_STATE/nginx:$HOST_STATE/nginx"
IN_STEP= deploy "on the host's network" "5 0 0" --path "$HOST/shared"
settings 'listen: 8080, container: edge, network: edgenet'
edge_on edgenet
IN_STEP= deploy "onto a network with nginx" "4 0 4" --path "$HOST/shared"
docker network rm shared_reconcile >/dev/null
no_changes "without the network from before" --path "$HOST/shared"
is "their addresses" "$(all_at edgenet)" "10.77.0.16 10.77.0.18 10.77.0.19 10.77.0.20 "
cat >"$EDGE/own/own.conf" <<-END
	server {
		listen 8081;
		location / { if (-f $HOST_STATE/nginx/close) { error_page 418 = @close; return 418; } proxy_pass http://backend; }
		location @close { keepalive_timeout 0; proxy_pass http://backend; }
	}
END
docker kill -s HUP edge >/dev/null
sleep 1
is "all answer" "$(versions)" "1 1 1 db1"

say "a new version, and a bad one"
clients
shared 2
IN_STEP= deploy "a new version" "4 0 4" --path "$HOST/shared"
clients_end "a new version"
is "the new ones" "$(versions)" "2 2 2 db2"
clients
shared ill
IN_STEP= run
is "a bad version: exit code" "$CODE" 3
clients_end "a bad version"
is "the good ones, and the database that was no part of it" "$(versions)" "2 2 2 db3"
shared 3
IN_STEP= deploy "a good one again" "3 0 3" --path "$HOST/shared"

say "nginx goes and comes"
docker restart -t 5 edge >/dev/null
edge_wait
no_changes "restarted" --path "$HOST/shared"
is "restarted" "$(versions)" "3 3 3 db3"
docker stop -t 5 edge >/dev/null
docker rm -f "$(docker ps -q --filter name=shared-roll | head -n 1)" >/dev/null
run
is "away: what was there is mended" "[$CODE] $(running shared | wc -w)" "[69] 5"
shared 2
run
is "away: exit code" "$CODE" 69
has "away" "$LOG$OUT" "nginx is not running: no container edge runs"
is "away: and nothing new" "$(docker ps --format '{{.Image}}' --filter label=com.docker.compose.project=shared | sort | tr '\n' ' ')" \
	"shared/db:3 shared/web:1 shared/web:3 shared/web:3 shared/web:3 "
shared 3
docker start edge >/dev/null
edge_wait
run
is "and back" "[$CODE] $(versions)" "[0] 3 3 3 db3"
edge_on edgenet
no_changes "another container of that name" --path "$HOST/shared"

say "what is done by hand, and a restart of the engine"
gone=$(docker ps --format '{{.Names}}' --filter name=shared-roll | head -n 1)
docker network disconnect edgenet "$gone"
run
is "off the network: it is replaced" "[$CODE] $OUT" "[0] Apply complete: 1 added, 0 changed, 1 destroyed."
is "and answers" "$(versions) $(all_at edgenet | wc -w)" "3 3 3 db3 4"
dockerd_restart "$HOST/docker"
edge_wait
run
say "$OUT"
no_changes "after a restart of the engine" --path "$HOST/shared"
is "and all answer" "$(versions)" "3 3 3 db3"

say "no address is left"
docker create --name foreign2 --network edgenet --ip 10.77.0.29 shared/web:1 >/dev/null
shared 3 12
run
is "exit code" "$CODE" 1
has "with figures" "$OUT$LOG" "all 15 addresses of the network edgenet (10.77.0.0/27, setting nginx.network) that are not for Docker to give are taken; make it anew with a larger --subnet or a smaller --ip-range"
is "and all answer" "$(versions)" "3 3 3 db3"
shared 3
run

say "back to a network of our own"
is "the network is as it was" "$(docker network inspect -f '{{json .Labels}} {{json .IPAM}} {{.Id}}' edgenet)" "$before"
docker rm -f edge foreign foreign2 $(docker ps -aq --filter label=com.docker.compose.project=shared) >/dev/null
docker network rm edgenet >/dev/null
mv "$HOST/reconcile.yaml.before" "$HOST/reconcile.yaml"
sed -i 's/listen: 8080, /listen: "127.0.0.1:8080", /' "$HOST/reconcile.yaml"
rm -rf "$HOST_STATE/nginx" "$EDGE/own/own.conf"; nginx_start
