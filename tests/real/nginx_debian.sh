#!/usr/bin/env bash
# Debian's own nginx as its package installs it: /etc/nginx with the default site, /run/nginx.pid, port 80, started as its
# unit does. In a network and a mount namespace of its own, so that nothing of this host's is touched.
set -u
[ "${1-}" = inside ] || exec unshare --net --mount --propagation private bash "$0" inside
. "$SOURCE_DIR/tests/real/nginx_room.sh"
ip link set lo up
cp -r /etc/nginx "$T/etc" && mount --bind "$T/etc" /etc/nginx && mount -t tmpfs none /run && mount -t tmpfs none /var/log/nginx ||
	fail "mount: $?"
export NGX_CONFIG=/etc/nginx/nginx.conf NGX_PID=/run/nginx.pid NGX_LISTEN=80 NGX_STATUS=9180
nginx_pids() { [[ -s /run/nginx.pid ]] && { cat /run/nginx.pid; cat "/proc/$(cat /run/nginx.pid)/task/"*/children 2>/dev/null; }; }
unit=$(sed -n 's/^ExecStart=//p' /lib/systemd/system/nginx.service)
[[ $(sed -n 's/^PIDFile=//p' /lib/systemd/system/nginx.service) == "$NGX_PID" ]] || fail "the unit has another pid file"
start() { eval "$unit" || fail "nginx does not start"; for _ in $(seq 50); do [[ -s $NGX_PID ]] && break; sleep 0.05; done; }
topology() { echo "# service shop web rollout= stable=aaaa,127.0.0.2 next="; echo "# route $1 shop web $APP / 100"; }
PORT=$APP BIND=127.0.0.2 VERSION=1 "$BIN/web" & PIDS[web]=$!

say "as the package left it"
start
ok driver prepare
refused 1 "setup: nginx does not read what is written for it: put this line into the http block of /etc/nginx/nginx.conf, or into a file that is included there (Debian: /etc/nginx/conf.d/reconcile.conf): include $T/r/live/http*.conf;" publish shop.test
line=$(publish shop.test 2>&1 | sed 's/.*reconcile.conf): //')

say "with that one line"
echo "$line" > /etc/nginx/conf.d/reconcile.conf
ok publish shop.test
[[ $(curl -s -H 'Host: shop.test' http://127.0.0.1/version) == 1 ]] || fail "the route does not answer"
curl -s http://127.0.0.1/ | grep -q 'Welcome to nginx' || fail "the default site is gone"
observed "up=1 current=1"

say "a route for any host, beside the default site"
refused 65 "invalid: nginx refuses the new configuration: [emerg] a duplicate default server for 0.0.0.0:80 in /etc/nginx/sites-enabled/default:" publish _
rm /etc/nginx/sites-enabled/default
ok publish _
[[ $(curl -s http://127.0.0.1/version) == 1 ]] || fail "the route for any host does not answer"

say "down, and back"
pids=$(nginx_pids); kill -TERM "$(cat $NGX_PID)"
for p in $pids; do for _ in $(seq 100); do kill -0 "$p" 2>/dev/null || break; sleep 0.05; done; done
observed "up=0 current=0"
refused 69 "unreachable: nginx is not running: /run/nginx.pid: No such file or directory" publish shop.test
start
[[ $(curl -s http://127.0.0.1/version) == 1 ]] || fail "it does not serve what it served, by itself"
observed "up=1 current=1"
ok publish shop.test

room_end
