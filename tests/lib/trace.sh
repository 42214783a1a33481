# What a run does is what a plan said right before it, for each service in its order. To be sourced, after check.sh.
#
#   trace_begin DIR      the traces are written below DIR
#   traced COMMAND...    runs the tool (COMMAND holds all of its words); when that is a run, a plan in JSON is taken first,
#                        and its steps are compared with the actions that the run logs
#   trace_end            one check of all of them
#   trace_done < LOG     the actions that a run has logged, a line each
#
# A run that meets no trouble (exit code 0, or 4: it waits) does all of the plan. Any other does nothing else and nothing
# earlier, until it notes that a revision failed, or tries to: what comes then, no plan can know. A reload may fall together
# with the one after it: how soon the engine has done what both wait for is a matter of milliseconds.
#
# UNTRACED="WHY" traced ...   is not compared, and named at the end. Not compared either are runs in the background and
# those that are killed, because their host is not left alone; the units of systemd.sh, because systemd begins them; and
# quickstart.sh, because it is run as its user has it.
# IN_STEP= traced ...         reloads are not compared: which of them two services share is a matter of milliseconds.

trace_begin() {
	TRACE=$1/trace
	mkdir -p "$TRACE"
	: >"$TRACE/untrue"
	: >"$TRACE/shown"
	: >"$TRACE/untraced"
	: >"$TRACE/count"
}

trace_is_run_() { # WORDS of the command, the tool among them
	local word
	for word; do
		case $word in
		--plan | --watch | --help | --version | validate | status | history | promote | abort | retry | pause | resume | rollback | adopt)
			return 1
			;;
		esac
	done
}

# The texts of the plan's steps; JSON has escaped what it must.
trace_planned_() { grep -o '"text":"\([^"\\]\|\\.\)*"' "$TRACE/plan" | sed 's/^"text":"//; s/"$//; s/\\\(.\)/\1/g'; }
# The actions in a run's log.
trace_done() {
	sed -n 's/^reconcile: //p' | sed 's/^error: \([a-z0-9_/-]*: quarantine \)/\1/' | grep -vE '^(error|warning): ' | grep -E '^([a-z0-9_/-]+: )?(create|pull|build|start|alias|unalias|update|rename|park|stop|remove|drop image|unannounce|publish routes|shift traffic|quarantine|accept|make swap file|set swap file right:|take swap file away:|set vm.swappiness)( |:|$)'
}
# A plan says what a drain waits for; for how long, and whether in vain, is the clients' doing.
trace_comparable_() {
	sed -E '/: stop /{
		s/ \((cuts [0-9]+ connections? )?after the drain time-out of [^:]*: / (drained: /
		s/( [0-9.]+s| \([0-9]+ left\))(,|\)$)/\2/g
	}' |
		if [ -n "${IN_STEP-yes}" ]; then cat; else grep -v '^publish routes'; fi
}

# trace_compare_ CODE < DONE, with the plan's steps in $TRACE/steps: what is not as it was said, a line each
trace_compare_() {
	awk -v code="$1" '
		function is_reload(step) { return step ~ /^publish routes/ }
		BEGIN { in_trouble = code != 0 && code != 4 }
		{ about = match($0, /^[a-z0-9_\/-]+: /) ? substr($0, 1, RLENGTH - 2) : "the host" }
		FILENAME != "-" { said[about, ++steps[about]] = $0; next }
		have_failed { next }
		/: quarantine / { have_failed = in_trouble }
		have_failed { next }
		{
			at = ++done[about]
			while (at <= steps[about] && said[about, at] != $0 && (in_trouble || (is_reload($0) && is_reload(said[about, at])))) at++
			if (said[about, at] != $0)
				print "  did  \"" $0 "\"\n  said \"" said[about, done[about]] "\""
			done[about] = at
		}
		END {
			if (!in_trouble)
				for (about in steps)
					for (at = done[about] + 1; at <= steps[about]; at++) print "  said \"" said[about, at] "\" and did not"
		}' "$TRACE/steps" -
}

traced() {
	local code=0 differs
	if ! trace_is_run_ "$@"; then
		"$@"
		return
	fi
	if [ -n "${UNTRACED-}" ]; then
		echo "$UNTRACED" >>"$TRACE/untraced"
		"$@"
		return
	fi
	"$@" --plan --json >"$TRACE/plan" 2>/dev/null </dev/null
	"$@" 2>"$TRACE/log" || code=$?
	cat "$TRACE/log" >&2
	trace_planned_ | trace_comparable_ >"$TRACE/steps"
	differs=$(trace_done <"$TRACE/log" | trace_comparable_ | trace_compare_ "$code")
	[ -z "$differs" ] || printf '%s: exit code %s\n%s\n' "${*##*/reconcile}" "$code" "$differs" >>"$TRACE/untrue"
	[ -z "$differs" ] || cat "$TRACE/steps" "$TRACE/log" >>"$TRACE/shown"
	echo "$*" >>"$TRACE/count"
	return "$code"
}

trace_end() {
	cat "$TRACE/shown" >&2
	sort "$TRACE/untraced" | uniq -c | sed 's/^ */not compared: /'
	is "each run does what the plan before it said" "$(cat "$TRACE/untrue")" ""
	ok "runs were compared: $(wc -l <"$TRACE/count")" test -s "$TRACE/count"
}
