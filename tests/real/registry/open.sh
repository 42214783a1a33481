# A registry without credentials: pulling, tags that are not there, old images, a registry that is away.
for v in 1 2 3 4; do registry_push "127.0.0.1:5000/open:$v" "$v" || exit 1; done
registry_push 127.0.0.1:5000/foreign:1 1 || exit 1
docker pull -q 127.0.0.1:5000/foreign:1 >/dev/null
docker pull -q 127.0.0.1:5000/open:4 >/dev/null # by hand: not ours to drop

manifest open 127.0.0.1:5000/open:1
deploy "open: first" "1 0 0" --path "$HOST/open"
has "open: the plan says that it pulls" "$PLAN" "open/web: pull 127.0.0.1:5000/open:1"
is "open: version 1 answers" "$(version open.test)" 1

# pull_policy missing: what is here is good enough, wherever its tag has moved to.
id=$(look open-web-1 '{{.Id}}')
registry_push 127.0.0.1:5000/moving:1 9 || exit 1
docker pull -q 127.0.0.1:5000/moving:1 >/dev/null
docker tag 127.0.0.1:5000/moving:1 127.0.0.1:5000/open:1
no_changes "open: a tag that was moved by hand" --path "$HOST/open"
tool --path "$HOST/open"
is "open: a tag that was moved by hand is no change" "[$CODE] $OUT $(look open-web-1 '{{.Id}}')" "[0] No changes. $id"
docker rmi 127.0.0.1:5000/moving:1 127.0.0.1:5000/open:1 >/dev/null
docker pull -q 127.0.0.1:5000/open:1 >/dev/null

# The last two good ones stay.
manifest open 127.0.0.1:5000/open:2
deploy "open: second" "1 0 1" --path "$HOST/open"
is "open: the one before stays" "$(images open)" "127.0.0.1:5000/open:1 127.0.0.1:5000/open:2 127.0.0.1:5000/open:4 "
manifest open 127.0.0.1:5000/open:3
deploy "open: third" "1 0 1" --path "$HOST/open"
has "open: the plan says that the oldest goes" "$PLAN" \
	"open/web: drop image 127.0.0.1:5000/open:1 (older than the last two good ones)"
is "open: the oldest of ours is gone" "$(images open)" "127.0.0.1:5000/open:2 127.0.0.1:5000/open:3 127.0.0.1:5000/open:4 "
is "open: a foreign image stays" "$(images foreign)" "127.0.0.1:5000/foreign:1 "

say "D5 registry away: a tag that is not there"
# A tag that is not there: a verdict, and nothing that runs was touched.
id=$(look open-web-2 '{{.Id}}')
[ -n "$id" ] || id=$(look open-web-1 '{{.Id}}')
before=$(ids open)
manifest open 127.0.0.1:5000/open:nope
start_client --host open.test --connections 4
tool --path "$HOST/open"
is "open: a tag that is not there: exit code" "$CODE" 3
has "open: a tag that is not there: why" "$OUT" "manifest unknown"
is "open: a tag that is not there: the old one serves" "$(ids open) $(version open.test)" "$before 3"
tool --path "$HOST/open"
is "open: and is not tried again" "$CODE $(grep -c 'pull' <<<"$LOG")" "3 0"
ok "open: nobody noticed" stop_client
manifest open 127.0.0.1:5000/open:3
no_changes "open: back" --path "$HOST/open"

# The same for one that stops its old instance first: not before the new image is here.
mkdir -p "$HOST/place"
place() { # IMAGE
	cat >"$HOST/place/compose.yaml" <<-END
		name: place
		services:
		  job:
		    image: $1
		    restart: always
		    stop_grace_period: 1s
		    x-reconcile: {ready: {for: 200ms}, hold: 0s}
	END
}
place 127.0.0.1:5000/open:3
tool --path "$HOST/place"
is "place: first" "$CODE" 0
before=$(look place-job-1 '{{.Id}} {{.State.StartedAt}}')
place 127.0.0.1:5000/open:nope
tool --path "$HOST/place"
is "place: a tag that is not there: exit code" "$CODE" 3
is "place: the old one was never stopped" "$(look place-job-1 '{{.Id}} {{.State.StartedAt}} {{.State.Running}}')" "$before true"

say "D5 registry away: not to be reached"
# A registry that is away: the same, but for another time.
registry_stop "$OPEN"
place 127.0.0.1:5000/open:away
manifest open 127.0.0.1:5000/open:away
before+=" $(ids open)"
tool --path "$HOST/open"
is "open: a registry that is away: exit code" "$CODE" 75
has "open: a registry that is away: why" "$OUT" "connection refused"
is "open: it was asked again and again" "$(grep -c 'pull 127.0.0.1:5000/open:away: ' <<<"$LOG")" 4
tool --path "$HOST/place"
is "place: a registry that is away: exit code" "$CODE" 75
is "away: nothing was touched" "$(look place-job-1 '{{.Id}} {{.State.StartedAt}}') $(ids open)" "$before"
is "away: version 3 answers" "$(version open.test)" 3
registry_start 5000 "$HOST/open" && OPEN=$REGISTRY_PID
registry_push 127.0.0.1:5000/open:away 5
tool --path "$HOST/open"
is "open: the next run takes it, nothing was quarantined" "$CODE $(version open.test)" "0 5"

say "D15 disk full: nothing is pulled below min_free"
manifest open 127.0.0.1:5000/open:1
RECONCILE_MIN_FREE=900000G secret_tool --path "$HOST/open"
is "open: a full disk: exit code" "$CODE" 75
has "open: a full disk: both figures" "$OUT" "M free, and min_free wants 921600000M"
is "open: a full disk: version 5 answers" "$(version open.test)" 5
