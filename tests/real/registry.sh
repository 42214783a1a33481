#!/usr/bin/env bash
# Images from registries: without and with credentials, tags that move, registries that refuse, fail, lie or are away,
# and what becomes of old images.
#
#   registry.sh [PART...]     parts are the files of registry/; all of them in this order without a word
set -u
IN_STEP= # how long a pull takes no plan knows: which reload comes when is not compared
. "$SOURCE_DIR/tests/lib/check.sh"
. "$SOURCE_DIR/tests/lib/host.sh"
. "$SOURCE_DIR/tests/lib/registry.sh"
. "$SOURCE_DIR/tests/real/deploy/lib.sh"

OPEN= SHUT=
clean_up() {
	[ -z "$OPEN" ] || registry_stop "$OPEN"
	[ -z "$SHUT" ] || registry_stop "$SHUT"
	host_stop
}
trap clean_up EXIT
trap 'exit 1' INT TERM HUP

unset http_proxy https_proxy HTTP_PROXY HTTPS_PROXY DOCKER_CONFIG "${!RECONCILE_@}"
host_start "$(mktemp -d /tmp/rec-registry-XXXXXX)" || exit 1
export HOME=$HOST
LOGINS=$HOST/logins
cat >>"$HOST/reconcile.yaml" <<-END
	docker: {config: $LOGINS}
	min_free: 1M
END

# "s3cret pass", as the registry wants it.
echo 'user:$2b$05$abcdefghijklmnopqrstuu1qdcFaS0PtqFUPzaCxLQ8/0lspH0ZEW' >"$HOST/htpasswd"
registry_start 5000 "$HOST/open" && OPEN=$REGISTRY_PID || exit 1
registry_start 5001 "$HOST/shut" "$HOST/htpasswd" && SHUT=$REGISTRY_PID || exit 1
docker --config "$HOST/pusher" login -u user -p 's3cret pass' 127.0.0.1:5001 >/dev/null 2>&1 || exit 1

# manifest PROJECT IMAGE [KEY...]: a routed service `web` that answers with its version; keys are lines of YAML for it.
manifest() {
	local project=$1 image=$2 key
	shift 2
	mkdir -p "$HOST/$project"
	{
		printf '%s\n' "name: $project" "services:" "  web:" "    image: $image" "    stop_grace_period: 2s"
		for key; do echo "    $key"; done
		cat <<-END
			    x-reconcile:
			      strategy: blue-green
			      ready: {http: {port: 8080, path: /health}, within: 10s, for: 200ms}
			      hold: 200ms
			      keep_old: 0s
			      drain_timeout: 5s
			x-reconcile:
			  routes: [{host: $project.test, to: "web:8080"}]
		END
	} >"$HOST/$project/compose.yaml"
}
images() { docker image ls --format '{{.Repository}}:{{.Tag}}' "127.0.0.1:5000/$1" | sort | tr '\n' ' '; }
# Of all that the tool said: never the password, in any form.
EVERYTHING=
secret_tool() {
	tool "$@"
	EVERYTHING+=$OUT$LOG
}

[ $# -gt 0 ] || set -- open shut moved faults
for part; do
	say "$part"
	. "$SOURCE_DIR/tests/real/registry/$part.sh"
done
is "nothing is left in TMPDIR" "$(ls -A "$HOST_TMP")" ""
trace_end
check_end
