#!/usr/bin/env bash
# The quick start: one command from a bare Debian 12 with root and this clone to a deployment that is watched by a
# client that never stops asking. Version 1 goes live, version 2 comes in, version 3 is bad and goes back by itself.
#
#   manifests/quickstart.sh           installs what is missing, builds, shows it, and takes everything down again
#   manifests/quickstart.sh --keep    leaves it running and says where to look
#
# It uses the Docker that answers, or else a private one in a network namespace of its own; nginx is always a private
# one on 127.0.0.1. What already runs on this host is not touched.
set -euo pipefail
top=$(cd "$(dirname "$0")/.." && pwd)
keep=false
case ${1:-} in
"") ;;
--keep) keep=true ;;
*)
	echo "usage: manifests/quickstart.sh [--keep]" >&2
	exit 64
	;;
esac
[ "$(id -u)" = 0 ] || { echo "quickstart: needs root: it starts nginx, and containers that it probes" >&2; exit 1; }

started=$SECONDS
transitions=0
rolled_back=0
requests=0
failed=0
client=
owns_docker=false
name=quickstart-$$
work=/tmp/$name
mkdir -m 755 "$work" # 755: nginx's workers look at flags below it
host=quickstart.example.com
export GIT_CONFIG_NOSYSTEM=1 GIT_CONFIG_GLOBAL=/dev/null

title() { printf '\n== %s\n' "$*"; }
in_network() { ${enter:-} "$@"; }

take_down() {
	set +e
	[ -n "$client" ] && kill -TERM "$client" 2>/dev/null && wait "$client" 2>/dev/null
	if [ -f "$work/nginx/pid" ]; then
		local pid
		pid=$(cat "$work/nginx/pid")
		kill -QUIT "$pid" 2>/dev/null
		for _ in $(seq 100); do kill -0 "$pid" 2>/dev/null || break; sleep 0.1; done
	fi
	if [ -n "${DOCKER_HOST:-}" ]; then
		ids=$(docker ps -aq --filter label=io.reconcile.instance="$name" 2>/dev/null)
		# shellcheck disable=SC2086
		[ -n "$ids" ] && docker rm -f $ids >/dev/null
		for network in quickstart_default quickstart_reconcile; do
			[ "$(docker network inspect -f '{{index .Labels "io.reconcile.instance"}}' $network 2>/dev/null)" = "$name" ] &&
				docker network rm $network >/dev/null
		done
		for image in ${built:-}; do docker rmi -f "$image" >/dev/null 2>&1; done
	fi
	$owns_docker && dockerd_stop "$work/docker"
	rm -rf "$work"
}
trap 'code=$?; if [ $code != 0 ] || ! $keep; then take_down; fi; exit $code' EXIT
trap 'exit 1' INT TERM HUP

# ---- Set-up ----

title "Packages and build"
bash "$top/tests/lib/packages.sh" run
{
	cmake -S "$top" --preset release -G Ninja && cmake --build "$top/build/release" --target reconcile web strict-client
} >"$work/build.log" 2>&1 || { cat "$work/build.log"; exit 1; }
build=$top/build/release
echo "built $("$build/reconciler/reconcile" --version)"

title "Docker and nginx"
# shellcheck source=../tests/lib/dockerd.sh
. "$top/tests/lib/dockerd.sh"
case ${DOCKER_HOST:=unix:///var/run/docker.sock} in
unix://*) timeout 10 docker version >/dev/null 2>&1 || DOCKER_HOST= ;;
*) DOCKER_HOST= ;; # another machine's: its containers cannot be probed from here
esac
export DOCKER_HOST
if [ -n "$DOCKER_HOST" ]; then
	echo "Docker: the one that answers at $DOCKER_HOST"
	if [ -n "$(docker ps -aq --filter label=com.docker.compose.project=quickstart)" ]; then
		echo "quickstart: this Docker already has a project named quickstart; remove it first (docker ps -a)" >&2
		exit 1
	fi
else
	owns_docker=true
	dockerd_start "$work/docker"
	enter="nsenter --net=/run/netns/$DOCKERD_NETNS"
	echo "Docker: a private one, in the network namespace $DOCKERD_NETNS"
fi

free_port() { # FIRST: the first port from there on that nobody listens on
	local port=$1
	while in_network bash -c "exec 3<>/dev/tcp/127.0.0.1/$port" 2>/dev/null; do port=$((port + 1)); done
	echo "$port"
}
port=$(free_port 8088)
status_port=$(free_port $((port + 1000)))
mkdir -p "$work/nginx" "$work/state" "$work/run"
cat >"$work/nginx/nginx.conf" <<CONF
worker_processes 2;
pid $work/nginx/pid;
error_log $work/nginx/error.log;
events { worker_connections 1024; }
http {
    access_log off;
    client_body_temp_path $work/nginx/body; proxy_temp_path $work/nginx/proxy; fastcgi_temp_path $work/nginx/fastcgi;
    uwsgi_temp_path $work/nginx/uwsgi; scgi_temp_path $work/nginx/scgi;
    include $work/state/nginx/live/http*.conf;   # the one line that reconcile needs
}
CONF
in_network nginx -c "$work/nginx/nginx.conf" -e "$work/nginx/error.log"
echo "nginx: a private one on 127.0.0.1:$port"

cat >"$work/reconcile.yaml" <<CONF
repo: file://$work/shop
state_dir: $work/state
run_dir: $work/run
instance: $name
docker: { host: "$DOCKER_HOST" }
nginx: { config: $work/nginx/nginx.conf, pid: $work/nginx/pid, listen: "127.0.0.1:$port", status_port: $status_port }
CONF

title "Three versions of a small web application: good, good, bad"
mkdir "$work/image"
cp "$top/manifests/quickstart/Dockerfile" "$build/tests/real/web" "$work/image/"
built=
for version in 1 2 3; do
	health=ok
	[ $version = 3 ] && health=fail
	DOCKER_BUILDKIT=0 docker build -q --build-arg VERSION=$version --build-arg HEALTH=$health \
		-t quickstart/web:$version "$work/image" >>"$work/build.log" 2>&1 || { cat "$work/build.log"; exit 1; }
	built="$built quickstart/web:$version"
done
docker images --format '{{.Repository}}:{{.Tag}}  {{.Size}}' quickstart/web | sort

git init -q -b main "$work/shop"
cp "$top/manifests/quickstart/compose.yaml" "$work/shop/"

# ---- The show ----

in_repo() { git -C "$work/shop" -c user.name=quickstart -c user.email=quickstart@example.com "$@"; }

commit_version() { # VERSION SUBJECT
	sed -i "s|image: quickstart/web:.*|image: quickstart/web:$1|" "$work/shop/compose.yaml"
	in_repo add -A
	in_repo commit -q -m "$2"
	echo "\$ git commit -m \"$2\""
}

# reconcile WANTED_EXIT ARGUMENT...
reconcile() {
	local wanted=$1 code=0
	shift
	echo "\$ reconcile $*"
	in_network "$build/reconciler/reconcile" --config "$work/reconcile.yaml" "$@" 2>&1 | tee "$work/said" || code=${PIPESTATUS[0]}
	echo "exit code $code"
	if [ "$code" != "$wanted" ]; then
		echo "quickstart: wanted exit code $wanted" >&2
		tail -n 5 "$work/nginx/error.log" >&2
		exit 1
	fi
}

must_say() { grep -qF "$1" "$work/said" || { echo "quickstart: that should have said '$1'" >&2; exit 1; }; }
served() { in_network bash -c "exec 3<>/dev/tcp/127.0.0.1/$port; printf 'GET /version HTTP/1.0\r\nHost: $host\r\n\r\n' >&3; tail -n 1 <&3"; }

title "Version 1 goes live"
commit_version 1 "Version 1"
reconcile 0 --plan
reconcile 0
transitions=$((transitions + 1))
echo "http://$host/version through nginx: $(served)"

title "A client that never stops asking (16 connections, half with keep-alive, GET and POST, slow and silent ones)"
# Not through a function: its pid must be the client's own.
${enter:-} "$build/tests/real/strict-client" --url "http://127.0.0.1:$port/" --host $host --connections 16 --mix \
	>"$work/client.out" 2>"$work/client.err" &
client=$!
sleep 1

title "A commit brings version 2"
commit_version 2 "Version 2: better"
reconcile 0 --plan
reconcile 0
transitions=$((transitions + 1))
echo "http://$host/version through nginx: $(served)"
[ "$(served)" = 2 ] || { echo "quickstart: version 2 should serve" >&2; exit 1; }

title "A commit brings version 3, which is bad"
commit_version 3 "Version 3: never gets ready"
before=$(docker ps -q --no-trunc --filter label=com.docker.compose.project=quickstart | sort)
reconcile 0 --plan
reconcile 3
rolled_back=$((rolled_back + 1))
after=$(docker ps -q --no-trunc --filter label=com.docker.compose.project=quickstart | sort)
[ "$before" = "$after" ] || { echo "quickstart: the instances of version 2 should be the same as before" >&2; exit 1; }
echo "http://$host/version through nginx: $(served), from the same containers as before"

title "The next run does not try version 3 again"
reconcile 3
must_say "No changes."

title "git revert"
in_repo revert --no-edit HEAD >/dev/null
echo "\$ git revert HEAD"
reconcile 0
must_say "No changes."

title "What the client saw"
kill -TERM "$client"
wait "$client" || true
client=
cat "$work/client.out" "$work/client.err"
requests=$(sed -n 's/^requests=\([0-9]*\) .*/\1/p' "$work/client.out")
failed=$(sed -n 's/^requests=[0-9]* failed=\([0-9]*\).*/\1/p' "$work/client.out")

if $keep; then
	prefix=${enter:+$enter }
	title "Left running"
	cat <<TEXT
  repository   $work/shop (edit compose.yaml, commit, run reconcile again)
  reconcile    ${prefix}$build/reconciler/reconcile --config $work/reconcile.yaml --plan
  containers   DOCKER_HOST=$DOCKER_HOST docker ps
  traffic      ${prefix}curl -H 'Host: $host' http://127.0.0.1:$port/
  nginx        $work/state/nginx/live/http.conf
  take down    kill \$(cat $work/nginx/pid)$($owns_docker && echo "; . $top/tests/lib/dockerd.sh; dockerd_stop $work/docker" || echo "; docker rm -f \$(docker ps -aq --filter label=io.reconcile.instance=$name)"); rm -rf $work
TEXT
fi

echo
echo "quickstart: requests=${requests:-0} failed=${failed:-1} transitions=$transitions rolled_back=$rolled_back seconds=$((SECONDS - started))"
[ "${failed:-1}" = 0 ]
