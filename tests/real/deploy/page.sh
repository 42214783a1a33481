# page: an image is changed in place. Whoever asks meanwhile, with whatever method and whether or not it keeps its
# connection, has the application, then the page of the downtime, then the application.
for n in 1 2 3; do host_image shut/web:$n VERSION=$n; done
mkdir "$HOST/shut"
echo '<h1>back soon</h1>' >"$HOST/shut/back-soon.html"
shut() { # VERSION
	cat >"$HOST/shut/compose.yaml" <<-END
		name: shut
		services:
		  web:
		    image: shut/web:$1
		    volumes: [data:/data]
		    stop_grace_period: 2s
		    x-reconcile: {ready: {http: {port: 8080, path: /health}, for: 300ms}, drain_timeout: 6s}
		volumes: {data: {}}
		x-reconcile:
		  routes: [{host: shut.test, to: "web:8080", maintenance: ./back-soon.html}]
	END
}
# ask NAME PATH ARGS...: asks all the time, a hundred times a second at most; a line for each answer: the body, the status,
# and how curl ended.
ask() {
	local name=$1 path=$2
	shift 2
	nsenter --net="/run/netns/$DOCKERD_NETNS" curl -sS -m 10 --rate 100/s -H 'Host: shut.test' "$@" \
		-w '\n|%{http_code} %{exitcode}\n' "$HOST_URL$path?[1-100000]" >"$HOST/asked-$name" 2>"$HOST/said-$name" </dev/null &
	ASKERS[$!]=$name
}
told() { awk '/^\|/ { print all " " substr($0, 2); all = ""; next } { all = all $0 }' "$HOST/asked-$1"; }

shut 1
deploy "page: first" "1 0 0" --path "$HOST/shut"
declare -A ASKERS=()
ask get /version
ask get-close /version -H 'Connection: close'
ask post /echo -d name=value
ask post-close /echo -d name=value -H 'Connection: close'
head -c 100000 /dev/zero >"$HOST/letter"
ask post-large /echo --data-binary "@$HOST/letter"
sleep 1
for n in 2 3; do
	shut $n
	tool --path "$HOST/shut"
	is "page: to version $n" "[$CODE] $OUT" "[0] Apply complete: 1 added, 0 changed, 1 destroyed."
	sleep 1
done
for asker in "${!ASKERS[@]}"; do
	name=${ASKERS[$asker]}
	kill -TERM "$asker"
	wait "$asker"
	# An old worker may still answer when a new one shows the page; never does the old version when the new one has.
	told "$name" | sed 's/^[0-9]* [0-9a-f]\{8\} 200 0$/taken 200 0/' | uniq >"$HOST/told"
	case $name in get*) wanted="1 200 0;2 200 0;3 200 0;" ;; *) wanted="taken 200 0;" ;; esac
	is "page: $name had answers" "$(grep -v ' 503 0$' "$HOST/told" | uniq | tr '\n' ';')" "$wanted"
	is "page: $name had the page, and nothing else" "$(grep ' 503 0$' "$HOST/told" | sort -u)" "<h1>back soon</h1> 503 0"
	is "page: $name began and ended with answers" "$(sed -n '1p;$p' "$HOST/told" | grep -c ' 200 0$')" 2
	[ ! -s "$HOST/said-$name" ] || cat "$HOST/said-$name" >&2
done
docker ps -aq --filter label=com.docker.compose.project=shut | xargs -r docker rm -f >/dev/null
