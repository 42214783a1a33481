#!/usr/bin/env bash
# Who gets what, against a real nginx on loopback: shares between services and between revisions over 100,000 requests, the
# keys by which a client keeps its side while a share grows, and testers who ask for one.
set -u
. "$SOURCE_DIR/tests/real/nginx_room.sh"
OWN=$(free_port) HOP=$(free_port)

# The version says which side it is: a and b are services, A and B their next revisions.
web() { PORT=$APP BIND=127.0.0.$1 VERSION=$2 "$BIN/web" & PIDS[web$1]=$!; }
web 2 a; web 3 a; web 4 a; web 5 A; web 6 b; web 7 B; web 8 B
S1="service shop a rollout=a1 stable=aaaa,127.0.0.2,127.0.0.3,127.0.0.4 next=cccc,127.0.0.5"
S2="service shop b rollout=b1 stable=bbbb,127.0.0.6 next=dddd,127.0.0.7,127.0.0.8"
lines() { printf '# %s\n' "$@" | driver publish; }
# routes SHARE-OF-A [WORDS]
routes() {
	local b=$((100 - $1))
	lines "$S1" "$S2" "route shop.test shop a $APP / $1${2:+ $2}" "route shop.test shop b $APP / $b${2:+ $2}"
}
weights() { ok driver weight shop a a1 "$1"; ok driver weight shop b b1 "$2"; }
is() { [[ $2 == "$3" ]] || fail "$1: '$2', wanted '$3'"; }
# near WHAT GOT OF PERCENT [POINTS]: so many percent, give or take half of one
near() {
	awk -v got="$2" -v of="$3" -v want="$4" -v most="${5:-0.5}" 'BEGIN { d = 100 * got / of - want; exit !(d <= most && d >= -most) }' ||
		fail "$1: $2 of $3, wanted $4 % give or take ${5:-0.5}"
}
# count VERSIONS: how many of the answers are of them
count() { grep -c "^[$1]$" <<<"$got"; }
reloads() { grep -c ' (SIGHUP) received from .*, reconfiguring' "$T/error.log"; }
# ask OPTION...: one request for each line of stdin, in which % stands for it in the options; "LINE VERSION COOKIE" for each
ask() {
	local line option
	while read -r line; do
		printf 'url = "%s"\noutput = "/dev/null"\nmax-time = 5\nwrite-out = "%s %%header{x-version} %%header{set-cookie}\\n"\n' "${ASK_URL:-$URL/}" "$line"
		for option; do printf '%s\n' "${option//%/$line}"; done
		printf 'header = "Host: shop.test"\nnext\n'
	done | sed '$d' | curl -s -K -
}
picked() { awk -v v="$2" '$2 ~ v { print $1 }' <<<"$1" | sort; }
# inside WHAT ONE OTHER: all lines of one are in the other
inside() { local out; out=$(comm -23 <(echo "$2") <(echo "$3") | grep -c .); is "$1: left it" "$out" 0; }
export NGX_ANNOUNCE=20 # nobody waits for it here
ok driver prepare
start_nginx

say "at random"
ok routes 90
before=$(reloads)
weights 50 5
half() { curl -s -o /dev/null -w '%header{x-version}\n' -H 'Host: shop.test' "$URL/?$1[1-50000]"; }
got=$(half a > "$T/half" & half b; wait; cat "$T/half")
say "90 to 10 between services, 5 % and 0.5 % between their revisions, of 3, 1, 1 and 2 instances: $(sort <<<"$got" | uniq -c | tr -s ' \n' ' ')"
is "reloads for weights" "$(reloads)" "$before"
is "requests" "$(count aAbB)" 100000
near "services" "$(count aA)" 100000 90
near "a, stable" "$(count a)" 100000 85.5; near "a, next" "$(count A)" 100000 4.5
# With one draw for both, none of these five buckets would be in the tenth that b has.
near "independent, revisions of b" "$(count B)" "$(count bB)" 0.5 0.4

# keeps WHAT CLIENTS OPTION...: who is in stays in, and falls out again the way it came
keeps() {
	local what=$1 clients=$2 small large back; shift 2
	local of; of=$(wc -l <<<"$clients")
	weights 50 50; small=$(ask "$@" <<<"$clients")
	is "$what: the same again" "$(picked "$(ask "$@" <<<"$clients")" '[AB]')" "$(picked "$small" '[AB]')"
	weights 250 250; large=$(ask "$@" <<<"$clients")
	weights 50 50; back=$(ask "$@" <<<"$clients")
	inside "$what: 5 % in 25 %" "$(picked "$small" '[AB]')" "$(picked "$large" '[AB]')"
	is "$what: back at 5 %" "$(picked "$back" '[AB]')" "$(picked "$small" '[AB]')"
	is "$what: the service" "$(picked "$large" '[aA]')" "$(picked "$small" '[aA]')"
	local n5 n25 na; n5=$(picked "$small" '[AB]' | grep -c .) n25=$(picked "$large" '[AB]' | grep -c .) na=$(picked "$large" '[aA]' | grep -c .)
	say "$what: of $of clients $n5 are in at 5 %, $n25 at 25 %, all of the first among them; $na have service a of 70 %"
	near "$what: 5 %" "$n5" "$of" 5 2; near "$what: 25 %" "$n25" "$of" 25 4; near "$what: a" "$na" "$of" 70 5
}

say "by a key"
before=$(reloads)
ok routes 70 split=header:X-User
keeps "a header" "$(seq 1000)" 'header = "X-User: user-%"'
weights 500 500
both=$(seq 1000 | ask 'header = "X-User: user-%"')
for v in a:35 A:35 b:15 B:15; do near "each with each, ${v%:*}" "$(picked "$both" "${v%:*}" | grep -c .)" 1000 "${v#*:}" 3; done
few=$(seq 200 | ask 'header = "Host: shop.test"')
near "without the header at random" "$(picked "$few" '[AB]' | grep -c .)" 200 50 20
is "and no cookie" "$(awk 'NF > 2' <<<"$few" | grep -c .)" 0
ok routes 70 split=address
keeps "an address" "$(for i in $(seq 400); do echo "127.$((i % 7 + 1)).$((i / 250)).$((i % 250 + 1))"; done)" 'interface = "%"'
ok routes 70 split=cookie:ab
is "reloads" "$(reloads)" $((before + 3))
keeps "a cookie" "$(seq 300)" 'cookie = "ab=user-%"'

say "a cookie of ours"
weights 50 50
first=$(seq 300 | ask)
is "each gets one, as it should be" "$(grep -cE '^[0-9]+ [aAbB] ab=[0-9a-f]{5}; Path=/; Max-Age=31536000; HttpOnly; SameSite=Lax$' <<<"$first")" 300
# With the cookie that it got: "COOKIE VERSION", as at first and as it is now
cookies() { awk '{ sub(/^ab=/, "", $3); sub(/;$/, "", $3); print $3, $2 }' <<<"$1" | sort -u; }
given=$(cookies "$first")
again=$(cut -d' ' -f1 <<<"$given" | ask 'cookie = "x=1; ab=%; y=2"')
is "the first answer counts" "$(awk '{ print $1, $2 }' <<<"$again" | sort -u)" "$given"
is "it is set once" "$(awk 'NF > 2' <<<"$again" | grep -c .)" 0
weights 250 250
inside "5 % in 25 %" "$(picked "$again" '[AB]')" "$(picked "$(cut -d' ' -f1 <<<"$given" | ask 'cookie = "ab=%"')" '[AB]')"
touch "$T/r/close"
first=$(seq 100 | ask)
rm "$T/r/close"
given=$(cookies "$first")
is "also while a reload is announced" "$(cut -d' ' -f1 <<<"$given" | ask 'cookie = "ab=%"' | awk '{ print $1, $2 }' | sort -u)" "$given"
is "nothing of a client's stands anywhere" "$(ask 'cookie = "ab=../../x\"; b"' <<<1 | awk '$2 ~ /^[aAbB]$/ && NF == 2' | grep -c .)" 1
ok lines "service shop a rollout= stable=aaaa,127.0.0.2 next=" "route shop.test shop a $APP / 100 split=cookie:ab"
is "none where nothing is drawn" "$(ask <<<1)" "1 a "

say "testers"
v() { ask "$@" <<<1 | cut -d' ' -f2; }
ALWAYS='header = "X-Canary: always"' NEVER='header = "X-Canary: never"'
ok routes 100 "split=address testers=header:X-Canary"
# at WEIGHT ALWAYS NEVER
at() { ok driver weight shop a a1 "$1"; is "always at $1" "$(v "$ALWAYS")" "$2"; is "never at $1" "$(v "$NEVER")" "$3"; }
at 0 a a
at testers A a
is "who does not ask, where testers have it" "$(seq 200 | ask | cut -d' ' -f2 | sort -u)" a
at 0 a a
at 1 A a
is "who does not ask" "$(seq 40 | ask | cut -d' ' -f2 | sort -u)" a
is "another word" "$(v 'header = "X-Canary: yes"')" a
at 999 A a
at 1000 A A
at 0 a a
ok routes 100 "testers=cookie:canary"
ok driver weight shop a a1 1
is "by a cookie" "$(v 'cookie = "canary=always"') $(v 'cookie = "canary=never"')" "A a"
ok lines "service shop a rollout=a2 stable=aaaa,127.0.0.2 next=" "route shop.test shop a $APP / 100 testers=header:X-Canary"
is "without a next revision" "$(v "$ALWAYS")" a

say "behind a server of the user's own"
ok lines "$S1" "$S2" "upstream backend shop a $APP / 50 split=cookie:ab testers=header:X-Canary" \
	"upstream backend shop b $APP / 50 split=cookie:ab testers=header:X-Canary"
cat > "$T/own.conf" <<CONF
server { listen 127.0.0.1:$OWN; add_header X-Own yes; include $T/r/live/location-backend.conf; }
server { listen 127.0.0.1:$HOP; add_header X-Own yes; location / { proxy_pass http://backend; } }
CONF
kill -HUP "$(cat "$T/nginx.pid")"; sleep 0.5
weights 250 250
for at in $OWN $HOP; do
	ASK_URL=http://127.0.0.1:$at/
	first=$(seq 150 | ask)
	given=$(cookies "$first")
	again=$(cut -d' ' -f1 <<<"$given" | ask 'cookie = "ab=%"')
	is "$at: the first answer counts" "$(awk '{ print $1, $2 }' <<<"$again" | sort -u)" "$given"
	is "$at: asked for" "$(seq 50 | ask "$ALWAYS" | cut -d' ' -f2 | sort -u | tr -d '\n') $(seq 50 | ask "$NEVER" | cut -d' ' -f2 | sort -u | tr -d '\n')" "AB ab"
	is "$at: the user's own headers" "$(curl -si "$ASK_URL" | grep -ci '^x-own: yes')" 1
	ways=${ways:+$ways }$(cut -d' ' -f1 <<<"$given" | head -100 | sort >"$T/some"; ASK_URL=http://127.0.0.1:$OWN/ ask 'cookie = "ab=%"' <"$T/some" | cut -d' ' -f1,2 | cksum)
	ways="$ways $(ASK_URL=http://127.0.0.1:$HOP/ ask 'cookie = "ab=%"' <"$T/some" | cut -d' ' -f1,2 | cksum)"
done
is "both ways agree" "$(awk '{ print $1 == $3, $5 == $7 }' <<<"$ways")" "1 1"
unset ASK_URL
rm "$T/own.conf"

say "another key under load"
unset NGX_ANNOUNCE
ok routes 90
client_start
for key in address header:X-User cookie:ab; do ok routes 90 "split=$key testers=cookie:canary"; weights 300 300; done
client_stop "three keys"
is "our log names the rollouts" "$(cut -d';' -f2 "$T/r/requests.log" | sort -u | grep -c '^shop/[ab]/[ab]1$')" 2

room_end
