#!/usr/bin/env bash
# The model against the host: schedules of the simulator on a real engine and a real nginx. After every action both must
# agree.
#
#   honest.sh [SEED [SEEDS [STEPS]]]
set -u
. "$SOURCE_DIR/tests/lib/check.sh"
. "$SOURCE_DIR/tests/lib/host.sh"

trap host_stop EXIT
trap 'exit 1' INT TERM HUP
unset http_proxy https_proxy HTTP_PROXY HTTPS_PROXY "${!RECONCILE_@}"
host_start "$(mktemp -d /tmp/rec-honest-XXXXXX)" || exit 1
# What serves, and what ends well when it is told to.
cc -static -O1 -o "$HOST/app/app" "$SOURCE_DIR/tests/lib/app.c" || exit 1
for v in 1 2 3; do
	tar -C "$HOST/app" -c web app | docker import -c 'CMD ["/web"]' -c "ENV VERSION=$v" - "app:$v" >/dev/null || exit 1
done
mkdir "$HOST/shop"
ok "the model agrees with the host" in_netns env TMPDIR="$HOST_TMP" "$BUILD_DIR/tests/real/honest" "$HOST/reconcile.yaml" "$HOST/shop" \
	"${1-3}" "${2-4}" "${3-5}"
check_end
