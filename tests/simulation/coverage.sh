#!/usr/bin/env bash
# How much of decide/ the simulator runs through: a build with gcov's counters, SEEDS schedules (5000), and gcov's own
# figures for each file. The last line is `coverage: lines=N% branches=N%`; branches are those taken at least once.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
exec </dev/null
seeds=${SEEDS:-5000}
log=$(mktemp) || exit 1
trap 'rm -f "$log"' EXIT

if ! { cmake --preset coverage -G Ninja && cmake --build --preset coverage --target simulate; } >"$log" 2>&1; then
	cat "$log"
	exit 1
fi
find build/coverage -name '*.gcda' -delete
build/coverage/tests/simulation/simulate --seeds "$seeds" | tail -1 || exit 1
objects=build/coverage/reconciler/CMakeFiles/reconcile_core.dir/decide
gcov -n -b -o "$objects" "$objects"/*.gcno 2>/dev/null | awk '
/^File .*decide\/.*\.c/ { split($0, p, "\047"); file = p[2]; sub(/.*decide\//, "decide/", file); next }
/^File / { file = "" }
file == "" { next }
/^Lines executed/ { split($2, p, /[:%]/); lines = p[2]; of_lines = $NF; all_lines += $NF; run_lines += p[2] * $NF / 100 }
/^Taken at least once/ {
	split($4, p, /[:%]/); all_branches += $NF; run_branches += p[2] * $NF / 100
	printf "%-24s lines %6.2f%% of %4d   branches %6.2f%% of %4d\n", file, lines, of_lines, p[2], $NF
}
END {
	if (!all_branches) exit 1
	printf "coverage: lines=%.1f%% branches=%.1f%%\n", 100 * run_lines / all_lines, 100 * run_branches / all_branches
}'
