# What Git may ask for besides a new image: more and fewer instances, limits, routes, services that come and leave.
for v in 1 2; do host_image "many/web:$v" "VERSION=$v"; done
mkdir "$HOST/many"
quick='ready: {http: {port: 8080, path: /health}, within: 5s, for: 300ms}, hold: 500ms, keep_old: 0s, drain_timeout: 5s'
many() { # SERVICES... each NAME:VERSION:REPLICAS:MEMORY:HOST[:MORE]
	local row name version replicas memory host more
	{
		echo 'name: many'
		echo 'services:'
		for row; do
			IFS=: read -r name version replicas memory host more <<<"$row"
			echo "  $name: {image: \"many/web:$version\", stop_grace_period: 2s, deploy: {replicas: $replicas}," \
				"mem_limit: $memory, x-reconcile: {$quick${more:+, }$more}}"
		done
		echo 'x-reconcile:'
		echo '  routes:'
		for row; do
			IFS=: read -r name version replicas memory host more <<<"$row"
			echo "    - {host: $host, to: \"$name:8080\"}"
		done
	} >"$HOST/many/compose.yaml"
}
change() { # WHAT TALLY ROW...
	local what=$1 tally=$2
	shift 2
	many "$@"
	deploy "$what" "$tally" --path "$HOST/many"
}
IN_STEP= change "two services" "2 0 0" a:1:1:64m:a.test b:1:1:64m:b.test
change "more instances" "3 0 0" a:1:3:64m:a.test b:1:2:64m:b.test
change "fewer instances" "0 0 1" a:1:2:64m:a.test b:1:2:64m:b.test
change "a limit, on the running instances" "0 2 0" a:1:2:96m:a.test b:1:2:64m:b.test
has "a limit: the plan says from what to what" "$PLAN" "mem_limit: 67108864 -> 100663296"
kept=$(ids many)
change "another host name" "0 1 0" a:1:2:96m:c.test b:1:2:64m:b.test
is "another host name: answers" "$(version c.test)" 1
is "another host name: no instance was touched" "$(ids many)" "$kept"
start_client --host b.test
IN_STEP= change "two services at once" "4 0 4" a:2:2:96m:c.test b:2:2:64m:b.test
ok "two services at once: no failed request" stop_client
change "a new image and one more" "3 0 2" a:2:2:96m:c.test b:1:3:64m:b.test
many a:2:2:96m:c.test "b:1:3:64m:b.test:strategy: in-place"
no_changes "another strategy alone" --path "$HOST/many"
change "in place, one after the other" "3 0 3" a:2:2:96m:c.test "b:2:3:64m:b.test:strategy: in-place"
is "in place: answers" "$(version b.test)" 2
say "D20 gone from Git: a service"
change "a service leaves" "0 0 2" "b:2:3:64m:b.test:strategy: in-place"
is "a service leaves: its instances are gone" "$(running many)" "$(running many | tr ' ' '\n' | grep many-b | tr '\n' ' ')"
say "D21 empty desired set: no services"
cat >"$HOST/many/compose.yaml" <<<'name: many'
tool --path "$HOST/many"
is "an empty manifest is an error" "$CODE$OUT" 65
has "an empty manifest: says what to write" "$LOG" "compose.yaml:1:1: there are no services; nothing is changed, and nothing that runs is removed"
is "an empty manifest removes nothing" "$(running many | wc -w)" 3
echo 'services: {}' >>"$HOST/many/compose.yaml"
no_changes "no services at all" --path "$HOST/many"
tool --path "$HOST/many"
is "no services at all: nothing is removed" "[$CODE] $OUT $(running many | wc -w)" "[0] No changes. 3"
many "b:2:3:64m:b.test:strategy: in-place"
