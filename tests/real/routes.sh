#!/usr/bin/env bash
# Ways in against a real nginx on loopback: hosts and paths, shares between services, and servers of the user's own that
# include our locations or take the hop; under the strict client where traffic moves.
set -u
. "$SOURCE_DIR/tests/real/nginx_room.sh"
MIRROR=$(free_port) OWN=$(free_port) HOP=$(free_port)

web() { PORT=$APP BIND=127.0.0.$1 VERSION=$1 "$BIN/web" & PIDS[web$1]=$!; } # version N at 127.0.0.N
for n in 2 3 4 5; do web $n; done
PORT=$MIRROR "$BIN/mirror" & PIDS[mirror]=$!
lines() { printf '# %s\n' "$@" | driver publish; }
is() { [[ $2 == "$3" ]] || fail "$1: '$2', wanted '$3'"; }
# v HOST PATH [URL]: the version that answers, or what nginx itself answers
v() {
	local code version
	read -r code version < <(curl -s -m 5 -o /dev/null -w '%{http_code} %header{x-version}\n' -H "Host: $1" "${3:-$URL}$2")
	echo "${version:-$code}"
}
# share OUT VERSION LEAST MOST: what the strict client counted
share() {
	local n; n=$(grep -o "[=,]$2:[0-9]*" <<<"$1"); n=${n##*:}
	(( ${n:-0} >= $3 && ${n:-0} <= $4 )) || fail "version $2 got ${n:-0}, wanted $3 to $4: $1"
}
ok driver prepare
start_nginx

say "hosts and paths"
A="service shop a rollout= stable=aaaa,127.0.0.2 next=" B="service shop b rollout= stable=bbbb,127.0.0.3 next="
ok lines "$A" "$B" "route shop.test shop a $APP / 100" "route shop.test shop b $APP /api 100" "route shop.test shop a $APP /api/v2 100" \
	"route two.test shop b $APP / 100" "route *.wild.test shop b $APP / 100" "route part.test shop b $APP /api/x 100" \
	"route shop.test shop gone $APP /gone 100" "route _ shop a $APP / 100"
while read -r host path want; do is "$host$path" "$(v "$host" "$path")" "$want"; done <<-END
	shop.test / 2
	shop.test /ap 2
	shop.test /apix 2
	shop.test /api 3
	shop.test /api/ 3
	shop.test /api?q=/ 3
	shop.test /api/x 3
	shop.test /%61pi/x 3
	shop.test /api/v2 2
	shop.test /api/v2/x 2
	shop.test /api/v20 3
	shop.test /gone/x 503
	shop.test /goner 2
	two.test /api 3
	x.wild.test / 3
	x.y.wild.test / 3
	other.test / 2
	part.test /api/x 3
	part.test / 404
	part.test /api/xx 404
END

say "the Host that the application sees"
ok lines "service shop m rollout= stable=mmmm,127.0.0.1 next=" "route _ shop m $MIRROR / 100"
seen() { tr -d '\r' | sed -n "s/^$1: //ip"; }
asks() { # the request as it is
	exec 3<>"/dev/tcp/127.0.0.1/$PORT"; printf '%b' "$1" >&3; cat <&3; exec 3>&-
}
is "a port that is not the default" "$(curl -s "$URL/x" | seen Host)" "127.0.0.1:$PORT"
is "no port" "$(curl -s -H 'Host: Shop.test' "$URL/x" | seen Host)" shop.test
is "IPv6" "$(curl -s -H 'Host: [::1]:81' "$URL/x" | seen Host)" "[::1]:81"
is "IPv6 without a port" "$(curl -s -H 'Host: [::1]' "$URL/x" | seen Host)" "[::1]"
is "the host of the request line counts" "$(asks 'GET http://line.test/x HTTP/1.1\r\nHost: head.test:81\r\nConnection: close\r\n\r\n' | seen Host)" "line.test:81"
is "no Host at all" "$(asks 'GET /x HTTP/1.0\r\n\r\n' | seen Host)" _
is "who asked" "$(curl -s -H 'X-Forwarded-For: 192.0.2.1' "$URL/x" | seen X-Forwarded-For)" "192.0.2.1, 127.0.0.1"

say "a second try, where it is safe"
RETRY=$(free_port)
PORT=$RETRY BIND=127.0.0.7 "$BIN/mirror" & PIDS[drops]=$!
PORT=$RETRY BIND=127.0.0.8 VERSION=8 "$BIN/web" & PIDS[web8]=$!
# codes METHOD: what ten of them get
codes() { for _ in $(seq 10); do curl -s -o /dev/null -w '%{http_code}\n' -X "$1" "$URL/$2"; done | sort | uniq -c | awk '{ printf "%s%s:%s", (NR > 1 ? " " : ""), $2, $1 }'; }
ok lines "service shop r rollout= stable=rrrr,127.0.0.9,127.0.0.8 next=" "route _ shop r $RETRY / 100" # nobody is at 127.0.0.9
is "not connected: another one is asked" "$(codes GET version) $(codes POST echo)" "200:10 200:10"
ok lines "service shop r rollout= stable=rrrr,127.0.0.7,127.0.0.8 next=" "route _ shop r $RETRY / 100"
is "sent and not answered: GET is asked again" "$(codes GET drop)" "404:10"
[[ $(codes POST drop) == *502:* ]] || fail "sent and not answered: POST was sent twice"

say "shares between services, and a rollout in each of them"
split() { # WEIGHT OF A, WEIGHT OF B, lines of the services
	local a=$1 b=$2; shift 2
	lines "$@" "route shop.test shop a $APP / $a" "route shop.test shop b $APP / $b"
}
AN="service shop a rollout=a1 stable=aaaa,127.0.0.2 next=cccc,127.0.0.4" BN="service shop b rollout=b1 stable=bbbb,127.0.0.3 next=dddd,127.0.0.5"
ok split 90 10 "$AN" "$BN"
count() { "$BIN/strict-client" --url "$URL/" --host shop.test --requests 20000 || fail "count: $?"; }
got=$(count); say "90 to 10: $got"
share "$got" 2 17800 18200; share "$got" 3 1800 2200
ok driver weight shop a a1 500
ok driver weight shop b b1 250
got=$(count); say "50 % and 25 % of these: $got"
share "$got" 2 8700 9300; share "$got" 4 8700 9300; share "$got" 3 1360 1640; share "$got" 5 400 600
ok driver weight shop a a1 0
ok driver weight shop b b1 10
got=$(count); say "1 % of the smaller: $got"
share "$got" 5 4 45
client_start
for w in 50 20 90 33 90; do ok split $w $((100 - w)) "$AN" "$BN"; done
client_stop "shares change under load"
observed "shop/b rollout=b1 weight=10 "
ok split 90 10 "$AN" "service shop b rollout=b2 stable= next="
got=$(count); say "the smaller has nothing: $got"
is "the other takes all" "$(sed 's/.*versions=//; s/:.*//' <<<"$got") of $(grep -o , <<<"$got" | wc -l)" "2 of 0"
ok split 0 100 "$AN" "service shop b rollout=b2 stable= next="
is "who shall get nothing gets nothing" "$(v shop.test /)" 503
ok split 90 10 "service shop a rollout=a2 stable= next=" "service shop b rollout=b3 stable= next=dddd,127.0.0.5"
is "nothing but something unproven" "$(v shop.test /)" 503
ok driver weight shop b b3 1000
is "which is proven now" "$(v shop.test /)" 5

say "a server of the user's own"
own() { lines "service shop w rollout=$1 stable=aaaa,127.0.0.$2 next=${3:+cccc,127.0.0.$3}" "service shop m rollout= stable=mmmm,127.0.0.1 next=" \
	"upstream backend shop w $APP / 100" "upstream backend shop m $MIRROR /mirror 100"; }
ok own o1 2
cat > "$T/own.conf" <<CONF
server {
	listen 127.0.0.1:$OWN;
	include $T/r/live/location-backend.conf;
	location = /own { return 200 own; }
}
server {
	listen 127.0.0.1:$HOP;
	client_max_body_size 5m;
	proxy_http_version 1.1;
	proxy_set_header Host \$http_host;
	proxy_set_header X-Forwarded-For \$proxy_add_x_forwarded_for;
	proxy_set_header Upgrade \$http_upgrade;
	proxy_set_header Connection \$reconcile_connection;
	add_header X-Own yes;
	location / {
		if (-f $T/r/close) { error_page 418 = @close; return 418; }   # a reload is announced
		proxy_pass http://backend;
	}
	location @close { keepalive_timeout 0; proxy_pass http://backend; }
	location /files/ { internal; return 200 "a file of the host's"; }
}
CONF
kill -HUP "$(cat "$T/nginx.pid")"; sleep 0.5
for at in $OWN $HOP; do
	is "$at answers" "$(v own.test / "http://127.0.0.1:$at")" 2
	is "$at: the Host" "$(curl -s "http://127.0.0.1:$at/mirror" | seen Host)" "127.0.0.1:$at"
	is "$at: who asked" "$(curl -s -H 'X-Forwarded-For: 192.0.2.1' "http://127.0.0.1:$at/mirror/x" | seen X-Forwarded-For)" "192.0.2.1, 127.0.0.1"
	exec 3<>"/dev/tcp/127.0.0.1/$at"
	printf 'GET /mirror HTTP/1.1\r\nHost: a\r\nUpgrade: echo\r\nConnection: Upgrade\r\n\r\n' >&3
	line=; read -r -t 5 line <&3; is "$at: an upgrade" "$line" $'HTTP/1.1 101 Switching Protocols\r'
	while read -r -t 5 line <&3 && [[ $line != $'\r' ]]; do :; done
	printf 'over and back\n' >&3; read -r -t 5 line <&3; is "$at: bytes after it" "$line" "over and back"
	exec 3>&-
done
is "the rest of it is the user's" "$(curl -s "http://127.0.0.1:$OWN/own")" own
is "a header of the user's, once" "$(curl -si "http://127.0.0.1:$HOP/" | grep -ci '^x-own: yes')" 1
is "the application's word to nginx reaches the user's server" "$(curl -s "http://127.0.0.1:$HOP/mirror/redirect" | head -1)" "GET /mirror/redirect HTTP/1.1"$'\r'
head -c 3000000 /dev/zero > "$T/large"
is "a body as large as the user's server allows" "$(curl -s -o /dev/null -w '%{http_code}' -H 'Expect:' --data-binary "@$T/large" "http://127.0.0.1:$HOP/echo")" 200
is "a body that it does not allow" "$(cat "$T/large" "$T/large" | curl -s -o /dev/null -w '%{http_code}' -H 'Expect:' --data-binary @- "http://127.0.0.1:$HOP/echo")" 413
hop=$(grep -o '^upstream backend .*' "$T/r/live/http.conf")

say "swaps behind it"
for at in $OWN $HOP; do
	"$BIN/strict-client" --url "http://127.0.0.1:$at/" --mix >"$T/client.$at" 2>"$T/client.$at.err" & PIDS[c$at]=$!
done
from=2 to=3
for i in $(seq 8); do
	ok own "s$i" $from $to
	ok driver weight shop w "s$i" 300
	ok driver weight shop w "s$i" 1000
	ok own "t$i" $to
	read -r from to <<<"$to $from"
done
for at in $OWN $HOP; do
	kill -TERM "${PIDS[c$at]}"; wait "${PIDS[c$at]}" || fail "$at: $(cat "$T/client.$at.err")"
	unset "PIDS[c$at]"
	say "8 swaps, 16 reloads, at $([[ $at == "$OWN" ]] && echo 'the included locations' || echo 'the hop'): $(cat "$T/client.$at")"
done
is "the hop has the same address in every generation" "$(grep -o '^upstream backend .*' "$T/r/live/http.conf")" "$hop"

say "what somebody changes by hand"
observed "current=1"
echo '# by hand' >> "$T/r/live/location-backend.conf"
observed "current=0"; observed "drift=location-backend.conf was changed by hand"
ok own t8 $from; observed "current=1"; observed "drift=-"
rm "$T/r/live/location-backend.conf"
observed "drift=location-backend.conf is gone"
ok own t8 $from; observed "current=1"
echo '# by hand' >> "$T/r/live/http.conf"
observed "drift=http.conf was changed by hand"
ok own t8 $from; observed "current=1"
rm "$T/r/live/http.conf"
observed "drift=http.conf is gone"
ok own t8 $from; observed "current=1"
ok own t9 $from $to
ok driver weight shop w t9 300
rm "$T/r/live"
observed "current=0"; observed "drift=its link 'live' is gone"
observed "shop/w rollout=t9 weight=300 " # what runs is still known: from nginx's own answer
ok own t9 $from $to
observed "current=1"; observed "shop/w rollout=t9 weight=300 "
rm "$T/r/live"; mkdir "$T/r/live"; touch "$T/r/live/http.conf"
observed "drift=its link 'live' is gone"
ok own t9 $from $to; observed "current=1"
mv "$T/r/generations" "$T/aside"
observed "drift=its link 'live' is gone"
ok own t9 $from $to; observed "current=1"

say "the user's server needs what is taken away"
refused 65 "invalid: nginx refuses the new configuration: [emerg] " lines "$A"
is "nothing was lost" "$(v own.test / "http://127.0.0.1:$OWN")" "$from"

room_end
