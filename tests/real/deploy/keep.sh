# keep_old: the old revision stays warm, the way back is one shift, and a later run lets it go.
for v in 1 2; do host_image "keep/web:$v" "VERSION=$v"; done
mkdir "$HOST/keep"
keep() { # VERSION
	cat >"$HOST/keep/compose.yaml" <<-END
		name: keep
		services:
		  web:
		    image: keep/web:$1
		    restart: unless-stopped
		    stop_grace_period: 2s
		    x-reconcile:
		      strategy: blue-green
		      ready: {http: {port: 8080, path: /health}, within: 5s, for: 300ms}
		      hold: 500ms
		      keep_old: 12s
		      drain_timeout: 5s
		x-reconcile:
		  routes: [{host: keep.test, to: "web:8080"}]
	END
}
keep 1
deploy "keep: first" "1 0 0" --path "$HOST/keep"
one=$(look keep-web-1 '{{.Id}}')

keep 2
peek "keep: plan" --plan --path "$HOST/keep"
has "keep: the plan says how long" "$OUT" "the old revision is kept warm for 12s after the switch"
tool --path "$HOST/keep"
is "keep: the run ends while it is kept" "[$CODE] ${OUT%until*}" "[0] Apply complete: 1 added, 0 changed, 0 destroyed.
keep/web: settled: the old revision is kept warm "
is "keep: parked, warm" "$(look keep-web-1 '{{.State.Running}} {{.HostConfig.RestartPolicy.Name}}')" "true no"
peek "keep: the next plan" --plan --path "$HOST/keep"
is "keep: the next plan" "[$CODE] ${OUT%until*}" "[0] No changes.
keep/web: settled: the old revision is kept warm "

say "B8 revert while the old one is kept"
keep 1
peek "way back: plan" --plan --path "$HOST/keep"
tool --path "$HOST/keep"
is "way back: the run" "$CODE" 0
is "way back: the first thing done is the shift" "$(done_ | grep keep/web: | head -2)" "keep/web: alias keep-web-1 as web
keep/web: shift traffic: 0.0% to the next revision (back to the old revision)"
hasnt "way back: nothing is created" "$LOG" create
is "way back: the old container serves again" "$(look keep-web-1 '{{.Id}} {{.State.Running}} {{.HostConfig.RestartPolicy.Name}}')" "$one true unless-stopped"
is "way back: version 1 answers" "$(version keep.test)" 1
no_changes "way back" --path "$HOST/keep"

keep 2
tool --path "$HOST/keep"
is "keep: forward again" "$CODE" 0
sleep 13 # what was good before is not held, and the old one is kept from its hold on
peek "keep is over: plan" --plan --detailed-exitcode --path "$HOST/keep"
is "keep is over: letting go is no change" "[$CODE] $OUT" "[0] No changes.
The next run lets an old revision go that was only kept warm."
tool --path "$HOST/keep"
is "keep is over: the run says what it did" "[$CODE] $OUT" "[0] Apply complete: 0 added, 0 changed, 1 destroyed."
is "keep is over: the old container is gone" "$(look keep-web-1 '{{.Id}}' | grep -c "$one")" 0
is "keep is over: version 2 answers" "$(version keep.test)" 2
no_changes "keep is over" --path "$HOST/keep"
