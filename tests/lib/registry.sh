# Docker registries for a test, in the network of the last engine started (dockerd.sh). To be sourced.
#
#   registry_start PORT DIR [HTPASSWD]   sets REGISTRY_PID; what was pushed stays in DIR
#   registry_stop PID
#   registry_push REFERENCE VERSION      an image of the static `web` with VERSION set, pushed and not left on the host

registry_start() {
	local port=$1 dir=$2 i
	mkdir -p "$dir/data"
	cat >"$dir/config.yml" <<-END
		version: 0.1
		log: {level: warn, accesslog: {disabled: true}}
		storage: {filesystem: {rootdirectory: $dir/data}, delete: {enabled: true}}
		http: {addr: "127.0.0.1:$port"}
		${3:+auth: {htpasswd: {realm: test, path: $3\}\}}
	END
	setsid nsenter --net="/run/netns/$DOCKERD_NETNS" docker-registry serve "$dir/config.yml" >>"$dir/log" 2>&1 </dev/null &
	REGISTRY_PID=$!
	for ((i = 0; i < 100; i++)); do
		in_netns curl -s -o "$dir/answer" "http://127.0.0.1:$port/v2/" && return 0
		kill -0 "$REGISTRY_PID" 2>/dev/null || break
		sleep 0.1
	done
	echo "docker-registry did not start:" >&2
	cat "$dir/log" >&2
	return 1
}

registry_stop() {
	kill -TERM "$1" 2>/dev/null
	wait "$1" 2>/dev/null
	return 0
}

registry_push() {
	host_image "$1" "VERSION=$2" && docker push -q "$1" >/dev/null && docker rmi "$1" >/dev/null
}
