#!/usr/bin/env bash
# A manifest that uses nearly every key, brought to a real engine by the tool itself, and compared with `docker inspect`.
set -u
. "$SOURCE_DIR/tests/lib/check.sh"
. "$SOURCE_DIR/tests/lib/dockerd.sh"
. "$SOURCE_DIR/tests/lib/trace.sh"

DIR=$(mktemp -d /tmp/rec-keys-XXXXXX)
trap 'dockerd_stop "$DIR/d"; rm -rf "$DIR"' EXIT
trap 'exit 1' INT TERM HUP
unset http_proxy https_proxy HTTP_PROXY HTTPS_PROXY "${!RECONCILE_@}"

tool() {
	CODE=0
	OUT=$(traced in_netns "$BUILD_DIR/reconciler/reconcile" --path "$DIR/shop" --state-dir "$DIR/state" --run-dir "$DIR/run" "$@" \
		2>"$DIR/log" </dev/null) || CODE=$?
	LOG=$(cat "$DIR/log")
}
look() { docker inspect -f "$2" "$1"; }
# field NAME TEMPLATE WANTED: of shop-web-1, as JSON
field() { is "$1" "$(look shop-web-1 "{{json $2}}")" "$3"; }

cc -static -O1 -o "$DIR/app" "$SOURCE_DIR/tests/lib/app.c" || exit 1
dockerd_start "$DIR/d" || exit 1
trace_begin "$DIR"
tar -C "$DIR" -c app | docker import -c 'CMD ["/app"]' -c 'ENTRYPOINT ["/nothing"]' - team/app:1 >/dev/null || exit 1
cpus=0-$(($(nproc) - 1)) platform=$(docker version -f '{{.Server.Os}}/{{.Server.Arch}}')
mkdir -p "$DIR/shop" "$DIR/conf"
echo hello >"$DIR/conf/site.conf"
printf 'FROM_FILE=file\nBOTH=file\nNESTED=${FROM_FILE}-${BOTH}\n' >"$DIR/shop/web.env"

manifest() { # MEM_RESERVATION CPU_SHARES CPUSET HOST_PORT
	cat >"$DIR/shop/compose.yaml" <<-END
		name: shop
		services:
		  web:
		    image: team/app:1
		    entrypoint: /app
		    command: []
		    environment: {BOTH: own, VERSION: v1}
		    env_file: [web.env, {path: nowhere.env, required: false}]
		    ports: ["127.0.0.1:$4:8080", {target: 81, protocol: udp}, "9000-9003:82"]
		    expose: [7000]
		    hostname: box
		    domainname: example.com
		    labels: {team: one, io.reconcile.instance: forged, empty: }
		    user: "1000:1000"
		    working_dir: /tmp
		    tty: true
		    stdin_open: true
		    init: true
		    read_only: true
		    privileged: false
		    platform: $platform
		    restart: on-failure:3
		    stop_signal: SIGTERM
		    stop_grace_period: 3s
		    tmpfs: ["/run:size=1m", /scratch]
		    shm_size: 32m
		    security_opt: ["no-new-privileges:true"]
		    cap_add: [net_admin]
		    cap_drop: [MKNOD, CAP_CHOWN]
		    devices: [/dev/null:/dev/other:r]
		    ulimits: {nofile: {soft: 1000, hard: 2000}, nproc: 500}
		    sysctls: {net.core.somaxconn: 1024}
		    group_add: [2000]
		    extra_hosts: [host.docker.internal:host-gateway, "db=10.0.0.5"]
		    dns: 1.1.1.1
		    dns_search: [example.com]
		    dns_opt: ["ndots:2"]
		    ipc: private
		    pid: host
		    userns_mode: host
		    runtime: runc
		    logging: {driver: json-file, options: {max-size: 1m, max-file: 2}}
		    mem_limit: 128m
		    mem_reservation: $1
		    memswap_limit: 256m
		    mem_swappiness: 10
		    oom_score_adj: 100
		    cpus: 0.5
		    cpu_shares: $2
		    cpuset: "$3"
		    pids_limit: 100
		    pull_policy: missing
		    attach: false
		    develop: {watch: []}
		    healthcheck: {test: [CMD, /app, well], interval: 1s, timeout: 2s, retries: 4, start_period: 5s}
		    deploy: {replicas: 1, mode: replicated, labels: {a: b}, update_config: {order: stop-first}}
		    volumes:
		      - data:/data
		      - $DIR/conf:/conf:ro
		      - {type: bind, source: $DIR/conf/site.conf, target: /site.conf, read_only: true, bind: {create_host_path: false}}
		      - {type: tmpfs, target: /cache, tmpfs: {size: 1m, mode: 0700}}
		    networks:
		      front: {aliases: [shop-front], ipv4_address: 172.29.5.10}
		      back: {aliases: [shop-back]}
		  debug: {image: team/none:1, profiles: [debug]}
		  agent: {image: team/app:1, entrypoint: /app, network_mode: host, environment: {PORT: 8099}}
		  alone: {image: team/app:1, entrypoint: [/app, sleep], network_mode: none}
		  old: {image: team/app:1, entrypoint: /app sleep, network_mode: bridge}
		networks:
		  front: {ipam: {config: [{subnet: 172.29.5.0/24, gateway: 172.29.5.1}]}, labels: {a: b}, driver_opts: {com.docker.network.bridge.name: keysfront}}
		  back: {internal: true, attachable: true, name: backstage}
		  unused: {}
		volumes:
		  data: {name: shop-own-data, labels: [kind=test], driver: local, driver_opts: {type: tmpfs, device: tmpfs, o: size=1m}}
	END
}

say "one service with nearly every key"
manifest 64m 512 0 8081
tool
is "deployed" "$CODE" 0
[ "$CODE" = 0 ] || printf '%s\n' "$LOG" >&2
is "what runs" "$(docker ps --format '{{.Names}}' | sort | tr '\n' ' ')" "shop-agent-1 shop-alone-1 shop-old-1 shop-web-1 "
field image .Config.Image '"team/app:1"'
field entrypoint .Config.Entrypoint '["/app"]'
field command .Config.Cmd null
is environment "$(look shop-web-1 '{{range .Config.Env}}{{println .}}{{end}}' | grep -E '^(BOTH|FROM|NESTED|VERSION)' | sort | tr '\n' ' ')" \
	"BOTH=own FROM_FILE=file NESTED=file-own VERSION=v1 "
field ports .HostConfig.PortBindings '{"8080/tcp":[{"HostIp":"127.0.0.1","HostPort":"8081"}],"81/udp":[{"HostIp":"","HostPort":""}],"82/tcp":[{"HostIp":"","HostPort":"9000-9003"}]}'
field expose .Config.ExposedPorts '{"7000/tcp":{},"8080/tcp":{},"81/udp":{},"82/tcp":{}}'
field hostname .Config.Hostname '"box"'
field domainname .Config.Domainname '"example.com"'
is labels "$(look shop-web-1 '{{index .Config.Labels "team"}},{{index .Config.Labels "empty"}},{{index .Config.Labels "com.docker.compose.service"}}')" "one,,web"
hasnt "labels of ours are not forged" "$(look shop-web-1 '{{json .Config.Labels}}')" forged
field user .Config.User '"1000:1000"'
field working_dir .Config.WorkingDir '"/tmp"'
is "tty and stdin_open" "$(look shop-web-1 '{{.Config.Tty}} {{.Config.OpenStdin}}')" "true true"
field init .HostConfig.Init true
field read_only .HostConfig.ReadonlyRootfs true
field privileged .HostConfig.Privileged false
field restart .HostConfig.RestartPolicy '{"Name":"on-failure","MaximumRetryCount":3}'
field stop_signal .Config.StopSignal '"SIGTERM"'
field stop_grace_period .Config.StopTimeout 3
field tmpfs .HostConfig.Tmpfs '{"/run":"size=1m","/scratch":""}'
field shm_size .HostConfig.ShmSize 33554432
has security_opt "$(look shop-web-1 '{{json .HostConfig.SecurityOpt}}')" '["no-new-privileges:true"'
has cap_add "$(look shop-web-1 '{{json .HostConfig.CapAdd}}')" NET_ADMIN
has cap_drop "$(look shop-web-1 '{{json .HostConfig.CapDrop}}')" CHOWN
field devices .HostConfig.Devices '[{"PathOnHost":"/dev/null","PathInContainer":"/dev/other","CgroupPermissions":"r"}]'
field ulimits .HostConfig.Ulimits '[{"Name":"nofile","Hard":2000,"Soft":1000},{"Name":"nproc","Hard":500,"Soft":500}]'
field sysctls .HostConfig.Sysctls '{"net.core.somaxconn":"1024"}'
field group_add .HostConfig.GroupAdd '["2000"]'
field extra_hosts .HostConfig.ExtraHosts '["host.docker.internal:host-gateway","db:10.0.0.5"]'
field dns .HostConfig.Dns '["1.1.1.1"]'
field dns_search .HostConfig.DnsSearch '["example.com"]'
field dns_opt .HostConfig.DnsOptions '["ndots:2"]'
field ipc .HostConfig.IpcMode '"private"'
field pid .HostConfig.PidMode '"host"'
field userns_mode .HostConfig.UsernsMode '"host"'
field runtime .HostConfig.Runtime '"runc"'
field logging .HostConfig.LogConfig '{"Type":"json-file","Config":{"max-file":"2","max-size":"1m"}}'
field mem_limit .HostConfig.Memory 134217728
field mem_reservation .HostConfig.MemoryReservation 67108864
field memswap_limit .HostConfig.MemorySwap 268435456
[ -d /sys/fs/cgroup/memory ] && field mem_swappiness .HostConfig.MemorySwappiness 10 # cgroup v2 has none
field oom_score_adj .HostConfig.OomScoreAdj 100
field cpus .HostConfig.NanoCpus 500000000
field cpu_shares .HostConfig.CpuShares 512
field cpuset .HostConfig.CpusetCpus '"0"'
field pids_limit .HostConfig.PidsLimit 100
field healthcheck .Config.Healthcheck '{"Test":["CMD","/app","well"],"Interval":1000000000,"Timeout":2000000000,"StartPeriod":5000000000,"Retries":4}'
field "volumes, as binds" .HostConfig.Binds "[\"$DIR/conf:/conf:ro\",\"shop-own-data:/data\"]"
field "volumes, as mounts" .HostConfig.Mounts "[{\"Type\":\"tmpfs\",\"Target\":\"/cache\",\"TmpfsOptions\":{\"SizeBytes\":1048576,\"Mode\":448}},{\"Type\":\"bind\",\"Source\":\"$DIR/conf/site.conf\",\"Target\":\"/site.conf\",\"ReadOnly\":true}]"
is "the port is open" "$(in_netns bash -c 'exec 3<>/dev/tcp/127.0.0.1/8081; printf "GET / HTTP/1.0\r\n\r\n" >&3; tail -n 1 <&3')" "hello v1"

say "networks and volumes"
is "the networks of web" "$(look shop-web-1 '{{range $k, $v := .NetworkSettings.Networks}}{{$k}} {{end}}')" "backstage shop_front "
is "a fixed address" "$(look shop-web-1 '{{.NetworkSettings.Networks.shop_front.IPAddress}}')" 172.29.5.10
has "aliases of one" "$(look shop-web-1 '{{.NetworkSettings.Networks.shop_front.Aliases}}')" "web shop-front"
has "aliases of the other" "$(look shop-web-1 '{{.NetworkSettings.Networks.backstage.Aliases}}')" "web shop-back"
is "front" "$(look shop_front '{{.Internal}} {{index .Labels "a"}} {{index .Labels "com.docker.compose.network"}} {{(index .IPAM.Config 0).Gateway}} {{json .Options}}')" \
	'false b front 172.29.5.1 {"com.docker.network.bridge.name":"keysfront"}'
is "back" "$(look backstage '{{.Internal}} {{.Attachable}} {{index .Labels "com.docker.compose.network"}}')" "true true back"
is "what nobody joins is not made" "$(docker network ls --format '{{.Name}}' | sort | tr '\n' ' ')" "backstage bridge host none shop_front "
is "the volume" "$(docker volume inspect -f '{{index .Labels "kind"}} {{index .Labels "com.docker.compose.volume"}} {{json .Options}}' shop-own-data)" \
	'test data {"device":"tmpfs","o":"size=1m","type":"tmpfs"}'
is "network_mode" "$(look shop-agent-1 '{{.HostConfig.NetworkMode}}') $(look shop-alone-1 '{{.HostConfig.NetworkMode}}') $(look shop-old-1 '{{.HostConfig.NetworkMode}}')" \
	"host none bridge"

say "nothing left, and what changes"
tool --plan --detailed-exitcode
is "no changes" "[$CODE] $OUT" "[0] No changes."
id=$(look shop-web-1 '{{.Id}}')
manifest 32m 256 $cpus 8081
tool
is "changed live" "[$CODE] $(look shop-web-1 '{{.Id}} {{.HostConfig.MemoryReservation}} {{.HostConfig.CpuShares}} {{.HostConfig.CpusetCpus}}')" \
	"[0] $id 33554432 256 $cpus"
tool --plan --detailed-exitcode
is "no changes again" "[$CODE] $OUT" "[0] No changes."
echo FROM_FILE=other >"$DIR/shop/web.env"
manifest 32m 256 $cpus 8082
tool --plan
has "a fixed port is replaced in place" "$OUT" '-/+ shop/web  in-place (a writable volume)'
has "what is published is in the plan" "$OUT" '127.0.0.1:8081:8080/tcp'
has "values of a file are not" "$OUT" 'environment.FROM_FILE: (secret) -> (secret)'
tool
is "replaced" "$CODE $(look "$(docker ps -q --filter label=com.docker.compose.service=web)" '{{(index (index .HostConfig.PortBindings "8080/tcp") 0).HostPort}}')" "0 8082"
rm "$DIR/shop/web.env"
tool --plan
is "a missing env_file" "$CODE" 65
has "is named" "$LOG" "there is no such file $DIR/shop/web.env"

say "what is external"
cat >"$DIR/shop/compose.yaml" <<END
name: shop
services:
  db: {image: team/app:1, entrypoint: /app, networks: [shared], volumes: ["ours:/d"]}
  web: {image: team/app:1, entrypoint: /app}
networks: {shared: {external: true}}
volumes: {ours: {external: true, name: kept}}
END
tool
is "a missing network" "$CODE" 1
has "is named" "$OUT$LOG" "the external network shared does not exist"
docker network create shared >/dev/null
tool
has "so is a missing volume" "$OUT$LOG" "the external volume kept does not exist"
is "and not made" "$(docker volume ls -q --filter name=kept)" ""
is "the others go on" "$(docker ps --format '{{.Names}}' --filter label=com.docker.compose.service=web | wc -l)" 1
docker volume create kept >/dev/null
tool
is "both there" "[$CODE] $(look "$(docker ps -q --filter label=com.docker.compose.service=db)" '{{.HostConfig.NetworkMode}} {{.HostConfig.Binds}}')" "[0] shared [kept:/d]"
is "never labelled" "$(look shared '{{.Labels}}')$(docker volume inspect -f '{{.Labels}}' kept)" "map[]map[]"
trace_end
check_end
