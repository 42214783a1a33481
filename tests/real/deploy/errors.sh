# What is wrong around the tool: each thing has its exit code and its words, and what runs goes on.
host_image errs/web:1 VERSION=1
mkdir -p "$HOST/errs" "$HOST/errs-repos"
git init -q --bare -b main "$HOST/errs-repos/errs.git"
git init -q -b main "$HOST/errs"
gitserver_stop
GITSERVER_IN="nsenter --net=/run/netns/$DOCKERD_NETNS" gitserver_start "$HOST/errs-repos" 8091
url=http://127.0.0.1:8091/errs.git
e() { git -C "$HOST/errs" -c user.name=t -c user.email=t@example.com "$@"; }
errs() { # IMAGE: written and pushed
	cat >"$HOST/errs/compose.yaml" <<-END
		name: errs
		services:
		  web:
		    image: $1
		    stop_grace_period: 2s
		    x-reconcile: {ready: {http: {port: 8080, path: /health}, within: 5s, for: 300ms}, hold: 1s, keep_old: 0s}
		x-reconcile:
		  routes: [{host: errs.test, to: "web:8080"}]
	END
	push "web is $1"
}
push() { e add -A && e commit -qm "$1" && e push -q "$HOST/errs-repos/errs.git" HEAD:main && head=$(e rev-parse --short=8 HEAD); }
errs errs/web:1
NOTHING="Commit $head \"web is errs/web:1\""$'\n\nNo changes.'
deploy "errors: first" "1 0 0" --repo "$url"
serves() { is "$1: version 1 goes on" "$(version errs.test) $(ids errs)" "1 $web"; }
web=$(ids errs)

say "D1 bad manifest"
sed -i 's/^    image:/    imgae:/' "$HOST/errs/compose.yaml"
push "a typing error"
# A run may fetch, and takes the lock.
calm() { fingerprint | grep -v -e "$HOST_STATE/mirror.git" -e "$HOST/run/lock"; }
before=$(calm)
tool --repo "$url"
is "a typing error: changes nothing" "$(diff <(echo "$before") <(calm))" ""
is "a typing error: exit code" "$CODE$OUT" 65
has "a typing error: says where" "$LOG" "compose.yaml:4:5: services.web: unknown key 'imgae'; did you mean 'image'?"
serves "a typing error"
tool --plan --repo "$url"
is "a typing error: plan" "$CODE$OUT" 65
tool validate --repo "$url"
is "a typing error: validate" "$CODE$OUT" 65
tool status --repo "$url"
is "a typing error: status" "$CODE$OUT" 65
say "D21 empty desired set: no manifest"
e rm -q compose.yaml && : >"$HOST/errs/README" && push "no manifest"
tool --repo "$url"
is "no manifest" "[$CODE] $OUT$LOG" "[65] reconcile: error: no compose.yaml, compose.yml, docker-compose.yml or docker-compose.yaml in the top folder of $url, nor in a folder in it; nothing was changed"
serves "no manifest"
tool --path "$HOST/nowhere"
is "no folder: exit code" "$CODE$OUT" 65
tool --path "$HOST/nowhere/compose.yaml"
is "no file" "[$CODE] $OUT$LOG" "[65] reconcile: error: manifest: $HOST/nowhere/compose.yaml: No such file or directory"
tool --repo "$url" --path nowhere/compose.yaml
is "no file in Git: exit code" "$CODE$OUT" 65
serves "no file"
tool --nonsense
is "usage: exit code" "$CODE$OUT" 64

say "D2 Git away"
errs errs/web:1
tool --repo "$url"
is "the manifest is mended" "[$CODE] $OUT" "[0] No changes."
gitserver_stop
docker rm -f errs-web-1 >/dev/null
tool --repo "$url"
is "Git away: the last commit is enforced" "[$CODE] $OUT" "[75] Apply complete: 1 added, 0 changed, 0 destroyed."
has "Git away: says so" "$LOG" "; commit $head, fetched "
has "Git away: says so" "$LOG" ", stays in force"
is "Git away: answers" "$(version errs.test)" 1
web=$(ids errs)
tool --repo "$url"
is "Git away: nothing to do" "[$CODE] $OUT" "[75] No changes."
peek "Git away: plan" --plan --repo "$url"
has "Git away: plan" "$OUT" "No changes."
tool --repo "$url" --state-dir "$HOST/state2"
is "Git away, and no mirror" "$CODE$OUT" 75
has "Git away, and no mirror" "$LOG" "$url"
serves "Git away"

say "D11 nginx away: not running"
nginx_stop
tool --path "$HOST/errs"
is "nginx down: the run" "$CODE" 69
has "nginx down: says so" "$OUT$LOG" "nginx: nginx is not running: $HOST/nginx.pid"
peek "nginx down: plan" --plan --path "$HOST/errs"
has "nginx down: plan" "$OUT$LOG" "nginx is not running: $HOST/nginx.pid"
nginx_start
tool --path "$HOST/errs"
is "nginx is back" "[$CODE] $OUT" "[0] No changes."
serves "nginx is back"

say "D16 two runs at once"
sed -i 's|errs/web:1|127.0.0.1:5999/errs/web:9|' "$HOST/errs/compose.yaml"
start_reconcile "$HOST/first.log" --path "$HOST/errs"
for ((i = 0; i < 50; i++)); do
	grep -qs 127.0.0.1:5999 "$HOST/first.log" && break
	sleep 0.1
done
tool --path "$HOST/errs"
is "lock held: exit code" "$CODE$OUT" 75
has "lock held: says who" "$LOG" "reconcile: error: another run is at work: pid $RECONCILE_PID, since "
has "lock held: says where" "$LOG" " ($HOST/run/lock)"
tool retry
is "lock held: retry too" "$CODE$OUT" 75
tool --plan --path "$HOST/errs"
is "lock held: a plan needs none" "$CODE" 0
kill -TERM "$RECONCILE_PID"
code=0; wait "$RECONCILE_PID" || code=$?
is "SIGTERM: exit code" "$code" 75
has "SIGTERM: says so" "$(cat "$HOST/first.log")" "reconcile: error: stopped at a safe point; the next run goes on from here"
serves "another run"
sed -i 's|127.0.0.1:5999/errs/web:9|errs/web:1|' "$HOST/errs/compose.yaml"
NOTHING=
no_changes "errors: last" --path "$HOST/errs"
