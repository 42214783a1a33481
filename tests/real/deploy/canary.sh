# canary: shares of real requests, an operator who lets it go on, calls it off, or holds everything.
for v in 1 2 3; do host_image "bird/web:$v" "VERSION=$v"; done
host_image bird/web:dies VERSION=4 EXIT_AFTER_REQUESTS=30
mkdir "$HOST/bird"
bird() { # VERSION [STEPS]
	cat >"$HOST/bird/compose.yaml" <<-END
		name: bird
		services:
		  web:
		    image: bird/web:$1
		    restart: unless-stopped
		    stop_grace_period: 2s
		    deploy: {replicas: 2}
		    x-reconcile:
		      strategy: canary
		      steps: ${2-[{weight: 10, hold: manual\}, 50]}
		      hold: 1s
		      keep_old: 0s
		      ready: {http: {port: 8080, path: /health}, within: 5s, for: 300ms}
		      drain_timeout: 6s
		x-reconcile:
		  routes: [{host: bird.test, to: "web:8080"}]
	END
}
# share VERSION: how many of 2000 requests it answers
share() {
	in_netns "$BUILD_DIR/tests/real/strict-client" --url "$HOST_URL/" --host bird.test --requests 2000 |
		grep -o "[=,]$1:[0-9]*" | cut -d: -f2
}
# between WHAT VALUE LEAST MOST

bird 1
deploy "canary: first" "2 0 0" --path "$HOST/bird"

start_client --host bird.test --mix
bird 2
peek "canary: plan" --plan --path "$HOST/bird"
has "canary: the plan says which strategy" "$OUT" "  +/- bird/web  canary (set in the manifest)"
has "canary: the plan ends where it will wait" "$OUT" 'bird/web: waiting: has 10.0% of the requests; `reconcile promote bird/web` lets it go on'
tool --path "$HOST/bird"
is "canary: waits for an operator" "[$CODE] ${OUT#*$'\n'}" '[4] bird/web: waiting: has 10.0% of the requests; `reconcile promote bird/web` lets it go on'
between "canary: a tenth of the requests" "$(share 2)" 150 250
tool --path "$HOST/bird"
is "canary: still waits, and does nothing" "[$CODE] $(done_)" "[4] "
tool status --path "$HOST/bird"
has "canary: status" "[$CODE] $OUT" '[4] bird/web                       waiting '

say "an operator"
tool pause bird/web --reason "a look at the graphs" --path "$HOST/bird"
is "pause" "[$CODE] $OUT" '[0] bird/web: paused until `reconcile resume`'
tool promote bird/web --path "$HOST/bird"
is "promote" "[$CODE] ${OUT//[0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f]/REVISION}" "[0] bird/web: revision REVISION may have more than 10.0% of the requests"
tool --path "$HOST/bird"
is "paused: nothing moves, promoted or not" "[$CODE] $OUT" '[4] No changes.
bird/web: waiting: paused: a look at the graphs; `reconcile resume` lets it go on'
between "paused: still a tenth of the requests" "$(share 2)" 150 250
tool resume --path "$HOST/bird"
is "resume" "[$CODE] $OUT" "[0] everything: goes on"
tool --path "$HOST/bird"
is "promoted: to its end" "$CODE" 0
has "promoted: by its steps" "$LOG" "bird/web: shift traffic: 50.0% to the next revision"
between "promoted: all of the requests" "$(share 2)" 2000 2020
no_changes "promoted" --path "$HOST/bird"
tool promote bird/web --path "$HOST/bird"
has "promote: nothing waits" "[$CODE] $LOG" "[64] reconcile: error: nothing of bird/web waits: revision "
tool abort bird/web --path "$HOST/bird"
has "abort: too late" "[$CODE] $LOG" "is accepted already; revert it in Git"
tool pause brid --path "$HOST/bird"
is "pause: of nothing" "[$CODE] $LOG" "[64] reconcile: error: nothing here is called 'brid'; write PROJECT or PROJECT/SERVICE, as \`reconcile status\` shows them"

bird 3 "[20, 50]"
peek "what if: nothing" --plan --path "$HOST/bird"
half=$(awk '/shift traffic: 50.0%/ { print $1 }' <<<"$OUT")
peek "what if: it fails" --plan --what-if "fail:web@$half" --path "$HOST/bird"
is "what if: after the step of that number" "$(awk '/shift traffic: 50.0%|: quarantine / { print $1, $4 }' <<<"$OUT")" "$half shift
$((half + 1)) quarantine"
has "what if: it goes back" "[$CODE] $OUT" "bird/web: shift traffic: 0.0% to the next revision (back to the old revision)"
has "what if: and how it ends" "$OUT" "bird/web: rolled back: revision "
peek "what if: that many steps" --plan --what-if fail:web@999 --path "$HOST/bird"
has "what if: that many steps" "[$CODE] $LOG" "--what-if fail:web@999: this plan has "
peek "what if: the tool is killed" --plan --what-if crash:4 --path "$HOST/bird"
has "what if: another run goes on" "$OUT" "publish routes (announce the next revision of bird/web)
              -- the tool is killed here; another run comes a minute later --"
peek "what if: no such service" --plan --what-if fail:wbe --path "$HOST/bird"
is "what if: no such service" "[$CODE] $LOG" "[64] reconcile: error: --what-if fail:wbe: no one service is called 'wbe'; write PROJECT/SERVICE"
peek "what if: no memory" --plan --what-if memory:1m --path "$HOST/bird"
has "what if: no memory" "[$CODE] $LOG" "[64] reconcile: error: --what-if memory:1m: what runs here takes "
bird 3
tool --path "$HOST/bird"
is "abort: it waits" "$CODE" 4
tool abort bird/web --reason "the checkout is slow" --path "$HOST/bird"
has "abort" "[$CODE] $OUT" "is called off; the run goes back to the last good one"
tool --path "$HOST/bird"
has "abort: goes back, and says why" "[$CODE] $OUT" "[3] Rolled back: "
has "abort: goes back, and says why" "$OUT" "is quarantined: aborted by an operator: the checkout is slow"
is "abort: traffic first" "$(done_ | grep -m1 bird/web:)" "bird/web: shift traffic: 0.0% to the next revision (back to the old revision)"
between "abort: all to the old one" "$(share 2)" 2000 2020
tool retry bird/web --path "$HOST/bird"
is "retry: an abort is taken back" "[$CODE] $OUT" "[0] bird/web: what was called off may be tried again"
tool --path "$HOST/bird"
is "retry: it comes in again" "$CODE" 4
tool promote bird/web --full --path "$HOST/bird"
has "promote --full" "[$CODE] $OUT" "need not wait any more, only be ready"
tool --path "$HOST/bird"
is "promote --full: to its end" "$CODE" 0

say "D8 not healthy: at its first share"
bird dies "[20, 50]"
sed -i 's/hold: 1s/hold: 20s/' "$HOST/bird/compose.yaml"
tool --path "$HOST/bird"
is "canary: fails in its hold" "$CODE" 3
hasnt "canary: never got more" "$LOG" "50.0%"
ok "canary: no failed request" stop_client
between "canary: version 3 answers all" "$(share 3)" 2000 2020
bird 3
tool --path "$HOST/bird"
is "canary: back to what serves is no change" "[$CODE] $OUT" "[0] No changes."

say "B8 revert within rollback_window"
start_client --host bird.test --mix
bird 2
sed -i 's/hold: 1s/hold: 10m/' "$HOST/bird/compose.yaml"
tool promote bird/web --path "$HOST/bird"
has "revert: nobody needs to promote it" "[$CODE] $LOG" "was good before, and only has to be ready"
deploy "revert" "2 0 2" --path "$HOST/bird"
has "revert: the plan says why it is so quick" "$PLAN" " was good before: it comes in as soon as it is ready, without holds, steps and analysis"
is "revert: all of the requests at once" "$(grep -o 'shift traffic: [0-9.]*%' <<<"$PLAN")" "shift traffic: 100.0%"
ok "revert: no failed request" stop_client
between "revert: version 2 answers all" "$(share 2)" 2000 2020
sed -i 's/hold: 10m/&\n      rollback_window: 0/; s|bird/web:2|bird/web:1|' "$HOST/bird/compose.yaml"
peek "no window: plan" --plan --path "$HOST/bird"
has "no window: it waits as a new version does" "$OUT" 'bird/web: waiting: has 10.0% of the requests; `reconcile promote bird/web` lets it go on'
bird 2

say "B5 approval in the dark"
mkdir "$HOST/moon"
moon() { # VERSION STRATEGY [OF-THE-ROUTE]
	cat >"$HOST/moon/compose.yaml" <<-END
		name: moon
		services:
		  web:
		    image: bird/web:$1
		    restart: unless-stopped
		    stop_grace_period: 2s
		    deploy: {replicas: 2}
		    x-reconcile:
		      strategy: $2
		      hold: 500ms
		      keep_old: 0s
		      ready: {http: {port: 8080, path: /health}, within: 5s, for: 300ms}
		      drain_timeout: 6s
		x-reconcile:
		  routes: [{host: moon.test, ${3-}to: "web:8080"}]
	END
}
# moons: the versions that answer 500 requests
moons() {
	in_netns "$BUILD_DIR/tests/real/strict-client" --url "$HOST_URL/" --host moon.test --requests 500 | grep -o 'versions=[^ ]*' | grep -o '[0-9]*:' | tr -d '\n'
}
dark="blue-green
      steps: [{weight: 0, hold: manual, instances: 1}]
      smoke: {http: {port: 8080, path: /smoke}}"
# How often the one in the dark was asked its smoke test.
smokes() { in_netns curl -s -m 5 "http://${where#at }/metrics" | grep '^web_smoke'; }
moon 1 "$dark"
deploy "dark: first" "2 0 0" --path "$HOST/moon"
start_client --host moon.test --mix
moon 2 "$dark"
peek "dark: plan" --plan --path "$HOST/moon"
where=$(grep -o 'at 10[0-9.]*:8080' <<<"$OUT")
has "dark: the plan ends where it will wait" "$OUT" "moon/web: waiting: is ready in the dark $where; \`reconcile promote moon/web\` lets it go on"
tool promote moon/web --path "$HOST/moon"
has "dark: nothing waits yet" "[$CODE] $LOG" "[64] reconcile: error: nothing of moon/web waits: revision "
tool --path "$HOST/moon"
is "dark: waits for an operator, where the plan said" "[$CODE] ${OUT#*$'\n'}" "[4] moon/web: waiting: is ready in the dark $where; \`reconcile promote moon/web\` lets it go on"
hasnt "dark: nginx hears nothing of it" "$LOG" "publish routes"
is "dark: one is there to be looked at" "$(running moon | wc -w) $(in_netns curl -s -m 5 "http://${where#at }/version")" "3 2"
is "dark: nobody else comes to it" "$(moons)" "1:"
tool --path "$HOST/moon"
is "dark: still waits, and does nothing" "[$CODE] $(done_)" "[4] "
is "dark: nobody else comes to it, still" "$(moons)" "1:"
asked=$(smokes)
peek "dark: status" status --path "$HOST/moon"
is "dark: a look asks no smoke test" "$asked; $(smokes)" "web_smoke_total 2; web_smoke_total 2"
has "dark: and so says the status" "[$CODE] $OUT" "is ready in the dark $where; \`reconcile promote moon/web\` lets it go on"
tool promote moon/web --path "$HOST/moon"
has "dark: promote" "[$CODE] $OUT" "may come out of the dark"
tool --path "$HOST/moon"
is "dark: promoted, to its end" "$CODE" 0
is "dark: all to the new one" "$(moons)" "2:"
no_changes "dark: promoted" --path "$HOST/moon"
moon 3 "$dark"
sed -i 's/hold: manual, instances: 1/hold: 3s/' "$HOST/moon/compose.yaml"
tool --path "$HOST/moon"
is "dark: a hold that ends by itself" "[$CODE] $(moons)" "[0] 3:"

say "B5 preview for testers"
# asks HEADER: the version that answers
asks() { in_netns curl -s -m 5 -H "Host: moon.test" -H "$1" "$HOST_URL/version"; }
seen="$dark
      rollback_window: 0"
moon 1 "$seen" "testers: header:X-Moon, "
peek "testers: plan" --plan --path "$HOST/moon"
tool --path "$HOST/moon"
has "testers: it waits for an operator" "[$CODE] $OUT" ":8080, and for testers; \`reconcile promote moon/web\` lets it go on"
has "testers: by one flag" "$LOG" "moon/web: shift traffic: testers to the next revision"
is "testers: they see it" "$(asks "X-Moon: always")" 1
is "testers: when they ask for it" "$(asks "X-Moon: never") $(asks "X-Moon: yes") $(moons)" "3 3 3:"
peek "testers: status" status --path "$HOST/moon"
has "testers: and so says the status" "[$CODE] $OUT" ", and for testers; "
tool promote moon/web --path "$HOST/moon"
tool abort moon/web --path "$HOST/moon"
tool promote moon/web --path "$HOST/moon"
has "testers: what is aborted waits for no promote" "[$CODE] $LOG" "[64] reconcile: error: nothing of moon/web waits: revision "
tool --path "$HOST/moon"
is "testers: aborted, they see the old one" "[$CODE] $(asks "X-Moon: always")" "[3] 3"
is "testers: aborted, it is gone" "$(running moon | wc -w)" 2
tool retry moon/web --path "$HOST/moon"
tool --path "$HOST/moon"
is "testers: another try waits again" "[$CODE] $(asks "X-Moon: always") $(moons)" "[4] 1 3:"
tool promote moon/web --path "$HOST/moon"
tool --path "$HOST/moon"
is "testers: promoted, to its end" "[$CODE] $(asks "X-Moon: never") $(moons)" "[0] 1 1:"
no_changes "testers: promoted" --path "$HOST/moon"
moon 3 "blue-green"
tool --path "$HOST/moon"

say "B4 pause_after"
moon 2 "rolling
      rollback_window: 0
      pause_after: 1"
tool --path "$HOST/moon"
is "pause_after: waits after the first batch" "[$CODE] ${OUT#*$'\n'}" '[4] moon/web: waiting: has 50.0% of the requests; `reconcile promote moon/web` lets it go on'
is "pause_after: both answer" "$(moons | grep -o '[0-9]' | sort | tr -d '\n')" 23
tool promote moon/web --full --path "$HOST/moon"
tool --path "$HOST/moon"
is "pause_after: promoted, to its end" "[$CODE] $(moons)" "[0] 2:"
ok "dark and pause_after: no failed request" stop_client
