# A Git server over smart HTTP on 127.0.0.1: nginx -> fcgiwrap -> git-http-backend. To be sourced.
#
#   gitserver_start DIR PORT    serves the bare repositories below DIR: http://127.0.0.1:PORT/NAME.git, and the same
#                               below /private/ for joe:secret only, and below /forbidden/ for nobody (403)
#   gitserver_stop              ends it and removes its working folder; fine when it does not run
#
# GITSERVER_IN may hold a command that its network parts are run with, for example nsenter --net=FILE.
#
# Everything it starts is in process groups of its own, so that it can be ended whole: fcgiwrap leaves its workers
# behind when it alone is killed.

gitserver_start() {
	local dir=$1 port=$2 work
	work=$(mktemp -d /tmp/reconcile-gitserver-XXXXXX) || return 1
	GITSERVER_WORK=$work GITSERVER_PIDS=()
	echo 'joe:{PLAIN}secret' >"$work/users"
	cat >"$work/nginx.conf" <<-END
		daemon off;
		$([ "$(id -u)" = 0 ] && echo 'user root;')
		worker_processes 1;
		pid $work/nginx.pid;
		error_log $work/error.log;
		events { worker_connections 64; }
		http {
			access_log $work/access.log;
			client_body_temp_path $work/body; fastcgi_temp_path $work/fastcgi; proxy_temp_path $work/proxy;
			uwsgi_temp_path $work/uwsgi; scgi_temp_path $work/scgi;
			server {
				listen 127.0.0.1:$port;
				location ^~ /forbidden/ { return 403; }
				location ^~ /broken/ { return 503; }
				location ~ ^/private(/.*)\$ {
					auth_basic git; auth_basic_user_file $work/users;
					set \$repo \$1;
					include $work/backend.conf;
				}
				location ~ ^(/.*)\$ { set \$repo \$1; include $work/backend.conf; }
			}
		}
	END
	cat >"$work/backend.conf" <<-END
		fastcgi_pass unix:$work/fcgi.sock;
		fastcgi_param SCRIPT_FILENAME /usr/lib/git-core/git-http-backend;
		fastcgi_param GIT_PROJECT_ROOT $dir;
		fastcgi_param GIT_HTTP_EXPORT_ALL "";
		fastcgi_param PATH_INFO \$repo;
		fastcgi_param QUERY_STRING \$query_string;
		fastcgi_param REQUEST_METHOD \$request_method;
		fastcgi_param CONTENT_TYPE \$content_type;
		fastcgi_param CONTENT_LENGTH \$content_length;
		fastcgi_param REMOTE_USER \$remote_user;
		fastcgi_param REMOTE_ADDR \$remote_addr;
		fastcgi_param GIT_PROTOCOL \$http_git_protocol;
	END
	GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=safe.directory GIT_CONFIG_VALUE_0='*' \
		setsid fcgiwrap -f -c 2 -s "unix:$work/fcgi.sock" </dev/null >"$work/fcgi.log" 2>&1 &
	GITSERVER_PIDS+=($!)
	# shellcheck disable=SC2086
	${GITSERVER_IN-} setsid /usr/sbin/nginx -c "$work/nginx.conf" -e "$work/error.log" </dev/null >"$work/nginx.log" 2>&1 &
	GITSERVER_PIDS+=($!)
	local i
	for ((i = 0; i < 100; i++)); do
		[ -S "$work/fcgi.sock" ] && ${GITSERVER_IN-} curl -s -o /dev/null "http://127.0.0.1:$port/forbidden/" && return 0
		sleep 0.1
	done
	echo "gitserver: does not answer on 127.0.0.1:$port" >&2
	cat "$work/error.log" "$work/nginx.log" "$work/fcgi.log" >&2
	gitserver_stop
	return 1
}

gitserver_stop() {
	local pid
	for pid in ${GITSERVER_PIDS[@]+"${GITSERVER_PIDS[@]}"}; do
		kill -KILL -- "-$pid" 2>/dev/null || true
		wait "$pid" 2>/dev/null || true
	done
	GITSERVER_PIDS=()
	[ -n "${GITSERVER_WORK:-}" ] && rm -rf "$GITSERVER_WORK"
	GITSERVER_WORK=
	return 0
}
