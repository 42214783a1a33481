# From a commit to live traffic, and back again when the new version is bad.
repos=$HOST/repos shop=$HOST/shop
url=http://127.0.0.1:8090/shop.git
for v in 1 2; do host_image "shop/web:$v" "VERSION=$v"; done
host_image shop/web:ill VERSION=ill HEALTH=fail
host_image shop/web:exits VERSION=exits EXIT_AFTER_MS=1
host_image shop/web:dies VERSION=dies EXIT_AFTER_REQUESTS=30

# What is not ours stays as it is, whatever it is called.
docker network create --subnet 172.29.0.0/24 shop_foreign >/dev/null
docker volume create --label io.reconcile.instance=other foreign >/dev/null
docker run -d --name foreign --restart always --network shop_foreign -v foreign:/data shop/web:1 >/dev/null
docker run -d --name shop-web-8 --label io.reconcile.instance=other --label com.docker.compose.project=shop shop/web:1 >/dev/null
docker create --name shop-web-9 --label com.docker.compose.project=shop --label com.docker.compose.service=web shop/web:1 >/dev/null
foreign() { docker inspect foreign shop-web-8 shop-web-9; docker network inspect shop_foreign; docker volume inspect foreign; }
foreign_before=$(foreign)
ours() { ids shop | grep -v '^shop-web-[89] '; }

g() { git -C "$shop" -c user.name=t -c user.email=t@example.com "$@"; }
commit() { # IMAGE [HOLD]
	cat >"$shop/compose.yaml" <<-END
		name: shop
		services:
		  web:
		    image: $1
		    stop_grace_period: 2s
		    deploy: {replicas: 2, resources: {limits: {memory: 64M}}}
		    x-reconcile:
		      strategy: blue-green
		      ready: {http: {port: 8080, path: /health, status: 200, body: UP}, within: 2s, for: 300ms}
		      hold: ${2:-2s}
		      keep_old: 0s
		      drain_timeout: 10s
		x-reconcile:
		  routes: [{host: shop.test, to: "web:8080"}]
	END
	g add . && g commit -qm "web is $1" && g push -q "$repos/shop.git" HEAD:main
	head=$(g rev-parse --short=8 HEAD)
}
revert() {
	g revert --no-edit HEAD >/dev/null && g push -q "$repos/shop.git" HEAD:main
	head=$(g rev-parse --short=8 HEAD) NOTHING="Commit $head \"$(g log -1 --format=%s)\""$'\n\nNo changes.'
}

mkdir -p "$repos" "$shop"
git init -q --bare -b main "$repos/shop.git"
git init -q -b main "$shop"
GITSERVER_IN="nsenter --net=/run/netns/$DOCKERD_NETNS" gitserver_start "$repos" 8090

commit shop/web:1
NOTHING="Commit $head \"web is shop/web:1\""$'\n\nNo changes.'
deploy "the first commit" "2 0 0" --repo "$url"
has "the first commit: the plan names it" "$PLAN" "Commit $head \"web is shop/web:1\"

Changes:
  +   shop/web  blue-green (set in the manifest)
        image: \"shop/web:1\"
"
is "version 1 answers" "$(version shop.test)" 1

say "D6 start fails: a foreign container holds the next name"
docker run -d --name shop-web-3 shop/web:1 >/dev/null
holder=$(docker inspect shop-web-3) old=$(ours)
commit shop/web:2
tool --repo "$url"
has "a taken name: is said" "$LOG" "shop/web: create shop-web-3 (shop/web:2) at 10.231.0.4: the name shop-web-3 is taken by container $(look shop-web-3 '{{slice .Id 0 12}}'), which is not ours (no label io.reconcile.instance="
has "a taken name: so is what to do" "$LOG" "): rename or remove it"
is "a taken name: exit code" "$CODE" 1
has "a taken name: the answer says it too" "$OUT" "the name shop-web-3 is taken by container "
is "a taken name: its holder is not touched" "$(docker inspect shop-web-3)" "$holder"
is "a taken name: what served stays" "$(ours | head -n 2)" "$old"
is "a taken name: version 1 answers" "$(version shop.test)" 1
tool retry shop/web
is "a taken name: is no verdict on the revision" "[$CODE] $OUT" "[0] nothing is quarantined in shop/web"
docker rm -f shop-web-3 >/dev/null

say "the second version, under load"
start_client --host shop.test --mix
NOTHING="Commit $head \"web is shop/web:2\""$'\n\nNo changes.'
# The other new instance is there already.
deploy "the swap" "1 0 2" --repo "$url"
has "the swap: the plan says what changes" "$PLAN" "  +/- shop/web  blue-green (set in the manifest)
        image: \"shop/web:1\" -> \"shop/web:2\"  # forces replacement
"
ok "the swap: no failed request" stop_client
has "the swap: both versions answered" "$CLIENT_LINE" " failed=0 versions=1:"
has "the swap: both versions answered" "$CLIENT_LINE" ",2:"
is "version 2 answers" "$(version shop.test)" 2
old=$(ours)

# bad WHAT IMAGE REASON [HOLD]: rolled back, not tried again, and a revert is all there is to do.
bad() {
	local what=$1 revision said
	commit "$2" "${4-}"
	peek "$what: plan" --plan --repo "$repo"
	has "$what: the plan cannot know" "$OUT" "Plan: 2 to add, 0 to change, 2 to destroy."
	tool --repo "$repo"
	revision=$(sed -n 's/.*: quarantine revision \([0-9a-f]\{8\}\).*/\1/p' <<<"$LOG")
	said="shop/web: rolled back: revision $revision is quarantined: $3"
	is "$what: rolled back" "[$CODE] $(neutral)" "[3] Rolled back: 2 added, 0 changed, 2 destroyed.
$said"
	is "$what: what served stays" "$(ours)" "$old"
	first_log=$LOG
	tool --repo "$repo"
	is "$what: not tried again" "[$CODE] $(neutral)$LOG" "[3] No changes.
$said"
	tool status --repo "$repo"
	has "$what: status" "[$CODE] $OUT" "[3] commit $head \"web is $2\"
shop/web                       rolled back"
	is "$what: still there" "$(ours)" "$old"
	revert
	tool --repo "$repo"
	is "$what: reverted" "[$CODE] $OUT$LOG" "[0] No changes."
	no_changes "$what: reverted" --repo "$repo"
}
# Which of the two instances is seen first, and where it lives, is chance.
neutral() { sed -E 's/shop-web-[12]/shop-web-N/g; s/10\.231\.0\.[0-9]+/ADDRESS/g' <<<"$OUT"; }

say "D8 not healthy: bad versions, under load"
start_client --host shop.test --mix
repo=file://$repos/shop.git
bad "never ready" shop/web:ill "shop-web-N is not ready within 2s: GET http://ADDRESS:8080/health answered 503, wanted 200"
hasnt "never ready: never got traffic" "$first_log" "shift traffic"
bad "exits at once" shop/web:exits "shop-web-N exited with code 1"
bad "exits in the hold" shop/web:dies "shop-web-N exited with code 1" 12s
has "exits in the hold: had the traffic" "$first_log" "shop/web: shift traffic: 100.0% to the next revision"
has "exits in the hold: gave it back" "$first_log" "shop/web: shift traffic: 0.0% to the next revision (back to the old revision)"

say "D5 registry away: in the middle of all that"
commit 127.0.0.1:5999/shop/web:9
tool --repo "$repo"
is "no such registry: try again later" "$CODE" 75
has "no such registry: says why" "$OUT" "shop/web: blocked: "
has "no such registry: says why" "$OUT" "127.0.0.1:5999"
is "no such registry: four attempts, one reason" \
	"$(sed -n 's/^reconcile: error: shop.web: pull [^ ]*: //p' <<<"$LOG" | sed '1s/.*connection refused.*/refused/')" \
	"refused
the same at attempt 2
the same at attempt 3
the same at attempt 4"
is "no such registry: what served stays" "$(ours)" "$old"
revert
tool --repo "$repo"
is "no such registry: reverted" "[$CODE] $OUT$LOG" "[0] No changes."
ok "bad versions: no failed request" stop_client
has "bad versions: asked all the time" "$CLIENT_LINE" " failed=0 versions=2:"
hasnt "bad versions: those never ready got nothing" "$CLIENT_LINE" "ill"

say "retry"
commit shop/web:ill
tool --repo "$url"
is "the same revision is still quarantined" "$CODE" 3
hasnt "the same revision is still quarantined" "$LOG" "create"
host_image shop/web:ill VERSION=3
tool retry shop/web --repo "$url"
is "retry: exit code" "$CODE$LOG" 0
has "retry: says so" "$OUT" " may be tried again"
NOTHING="Commit $head \"web is shop/web:ill\""$'\n\nNo changes.'
deploy "after retry" "2 0 2" --repo "$url"
is "version 3 answers" "$(version shop.test)" 3
tool retry shop
is "nothing left to retry" "[$CODE] $OUT" "[0] nothing is quarantined in shop"
peek "status" status --repo "$url"
is "status: exit code" "$CODE" 0
peek "validate" validate --repo "$url"
is "validate" "[$CODE] $OUT" "[0] compose.yaml: project shop is valid: 1 service, 1 route"

is "foreign containers, networks and volumes are as they were" "$(foreign)" "$foreign_before"
NOTHING=
