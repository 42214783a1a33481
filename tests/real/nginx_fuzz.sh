#!/usr/bin/env bash
# Random manifests: what is valid passes nginx's own test and holds no directive that is not ours.
#
#   nginx_fuzz.sh [CASES [SEED]]
set -u
# Alone on a network: nginx's test binds every port.
if [[ -z ${NGINX_FUZZ_ALONE:-} ]]; then NGINX_FUZZ_ALONE=1 exec unshare -n "$BASH" "$0" "$@"; fi
ip link set lo up
ip address add 10.0.0.1/32 dev lo
T=$(mktemp -d) && chmod 755 "$T"
trap 'rm -rf "$T"' EXIT
module=/usr/lib/nginx/modules/ngx_stream_module.so
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout "$T/key.pem" -out "$T/cert.pem" -days 2 -subj /CN=shop.test 2>/dev/null || exit 1
cat >"$T/nginx.conf" <<CONF
$([[ -e $module ]] && echo "load_module $module;")
error_log $T/error.log;
pid $T/nginx.pid;
events { }
http { include $T/http.conf; }
stream { include $T/stream.conf; }
CONF
"$BUILD_DIR/tests/real/nginx-fuzz" "$T" "${1:-400}" "${2:-1}"
