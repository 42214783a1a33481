#!/usr/bin/env bash
# What Compose files do beyond one service's own keys: names, builds, secrets and configs, extends, profiles, shared
# networks; from Git, on a real engine.
set -u
. "$SOURCE_DIR/tests/lib/check.sh"
. "$SOURCE_DIR/tests/lib/dockerd.sh"
. "$SOURCE_DIR/tests/lib/trace.sh"

DIR=$(mktemp -d /tmp/rec-comp-XXXXXX)
trap 'dockerd_stop "$DIR/d"; rm -rf "$DIR"' EXIT
trap 'exit 1' INT TERM HUP
unset http_proxy https_proxy HTTP_PROXY HTTPS_PROXY COMPOSE_PROFILES "${!RECONCILE_@}"
export GIT_CONFIG_GLOBAL=/dev/null GIT_AUTHOR_NAME=t GIT_AUTHOR_EMAIL=t@t GIT_COMMITTER_NAME=t GIT_COMMITTER_EMAIL=t@t

tool() {
	CODE=0
	OUT=$(traced in_netns "$BUILD_DIR/reconciler/reconcile" --repo "file://$DIR/repo" --branch main --path shop/compose.yaml \
		--state-dir "$DIR/state" --run-dir "$DIR/run" "$@" 2>"$DIR/log" </dev/null) || CODE=$?
	LOG=$(cat "$DIR/log")
}
commit() { git -C "$DIR/repo" add -A && git -C "$DIR/repo" commit -qm "${1-a change}"; }
look() { docker inspect -f "$2" "$1"; }
names() { docker ps --format '{{.Names}}' | sort | tr '\n' ' '; }
settled() { tool --plan --detailed-exitcode; is "$1" "[$CODE] ${OUT##*$'\n'}" "[0] No changes."; }

cc -static -O1 -o "$DIR/app" "$SOURCE_DIR/tests/lib/app.c" || exit 1
dockerd_start "$DIR/d" || exit 1
trace_begin "$DIR"
git init -q -b main "$DIR/repo"
mkdir -p "$DIR/repo/shop/web" "$DIR/repo/lib"
cp "$DIR/app" "$DIR/repo/shop/web/app"
cat >"$DIR/repo/shop/web/Dockerfile" <<'END'
FROM scratch
ARG VERSION=none
ENV VERSION=$VERSION
COPY app /app
COPY . /all/
ENTRYPOINT ["/app"]
END
printf '# secret things\n*.key\n!public.key\nlogs/**\n' >"$DIR/repo/shop/web/.dockerignore"
mkdir "$DIR/repo/shop/web/logs"
touch "$DIR/repo/shop/web/"{private.key,public.key,logs/old}
ln -s app "$DIR/repo/shop/web/$(printf 'a%.0s' {1..120})"
printf 'FROM scratch\nCOPY app /app\nCOPY tag /\nENTRYPOINT ["/app"]\n' >"$DIR/repo/lib/Dockerfile"
cp "$DIR/app" "$DIR/repo/lib/app" && echo 1 >"$DIR/repo/lib/tag"

say "built from the commit, and called by its name"
cat >"$DIR/repo/shop/compose.yaml" <<'END'
name: shop
services:
  web:
    build: {context: web, args: {VERSION: v1}, labels: [made=here]}
    image: team/web:1
    container_name: front
  twin: {image: "team/web:1", environment: {VERSION: twin}}
  lib: {build: ../lib, restart: always}
END
commit
tool --plan
has "the plan builds" "$OUT" "shop/web: build shop-web:"
is "and has built nothing" "$(docker images -q)" ""
tool
is deployed "$CODE" 0
[ "$CODE" = 0 ] || printf '%s\n' "$LOG" >&2
is "what runs" "$(names)" "front shop-lib-1 shop-twin-1 "
image=$(look front '{{.Config.Image}}')
has "the tag is the content's hash" "$image" "shop-web:"
is "image is one more name" "$(look team/web:1 '{{.Id}}')" "$(look "$image" '{{.Id}}')"
is "who names that image gets the same" "$(look shop-twin-1 '{{.Config.Image}}')" "$image"
is "built once" "$(grep -c 'build shop-web' "$DIR/log")" 1
has "args" "$(look front '{{.Config.Env}}')" VERSION=v1
is labels "$(look "$image" '{{.Config.Labels.made}}')" here
files=$(docker cp front:/all - | tar t | sort | tr '\n' ' ')
has "the context is there" "$files" "all/app all/logs/ all/public.key "
has "long names" "$files" "all/$(printf 'a%.0s' {1..120})"
hasnt "less what is ignored" "$files" private.key
hasnt "less what is ignored in folders" "$files" logs/old
settled "nothing left"

say "equal content is not built again"
id=$(look front '{{.Id}}')
echo note >"$DIR/repo/README" && touch "$DIR/repo/shop/web/another.key" && commit
mkdir -p "$DIR/state/projects/shop/web" && echo leftover >"$DIR/state/projects/shop/web/leftover"
tool
is "no build, no new instance" "[$CODE] $(grep -c build "$DIR/log") $(look front '{{.Id}}')" "[0] 0 $id"
echo 2 >"$DIR/repo/lib/tag" && commit
tool
is "only what changed" "$CODE $(grep -c ': build ' "$DIR/log") $(look front '{{.Id}}')" "0 1 $id"
has "is built" "$LOG" "shop/lib: build shop-lib:"
sed -i s/v1/v2/ "$DIR/repo/shop/compose.yaml" && commit
tool
is "an arg is part of it" "$CODE $(look front '{{.Config.Env}}')" "0 $(look front '{{.Config.Env}}')"
has "v2" "$(look front '{{.Config.Env}}')" VERSION=v2
is "the name went on" "$(names)" "front shop-lib-2 shop-twin-2 "
settled "nothing left after that"

say "what cannot be built"
id=$(look front '{{.Id}}')
printf 'FROM scratch\nCOPY nowhere /app\n' >"$DIR/repo/shop/web/Dockerfile" && commit
tool
is "a failed build is a verdict" "$CODE" 3
has "with the engine's words" "$LOG" "the build failed: COPY failed"
has "and the last lines" "$LOG" "Step 2/3 : COPY nowhere /app"
is "the old one runs" "$(look front '{{.Id}} {{.State.Running}}')" "$id true"
tool
is "not tried again" "$CODE $(grep -c ': build ' "$DIR/log")" "3 0"
git -C "$DIR/repo" rm -q shop/web/Dockerfile && commit
tool
is "no Dockerfile" "$CODE" 65
has "is told with its line" "$LOG" "shop/compose.yaml:4:12: services.web.build: there is no Dockerfile in web"

say "secrets and configs"
printf 'DB=one\n' >"$DIR/env"
mkdir -p "$DIR/repo/shop/conf"
echo site1 >"$DIR/repo/shop/conf/site"
cat >"$DIR/repo/common.yaml" <<'END'
services:
  base:
    image: team/app:1
    restart: always
    environment: {FROM: base, BOTH: base}
    volumes: [./lib:/lib:ro]
END
cat >"$DIR/repo/shop/compose.yaml" <<'END'
name: shop
services:
  web:
    image: team/app:1
    read_only: true
    tmpfs: /run
    secrets: [db, {source: db, target: /etc/db, mode: 0400, uid: "1000"}]
    configs: [site, {source: text, target: /etc/text}]
  debug: {image: "team/app:1", profiles: [debug]}
  vpn: {image: "team/app:1", hostname: one}
  behind: {image: "team/app:1", network_mode: "service:vpn", environment: {PORT: 9999}}
secrets: {db: {environment: DB}}
configs: {site: {file: ./conf/site}, text: {content: "for ${DB}"}}
END
tar -C "$DIR" -c app | docker import -c 'ENTRYPOINT ["/app"]' - team/app:1 >/dev/null
commit
tool --env-file "$DIR/env"
is deployed "$CODE" 0
[ "$CODE" = 0 ] || printf '%s\n' "$LOG" >&2
inside() { docker cp "$1:$2" - | tar xO; }
web=$(docker ps -qf label=com.docker.compose.service=web)
mounted() { cat "$(look "$web" "{{range .Mounts}}{{if eq .Destination \"$1\"}}{{.Source}}{{end}}{{end}}")"; }
is "a secret below a tmpfs, in a read-only container" "$(mounted /run/secrets/db)" one
is "with its mode and owner" "$(stat -c '%a %u' "$(look "$web" '{{range .Mounts}}{{if eq .Destination "/etc/db"}}{{.Source}}{{end}}{{end}}')")" "400 1000"
is "a config from Git" "$(mounted /site)" site1
is "and one of its own" "$(mounted /etc/text)" "for one"
is "nobody else comes there" "$(stat -c %a "$DIR/state/secrets" "$DIR/state/secrets/shop" | tr '\n' ' ')" "700 700 "
is "read only" "$(look "$web" '{{range .Mounts}}{{.RW}} {{end}}')" "false false false false "
hasnt "not in the notes" "$(cat "$DIR"/state/notes/*)" "for one"
settle() { tool --env-file "$DIR/env" --plan --detailed-exitcode; is "$1" "[$CODE] ${OUT##*$'\n'}" "[0] No changes."; }
settle "nothing left"
copies=$(ls "$DIR/state/secrets/shop" | wc -l)
printf 'DB=two\n' >"$DIR/env"
tool --env-file "$DIR/env" --plan
hasnt "a plan says no secret" "$OUT$LOG" two
tool --env-file "$DIR/env"
web=$(docker ps -qf label=com.docker.compose.service=web)
is "a new content is a new revision" "$CODE $(mounted /run/secrets/db) $(mounted /etc/text)" "0 two for two"
is "old copies go" "$(ls "$DIR/state/secrets/shop" | wc -l)" "$copies"

say "the network of another service"
vpn() { docker ps -qf label=com.docker.compose.service=vpn --no-trunc; }
behind() { look "$(docker ps -qf label=com.docker.compose.service=behind)" '{{.HostConfig.NetworkMode}}'; }
is "shared" "$(behind)" "container:$(vpn)"
sed -i 's/hostname: one/hostname: two/' "$DIR/repo/shop/compose.yaml" && commit
tool --env-file "$DIR/env"
is "made anew with it" "$CODE $(behind)" "0 container:$(vpn)"
docker rm -f "$(vpn)" >/dev/null
tool --env-file "$DIR/env"
is "also when it was removed by hand" "$CODE $(behind)" "0 container:$(vpn)"
settle "nothing left after that"

say "profiles"
is "not enabled" "$(docker ps -qf label=com.docker.compose.service=debug)" ""
COMPOSE_PROFILES=debug tool --env-file "$DIR/env"
debug=$(docker ps -qf label=com.docker.compose.service=debug)
is "enabled" "$CODE ${#debug}" "0 12"
tool --env-file "$DIR/env"
is "left alone" "$CODE $(docker ps -qf label=com.docker.compose.service=debug)" "0 $debug"

say "extends"
cat >"$DIR/repo/shop/compose.yaml" <<'END'
name: shop
services:
  web:
    extends: {file: ../common.yaml, service: base}
    environment: [BOTH=web]
END
commit
tool
is "a path of another folder" "$CODE" 65
has "is told where it stands" "$LOG" "../common.yaml:6:15: services.web.volumes: './lib:/lib:ro' leads out of the project's folder"
sed -i '/volumes/d' "$DIR/repo/common.yaml" && commit
tool
is "from another file of the commit" "$CODE" 0
[ "$CODE" = 0 ] || printf '%s\n' "$LOG" >&2
web=$(docker ps -qf label=com.docker.compose.service=web)
is "merged" "$(look "$web" '{{range .Config.Env}}{{println .}}{{end}}' | grep -E 'FROM|BOTH' | sort | tr '\n' ' ')$(look "$web" '{{.HostConfig.RestartPolicy.Name}}')" \
	"BOTH=web FROM=base always"

say "networks and volumes that the manifest says otherwise of"
sed -i 's/^    environment.*/&\n    networks: [back]\n    volumes: ["data:\/d"]/' "$DIR/repo/shop/compose.yaml"
printf 'networks: {back: {driver_opts: {com.docker.network.bridge.name: back0}, ipam: {config: [{subnet: 10.77.0.0/24}]}, labels: {a: b}}}\nvolumes: {data: {labels: {a: b}}}\n' \
	>>"$DIR/repo/shop/compose.yaml" && commit
tool
is "made" "$CODE" 0
tool
is "and as it is to be" "$CODE" 0
sed -i 's/subnet: 10.77/internal: true, subnet: 10.77/; s/{config: \[{internal: true, /{config: [{/; s/back: {driver_opts/back: {internal: true, driver_opts/' "$DIR/repo/shop/compose.yaml" && commit
tool --plan
has "a plan tells it" "$OUT" "the network shop_back was made with another internal than the manifest says now"
tool
is "a run fails with it" "$CODE $(look shop_back '{{.Internal}}')" "1 false"
sed -i 's/internal: true, //; s/data: {labels: {a: b}}/data: {labels: {a: c}}/' "$DIR/repo/shop/compose.yaml" && commit
tool
has "a volume, too" "$CODE $LOG$OUT" "the volume shop_data was made with another labels"
sed -i 's/a: c/a: b/' "$DIR/repo/shop/compose.yaml" && commit
tool
is "set back" "$CODE" 0

say "healthcheck.start_interval"
sed -i 's/restart: always/healthcheck: {test: [CMD, \/app, well], start_period: 9s, start_interval: 1s}/' "$DIR/repo/common.yaml" && commit
tool
newest=$(docker version -f '{{.Server.APIVersion}}')
if [ "${newest#1.}" -ge 44 ]; then
	is "reaches the engine" "$CODE $(look "$(docker ps -qf label=com.docker.compose.service=web)" '{{.Config.Healthcheck.StartInterval}}')" "0 1s"
else
	has "is told to be ignored" "$CODE $LOG" "start_interval is ignored"
fi

say "an env file that was named must be there"
tool --env-file "$DIR/nowhere"
is "it is not" "$CODE" 65
has "and it is told" "$LOG" "env_file: there is no such file $DIR/nowhere"
trace_end
check_end
