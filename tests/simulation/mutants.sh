#!/usr/bin/env bash
# Does the simulator find errors? Each fault of mutants.txt is put into a copy of decide/, compiled with the simulator,
# and must break a promise within SEEDS schedules. A fault whose text is not there any more is a failure of this check.
#
#   mutants.sh [WORD]     all of them, or those whose description contains WORD
#
# The last line is `mutants: found=N of=N`. CC is the compiler (cc); SEEDS is how many schedules each may take (20000).
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
seeds=${SEEDS:-20000}
steps=108
only=${1:-}
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT

compile() { # DIRECTORY OF decide/, SOURCE, OBJECT
	${CC:-cc} -std=gnu17 -D_GNU_SOURCE -O2 -w -I"$1" -Ireconciler -Itests/lib -Itests/simulation -c "$2" -o "$3"
}

# Splits the table: $work/N/{name,file,from,to}.
awk -v work="$work" '
function open_block(text) {
	n++; dir = work "/" n; system("mkdir -p " dir); print text >(dir "/name"); state = "name"
}
/^# / && state != "lead" { open_block(substr($0, 3)); next }
/^$/ { state = "between"; next }
/^@ / { print substr($0, 3) >(dir "/file"); next }
/^-/ { print substr($0, 2) >(dir "/from"); next }
/^\+/ { print substr($0, 2) >(dir "/to"); next }
BEGIN { state = "lead" }' tests/simulation/mutants.txt

# replace FROM TO <in >out: exactly once, or failure.
replace() {
	FROM=$(cat "$1") TO=$(cat "$2") awk '
	BEGIN { RS = "\001" }
	{
		from = ENVIRON["FROM"]; to = ENVIRON["TO"]
		at = index($0, from)
		if (!at || index(substr($0, at + 1), from)) exit 1
		printf "%s%s%s", substr($0, 1, at - 1), to, substr($0, at + length(from))
	}'
}

mkdir "$work/objects" "$work/below"
for source in reconciler/decide/*.c tests/simulation/*.c; do
	[ "$source" = tests/simulation/verdicts.c ] && continue # a program of its own
	compile reconciler "$source" "$work/objects/$(basename "$(dirname "$source")")-$(basename "$source").o" || exit 1
done
for source in reconciler/{model,base}/*.c; do
	compile reconciler "$source" "$work/below/$(basename "$(dirname "$source")")-$(basename "$source").o" || exit 1
done
ar rcs "$work/below.a" "$work"/below/*.o || exit 1

# try DIRECTORY: leaves what it says in $1/said, and in $1/found when a promise broke
try() {
	local dir=$1 name file said
	name=$(cat "$dir/name")
	file=$(cat "$dir/file")
	if ! replace "$dir/from" "$dir/to" <"reconciler/decide/$file" >"$dir/$file"; then
		echo "NOT THERE ANY MORE  $name ($file)"
		return
	fi
	cp -r "$work/objects" "$dir/objects"
	if ! compile reconciler "$dir/$file" "$dir/objects/decide-$file.o" || ! ${CC:-cc} "$dir"/objects/*.o "$work/below.a" -lm -o "$dir/simulate"; then
		echo "DOES NOT COMPILE    $name ($file)"
		return
	fi
	# Long schedules: the rare must meet. A seed that breaks a promise without the fault, too, finds nothing.
	local from=1 code
	while
		said=$(timeout 900 "$dir/simulate" --seed "$from" --seeds $((seeds - from + 1)) --steps "$steps" --first 2>/dev/null)
		code=$?
		[ "$code" = 1 ]
	do
		said=$(grep -m1 '^seed' <<<"$said")
		from=${said#seed }
		from=${from%%:*}
		"$work/simulate" --seed "$from" --steps "$steps" --first >/dev/null 2>&1 && break
		[ $((++from)) -le "$seeds" ] || { code=0 && break; }
	done
	case $code in
	0 | 124) echo "NOT FOUND           $name" ;;
	1)
		: >"$dir/found"
		printf '%-60s %s\n' "$name" "$said"
		;;
	*)
		: >"$dir/found"
		printf '%-60s the simulator itself fell over it\n' "$name"
		;;
	esac
	rm -rf "$dir/objects" "$dir/simulate"
}

${CC:-cc} "$work"/objects/*.o "$work/below.a" -lm -o "$work/simulate" || exit 1
dirs=
for dir in $(find "$work" -mindepth 1 -maxdepth 1 -name '[0-9]*' | sort -V); do
	case $(cat "$dir/name") in *"$only"*) dirs="$dirs $dir" ;; esac
done
jobs=$(nproc)
for dir in $dirs; do
	while [ "$(jobs -rp | wc -l)" -ge "$jobs" ]; do wait -n; done
	try "$dir" >"$dir/said" &
done
wait
found=0
of=0
for dir in $dirs; do
	cat "$dir/said"
	of=$((of + 1))
	[ ! -e "$dir/found" ] || found=$((found + 1))
done
echo "mutants: found=$found of=$of"
[ "$of" -gt 0 ] && [ "$found" = "$of" ]
