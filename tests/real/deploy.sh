#!/usr/bin/env bash
# The tool itself on a real host: deployments, failures, drift and outages, each compared with what the plan said.
#
#   deploy.sh [PART...]     parts are the files of deploy/; all of them in this order without a word
set -u
. "$SOURCE_DIR/tests/lib/check.sh"
. "$SOURCE_DIR/tests/lib/host.sh"
. "$SOURCE_DIR/tests/lib/gitserver.sh"
. "$SOURCE_DIR/tests/real/deploy/lib.sh"

clean_up() {
	gitserver_stop
	host_stop
}
trap clean_up EXIT
trap 'exit 1' INT TERM HUP

unset http_proxy https_proxy HTTP_PROXY HTTPS_PROXY "${!RECONCILE_@}"
host_start "$(mktemp -d /tmp/rec-deploy-XXXXXX)" || exit 1
export HOME=$HOST

[ $# -gt 0 ] || set -- git rolling canary analysis prometheus flight drain page changes drift inplace depends keep names errors outage sources routes ways ports contained shared moving loopback foreign failures
for part; do
	say "$part"
	SECONDS=0
	. "$SOURCE_DIR/tests/real/deploy/$part.sh"
	say "$part: $SECONDS s"
done
is "nothing is left in TMPDIR" "$(ls -A "$HOST_TMP")" ""
trace_end
check_end
