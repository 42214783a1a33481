# A whole private host in one folder: a Docker engine in a network namespace of its own, an nginx, settings, images,
# and the tool and clients inside that network. To be sourced; BUILD_DIR and SOURCE_DIR are set.
#
#   host_start DIR          sets HOST, HOST_STATE, HOST_URL, DOCKER_HOST; DIR short and passable for everybody (0755)
#   host_stop               ends all that runs in it and removes DIR; fine when nothing runs
#   host_image NAME [K=V..] an image of nothing but the static `web` with these variables
#   run_reconcile ARGS...   the tool with this host's settings; a run is compared with its plan (trace.sh)
#   start_reconcile LOG ARGS...   the same in the background: RECONCILE_PID is the tool itself
#   start_client ARGS...    the strict client against HOST_URL, until stop_client: sets CLIENT_LINE, fails with it. Eight
#                           connections ask some 300 times a second, and leave the processor to others
#   nginx_start, nginx_stop, nginx_kill (SIGKILL for all of it), nginx_pids
#   nginx_reload            a plain one, as by hand, until the workers from before have heard of it
#
# Ports are free to choose: nothing else lives in that network. Routes listen on 127.0.0.1:8080.
. "$SOURCE_DIR/tests/lib/dockerd.sh"
. "$SOURCE_DIR/tests/lib/trace.sh"

host_start() {
	HOST=$1 HOST_STATE=$1/state HOST_URL=http://127.0.0.1:8080
	# Short-lived tools write here; it must be empty whenever none runs.
	HOST_TMP=$HOST/tmp
	CLIENT_PID=
	mkdir -p "$HOST" "$HOST_TMP" "$HOST/app"
	chmod 755 "$HOST"
	cp "$BUILD_DIR/tests/real/web" "$HOST/app/web" || return 1
	: >"$HOST/env"
	trace_begin "$HOST"
	cat >"$HOST/nginx.conf" <<-END
		worker_processes 2;
		error_log $HOST/nginx-error.log notice;
		pid $HOST/nginx.pid;
		events { worker_connections 1024; }
		http {
			access_log off;
			client_body_temp_path $HOST/body; proxy_temp_path $HOST/proxy; fastcgi_temp_path $HOST/fastcgi;
			uwsgi_temp_path $HOST/uwsgi; scgi_temp_path $HOST/scgi;
			include $HOST_STATE/nginx/live/http*.conf;
		}
	END
	cat >"$HOST/reconcile.yaml" <<-END
		state_dir: $HOST_STATE
		run_dir: $HOST/run
		env_file: $HOST/env
		nginx: {config: $HOST/nginx.conf, pid: $HOST/nginx.pid, listen: "127.0.0.1:8080", status_port: 9180}
	END
	dockerd_start "$HOST/docker" && nginx_start
}

host_stop() {
	local pid round
	[ -n "${HOST-}" ] || return 0
	# Whatever of ours is left in that network; the engine's own processes end with it. A second time, because an nginx
	# makes another worker for one that is killed before it.
	for round in 1 2; do
		for pid in $(ip netns pids "${DOCKERD_NETNS-}" 2>/dev/null); do
			case $(cat "/proc/$pid/comm" 2>/dev/null) in
			nginx | reconcile | strict-client) kill -KILL "$pid" 2>/dev/null ;;
			esac
		done
	done
	dockerd_stop "$HOST/docker"
	rm -rf "$HOST"
}

host_image() { # NAME [K=V...]
	local name=$1 changes=() variable
	shift
	for variable; do changes+=(-c "ENV $variable"); done
	tar -C "$HOST/app" -c web | docker import -c 'CMD ["/web"]' ${changes[@]+"${changes[@]}"} - "$name" >/dev/null
}

run_reconcile() {
	traced in_netns env TMPDIR="$HOST_TMP" "$BUILD_DIR/reconciler/reconcile" --config "$HOST/reconcile.yaml" "$@"
}

# A plain command in the background: nsenter and env become the tool, so a kill meets nobody else.
start_reconcile() {
	local log=$1
	shift
	: >"$log" # whoever looks into it finds nothing of a run before
	nsenter --net="/run/netns/$DOCKERD_NETNS" env TMPDIR="$HOST_TMP" "$BUILD_DIR/reconciler/reconcile" \
		--config "$HOST/reconcile.yaml" "$@" >"$log" 2>&1 </dev/null &
	RECONCILE_PID=$!
}

start_client() {
	nsenter --net="/run/netns/$DOCKERD_NETNS" "$BUILD_DIR/tests/real/strict-client" --url "$HOST_URL/" --connections 8 "$@" \
		>"$HOST/client.out" 2>"$HOST/client.err" </dev/null &
	CLIENT_PID=$!
}

stop_client() {
	local code=0
	kill -TERM "$CLIENT_PID"
	wait "$CLIENT_PID" || code=$?
	CLIENT_PID=
	CLIENT_LINE=$(cat "$HOST/client.out")
	[ "$code" = 0 ] || cat "$HOST/client.err" >&2
	return "$code"
}

nginx_start() {
	local i
	in_netns nginx -c "$HOST/nginx.conf" -e "$HOST/nginx-error.log" >>"$HOST/nginx.out" 2>&1 </dev/null || return 1
	for ((i = 0; i < 50; i++)); do
		[ -s "$HOST/nginx.pid" ] && return 0
		sleep 0.05
	done
	return 1
}

# The master, and its workers.
nginx_pids() {
	local master
	master=$(cat "$HOST/nginx.pid" 2>/dev/null) || return 0
	echo "$master"
	cat "/proc/$master/task/$master/children" 2>/dev/null
}

nginx_reload() {
	local workers pid i
	workers=$(nginx_pids | tail -n +2)
	in_netns nginx -s reload -c "$HOST/nginx.conf" -e "$HOST/nginx-error.log" 2>/dev/null || return 1
	for pid in $workers; do
		for ((i = 0; i < 100; i++)); do
			[ ! -e "/proc/$pid" ] || grep -qs 'shutting down' "/proc/$pid/cmdline" && break
			sleep 0.05
		done
	done
}

nginx_end_() { # SIGNAL
	local pids pid i
	pids=$(nginx_pids)
	for pid in $pids; do kill "-$1" "$pid" 2>/dev/null; done
	for pid in $pids; do
		for ((i = 0; i < 100; i++)); do
			[ "$(sed 's/.*) //; s/ .*//' "/proc/$pid/stat" 2>/dev/null || echo Z)" = Z ] && break
			sleep 0.05
		done
	done
}
nginx_stop() { nginx_end_ TERM; }
nginx_kill() { nginx_end_ KILL; }
