# The host's own troubles: the engine goes and comes back, nginx is killed. All that the parts before have deployed takes
# part.
manifests=("$HOST"/*/compose.yaml)
ok "there is something to converge" test -e "${manifests[0]}"
converge() { # WHAT
	local manifest
	for manifest in "${manifests[@]}"; do
		tool --path "$manifest"
		is "$1: one run for $(basename "$(dirname "$manifest")")" "$CODE" 0
		no_changes "$1: $(basename "$(dirname "$manifest")")" --path "$manifest"
	done
}
hosts=$(sed -n 's/.*host: \([a-z.]*\.test\).*/\1/p' "${manifests[@]}")
answers() { # WHAT: every route answers
	local host
	for host in $hosts; do
		is "$1: $host answers" "$(in_netns curl -s -m 5 -o /dev/null -w '%{http_code}' -H "Host: $host" "$HOST_URL/")" 200
	done
}

say "D12 dockerd restarts: between two runs"
dockerd_end_ "$HOST/docker"
for command in --plan status "--path"; do
	# shellcheck disable=SC2086
	tool ${command/--path/} --path "${manifests[0]}"
	is "no engine: ${command/--path/run}" "$CODE$OUT" 69
	has "no engine: ${command/--path/run} says so" "$LOG" "docker.sock"
done
tool validate --path "${manifests[0]}"
is "no engine: a manifest can be checked" "$CODE" 0
dockerd_launch_ "$HOST/docker"
converge "the engine is back"
answers "the engine is back"

say "D11 nginx away: killed between two runs"
nginx_kill
nginx_start
answers "nginx was killed, before any run"
converge "nginx was killed"
