#!/usr/bin/env bash
# Installs the Debian 12 packages that the build, the quick start, or the tests need. As root; installs only what is
# missing, and asks the archive for its lists only then.
#
#   packages.sh build    compiler, CMake and the four libraries
#   packages.sh run      that, and Docker, nginx and git: what the quick start runs
#   packages.sh test     that, and what the tests start or call
#
# Nothing that is installed here starts a daemon: tests start their own. Daemons that run already are left alone.
set -euo pipefail

build=(build-essential cmake ninja-build pkg-config libgit2-dev libyaml-dev libcurl4-openssl-dev libcjson-dev)
run=("${build[@]}" docker.io iptables iproute2 util-linux nginx-light git procps)
test=("${run[@]}" clang fcgiwrap systemd curl ca-certificates openssl openssh-client openssh-server docker-registry
	libnginx-mod-stream prometheus)

case ${1:-} in
build) wanted=("${build[@]}") ;;
run) wanted=("${run[@]}") ;;
test) wanted=("${test[@]}") ;;
*)
	echo "usage: ${0##*/} build|run|test" >&2
	exit 64
	;;
esac

is_installed() {
	[ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

missing=()
for package in "${wanted[@]}"; do
	# Any nginx, any dockerd will do: ours would push out the one that somebody chose.
	case $package in
	nginx-light) if [ -x /usr/sbin/nginx ]; then continue; fi ;;
	libnginx-mod-stream) if /usr/sbin/nginx -V 2>&1 | grep -q -- '--with-stream '; then continue; fi ;;
	docker.io) if [ -x /usr/sbin/dockerd ] || [ -x /usr/bin/dockerd ]; then continue; fi ;;
	esac
	is_installed "$package" || missing+=("$package")
done
[ ${#missing[@]} -gt 0 ] || exit 0

echo "packages: installing ${missing[*]}"
if [ "$(id -u)" != 0 ]; then
	echo "packages: must be root to install them" >&2
	exit 1
fi

# While packages are installed, invoke-rc.d is told "no" (101). What stood there before comes back, whatever happens;
# after a kill -9 the next run puts it back: the mark says which file is ours.
policy=/usr/sbin/policy-rc.d
saved=$policy.reconcile-saved
mark='# reconcile: no daemon starts while packages are installed'
restore() {
	if grep -qsxF "$mark" "$policy"; then rm -f "$policy"; fi
	if [ -e "$saved" ] || [ -L "$saved" ]; then mv "$saved" "$policy"; fi
}
trap restore EXIT
trap 'exit 1' INT TERM HUP
restore
if [ -e "$policy" ] || [ -L "$policy" ]; then mv "$policy" "$saved"; fi
printf '#!/bin/sh\n%s\nexit 101\n' "$mark" >"$policy"
chmod 755 "$policy"

export DEBIAN_FRONTEND=noninteractive
apt-get update -q </dev/null
apt-get install -q -y --no-install-recommends \
	-o Dpkg::Options::=--force-confold -o DPkg::Lock::Timeout=300 "${missing[@]}" </dev/null
