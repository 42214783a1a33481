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
