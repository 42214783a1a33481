#!/usr/bin/env bash
# What may go wrong, row by row: each has a real test of its name, and no test bears the name of a row that is none.
#
#   rows.sh TESTS          checks the scripts below TESTS: `say "D7 crash loop"`, or with more after it
#   rows.sh --self         proves that it can fail
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

check() { # TESTS
	local named row name bad=0
	named=$(find "$1" -name '*.sh' -exec grep -hoE '^[[:space:]]*say "D[0-9]+ [^"]*' {} + | sed 's/^[^"]*"//')
	while read -r row; do
		grep -qE "^$row(\$|[:,])" <<<"$named" || { echo "no test is named: $row"; bad=1; }
	done <<<"$rows"
	while read -r name; do
		[ -z "$name" ] || grep -qxF "${name%%[:,]*}" <<<"$rows" || { echo "a test names a row that is none: $name"; bad=1; }
	done <<<"$named"
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
	wanted "each row has one" 0 ""
	sed -i 's/"D7 crash loop.*/"D7 crash loops"/' "$dir/part/all.sh"
	wanted "one row has none" 1 "$(printf 'no test is named: D7 crash loop\na test names a row that is none: D7 crash loops')"
	sed -i 's/.*D7 crash loops.*/\tsay "D7 crash loop"/' "$dir/part/all.sh"
	wanted "nothing after its name" 0 ""
	[ $failed = 0 ] && echo "each rule can fail"
}

case ${1:-} in
--self) self ;;
"") echo "usage: rows.sh TESTS|--self" >&2; exit 64 ;;
*) check "$1" ;;
esac
