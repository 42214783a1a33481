#!/usr/bin/env bash
# What `cmake --install` puts where, into a folder of its own; that systemd reads the units without a word; and that the
# settings file holds every setting, in a form that works.
#   install.sh BUILD_DIR
set -u
. "$(dirname "$0")/../lib/check.sh"
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
unset "${!RECONCILE_@}" DOCKER_HOST DOCKER_CONFIG

stage() { DESTDIR=$folder/root cmake --install "$1" >"$folder/install.log" 2>&1; }
ok "it installs" stage "$1"
cat >"$folder/wanted" <<-END
	etc/reconcile/reconcile.yaml 644
	usr/bin/reconcile 755
	usr/lib/systemd/system/reconcile.service 644
	usr/lib/systemd/system/reconcile.timer 644
	usr/lib/systemd/system/reconciled.service 644
	usr/share/doc/reconcile/README.md 644
	usr/share/doc/reconcile/examples/reconcile.cron 644
	usr/share/reconcile/compose.schema.json 644
END
is "each file, and nothing else" "$(cd "$folder/root" && find . -type f -printf '%P %m\n' | LC_ALL=C sort)" "$(cat "$folder/wanted")"

# systemd reads them among the units of this system, with the programs where they say.
host=$folder/host units=$folder/host/usr/lib/systemd/system
mkdir -p "$host/bin" && cp -a /bin/kill "$host/bin/" && cp -a "$folder/root/usr" "$host/"
cp -a /lib/systemd/system/. "$units/"
cp -a "$folder/root/usr/lib/systemd/system/." "$units/"
verify() { systemd-analyze verify --root="$host" --man=no "$@" 2>"$folder/said"; }
ok "systemd reads the units" verify reconcile.service reconcile.timer reconciled.service
is "and has nothing to say about them" "$(cat "$folder/said")" ""
# An unknown key is only a warning for it, and nothing at all to its exit code.
sed -i 's/^Type=notify/Type=notify\nRestartt=always/' "$units/reconciled.service"
verify reconciled.service
has "it would say" "$(cat "$folder/said")" "Restartt"
for unit in reconcile reconciled; do
	figure=$(systemd-analyze security --offline=true --root="$host" "$unit.service" 2>&1 | sed -n 's/.*Overall exposure level for [^:]*: *//p')
	echo "exposure of $unit.service: $figure"
	has "the exposure of $unit.service has a figure" "$figure" "."
done

binary=$folder/root/usr/bin/reconcile settings=$folder/root/etc/reconcile/reconcile.yaml
ok "the installed program runs" "$binary" --version
is "the schema is the program's" "$("$binary" schema)" "$(cat "$folder/root/usr/share/reconcile/compose.schema.json")"
is "the settings file as it comes changes nothing" "$(grep -vE '^(#|$)' "$settings")" ""
# Every line that is a setting, alive: those without a default get a value.
sed -E 's/^#( *)([a-z_]+):( (.*))?$/\1\2:\3/; /^(git|docker|nginx):$/!s/^( *[a-z_]+):$/\1: \/x/; s/^instance: .*/instance: x/' "$settings" >"$folder/all.yaml"
: >"$folder/env" # one that is named must be there
sed -i "s/^\( *loopback_ports\): .*/\1: 20000-20999/" "$folder/all.yaml"
sed -i "s|^env_file: .*|env_file: $folder/env|" "$folder/all.yaml"
rows=$("$binary" --help | grep -oE '(RECONCILE_[A-Z_]+|DOCKER_HOST|DOCKER_CONFIG|COMPOSE_PROFILES)' | sort -u | wc -l)
is "the settings file has every setting" "$(grep -cE '^ *[a-z_]+: ' "$folder/all.yaml")" "$rows"
printf 'name: shop\nservices: { web: { image: a } }\n' >"$folder/compose.yaml"
# No repository: what is to be read is here.
sed -i '/^\(repo\|rev\|branch\): /d' "$folder/all.yaml"
# Of two that cannot both be, each is set without the other.
for without in network loopback_ports; do
	sed "/^ *$without: /d; s/^\( *network\): .*/\1: edge/" "$folder/all.yaml" >"$folder/$without.yaml"
	ok "and they can all be set, but for $without" "$binary" --config "$folder/$without.yaml" validate --path "$folder/compose.yaml"
done

echo "branch: mine" >"$settings"
ok "once more" stage "$1"
is "settings of one's own stay" "$(cat "$settings")" "branch: mine"
check_end
