# A Git server on 127.0.0.1, over smart HTTP (nginx -> fcgiwrap -> git-http-backend) and over SSH. To be sourced.
#
#   gitserver_start DIR PORT    serves the bare repositories below DIR: http://127.0.0.1:PORT/NAME.git, and the same
#                               below /private/ for joe:secret only, below /forbidden/ for nobody (403), and below
#                               /elsewhere/ by a redirect to /private/ of another name; all that again by TLS on
#                               https://localhost:PORT+1, whose authority is $GITSERVER_WORK/ca.pem
#   gitserver_ssh DIR PORT [CMD...]  an sshd, started by CMD: root with a key of DIR/authorized_keys may log in; its host
#                               keys are DIR/host_ed25519 and DIR/host_ecdsa, made when they are not there
#   gitserver_stop              ends all of it and removes its working folder; fine when it does not run
#
# GITSERVER_IN may hold a command that its network parts are run with, for example nsenter --net=FILE.
#
# Everything it starts is in process groups of its own, so that it can be ended whole: fcgiwrap leaves its workers
# behind when it alone is killed.

gitserver_certificates() { # FOLDER: an authority of its own, and a certificate for localhost
	local dir=$1
	{
		openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj '/CN=a private authority' \
			-keyout "$dir/ca.key" -out "$dir/ca.pem" &&
			openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=localhost \
				-keyout "$dir/tls.key" -out "$dir/tls.csr" &&
			openssl x509 -req -in "$dir/tls.csr" -CA "$dir/ca.pem" -CAkey "$dir/ca.key" -CAcreateserial -days 2 \
				-extfile <(echo 'subjectAltName=DNS:localhost') -out "$dir/tls.pem"
	} >"$dir/openssl.log" 2>&1 || { cat "$dir/openssl.log" >&2; return 1; }
}

gitserver_start() {
	local dir=$1 port=$2 work
	work=$(mktemp -d /tmp/reconcile-gitserver-XXXXXX) || return 1
	GITSERVER_WORK=$work GITSERVER_PIDS=()
	gitserver_certificates "$work" || return 1
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
				listen 127.0.0.2:$port;
				listen 127.0.0.1:$((port + 1)) ssl;
				ssl_certificate $work/tls.pem; ssl_certificate_key $work/tls.key;
				location ~ ^/elsewhere(/.*)\$ { return 302 http://127.0.0.2:$port/private\$1?\$args; }
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

gitserver_ssh() {
	local dir=$1 port=$2 i type
	shift 2
	for type in ed25519 ecdsa; do
		[ -f "$dir/host_$type" ] || ssh-keygen -q -t $type -N '' -f "$dir/host_$type" || return 1
	done
	touch "$dir/authorized_keys"
	# sshd runs itself again after it has gone to /: every path must be a whole one.
	cat >"$dir/sshd_config" <<-END
		ListenAddress 127.0.0.1:$port
		HostKey $dir/host_ed25519
		HostKey $dir/host_ecdsa
		PidFile none
		AuthorizedKeysFile $dir/authorized_keys
		StrictModes no
		UsePAM no
		PasswordAuthentication no
		KbdInteractiveAuthentication no
		PermitRootLogin prohibit-password
	END
	if [ ! -d /run/sshd ]; then
		mkdir -m 755 /run/sshd || return 1
		GITSERVER_RUN=/run/sshd
	fi
	setsid "$@" /usr/sbin/sshd -D -f "$dir/sshd_config" -E "$dir/sshd.log" </dev/null >/dev/null 2>&1 &
	GITSERVER_PIDS+=($!)
	for ((i = 0; i < 100; i++)); do
		"$@" ssh-keyscan -p "$port" 127.0.0.1 2>/dev/null | grep -q . && return 0
		sleep 0.1
	done
	echo "gitserver: no sshd on 127.0.0.1:$port" >&2
	cat "$dir/sshd.log" >&2
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
	[ -n "${GITSERVER_RUN:-}" ] && rmdir "$GITSERVER_RUN" 2>/dev/null
	GITSERVER_RUN=
	return 0
}
