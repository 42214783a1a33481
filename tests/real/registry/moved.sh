# pull_policy: always. A tag that has moved is a change; one that nobody can look up is none.
digest() { in_netns curl -sI -H 'Accept: application/vnd.docker.distribution.manifest.v2+json' \
	"http://127.0.0.1:5000/v2/$1/manifests/$2" | tr -d '\r' | sed -n 's/^Docker-Content-Digest: //ip'; }
registry_push 127.0.0.1:5000/moved:latest 1 || exit 1
one=$(digest moved latest)
manifest moved 127.0.0.1:5000/moved "pull_policy: always"
deploy "moved: first" "1 0 0" --path "$HOST/moved"
is "moved: it runs what the tag meant" "$(look moved-web-1 '{{.Config.Image}}')" "127.0.0.1:5000/moved@$one"

registry_push 127.0.0.1:5000/moved:latest 2 || exit 1
two=$(digest moved latest)
start_client --host moved.test --connections 8
deploy "moved: the tag has moved" "1 0 1" --path "$HOST/moved"
ok "moved: nobody noticed" stop_client
has "moved: the plan says from what to what" "$PLAN" \
	"image: \"127.0.0.1:5000/moved@$one\" -> \"127.0.0.1:5000/moved@$two\"  # forces replacement"
is "moved: version 2 answers" "$(version moved.test)" 2
registry_push 127.0.0.1:5000/moved:latest 3 || exit 1
deploy "moved: and again" "1 0 1" --path "$HOST/moved"
is "moved: the oldest digest is gone, the one before is not" \
	"$(docker image inspect "127.0.0.1:5000/moved@$one" >/dev/null 2>&1; echo $?) $(docker image inspect "127.0.0.1:5000/moved@$two" >/dev/null 2>&1; echo $?)" "1 0"

# A bad one is rolled back, and its digest not tried again; the next digest is.
host_image 127.0.0.1:5000/moved:latest VERSION=4 EXIT_AFTER_MS=1 && docker push -q 127.0.0.1:5000/moved:latest >/dev/null
docker rmi 127.0.0.1:5000/moved:latest >/dev/null
before=$(ids moved)
tool --path "$HOST/moved"
is "moved: a bad one is rolled back" "$CODE $(ids moved)" "3 $before"
tool --path "$HOST/moved"
is "moved: and not tried again" "$CODE $(grep -cE 'pull|create' <<<"$LOG")" "3 0"
registry_push 127.0.0.1:5000/moved:latest 5 || exit 1
tool --path "$HOST/moved"
is "moved: the next one is" "$CODE $(version moved.test)" "0 5"

say "D5 registry away: while a tag is followed"
# The registry is away: nothing changes, a warning, try again; drift is mended all the same.
registry_stop "$OPEN"
before=$(ids moved)
peek "moved: a plan without the registry" --plan --path "$HOST/moved"
has "moved: a plan without the registry" "$OUT" "moved/web: blocked: cannot tell what 127.0.0.1:5000/moved is now: "
has "moved: a plan without the registry warns" "$LOG" "moved/web: cannot tell what 127.0.0.1:5000/moved is now: "
tool --path "$HOST/moved"
is "moved: without the registry" "$CODE $(ids moved) $(version moved.test)" "75 $before 5"
has "moved: without the registry: why" "$OUT" "connection refused"
is "moved: without the registry: asked once" "$(grep -c 'cannot tell' <<<"$LOG")" 1
docker stop -t 1 "$(cut -d' ' -f1 <<<"$before")" >/dev/null
tool --path "$HOST/moved"
is "moved: what was stopped by hand is started without the registry" "$CODE $(ids moved) $(version moved.test)" "75 $before 5"
registry_start 5000 "$HOST/open" && OPEN=$REGISTRY_PID
no_changes "moved: the registry is back" --path "$HOST/moved"

# A tag that is gone is a verdict, and the old one serves.
manifest moved 127.0.0.1:5000/moved:gone "pull_policy: always"
tool --path "$HOST/moved"
is "moved: a tag that is gone" "$CODE $(ids moved) $(version moved.test)" "3 $before 5"
has "moved: a tag that is gone: why" "$OUT" "cannot tell what 127.0.0.1:5000/moved:gone is now: manifest unknown"
registry_push 127.0.0.1:5000/moved:gone 6 || exit 1
tool --path "$HOST/moved"
is "moved: and comes, without a retry" "$CODE $(version moved.test)" "0 6"

# A digest from Git with a tag beside it, for people.
manifest moved "127.0.0.1:5000/moved:any@$two"
deploy "moved: a digest from Git" "1 0 1" --path "$HOST/moved"
is "moved: a digest from Git answers" "$(version moved.test)" 2
