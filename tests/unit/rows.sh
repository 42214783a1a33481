#!/usr/bin/env bash
# What may go wrong, row by row: each has a test of its name, and no test bears the name of a row that is none.
#
#   rows.sh TESTS          checks what is below TESTS
#   rows.sh --self         proves that it can fail
#
# A script of real parts names its rows by `say "D7 crash loop"`, a unit test by `{"B8 failed start", ...}` in a table; more
# may follow after a colon or a comma. What decide has to do with (B) is in a table once, and in scripts where real parts
# show it, too; all else (D) is in a script.
set -uo pipefail

rows='D1 bad manifest
D2 Git away
D3 force-push
D5 registry away
D6 start fails
D7 crash loop
D8 not healthy
D9 no health check
D10 nginx refuses
D11 nginx away
D12 dockerd restarts
D13 reboot
D14 tool killed
D15 disk full
D16 two runs at once
D17 partial failure
D18 one replica fails
D19 newer commit
D20 gone from Git
D21 empty desired set
D22 drift
D26 no way back
D27 secret missing
D28 clock jump'

decided='B4 rolling 1 / 1 / 0
B4 rolling 2 / 1 / 0
B4 rolling 3 / 1 / 0
B4 rolling 3 / 0 / 1
B4 rolling 4 / 2 / 0
B4 rolling 5 / 5 / 0
B4 rolling 1 / 0 / 1
B4 smoke passes
B4 smoke fails
B4 pause_after
B5 blue-green steps
B5 preview up
B5 approval
B5 approval in the dark
B5 auto_after
B5 preview
B5 preview for testers
B5 testers come and go
B5 switch
B5 keep old
B5 retire
B5 smoke passes
B5 smoke fails
B6 canary steps
B6 dark
B6 approval in the dark
B6 max_hold
B6 shares
B6 keep old
B6 retire
B6 smoke passes
B6 smoke fails
B7 live
B7 slot by slot
B7 smoke passes
B7 smoke fails
B8 failed start
B8 health fails in hold
B8 health fails on a stable container
B8 analysis fails
B8 analysis inconclusive
B8 on_inconclusive promote
B8 on_inconclusive abort
B8 abort
B8 pause and resume
B8 promote
B8 new revision mid-rollout
B8 several revisions at once
B8 revert mid-rollout
B8 revert while the old one is kept
B8 revert after that
B8 revert within rollback_window
B8 way back without smoke
B8 killed while smoke is asked
B8 called off while an old one is gone
B8 nobody is served
B8 nginx does not know it
B8 scale mid-rollout
B8 options changed mid-rollout
B8 crash between two actions
B8 restart of the tool
B8 dockerd restart
B8 nginx -t fails
B8 reload accepted but not live
B8 nginx dead
B8 host out of memory
B8 OOM-killed stable
B8 disk full
B8 clock jump
B9 after create
B9 after start
B9 after rename
B9 after HUP
B9 close flag left behind
B9 during drain
B9 after stop
B9 during the way back
B9 notes damaged'

# named FILES PATTERN TESTS: the names that follow the pattern
named() { find "$3" -name "$1" -exec grep -hoE "^[[:space:]]*$2\"[BD][0-9]+ [^\"]*" {} + | sed 's/^[^"]*"//'; }

# count ROW NAMES
count() { grep -cE "^$1(\$|[:,])" <<<"$2"; }

check() { # TESTS
	local scripts tables row name bad=0
	scripts=$(named '*.sh' 'say ' "$1")
	tables=$(named '*.c' '\{' "$1")
	while read -r row; do
		[ "$(count "$row" "$scripts")" != 0 ] || { echo "no test is named: $row"; bad=1; }
	done <<<"$rows"
	while read -r row; do
		[ "$(count "$row" "$tables")" = 1 ] || { echo "$(count "$row" "$tables") unit tests are named: $row"; bad=1; }
	done <<<"$decided"
	while read -r name; do
		[ -z "$name" ] || grep -qxF "${name%%[:,]*}" <<<"$rows"$'\n'"$decided" || { echo "a test names a row that is none: $name"; bad=1; }
	done <<<"$scripts"$'\n'"$tables"
	return $bad
}

# wanted WHAT CODE SAYS
failed=0
wanted() {
	local said code=0
	said=$(check "$dir") || code=$?
	[ "$code" = "$2" ] && [ "$said" = "$3" ] && return
	printf 'FAILED: %s\n  says   "%s" (%d)\n  wanted "%s" (%d)\n' "$1" "$said" "$code" "$3" "$2"
	failed=1
}

self() {
	dir=$(mktemp -d)
	trap 'rm -rf "$dir"' EXIT
	mkdir "$dir/part"
	sed 's/.*/say "&: in some way"/' <<<"$rows" >"$dir/part/all.sh"
	sed 's/.*/\t{"&", some},/' <<<"$decided" >"$dir/part/all.c"
	wanted "each row has one" 0 ""
	sed -i 's/"D7 crash loop.*/"D7 crash loops"/' "$dir/part/all.sh"
	wanted "one row has none" 1 "$(printf 'no test is named: D7 crash loop\na test names a row that is none: D7 crash loops')"
	sed -i 's/.*D7 crash loops.*/\tsay "D7 crash loop"/' "$dir/part/all.sh"
	wanted "nothing after its name" 0 ""
	sed -i 's/"B8 abort"/"B8 aborts"/' "$dir/part/all.c"
	wanted "one row of a table has none" 1 "$(printf '0 unit tests are named: B8 abort\na test names a row that is none: B8 aborts')"
	sed -i 's/"B8 aborts"/"B8 abort, early"/' "$dir/part/all.c"
	wanted "more after its name" 0 ""
	echo '	{"B8 abort", late},' >>"$dir/part/all.c"
	wanted "one row of a table has two" 1 "2 unit tests are named: B8 abort"
	sed -i 's/{"B8 abort", late}/{"D7 crash loop", late}/' "$dir/part/all.c"
	echo 'say "B8 abort"' >>"$dir/part/all.sh"
	wanted "either kind may be of the other, too" 0 ""
	[ $failed = 0 ] && echo "each rule can fail"
}

case ${1:-} in
--self) self ;;
"") echo "usage: rows.sh TESTS|--self" >&2; exit 64 ;;
*) check "$1" ;;
esac
