#!/bin/bash
# The docker room against a real engine: everything it makes, changes and reads is checked with `docker inspect`.
set -u
. "$SOURCE_DIR/tests/lib/dockerd.sh"

DIR=$(mktemp -d /tmp/rec-docker-XXXXXX)
failures=0
trap 'dockerd_stop "$DIR"' EXIT

say() { printf '%s\n' "$*" >&2; }
# is WHAT GOT WANTED: both equal
is() { [ "$2" = "$3" ] || { say "FAILED $1: got \"$2\", wanted \"$3\""; failures=$((failures + 1)); }; }
# has WHAT GOT PART: the part occurs in what was got
has() { case $2 in *"$3"*) ;; *) say "FAILED $1: got \"$2\", which has no \"$3\""; failures=$((failures + 1)) ;; esac; }
drive() { "$BUILD_DIR/tests/real/docker-driver" "$DOCKER_HOST" test-1 "$@"; }
in_ns_drive() { in_netns "$BUILD_DIR/tests/real/docker-driver" "$DOCKER_HOST" test-1 "$@"; }
look() { docker inspect -f "$2" "$1"; }
line() { drive observe | grep -- "^$1"; }

cc -static -O1 -o "$DIR/app" "$SOURCE_DIR/tests/lib/app.c" || exit 1
dockerd_start "$DIR" || exit 1
tar -C "$DIR" -c app | docker import -c 'CMD ["/app"]' - team/app:1 >/dev/null || exit 1
docker tag team/app:1 redis:latest

# What is not ours, and is to be as it was at the end.
docker network create --subnet 172.29.0.0/24 shop_foreign >/dev/null
docker volume create foreign >/dev/null
foreign=$(docker run -d --name foreign --restart always team/app:1 /app sleep)
other=$(docker run -d --name shop-web-9 --label io.reconcile.instance=other team/app:1 /app sleep)
before=$(docker inspect "$foreign" "$other")

say "networks and volumes"
is network "$(drive network shop_default)" done
is "network again" "$(drive network shop_default)" done
is traffic "$(drive network shop_reconcile 10.231.7.0/24 10.231.7.1)" done
is "traffic again" "$(drive network shop_reconcile 10.231.7.0/24 10.231.7.1)" done
is internal "$(look shop_reconcile '{{.Internal}} {{(index .IPAM.Config 0).Subnet}} {{(index .IPAM.Config 0).Gateway}}')" \
  "true 10.231.7.0/24 10.231.7.1"
is "network labels" "$(look shop_reconcile '{{index .Labels "com.docker.compose.project"}} {{index .Labels "com.docker.compose.network"}} {{index .Labels "io.reconcile.instance"}}')" \
  "shop reconcile test-1"
is "not internal" "$(look shop_default '{{.Internal}}')" false
is "other subnet" "$(drive network shop_reconcile 10.231.8.0/24 10.231.8.1)" \
  "conflict: network shop_reconcile exists with the subnet 10.231.7.0/24, wanted 10.231.8.0/24"
is "foreign network" "$(drive network shop_foreign)" \
  "conflict: network shop_foreign exists and is not ours (no label io.reconcile.instance=test-1): remove it with \`docker network rm shop_foreign\`, or give the project another name"
is overlap "$(drive network shop_x 172.29.0.0/25 172.29.0.1)" \
  "conflict: network shop_x: the subnet 172.29.0.0/25 overlaps one that the host already has: set another range"
is volume "$(drive volume shop_data)" done
is "volume again" "$(drive volume shop_data)" done
is "foreign volume" "$(drive volume foreign)" done
is "volume labels" "$(look shop_data '{{index .Labels "com.docker.compose.volume"}} {{index .Labels "io.reconcile.instance"}}')" "data test-1"
is "foreign volume untouched" "$(docker volume inspect -f '{{.Labels}}' foreign)" "map[]"

say "create and start"
is create "$(drive create 1 team/app:1 rev1rev1 10.231.7.5 environment=v1 restart=on-failure:3 memory=67108864 cpus=500000000 pids_limit=50 volumes=shop_data:/data stop_grace_period=1500)" done
is "create again" "$(drive create 1 team/app:1 rev1rev1 10.231.7.5 environment=v1)" done
is "create other revision" "$(drive create 1 team/app:1 rev2rev2 10.231.7.5)" \
  "conflict: shop-web-1 exists with revision rev1rev1, wanted rev2rev2"
is "create other address" "$(drive create 1 team/app:1 rev1rev1 10.231.7.6)" \
  "conflict: shop-web-1 exists with the address 10.231.7.5, wanted 10.231.7.6"
has "foreign name" "$(drive create 9 team/app:1 rev1rev1 -)" "which is not ours (no label io.reconcile.instance=test-1): rename or remove it"
has "address of a container that never ran" "$(line 'instance shop-web-1 ')" "shop/web/1 rev1rev1 created at=10.231.7.5 restart_off=0 started=0 pid=0 connections=-1"
is start "$(drive start shop-web-1)" done
is "start again" "$(drive start shop-web-1)" done
is "what was made" "$(look shop-web-1 '{{.State.Running}} {{.HostConfig.Memory}} {{.HostConfig.NanoCpus}} {{.HostConfig.PidsLimit}} {{.HostConfig.RestartPolicy.Name}}:{{.HostConfig.RestartPolicy.MaximumRetryCount}} {{.Config.StopTimeout}} {{.HostConfig.NetworkMode}} {{(index .NetworkSettings.Networks "shop_reconcile").IPAddress}}')" \
  "true 67108864 500000000 50 on-failure:3 2 shop_default 10.231.7.5"
has alias "$(look shop-web-1 '{{(index .NetworkSettings.Networks "shop_default").Aliases}}')" "web"
is labels "$(look shop-web-1 '{{range $k, $v := .Config.Labels}}{{$k}}={{$v}} {{end}}')" \
  "com.docker.compose.config-hash=rev1rev1 com.docker.compose.container-number=1 com.docker.compose.oneoff=False com.docker.compose.project=shop com.docker.compose.service=web io.reconcile.instance=test-1 io.reconcile.revision=rev1rev1 "
sleep 0.3
is probe "$(in_ns_drive probe 10.231.7.5 8080)" "GET http://10.231.7.5:8080/ answered 200"
is logs "$(drive logs shop-web-1 | sort)" "$(printf 'err v1\nout v1')"

say "observe"
has running "$(line 'instance shop-web-1 ')" "running at=10.231.7.5 restart_off=0 started=1 pid=1 connections=0 exit=0 error=0 memory=67108864 memswap_limit=134217728 cpus=500000000 pids_limit=50 restart=\"on-failure:3\""
is "only ours" "$(drive observe | grep -c ^instance)" 1
has network "$(drive observe)" "network shop_reconcile subnet=10.231.7.0/24 project=shop"
has "foreign network" "$(drive observe)" "network shop_foreign subnet=172.29.0.0/24 project=
"
has volume "$(drive observe)" "volume shop_data"
for spelling in redis redis:latest docker.io/library/redis:latest library/redis team/app:1 docker.io/team/app:1; do
  is "image $spelling" "$(line "image $spelling$")" "image $spelling"
done
in_netns bash -c 'exec 3<>/dev/tcp/10.231.7.5/8080; sleep 3' &
holder=$!
sleep 0.7
has "a held connection" "$(line 'instance shop-web-1 ')" "connections=1"
wait $holder
has "gone again" "$(line 'instance shop-web-1 ')" "connections=0"

say "update"
cgroup() { cat "/sys/fs/cgroup/memory/$DOCKERD_NETNS/$(look shop-web-1 '{{.Id}}')/memory.$1" 2>/dev/null || echo none; }
started=$(look shop-web-1 '{{.State.StartedAt}}')
is "memory up" "$(drive update shop-web-1 memory=268435456)" done
is "swap follows" "$(look shop-web-1 '{{.HostConfig.Memory}} {{.HostConfig.MemorySwap}}')" "268435456 536870912"
[ -d /sys/fs/cgroup/memory ] && is "in the cgroup" "$(cgroup limit_in_bytes)" 268435456
is "memory down, swap set" "$(drive update shop-web-1 memory=33554432 memswap_limit=100663296)" done
is "both" "$(look shop-web-1 '{{.HostConfig.Memory}} {{.HostConfig.MemorySwap}}')" "33554432 100663296"
is "swap stays" "$(drive update shop-web-1 memory=50331648)$(look shop-web-1 '{{.HostConfig.Memory}} {{.HostConfig.MemorySwap}}')" "done50331648 100663296"
is "the rest" "$(drive update shop-web-1 cpus=250000000 pids_limit=40 restart=always)" done
is "the rest is there" "$(look shop-web-1 '{{.HostConfig.NanoCpus}} {{.HostConfig.PidsLimit}} {{.HostConfig.RestartPolicy.Name}}')" "250000000 40 always"
is ignored "$(drive update shop-web-1 swappiness=10)" \
  "conflict: swappiness: asked for 10, but the engine still has null: it ignores this change on a running container"
is "unlimited swap" "$(drive update shop-web-1 memswap_limit=-1)" \
  "conflict: memswap_limit: the engine cannot lift the swap limit of a running container (it says so, and keeps the old one)"
is "not restarted" "$(look shop-web-1 '{{.State.StartedAt}}')" "$started"

say "pause, park, stop, remove"
docker pause shop-web-1 >/dev/null
has paused "$(line 'instance shop-web-1 ')" " paused "
is unpause "$(drive start shop-web-1)" done
is "runs on" "$(look shop-web-1 '{{.State.Status}} {{.State.StartedAt}}')" "running $started"
is park "$(drive park shop-web-1)$(drive park shop-web-1)" donedone
is parked "$(look shop-web-1 '{{.State.Status}} {{.HostConfig.RestartPolicy.Name}}')" "running no"
has "parked, observed" "$(line 'instance shop-web-1 ')" "restart_off=1"
is "remove what runs" "$(drive remove shop-web-1)" "conflict: shop-web-1 still runs: not removed"
is "restart on" "$(drive update shop-web-1 restart=always)" done
is stop "$(drive stop shop-web-1)$(drive stop shop-web-1)" donedone
is stopped "$(look shop-web-1 '{{.State.Status}} {{.HostConfig.RestartPolicy.Name}}')" "exited no"
has "stopped, observed" "$(line 'instance shop-web-1 ')" "exited at=10.231.7.5 restart_off=1 started=1 pid=0 connections=-1 exit=0"
is "start after stop" "$(drive start shop-web-1)$(drive stop shop-web-1)" donedone
id=$(look shop-web-1 '{{.Id}}')
is remove "$(drive remove shop-web-1)" done
is "gone" "$(docker ps -aq --filter name=shop-web-1)" ""
is "remove again, stop again" "$(drive touch "$id" remove)$(drive touch "$id" stop)" donedone
is "the volume stays" "$(look shop_data '{{.Name}}')" shop_data

say "what fails"
drive create 4 team/app:1 rev1rev1 10.231.7.44 >/dev/null; drive start shop-web-4 >/dev/null
is "address outside" "$(drive create 2 team/app:1 rev1rev1 10.231.9.9)$(drive start shop-web-2)" \
  "doneconflict: Invalid address 10.231.9.9: It does not belong to any of this network's subnets"
is "remove it" "$(drive remove shop-web-2)" done
is "address taken" "$(drive create 2 team/app:1 rev1rev1 10.231.7.44)$(drive start shop-web-2)" \
  "doneconflict: Address already in use"
is "remove both" "$(drive remove shop-web-2)$(drive stop shop-web-4)$(drive remove shop-web-4)" donedonedone
has "no image" "$(drive create 2 team/none:1 rev1rev1 -)" "not found: No such image: team/none:1"
is "create, no such program" "$(drive create 2 team/app:1 rev1rev1 - command=/nothing)" done
has "start, no such program" "$(drive start shop-web-2)" "conflict: "
has "start, no such program" "$(drive start shop-web-2)" "/nothing"
has "seen as error" "$(line 'instance shop-web-2 ')" "created at= restart_off=1 started=0 pid=0 connections=-1 exit=127 error=1"
has "update of what never ran" "$(drive update shop-web-2 restart=always)" done
is "remove it" "$(drive remove shop-web-2)" done
is "start of what is gone" "$(drive touch 0123456789ab start)" "not found: No such container: 0123456789ab"
has "pull from nobody" "$(drive pull 127.0.0.1:1/none:1)" "transient: "
for verb in start park stop remove update; do
  is "$verb of a foreign one" "$(drive touch "$foreign" $verb)" "denied: $foreign is not ours (no label io.reconcile.instance=test-1): not touched"
  is "$verb of another instance's" "$(drive touch "$other" $verb)" "denied: $other is not ours (no label io.reconcile.instance=test-1): not touched"
done
is "foreign ones untouched" "$(docker inspect "$foreign" "$other")" "$before"

say "a restart of the engine"
drive create 3 team/app:1 rev1rev1 10.231.7.9 >/dev/null
drive start shop-web-3 >/dev/null
dockerd_restart "$DIR" || exit 1
has "address kept" "$(line 'instance shop-web-3 ')" "exited at=10.231.7.9"
is "start again" "$(drive start shop-web-3)" done
has "same address" "$(line 'instance shop-web-3 ')" "running at=10.231.7.9"

say "no engine"
DOCKER_HOST=unix:///nonexistent/s
is "nobody there" "$(drive observe)" \
  "unreachable: GET http://docker/version: cannot connect to /nonexistent/s: No such file or directory"
DOCKER_HOST=ssh://there
is "no such kind of host" "$(drive observe)" 'invalid: docker host "ssh://there": wanted unix:///path or tcp://address:port'

[ "$failures" = 0 ] && say "all passed"
exit $((failures > 0))
