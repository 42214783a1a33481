# Registries as they fail, played by an nginx before the real one.
registry_push 127.0.0.1:5000/faults:1 1 && registry_push 127.0.0.1:5000/faults:2 2 && registry_push 127.0.0.1:5000/faults:3 3 || exit 1
FRONT=$HOST/front.conf
front() { # SERVER-LINES...: on port 5002, what is not said here comes from the real registry
	{
		printf '%s\n' "error_log $HOST/front.log;" "pid $HOST/front.pid;" "events {}" "http {" "access_log off;"
		printf '%s_temp_path %s/front-%s;\n' client_body "$HOST" 1 proxy "$HOST" 2 fastcgi "$HOST" 3 uwsgi "$HOST" 4 scgi "$HOST" 5
		printf '%s\n' "server { listen 127.0.0.1:5002; default_type application/json;" "$@" \
			"location / { proxy_pass http://127.0.0.1:5000; proxy_set_header Authorization ''; }" "} }"
	} >"$FRONT"
	if [ -s "$HOST/front.pid" ]; then
		in_netns nginx -c "$FRONT" -e "$HOST/front.log" -s reload
	else
		in_netns nginx -c "$FRONT" -e "$HOST/front.log"
	fi && sleep 0.3
}

front || exit 1
manifest faults 127.0.0.1:5002/faults:1
tool --path "$HOST/faults"
is "faults: first" "$CODE $(version faults.test)" "0 1"
before=$(ids faults)
manifest faults 127.0.0.1:5002/faults:2

say "D5 registry away: overloaded, forbidden, lying, out of order"
# fault WHAT CODE WHY SERVER-LINES...
fault() {
	local what=$1 code=$2 why=$3
	shift 3
	front "$@"
	tool --path "$HOST/faults"
	LOG_OF_RUN=$LOG
	is "faults: $what" "$CODE $(ids faults) $(version faults.test)" "$code $before 1"
	has "faults: $what: why" "$OUT" "$why"
	tool retry >/dev/null
}
# Asked to wait for longer than a run would: no use in asking again at once.
fault "too many requests" 75 "toomanyrequests: retry-after: 90s" \
	"location ~ manifests { return 429 '{\"errors\":[{\"code\":\"TOOMANYREQUESTS\",\"message\":\"retry-after: 90s\"}]}'; }"
is "faults: too many requests: asked once" "$(grep -c 'pull 127.0.0.1:5002/faults:2: ' <<<"$LOG_OF_RUN")" 1
fault "forbidden" 3 "denied" "location ~ manifests { return 403 '{\"errors\":[{\"code\":\"DENIED\",\"message\":\"no\"}]}'; }"
fault "a corrupt blob" 75 "verification failed" "location ~ blobs { return 200 'garbage'; }"

# Out of order for a moment: the same run gets there.
front "location ~ manifests { return 503; }"
start_reconcile "$HOST/run.log" --path "$HOST/faults"
sleep 1.5
front
wait "$RECONCILE_PID"
is "faults: out of order for a moment" "$? $(version faults.test)" "0 2"
has "faults: out of order for a moment: it was seen" "$(cat "$HOST/run.log")" "503 Service"

# Tokens: the registry names who hands them out, and there the credentials count.
mkdir -p "$LOGINS"
printf '{"auths": {"127.0.0.1:5002": {"auth": "%s"}}}' "$(printf 'user:token pass' | base64 -w0)" >"$LOGINS/config.json"
front "location /v2/ { if (\$http_authorization != 'Bearer good') { add_header WWW-Authenticate 'Bearer realm=\"http://127.0.0.1:5002/token\",service=\"s\"' always; return 401 '{}'; } proxy_pass http://127.0.0.1:5000; proxy_set_header Authorization ''; }" \
	"location = /token { if (\$http_authorization != 'Basic $(printf 'user:token pass' | base64 -w0)') { return 401 '{}'; } return 200 '{\"token\":\"good\"}'; }"
manifest faults 127.0.0.1:5002/faults:3 "pull_policy: always"
deploy "faults: tokens" "1 0 1" --path "$HOST/faults"
is "faults: tokens: version 3 answers" "$(version faults.test)" 3
