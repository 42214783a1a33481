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
	docker ps -a --no-trunc --format '{{.ID}} {{.Names}} {{.Image}} {{.State}}' 2>&1
	docker ps -aq | xargs -r docker inspect -f '{{.Id}} {{json .HostConfig}} {{json .Config}} {{json .NetworkSettings.Networks}}' 2>&1
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

# Lines grouped by the service they speak of, each group in its order; what speaks of none is a group too.
by_service() {
	awk '{ k = match($0, /^[a-z0-9_\/-]+: /) ? substr($0, 1, RLENGTH) : "-"; print k "\t" $0 }' | sort -s -t$'\t' -k1,1 | cut -f2-
}
# The actions of a plan, and those that a run logged. Waits are no actions.
planned() { sed -n '/^Steps /,/^$/s/^ *[0-9.]*s  //p' <<<"$OUT" | by_service; }
done_() {
	sed -n 's/^reconcile: //p' <<<"$LOG" | by_service |
		grep -E '^([a-z0-9_/-]+: )?(create|pull|start|alias|unalias|update|park|stop|remove|drop image|unannounce|publish routes|shift traffic|quarantine|accept)( |:)'
}

# no_changes WHAT ARGS...: after a run, a plan has nothing to say.
no_changes() {
	local what=$1
	shift
	peek "$what: the next plan" --plan --detailed-exitcode "$@"
	is "$what: the next plan says so" "[$CODE] $OUT$LOG" "[0] ${NOTHING:-No changes.}"
}

# Which reloads of two services fall together is a matter of milliseconds: with IN_STEP empty they are not compared.
comparable() { if [ -n "${IN_STEP-yes}" ]; then cat; else grep -v '^publish routes '; fi; }

# deploy WHAT "ADDED CHANGED DESTROYED" ARGS...: a plan, a run that does just that, and nothing left to do. PLAN is the
# plan's text.
deploy() {
	local what=$1 steps a c d
	read -r a c d <<<"$2"
	shift 2
	peek "$what: the plan" --plan --detailed-exitcode "$@"
	is "$what: the plan's exit code" "$CODE$LOG" 2
	PLAN=$OUT steps=$(planned | comparable)
	has "$what: the plan's sum" "$OUT" "Plan: $a to add, $c to change, $d to destroy."
	tool "$@"
	is "$what: the run" "[$CODE] $OUT" "[0] Apply complete: $a added, $c changed, $d destroyed."
	is "$what: the run does what the plan said" "$(done_ | comparable)" "$steps"
	no_changes "$what" "$@"
}

version() { in_netns curl -s -m 5 -H "Host: $1" "$HOST_URL/version"; }
ids() { docker ps -a --no-trunc --filter "label=com.docker.compose.project=$1" --format '{{.Names}} {{.ID}}' | sort; }
look() { docker inspect -f "$2" "$1" 2>&1; }
running() { docker ps --filter "label=com.docker.compose.project=$1" --filter status=running --format '{{.Names}}' | sort | tr '\n' ' '; }
