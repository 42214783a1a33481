#!/usr/bin/env bash
# tests/lib/trace.sh itself: which differences between a plan and a run it tells, and which trouble it forgives. The tool is
# a stand-in here, which says what it is told to.
set -u
. "$(dirname "$0")/../lib/check.sh"
. "$(dirname "$0")/../lib/trace.sh"
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT

# stand_in [--plan]: PLAN and DONE are lines
stand_in() {
	local line
	if [[ " $* " == *" --plan "* ]]; then
		while read -r line; do printf '{"text":"%s"},' "$line"; done <<<"$PLAN"
		return 0
	fi
	while read -r line; do echo "reconcile: $line"; done <<<"$DONE" >&2
	return "$CODE"
}
# told WHAT CODE PLAN DONE WANTED: in each, ";" ends a line
told() {
	CODE=$2 PLAN=${3//;/$'\n'} DONE=${4//;/$'\n'}
	trace_begin "$folder"
	traced stand_in 2>"$folder/said"
	is "$1: the exit code is the run's" "$?" "$2"
	is "$1: the log is the run's" "$(sed 's/^reconcile: //' "$folder/said")" "$DONE"
	is "$1" "$(sed 1d "$TRACE/untrue" | tr '\n' ';')" "$5"
}

plan='a/x: create a-x-2;b/y: start b-y-1;a/x: start a-x-2;publish routes (of a/x)'
told "the same" 0 "$plan" "$plan" ""
told "waits and words are no actions" 0 "$plan" "a/x: waits for b/y;error: publish routes: no;${plan//;/;nginx serves it;}" ""
told "services beside each other" 4 "$plan" 'b/y: start b-y-1;a/x: create a-x-2;a/x: start a-x-2;publish routes (of a/x)' ""
told "another order" 0 "$plan" 'a/x: start a-x-2;a/x: create a-x-2;b/y: start b-y-1;publish routes (of a/x)' \
	'  did  "a/x: start a-x-2";  said "a/x: create a-x-2";  did  "a/x: create a-x-2";  said "a/x: start a-x-2";'
told "something is not done" 0 "$plan" "${plan%;*}" '  said "publish routes (of a/x)" and did not;'
told "something more is done" 0 "$plan" "$plan;a/x: stop a-x-1" '  did  "a/x: stop a-x-1";  said "";'
told "a failure leaves things out" 1 "$plan" 'a/x: start a-x-2' ""
told "but does nothing else" 75 "$plan" 'a/x: start a-x-2;a/x: stop a-x-1' '  did  "a/x: stop a-x-1";  said "";'
told "what comes after a verdict" 3 "$plan" 'a/x: create a-x-2;a/x: quarantine revision 1234 (ill);a/x: remove a-x-2;publish routes (back)' ""
told "a verdict that cannot be noted" 75 "$plan" 'a/x: create a-x-2;error: a/x: quarantine revision 1234 (ill): no space;a/x: remove a-x-2' ""
told "two reloads in one" 0 "publish routes (not ours);$plan" "$plan" ""
told "but not the last one" 0 "publish routes (not ours);$plan" "publish routes (not ours);${plan%;*}" '  said "publish routes (of a/x)" and did not;'
told "nor one before something else" 0 "publish routes (of a/x);set vm.swappiness to 10" "set vm.swappiness to 10" \
	'  did  "set vm.swappiness to 10";  said "publish routes (of a/x)";  said "set vm.swappiness to 10" and did not;'
waits='drained: name 1.5s, old nginx workers, connections'
told "how long a drain lasts" 0 "a/x: stop a-x-1 ($waits)" 'a/x: stop a-x-1 (drained: name 1.6s, old nginx workers 12.0s, connections 3.1s)' ""
told "and whether in vain" 0 "a/x: stop a-x-1 ($waits)" \
	'a/x: stop a-x-1 (cuts 1 connection after the drain time-out of 2.5s: name 1.5s, old nginx workers (1 left), connections (1 left))' ""
told "but not what for" 0 "a/x: stop a-x-1 ($waits)" 'a/x: stop a-x-1 (drained: old nginx workers 0.1s, connections 3.1s)' \
	'  did  "a/x: stop a-x-1 (drained: old nginx workers, connections)";  said "a/x: stop a-x-1 (drained: name, old nginx workers, connections)";'
told "quotes" 0 'a/x: update a-x-1: restart \"no\" -> \"always\"' 'a/x: update a-x-1: restart "no" -> "always"' ""
IN_STEP='' told "reloads of several services" 0 "$plan;publish routes (of b/y)" "$plan" ""
CODE=0 PLAN=$plan DONE=nothing UNTRACED="a reason" traced stand_in 2>/dev/null
is "an exception is named" "$(cat "$TRACE/untraced")" "a reason"
check_end
