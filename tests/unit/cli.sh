#!/usr/bin/env bash
# The command line of the real binary: every message and exit code of wrong usage, and a help that lists every row.
#   cli.sh BINARY SOURCE_DIR
set -u
binary=$1
source=$2
unset "${!RECONCILE_@}" DOCKER_HOST
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
failed=0

# expect CODE TEXT ARGUMENT...: exits with CODE and says TEXT (a fixed string) on stderr, or on stdout when CODE is 0
expect() {
	local code=$1 text=$2 got
	shift 2
	"$binary" "$@" >"$folder/out" 2>"$folder/err" </dev/null
	got=$?
	local said=$folder/err
	[ "$code" = 0 ] && said=$folder/out
	if [ "$got" != "$code" ] || ! grep -qF -- "$text" "$said"; then
		echo "reconcile $*: exit $got, wanted $code; it must say '$text', it said:"
		cat "$folder/out" "$folder/err"
		failed=$((failed + 1))
	fi
	if [ "$code" != 0 ] && [ -s "$folder/out" ]; then
		echo "reconcile $*: fails, and yet stdout has something"
		failed=$((failed + 1))
	fi
}

cat >"$folder/compose.yaml" <<-END
	name: shop
	services: { web: { image: "app:1" } }
END
echo "services: { web: { imagine: x } }" >"$folder/wrong.yaml"
echo "state_dri: /tmp/x" >"$folder/wrong-settings.yaml"
mkdir "$folder/empty"
echo "state_dir: $folder/state" >"$folder/settings.yaml"
echo "run_dir: $folder/run" >>"$folder/settings.yaml"
with=(--config "$folder/settings.yaml" --docker-host "unix://$folder/nobody.sock")

expect 0 "usage: reconcile" --help
expect 0 "reconcile " --version
expect 0 '"$schema"' schema
expect 64 "unknown command 'plam'" plam
expect 64 "unknown command ''" ""
expect 64 "unknown option '--plam'" --plam
expect 64 "unknown option '-x'" -x
expect 64 "unknown option '--planet'" --planet
expect 64 "no value for '--config'" --config
expect 64 "no value for '--path'" --path
expect 64 "no value for '--path'" --path --plan
expect 64 "no value is taken by '--plan'" --plan=no
expect 64 "no value is taken by '--help'" --help=me
expect 64 "too many words at 'twice'" plan twice
expect 64 "too many words at 'three'" retry one three
expect 64 "--plan does not go with 'status'" status --plan
expect 64 "--plan does not go with 'retry'" --plan retry
expect 64 "which service? write PROJECT/SERVICE after 'promote'" promote
expect 64 "which service? write PROJECT/SERVICE after 'abort'" abort
expect 64 "--full does not go with 'abort'" abort shop/web --full
expect 64 "--until does not go with 'resume'" resume --until 2h
expect 64 "--reason does not go with 'promote'" promote shop/web --reason x
expect 64 "no value for '--until'" pause --until
expect 64 "--until yesterday: write a time to come, like 2h or 2030-12-31T08:00:00Z" pause --until yesterday "${with[@]}"
expect 64 "--until 2020-01-01T00:00:00Z: write a time to come" pause --until 2020-01-01T00:00:00Z "${with[@]}"
expect 0 "everything: was not paused" resume "${with[@]}"
expect 0 "everything: paused until 2" pause --until 2h "${with[@]}"
expect 0 "shop: stays paused, with everything" resume shop "${with[@]}"
expect 0 "everything: goes on" resume "${with[@]}"
expect 0 'everything: paused until `reconcile resume`' pause --reason "the freeze" "${with[@]}"
expect 0 "everything: goes on" resume "${with[@]}"
expect 64 "only a plan takes '--what-if'" --what-if crash:1
expect 64 "only a plan takes '--detailed-exitcode'" --detailed-exitcode
expect 64 "only a plan takes '--detailed-exitcode'" status --detailed-exitcode
expect 64 "--watch does not go with 'status'" status --watch
expect 64 "--watch does not go with '--plan'" --watch --plan
expect 64 "--json does not go with 'retry'" retry --json
expect 64 "--json does not go with 'schema'" --json schema
expect 64 "--target does not go with 'validate'" validate --target shop
expect 64 "--target does not go with 'retry'" retry --target=shop shop
expect 64 "no value for '--target'" --target --plan
expect 64 "no value is taken by '--json'" --json=yes
expect 65 "--interval: '0s' is not a duration of at least 1s" --watch --interval 0s
expect 65 "state_dri" --config "$folder/wrong-settings.yaml" validate
expect 65 "imagine" --config "$folder/settings.yaml" validate --path "$folder/wrong.yaml"
expect 65 "nothing was changed" --config "$folder/settings.yaml" validate --path "$folder/empty"
expect 65 "env_file: there is no such file $folder/no-such-env; make it, or name another one" --config "$folder/settings.yaml" \
	--env-file "$folder/no-such-env" validate --path "$folder/compose.yaml"
expect 1 "no-such-file" --config "$folder/no-such-file.yaml" validate
expect 0 "project shop is valid: 1 service, 0 routes" --config "$folder/settings.yaml" validate --path "$folder/compose.yaml"
expect 0 "project shop is valid" --config="$folder/settings.yaml" --path="$folder/compose.yaml" validate
expect 0 '"valid":true,"error_count":0' --config "$folder/settings.yaml" validate --path "$folder/compose.yaml" --json
json() { "$binary" "${with[@]}" --json "$@" 2>/dev/null; }
for part in '"valid":false,"error_count":1' '"line":1,"column":20,"path":"services.web","message":"unknown key'; do
	json validate --path "$folder/wrong.yaml" | grep -qF -- "$part" || { echo "validate --json has no $part"; failed=$((failed + 1)); }
done
# A plan and a run say the same, with the same places.
for command in --plan ""; do
	for part in '"diagnostic' '"line":1,"column":20,"path":"services.web","message":"unknown key'; do
		json $command --path "$folder/wrong.yaml" | grep -qF -- "$part" || { echo "${command:-a run} --json has no $part"; failed=$((failed + 1)); }
	done
done
printf 'services:\n  web:\n    image: a\n    environment: { A: ${B:?c} }\n' >"$folder/braces.yaml"
expect 65 'braces.yaml:4:24: not valid YAML: put what has ${...} in it in quotes' --config "$folder/settings.yaml" validate --path "$folder/braces.yaml"
said=$("$binary" "${with[@]}" validate --path "$folder/braces.yaml" 2>&1 | grep -c 'not valid YAML')
[ "$said" = 1 ] || { echo "a syntax error is said $said times"; failed=$((failed + 1)); }
for command in --plan status; do
	json $command --path "$folder/compose.yaml" | grep -q '^{"format_version":"1.0","errored":true,"diagnostics":\[{.*nobody.sock' ||
		{ echo "$command --json does not say what is wrong"; failed=$((failed + 1)); }
done
for command in "" --plan status; do
	# shellcheck disable=SC2086
	expect 64 "--target shpo: there is no such project or service; did you mean 'shop'?" $command "${with[@]}" \
		--path "$folder/compose.yaml" --target shop/web --target shpo
done
for command in "" --plan plan status; do
	# shellcheck disable=SC2086 # no word for a run
	expect 69 "nobody.sock" $command "${with[@]}" --path "$folder/compose.yaml"
done
expect 0 "new notes were begun" retry "${with[@]}"
expect 0 "nothing is quarantined in shop" retry shop "${with[@]}"
if [ -e "$folder/state/mirror.git" ]; then
	echo "a mirror without a repository"
	failed=$((failed + 1))
fi

# The help stands in the README as it is, and has every row of every table. UPDATE_README=1 puts it there.
"$binary" --help >"$folder/help"
awk -v help="$folder/help" '
	/^Everything that can be said to it/ { is_near = 1 }
	is_near && /^```$/ {
		print
		is_inside = !is_inside
		is_near = is_inside
		while (is_inside && (getline line <help) > 0) print line
		next
	}
	!is_inside' "$source/README.md" >"$folder/README.md"
[ -z "${UPDATE_README-}" ] || cp "$folder/README.md" "$source/README.md"
if ! diff "$source/README.md" "$folder/README.md"; then
	echo "the help in the README is not that of the program: run this with UPDATE_README=1"
	failed=$((failed + 1))
fi
rows=$(grep -oE '"(--[a-z-]+|RECONCILE_[A-Z_]+|DOCKER_HOST|COMPOSE_PROFILES)"' "$source/reconciler/main.c" "$source/reconciler/desired/settings.c" -h | tr -d '"' | sort -u)
commands=$(sed -n '/^static const struct command commands/,/^};/s/^\t{"\([a-z]\{1,\}\)".*/\1/p' "$source/reconciler/main.c")
codes=$(sed -n 's/.*\[ERR_[A-Z_]*\] *= {"[a-z ]*", \([0-9]*\),.*/\1/p' "$source/reconciler/base/err.c" | sort -nu)
[ "$(echo "$rows" | wc -l)" -gt 20 ] && [ "$(echo "$commands" | wc -l)" -ge 5 ] && [ "$(echo "$codes" | wc -l)" -ge 5 ] || {
	echo "the tables were not found in the sources"
	failed=$((failed + 1))
}
for row in $rows $commands $codes; do
	grep -qE -- "(^|[ ])$row( |$)" "$folder/help" || {
		echo "--help does not list $row"
		failed=$((failed + 1))
	}
done
[ "$failed" = 0 ] && echo "the command line is as it should be"
exit $((failed > 0))
