# What the parts of deploy.sh share: the tool with its answer, and what must be true of every plan and every run.

# tool ARGS...: OUT is the answer, LOG the log, CODE the exit code.
tool() {
	CODE=0
	run_reconcile "$@" >"$HOST/out" 2>"$HOST/log" </dev/null || CODE=$?
	OUT=$(cat "$HOST/out") LOG=$(cat "$HOST/log")
}

# All that a plan might change. The log of requests is nginx's.
fingerprint() {
	find "$HOST_STATE" "$HOST/run" ! -name requests.log -printf '%p %y %m %s %T@ %l\n' 2>&1 | sort
	find "$HOST_STATE" -type f ! -name requests.log -exec sha256sum {} + 2>&1 | sort
	# JSON prints maps in the order of their keys; docker's own tables do not.
	docker ps -aq | xargs -r docker inspect -f '{{.Id}} {{.Name}} {{.Image}} {{.State.Status}} {{json .HostConfig}} {{json .Config}} {{json .NetworkSettings.Networks}}' 2>&1
	docker network ls -q | xargs -r docker network inspect -f '{{.Id}} {{.Name}} {{json .Labels}} {{json .Containers}}' 2>&1
	docker volume ls -q | xargs -r docker volume inspect 2>&1
	docker image ls --no-trunc --format '{{.ID}} {{.Repository}}:{{.Tag}}' 2>&1 | sort
	# Workers of an earlier generation end when their last client lets them.
	local pid
	for pid in $(nginx_pids); do
		grep -qs 'shutting down' "/proc/$pid/cmdline" || echo "nginx $pid"
	done
	find "$HOST_TMP"
}

# peek WHAT ARGS...: as `tool`, for what must change nothing and leave nothing behind.
peek() {
	local what=$1 before
	shift
	before=$(fingerprint)
	tool "$@"
	is "$what: changes nothing" "$(diff <(echo "$before") <(fingerprint))" ""
}

# What the last run did.
done_() { trace_done <<<"$LOG"; }

# no_changes WHAT ARGS...: after a run, a plan has nothing to say.
no_changes() {
	local what=$1
	shift
	peek "$what: the next plan" --plan --detailed-exitcode "$@"
	is "$what: the next plan says so" "[$CODE] $OUT$LOG" "[0] ${NOTHING:-No changes.}"
}

# deploy WHAT "ADDED CHANGED DESTROYED" ARGS...: a plan, a run that amounts to that, and nothing left to do. PLAN is the
# plan's text.
deploy() {
	local what=$1 a c d
	read -r a c d <<<"$2"
	shift 2
	peek "$what: the plan" --plan --detailed-exitcode "$@"
	is "$what: the plan's exit code" "$CODE$LOG" 2
	PLAN=$OUT
	has "$what: the plan's sum" "$OUT" "Plan: $a to add, $c to change, $d to destroy."
	tool "$@"
	is "$what: the run" "[$CODE] $OUT" "[0] Apply complete: $a added, $c changed, $d destroyed."
	no_changes "$what" "$@"
}

version() { in_netns curl -s -m 5 -H "Host: $1" "$HOST_URL/version"; }
ids() { docker ps -a --no-trunc --filter "label=com.docker.compose.project=$1" --format '{{.Names}} {{.ID}}' | sort; }
look() { docker inspect -f "$2" "$1" 2>&1; }
running() { docker ps --filter "label=com.docker.compose.project=$1" --filter status=running --format '{{.Names}}' | sort | tr '\n' ' '; }

# An nginx in a container. edge_image makes its image, EDGE is what it has as /etc/edge; edge ARGS... (of docker run) starts it.
edge_image() {
	local root=$HOST/edge-root
	EDGE=$HOST/edge
	mkdir -p "$root"/{etc/nginx,usr/sbin,tmp,var/log,run,proc,dev} "$EDGE/own" "$HOST_STATE/nginx"
	cp /usr/sbin/nginx "$root/usr/sbin/"
	cp /usr/lib/nginx/modules/ngx_stream_module.so "$root/"
	ldd /usr/sbin/nginx | grep -o '/[^ ]*' | while read -r library; do install -D "$library" "$root$library"; done
	printf 'root:x:0:0::/:/\nnobody:x:65534:65534::/:/\n' >"$root/etc/passwd"
	printf 'root:x:0:\nnogroup:x:65534:\n' >"$root/etc/group"
	tar -C "$root" -c . | docker import -c 'CMD ["/usr/sbin/nginx", "-c", "/etc/edge/nginx.conf", "-e", "/tmp/error.log", "-g", "daemon off;"]' - edge:1 >/dev/null
	cat >"$EDGE/nginx.conf" <<-END
		load_module /ngx_stream_module.so;
		worker_processes 2;
		user nobody nogroup;
		error_log /tmp/error.log notice;
		pid /tmp/nginx.pid;
		events { worker_connections 1024; }
		http {
			access_log off;
			client_body_temp_path /tmp/body; proxy_temp_path /tmp/proxy; fastcgi_temp_path /tmp/f; uwsgi_temp_path /tmp/u; scgi_temp_path /tmp/s;
			include $HOST_STATE/nginx/live/http*.conf;
			include /etc/edge/own/*.conf;
		}
		stream { include $HOST_STATE/nginx/live/stream*.conf; }
	END
}
edge_wait() {
	for _ in $(seq 50); do [[ $(look edge '{{.State.Running}}') == true && $(tr '\0' ' ' <"/proc/$(look edge '{{.State.Pid}}')/cmdline") == "nginx: master"* ]] && return; sleep 0.1; done
}
edge() {
	docker rm -f edge >/dev/null 2>&1
	docker run -d --name edge -v "$EDGE:/etc/edge:ro" "$@" edge:1 >/dev/null
	edge_wait
}
