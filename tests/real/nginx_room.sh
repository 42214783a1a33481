# The nginx room with a real nginx on loopback, in a folder of its own. To be sourced; BUILD_DIR is set. A script ends with
# room_end. What it starts it keeps in PIDS[...]; what $T/own*.conf says stands in the http block, too.
BIN=${BUILD_DIR:?}/tests/real
T=$(mktemp -d) && chmod 755 "$T"
declare -A PIDS=()
FAILED=0

say() { echo "== $*"; }
fail() { echo "FAILED: $*" >&2; FAILED=1; }
nginx_pids() { [[ -s $T/nginx.pid ]] && { cat "$T/nginx.pid"; cat "/proc/$(cat "$T/nginx.pid")/task/"*/children 2>/dev/null; }; }
clean_up() {
	disown -a
	for p in "${PIDS[@]}"; do kill -9 "$p" 2>/dev/null; done
	for p in $(nginx_pids); do kill -9 "$p" 2>/dev/null; done
	rm -rf "$T"
}
trap clean_up EXIT

free_port() {
	local p
	while p=$((20000 + RANDOM % 12000)); do
		(exec 3<>"/dev/tcp/127.0.0.1/$p") 2>/dev/null || { echo "$p"; return; }
	done
}
PORT=$(free_port) APP=$(free_port) STATUS=$(free_port) TAKEN=$(free_port)
export NGX_CONFIG=$T/nginx.conf NGX_PID=$T/nginx.pid NGX_DIR=$T/r NGX_LISTEN=127.0.0.1:$PORT NGX_STATUS=$STATUS
URL=http://127.0.0.1:$PORT

cat > "$T/nginx.conf" <<CONF
worker_processes 2;
error_log $T/error.log notice;
pid $T/nginx.pid;
events { worker_connections 1024; }
http {
	access_log off;
	client_body_temp_path $T/body; proxy_temp_path $T/proxy; fastcgi_temp_path $T/f; uwsgi_temp_path $T/u; scgi_temp_path $T/s;
	include $T/r/live/http*.conf;
	include $T/own*.conf;
}
CONF

driver() { "$BIN/nginx-driver" "$@"; }
# topology ROLLOUT [NEXT-ADDRESS]
topology() {
	echo "# service shop web rollout=$1 stable=aaaa,127.0.0.2 next=${2:+bbbb,$2}"
	echo "# route shop.test shop web $APP / 100"
}
publish() { topology "$@" | driver publish; }
weight() { driver weight shop web "$@"; }
ok() { "$@" || fail "$* answered $?"; }
# refused EXIT-CODE TEXT COMMAND...: the command ends so, and says so.
refused() {
	local code=$1 text=$2 said got; shift 2
	said=$("$@" 2>&1); got=$?
	[[ $got == "$code" ]] || fail "$*: exit $got, wanted $code: $said"
	[[ $said == *"$text"* ]] || fail "$*: said '$said', wanted '$text'"
}
observed() { # the first line, or those of a service
	local got; got=$(driver observe) || fail "observe: $?"
	[[ $got == *"$1"* ]] || fail "observed '$got', wanted '$1'"
}
version() { curl -s -m 5 -H 'Host: shop.test' "$URL/version"; }
start_nginx() { nginx -c "$T/nginx.conf" 2>>"$T/start.log" || fail "nginx does not start: $(cat "$T/start.log")"; }
client_start() { "$BIN/strict-client" --url "$URL/" --host shop.test "$@" >"$T/client.out" 2>"$T/client.err" & PIDS[client]=$!; }
client_stop() {
	kill -TERM "${PIDS[client]}"; wait "${PIDS[client]}" || fail "$1: $(cat "$T/client.err")"
	unset 'PIDS[client]'
	say "$1: $(cat "$T/client.out")"
	[[ $(cat "$T/client.out") == *" failed=0 "* ]] || fail "$1"
}

room_end() {
	[[ $FAILED == 0 ]] && say "all passed"
	exit "$FAILED"
}
