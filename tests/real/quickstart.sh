#!/usr/bin/env bash
# The quick start, as a newcomer runs it: twice in a row, the second time beside a Docker and an nginx that already run
# and must not notice. Each must end with its summary and leave the machine as it found it.
set -uo pipefail
cd "$SOURCE_DIR" || exit 1
# shellcheck source=../lib/dockerd.sh
. tests/lib/dockerd.sh

work=$(mktemp -d /tmp/qt.XXXX)
chmod 755 "$work"
failed=0
take_down() {
	[ -f "$work/nginx.pid" ] && kill -QUIT "$(cat "$work/nginx.pid")" 2>/dev/null
	dockerd_stop "$work/docker" 2>/dev/null
	rm -rf "$work"
}
trap take_down EXIT
trap 'exit 1' INT TERM HUP

check() { # WHAT CONDITION...
	local what=$1
	shift
	if "$@"; then
		echo "ok: $what"
	else
		echo "FAILED: $what" >&2
		failed=$((failed + 1))
	fi
}

# run OUTPUT COMMAND...: in the background, so that its pid is known: everything it makes is named after it.
run() {
	local output=$1
	shift
	"$@" >"$output" 2>&1 &
	pid=$!
	wait "$pid"
}

leaves_nothing() {
	local left
	left=$(
		ip netns list | grep "^rec${pid}x"
		ls -d "/tmp/quickstart-$pid" 2>/dev/null
		pgrep -af "quickstart-$pid/"
		grep -F "/quickstart-$pid/" /proc/self/mountinfo
	)
	[ -z "$left" ] || { echo "$left"; return 1; }
}

ends_well() { # OUTPUT
	tail -n 1 "$1" | grep -qE '^quickstart: requests=[1-9][0-9]{2,} failed=0 transitions=2 rolled_back=1 seconds=[0-9]+$' ||
		{ tail -n 25 "$1"; return 1; }
}

run "$work/first" env -u DOCKER_HOST bash manifests/quickstart.sh
check "the first run exits with 0" test $? = 0
check "the first run ends with its summary" ends_well "$work/first"
check "the first run leaves nothing behind" leaves_nothing
check "it shows the plan" grep -q '^Plan: 2 to add, 0 to change, 2 to destroy.$' "$work/first"
check "it shows the rollback" grep -q '^exit code 3$' "$work/first"

# A Docker with a container in it, and an nginx where the quick start would like to be.
dockerd_start "$work/docker" || exit 1
cp "$BUILD_DIR/tests/real/web" "$work/"
tar -C "$work" -c web | docker import -c 'ENTRYPOINT ["/web"]' - theirs:1 >/dev/null
docker run -d --name theirs theirs:1 >/dev/null
cat >"$work/nginx.conf" <<CONF
worker_processes 1; pid $work/nginx.pid; error_log $work/error.log;
events {}
http { access_log off; client_body_temp_path $work/b; proxy_temp_path $work/p; fastcgi_temp_path $work/f;
       uwsgi_temp_path $work/u; scgi_temp_path $work/s; server { listen 127.0.0.1:8088; return 200 "theirs"; } }
CONF
in_netns nginx -c "$work/nginx.conf" -e "$work/error.log"
theirs() {
	docker ps -a --no-trunc --format '{{.ID}} {{.Names}} {{.State}}'
	docker inspect theirs
	docker images --no-trunc --format '{{.ID}} {{.Repository}}:{{.Tag}}' | sort
	docker network ls --no-trunc --format '{{.ID}} {{.Name}}' | sort
	cat "$work/nginx.pid"
	in_netns bash -c "exec 3<>/dev/tcp/127.0.0.1/8088; printf 'GET / HTTP/1.0\r\n\r\n' >&3; tail -n 1 <&3"
}
their_state=$(theirs)
run "$work/second" nsenter --net="/run/netns/$DOCKERD_NETNS" bash manifests/quickstart.sh
check "the second run, beside others, exits with 0" test $? = 0
check "the second run ends with its summary" ends_well "$work/second"
check "it used the Docker that answers" grep -qF "Docker: the one that answers at $DOCKER_HOST" "$work/second"
check "the second run leaves nothing behind" leaves_nothing
check "the others did not notice" test "$their_state" = "$(theirs)"

exit "$failed"
