#!/usr/bin/env bash
# The installed tool under a real systemd: the timer deploys what is pushed, the daemon does, is killed, comes back, is
# told of wrong settings, and stops. systemd is the first process of a container, with this machine's own /usr below what
# `cmake --install` puts there, a real nginx started by its own unit, and the Docker engine of the test.
set -u
. "$SOURCE_DIR/tests/lib/check.sh"
. "$SOURCE_DIR/tests/lib/host.sh"

HOST=$(mktemp -d /tmp/rec-systemd-XXXXXX)
clean_up() {
	docker rm -f systemd >/dev/null 2>&1
	umount "$HOST/usr" 2>/dev/null
	dockerd_stop "$HOST/docker"
	rm -rf "$HOST"
}
trap clean_up EXIT
trap 'exit 1' INT TERM HUP
unset http_proxy https_proxy HTTP_PROXY HTTPS_PROXY "${!RECONCILE_@}"
chmod 755 "$HOST"
export HOME=$HOST GIT_CONFIG_NOSYSTEM=1
mkdir -p "$HOST"/{app,root,usr,work,tree}
cp "$BUILD_DIR/tests/real/web" "$HOST/app/web" && dockerd_start "$HOST/docker" || exit 1

# ---- The machine ----
ok "it installs" env DESTDIR="$HOST/root" cmake --install "$BUILD_DIR" >/dev/null
# What the container writes below /usr lands in our own layer.
mount -t overlay overlay -o "lowerdir=/usr,upperdir=$HOST/root/usr,workdir=$HOST/work" "$HOST/usr" || exit 1
tree=$HOST/tree
mkdir -p "$tree"/{dev,proc,sys,run,tmp,root,srv,var/{lib,log/nginx,cache,tmp},usr,etc/{systemd/system,nginx}}
for folder in bin sbin lib lib32 lib64 libx32; do ln -s "usr/$folder" "$tree/$folder"; done
ln -s /run "$tree/var/run"
cp -a /etc/{passwd,group,nsswitch.conf,ld.so.cache,ld.so.conf,ld.so.conf.d} "$tree/etc/"
[ -e /etc/alternatives ] && cp -a /etc/alternatives "$tree/etc/"
cp -a "$HOST/root/etc/reconcile" "$tree/etc/"
ln -s /usr/lib/systemd/system/multi-user.target "$tree/etc/systemd/system/default.target"
echo sysd >"$tree/etc/hostname"
: >"$tree/etc/machine-id"
mkdir -p "$tree/var/lib/nginx"
cat >"$tree/etc/nginx/nginx.conf" <<-END
	user www-data;
	worker_processes 1;
	pid /run/nginx.pid;
	error_log /var/log/nginx/error.log;
	events { worker_connections 64; }
	http {
		access_log off;
		include /var/lib/reconcile/nginx/live/http*.conf;
	}
END
settings=$tree/etc/reconcile/reconcile.yaml
cat >>"$settings" <<-END
	repo: file:///srv/shop.git
	interval: 1s
END
mkdir -p "$tree/etc/systemd/system/reconcile.timer.d"
printf '[Timer]\nOnActiveSec=\nOnUnitInactiveSec=\nOnActiveSec=0\nOnUnitInactiveSec=1s\n' >"$tree/etc/systemd/system/reconcile.timer.d/fast.conf"
tar -C "$tree" -c . | docker import -c 'CMD ["/lib/systemd/systemd"]' -c 'ENV container=docker' - systemd:1 >/dev/null || exit 1

for v in 1 2 3 4; do host_image "shop/web:$v" "VERSION=$v"; done
shop=$HOST/shop
git init -q --bare -b main "$HOST/shop.git" && git init -q -b main "$shop" || exit 1
g() { git -C "$shop" -c user.name=t -c user.email=t@example.com "$@"; }
push() { # VERSION
	cat >"$shop/compose.yaml" <<-END
		name: shop
		services:
		  web:
		    image: shop/web:$1
		    stop_grace_period: 1s
		    x-reconcile:
		      strategy: blue-green
		      ready: {http: {port: 8080, path: /health}, within: 20s, for: 100ms}
		      hold: 200ms
		      keep_old: 0s
		      drain_timeout: 1s
		x-reconcile: {routes: [{host: shop.test, to: "web:8080"}]}
	END
	g add . && g commit -qm "version $1" && g push -q "$HOST/shop.git" HEAD:main
}

docker run -d --name systemd --network host --stop-signal SIGRTMIN+3 --cap-add SYS_ADMIN --cap-add SYS_PTRACE \
	--security-opt seccomp=unconfined --tmpfs /run --tmpfs /run/lock --tmpfs /tmp -v /sys/fs/cgroup:/sys/fs/cgroup:ro \
	-v "$HOST/usr:/usr" -v "$HOST/docker/docker.sock:/run/docker.sock" -v "$HOST/shop.git:/srv/shop.git" \
	systemd:1 >/dev/null || exit 1
in_it() { docker exec systemd "$@"; }
ctl() { in_it systemctl "$@" 2>&1; }
show() { ctl show -P "$2" "$1"; }
version() { in_netns curl -s -m 5 -H "Host: shop.test" http://127.0.0.1/version; }
# until_is WHAT WANTED COMMAND...: asked until it says so; a minute is for ever
until_is() {
	local what=$1 wanted=$2 got i
	shift 2
	for ((i = 0; i < 300; i++)); do
		got=$("$@")
		[ "$got" = "$wanted" ] && break
		sleep 0.2
	done
	is "$what" "$got" "$wanted"
	[ "$got" = "$wanted" ] || in_it journalctl --no-pager -n 40 -o cat >&2
}

until_is "systemd is up" active ctl is-active multi-user.target
ctl start nginx.service
is "nginx is up" "$(ctl is-active nginx.service)" active

say "the timer"
push 1
ctl enable --now reconcile.timer >/dev/null
is "the timer waits" "$(ctl is-active reconcile.timer)" active
until_is "the timer deploys the first commit" 1 version
push 2
until_is "the timer deploys what is pushed" 2 version
until_is "a run that is over is well" success show reconcile.service Result

say "another run holds the lock"
in_it sh -c 'flock /run/reconcile/lock sleep 3600 & echo $! >/run/holder' >/dev/null
until_is "a run beside it ends with 75" 75 show reconcile.service ExecMainStatus
is "which is no failure" "$(show reconcile.service Result)" success
is "and the timer goes on" "$(ctl is-active reconcile.timer)" active
hasnt "with nothing failed" "$(ctl --failed --plain --no-legend)" reconcile
in_it pkill -P "$(in_it cat /run/holder)"
until_is "until it is gone" 0 show reconcile.service ExecMainStatus

say "the daemon"
ctl start reconciled.service
is "it is up when it is ready" "$(ctl is-active reconciled.service)" active
is "and the timer has given way" "$(ctl is-active reconcile.timer)" inactive
until_is "it says where it stands" "No changes." show reconciled.service StatusText
push 3
until_is "it deploys what is pushed" 3 version
pid=$(show reconciled.service MainPID)
in_it kill -KILL "$pid"
until_is "it comes back after kill -9" 1 show reconciled.service NRestarts
until_is "it is up again" active ctl is-active reconciled.service
push 4
until_is "and goes on" 4 version
pid=$(show reconciled.service MainPID)

say "settings"
in_it sh -c 'cp /etc/reconcile/reconcile.yaml /run/good; echo "intervall: 1s" >>/etc/reconcile/reconcile.yaml'
ctl reload reconciled.service
said() { in_it journalctl --no-pager -o cat -u reconciled.service | grep -o "$1" | tail -n 1; }
until_is "wrong settings are said" "did you mean 'interval'?; the settings from before stay in force" said "did you mean 'interval'?; .*"
is "and the process stays" "$(show reconciled.service MainPID) $(ctl is-active reconciled.service)" "$pid active"
ctl stop reconciled.service
is "it stops well" "$(show reconciled.service Result) $(ctl is-active reconciled.service)" "success inactive"
ctl start reconciled.service >/dev/null
until_is "with wrong settings it does not start, and is not started again" "65 failed" \
	sh -c 'docker exec systemd systemctl show -P ActiveState -P ExecMainStatus reconciled.service | tr "\n" " " | sed "s/ $//"'
in_it cp /run/good /etc/reconcile/reconcile.yaml
is "what it deployed is still there" "$(version)" 4

for unit in reconcile reconciled; do
	echo "exposure of $unit.service: $(in_it systemd-analyze security --no-pager "$unit.service" | sed -n 's/.*Overall exposure level for [^:]*: *//p')"
done
check_end
