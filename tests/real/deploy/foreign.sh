# What is not ours is byte for byte as it was, in random company: containers, networks and volumes of all kinds, with
# labels that look almost like ours, while a project comes, changes, shrinks and loses a service.
seed=${FOREIGN_SEED-$RANDOM}
RANDOM=$seed
say "random foreign sets, seed $seed"
for v in 1 2; do host_image "foe/web:$v" "VERSION=$v"; done
mkdir "$HOST/foe"
foe() { # VERSION REPLICAS [SERVICE]
	cat >"$HOST/foe/compose.yaml" <<-END
		name: foe
		services:
		  web:
		    image: foe/web:$1
		    stop_grace_period: 1s
		    deploy: {replicas: $2, update_config: {monitor: 300ms}}
		    x-reconcile: {ready: {http: {port: 8080, path: /health}, within: 5s, for: 200ms}, drain_timeout: 3s}
		  ${3-}
		x-reconcile:
		  routes: [{host: foe.test, to: "web:8080"}]
	END
}
pick() { local n=$((RANDOM % $# + 1)); echo "${!n}"; }
docker network create foe_back >/dev/null
docker network create --label com.docker.compose.project=foe foe_extra >/dev/null
docker network create --label io.reconcile.instance=somebody --label com.docker.compose.project=foe foe_other >/dev/null
foreign=()
for i in 1 2 3 4 5 6 7 8 9 10; do
	labels=()
	[ $((RANDOM % 2)) = 0 ] && labels+=(--label "com.docker.compose.project=$(pick foe shop bird)")
	[ $((RANDOM % 2)) = 0 ] && labels+=(--label "com.docker.compose.service=$(pick web db)")
	[ $((RANDOM % 3)) = 0 ] && labels+=(--label "io.reconcile.instance=$(pick somebody other '')")
	[ $((RANDOM % 3)) = 0 ] && labels+=(--label "io.reconcile.revision=0123456789abcdef")
	docker volume create ${labels[@]+"${labels[@]}"} "foe_data$i" >/dev/null
	docker create --name "foe-$(pick web db x)-$((i + 50))" ${labels[@]+"${labels[@]}"} --network "$(pick foe_back foe_extra foe_other bridge none)" \
		--restart "$(pick no always unless-stopped)" -v "foe_data$i:/data" --memory "$(pick 16m 32m)" "$(pick foe/web:1 foe/web:2)" >"$HOST/id"
	foreign+=("$(cat "$HOST/id")")
	case $(pick created running paused exited) in
	running) docker start "${foreign[-1]}" >/dev/null ;;
	paused) docker start "${foreign[-1]}" >/dev/null && docker pause "${foreign[-1]}" >/dev/null ;;
	exited) docker start "${foreign[-1]}" >/dev/null && docker stop -t 1 "${foreign[-1]}" >/dev/null ;;
	esac
done
theirs() {
	docker inspect "${foreign[@]}"
	docker network inspect foe_back foe_extra foe_other bridge
	docker volume ls -q | grep '^foe_data' | xargs docker volume inspect
}
before=$(theirs)
untouched() { is "$1: what is not ours is as it was (seed $seed)" "$(diff <(echo "$before") <(theirs))" ""; }

foe 1 2 "job: {image: foe/web:1, volumes: [\"own:/data\"], x-reconcile: {ready: {http: {port: 8080}, for: 200ms}}}
volumes: {own: }"
tool --path "$HOST/foe"
is "foreign: first" "$CODE" 0
untouched "foreign: first"
foe 2 3
tool --path "$HOST/foe"
is "foreign: a new version, and a service less" "$CODE" 0
untouched "foreign: a new version, and a service less"
is "foreign: a volume of ours stays, too" "$(docker volume ls -q --filter name=foe_own)" foe_own
foe 2 1
tool --path "$HOST/foe"
is "foreign: fewer" "$CODE" 0
untouched "foreign: fewer"
mkdir "$HOST/nothing"
tool --path "$HOST/nothing"
untouched "foreign: nothing in Git"
is "foreign: nothing in Git removes nothing" "$(version foe.test)" 2
docker rm -f "${foreign[@]}" >/dev/null
