# Named checks for test scripts. To be sourced; a script ends with `check_end`, which is its exit code.
#
#   is WHAT GOT WANTED      both are the same
#   has WHAT GOT PART       the part occurs in what was got
#   hasnt WHAT GOT PART     it does not
#   ok WHAT COMMAND...      the command ends with 0
#   between WHAT GOT A B    the number is from A to B
CHECKS=0 CHECKS_FAILED=0

say() { printf '== %s\n' "$*"; }
check_fail_() { printf 'FAILED: %s\n  got    "%s"\n  wanted "%s"\n' "$@" >&2; CHECKS_FAILED=$((CHECKS_FAILED + 1)); }
check_() { # GOOD(0/1) WHAT GOT WANTED
	CHECKS=$((CHECKS + 1))
	if [ "$1" = 0 ]; then echo "ok: $2"; else check_fail_ "${@:2}"; fi
}
is() { [ "$2" = "$3" ]; check_ $? "$@"; }
has() { [[ $2 == *"$3"* ]]; check_ $? "$@"; }
hasnt() { [[ $2 != *"$3"* ]]; check_ $? "$1" "$2" "not: $3"; }
between() { is "$1: $2 is from $3 to $4" "$((${2:-0} >= $3 && ${2:-0} <= $4))" 1; }
ok() { local what=$1 code=0; shift; "$@" || code=$?; check_ "$code" "$what" "exit $code" "exit 0"; }

check_end() {
	echo "$CHECKS checks, $CHECKS_FAILED failed"
	[ "$CHECKS_FAILED" = 0 ] && [ "$CHECKS" -gt 0 ]
}
