# What the tool takes from Git, by TLS and with a token: several projects, the files that they mount, one that is wrong, one
# that is gone; a token that is refused, a branch that was force-pushed, a commit that is pinned.
gitserver_stop
team=$HOST/team teams=$HOST/teams
mkdir -p "$team" "$teams"
git init -q --bare -b main "$teams/team.git"
git init -q -b main "$team"
for v in 1 2; do host_image "team/web:$v" "VERSION=$v"; done
GITSERVER_IN="nsenter --net=/run/netns/$DOCKERD_NETNS" gitserver_start "$teams" 8100
(umask 077; echo secret >"$HOST/token")
url=https://localhost:8101/private/team.git
export RECONCILE_REPO=$url RECONCILE_GIT_USER=joe RECONCILE_GIT_TOKEN_FILE=$HOST/token \
	RECONCILE_GIT_CA_FILE=$GITSERVER_WORK/ca.pem

t() { git -C "$team" -c user.name=t -c user.email=t@example.com "$@"; }
manifest() { # PROJECT IMAGE [MORE]
	mkdir -p "$team/$1"
	cat >"$team/$1/compose.yaml" <<-YAML
		services:
		  app:
		    image: $2
		    stop_grace_period: 1s
		    x-reconcile: {ready: {tcp: {port: 8080}, within: 5s, for: 300ms}, hold: 300ms, drain_timeout: 1s, keep_old: 0s}
		${3-}
	YAML
}
push() { # SUBJECT
	t add -A && t commit -qm "$1" && t push -qf "$teams/team.git" HEAD:main
	head=$(t rev-parse --short=8 HEAD)
	NOTHING="Commit $head \"$1\""$'\n\nNo changes.'
}
in_container() { docker cp "$1:$2" - 2>&1 | tar -xO; }

manifest one team/web:1 'x-reconcile: {routes: [{host: one.test, to: "app:8080"}]}'
manifest two team/web:1 '    volumes: ["./conf/app.conf:/etc/app.conf:ro"]'
mkdir "$team/two/conf"
echo first >"$team/two/conf/app.conf"
manifest three team/web:1
push "three projects"
t tag start
t push -q "$teams/team.git" start
deploy "three projects" "3 0 0"
is "three projects: the routed one answers" "$(version one.test)" 1
is "three projects: the file is there" "$(in_container two-app-1 /etc/app.conf)" first
is "three projects: only what is mounted is on disk" "$(ls -A "$HOST_STATE/projects")" "$(printf '.two.files\ntwo')"
is "three projects: where it is mounted from" "$(look two-app-1 '{{(index .Mounts 0).Source}}')" "$HOST_STATE/projects/two/conf/app.conf"

say "a file that is mounted changes"
echo second >"$team/two/conf/app.conf"
push "another file"
deploy "another file" "1 0 1"
has "another file: the plan says why" "$PLAN" "        volume_content.conf/app.conf: "
has "another file: the plan says why" "$PLAN" "  # forces replacement"
is "another file: the container has it" "$(in_container "$(running two)" /etc/app.conf)" second

say "one manifest is wrong"
one=$(ids one)
sed -i 's/image:/imag:/' "$team/one/compose.yaml"
manifest three team/web:2
push "one is wrong"
said="one/compose.yaml:2:3: services.app: has no image; write one, like image: nginx:1.27
one/compose.yaml:3:5: services.app: unknown key 'imag'; did you mean 'image'?
reconcile: error: 1 of 3 manifests is left out: what runs of its project stays as it is"
peek "one is wrong: the plan" --plan --detailed-exitcode
is "one is wrong: the plan's exit code" "[$CODE] $LOG" "[65] $said"
has "one is wrong: the plan of the others" "$OUT" "Plan: 1 to add, 0 to change, 1 to destroy."
hasnt "one is wrong: the plan of the others" "$OUT" one/
peek "one is wrong: validate" validate
is "one is wrong: validate" "[$CODE] $OUT
$LOG" "[65] three/compose.yaml: project three is valid: 1 service, 0 routes
two/compose.yaml: project two is valid: 1 service, 0 routes
${said%$'\n'reconcile:*}"
tool
is "one is wrong: the others converge" "[$CODE] $OUT" "[65] Apply complete: 1 added, 0 changed, 1 destroyed."
has "one is wrong: is said" "$LOG" "$said"
is "one is wrong: it is left alone" "$(ids one)" "$one"
is "one is wrong: it still answers" "$(version one.test)" 1
tool
is "one is wrong: again" "[$CODE] $OUT" "[65] No changes."

say "a project is gone"
t rm -rq one
push "one is gone"
tool
# Other parts have left their projects here, too.
is "gone: exit code" "[$CODE] $OUT" "[0] No changes."
is "gone: is said" "$(grep -cE "^reconcile: warning: left alone, for commit $head has no such project: (.*, )?one(, |\$)" <<<"$LOG")" 1
tool
is "gone: is said once" "[$CODE] $OUT$LOG" "[0] No changes."
is "gone: it is left alone" "$(ids one) $(version one.test)" "$one 1"
manifest first team/web:2 'x-reconcile: {routes: [{host: one.test, to: "app:8080"}]}'
push "first in place of one"
deploy "another project takes the host" "1 0 0"
is "another project takes the host" "$(version one.test)" 2
is "another project takes the host: nothing is removed" "$(ids one)" "$one"

say "targets, and what machines read"
manifest first team/web:1 'x-reconcile: {routes: [{host: one.test, to: "app:8080"}]}'
manifest three team/web:1
push "two of them change"
first=$(ids first)
peek "a target: the plan" --plan --detailed-exitcode --target three/app
has "a target: the plan" "[$CODE] $OUT" "[2] Commit $head \"two of them change\"

Of the targets only, and of what they depend on: everything else stays as it is.

Changes:
  -/+ three/app"
has "a target: the plan's sum" "$OUT" "Plan: 1 to add, 0 to change, 1 to destroy."
peek "a target: the plan in JSON" --plan --json --target three
has "a target: the plan in JSON" "$OUT" '"resource_changes":[{"address":"three/app","change":{"actions":["delete","create"],"before":{"image":"team/web:2"'
is "a target: one line, and nothing beside it" "$(wc -l <"$HOST/out") $LOG" "1 "
tool --target three/app
is "a target: the run" "[$CODE] $OUT" "[0] Apply complete: 1 added, 0 changed, 1 destroyed."
is "a target: the others stay as they are" "$(ids first) $(version one.test)" "$first 2"
peek "a target: the next plan" --plan --detailed-exitcode --target three
has "a target: the next plan" "[$CODE] $OUT" "[0] Commit"
has "a target: the next plan" "$OUT" "No changes."
peek "no such target" --plan --target thre/app
is "no such target" "[$CODE] $OUT$LOG" "[64] reconcile: error: --target thre/app: there is no such project or service; did you mean 'three/app'?"
tool --json
is "a run in JSON: each line" "$CODE $(grep -cvE '^\{"@level":"[a-z]+","@message":".*","@module":"reconcile","@timestamp":"[0-9T:.Z-]+","type":"[a-z_]+".*\}$' "$HOST/out")" "0 0"
has "a run in JSON: its head" "$(head -n 1 "$HOST/out")" '"type":"version"'
has "a run in JSON: its end" "$(tail -n 1 "$HOST/out")" '"type":"change_summary","changes":{"add":1,"change":0,"remove":1,"operation":"apply"}'
is "a run in JSON: what was begun was ended" "$(grep -c '"type":"apply_start"' "$HOST/out")" "$(grep -c '"type":"apply_complete"' "$HOST/out")"
is "a run in JSON: the host" "$(version one.test)" 1
manifest first team/web:2 'x-reconcile: {routes: [{host: one.test, to: "app:8080"}]}'
manifest three team/web:2
push "and back"
deploy "and back" "2 0 2"

say "a token that is refused"
echo wrong-token >"$HOST/token"
docker rm -f "$(running two | tr -d ' ')" >/dev/null
before=$head
manifest three team/web:1
push "not to be seen"
tool
is "a wrong token: the last commit is enforced" "[$CODE] $OUT" "[1] Apply complete: 1 added, 0 changed, 0 destroyed."
has "a wrong token: is said" "$LOG" "reconcile: warning: $url: the server refused the token in $HOST/token for the user joe; commit $before, fetched 20"
has "a wrong token: is said" "$LOG" ", stays in force"
hasnt "a wrong token: is not shown" "$OUT$LOG" wrong-token
is "a wrong token: nothing newer" "$(look "$(running three | tr -d ' ')" '{{.Config.Image}}')" team/web:2
echo secret >"$HOST/token"
chmod 644 "$HOST/token"
tool
is "the right token again" "[$CODE] $OUT" "[0] Apply complete: 1 added, 0 changed, 1 destroyed."
has "a token that others can read" "$LOG" "git.token_file: $HOST/token can be read by others (mode 644); chmod 600 $HOST/token"
chmod 600 "$HOST/token"
is "the token is nowhere" "$(grep -rlP 'secret(?!":)' "$HOST_STATE" "$HOST/run" | wc -l)" 0

say "a force-push"
old=$head
t reset -q --hard HEAD~
echo "another history" >"$team/NOTES"
push "forced"
export RECONCILE_GIT_FORCE_PUSH=refuse
tool
is "refused: exit code" "[$CODE] $OUT" "[1] No changes."
has "refused: names both" "$LOG" "reconcile: warning: $url: force-pushed: commit $head does not contain $old, where it was before, and git.force_push is refuse; to accept it, run once with RECONCILE_GIT_FORCE_PUSH=follow; commit $old, fetched 20"
unset RECONCILE_GIT_FORCE_PUSH
warned="reconcile: warning: force-pushed: commit $head, which is followed from here on, does not contain $old, where the branch was; git.force_push: refuse would stay there"
peek "followed: the plan" --plan
has "followed: the plan says it" "$LOG" "$warned"
tool
is "followed: the run" "[$CODE] $OUT" "[0] Apply complete: 1 added, 0 changed, 1 destroyed."
has "followed: names both" "$LOG" "$warned"
no_changes "followed"

say "a commit that is pinned"
now=$NOTHING
NOTHING="Commit $(t rev-parse --short=8 start) \"three projects\""$'\n\nNo changes.'
deploy "pinned to a tag" "2 0 2" --rev start
is "pinned to a tag: the old file" "$(in_container "$(running two | tr -d ' ')" /etc/app.conf)" first
is "pinned to a tag: the host is the first project's again" "$(version one.test)" 1
peek "a commit that is not there" --plan --rev 0123abc
has "a commit that is not there" "[$CODE] $LOG" "[1] "
has "a commit that is not there" "$LOG" "no branch, tag or commit '0123abc'; its branches: main"
NOTHING=$now
tool
has "and back to the branch" "[$CODE] $OUT" "[0] Apply complete: 2 added, 0 changed, 2 destroyed."
is "and back to the branch: the host" "$(version one.test)" 2
no_changes "and back to the branch"

unset RECONCILE_REPO RECONCILE_GIT_USER RECONCILE_GIT_TOKEN_FILE RECONCILE_GIT_CA_FILE
gitserver_stop
NOTHING=
