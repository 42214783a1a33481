#!/usr/bin/env bash
# Everything from a fresh clone to tested: packages, three builds (sanitizers, release, clang), unit tests, real daemons,
# and the simulator: its schedules, and whether it finds deliberate faults.
#
#   tests/run.sh           all of it
#   tests/run.sh --fast    unit tests only
#
# The last line is "N passed, N failed". A test that is skipped, not run, or not there at all counts as failed.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
exec </dev/null

parts="unit simulation real"
case ${1:-} in
"") ;;
--fast) parts=unit ;;
*)
	echo "usage: tests/run.sh [--fast]" >&2
	exit 64
	;;
esac

passed=0
failed=0
logs=$(mktemp -d) || exit 1
trap 'rm -rf "$logs"' EXIT
trap 'exit 1' INT TERM HUP

finish() {
	echo "$passed passed, $failed failed"
	[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
	exit
}

# stage NAME COMMAND...: quiet when it works, all it said when it does not.
stage() {
	echo "== $1"
	shift
	if ! "$@" >"$logs/stage" 2>&1; then
		cat "$logs/stage"
		failed=$((failed + 1))
		finish
	fi
}

build() { cmake --preset "$1" -G Ninja && cmake --build --preset "$1"; }

# One test in each line of ctest's own table counts, by the word it ends in; so a skip cannot hide in a total.
run_label() { # PRESET LABEL JOBS
	local preset=$1 label=$2 rows good
	echo "== $label tests ($preset)"
	ctest --preset "$preset" -L "$label" -j"$3" --output-on-failure --no-tests=error 2>&1 | tee "$logs/$label"
	rows=$(grep -cE '^ *[0-9]+/[0-9]+ Test +#' "$logs/$label")
	good=$(grep -cE '^ *[0-9]+/[0-9]+ Test +#.* Passed +[0-9.]+ sec' "$logs/$label")
	passed=$((passed + good))
	failed=$((failed + rows - good))
	if [ "$rows" = 0 ] || ! grep -q '^100% tests passed, 0 tests failed out of' "$logs/$label"; then
		# ctest itself is not content: never end with "0 failed".
		if [ "$rows" = "$good" ]; then failed=$((failed + 1)); fi
	fi
}

stage "packages" bash tests/lib/packages.sh test
stage "build with sanitizers" build asan
stage "build with clang" build clang
if [ "$parts" != unit ]; then
	stage "build for release" build release
fi
for part in $parts; do
	case $part in
	unit) run_label asan unit 2 ;;
	simulation)
		run_label clang simulation 2 # clang counts the branches that the schedules take
		grep -hE '^(coverage|simulate|mutants): ' build/clang/Testing/Temporary/LastTest.log
		;;
	real) run_label release real 4 ;; # they wait for daemons, drains and clients most of the time
	esac
done
finish
