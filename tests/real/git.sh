#!/usr/bin/env bash
# desired/git against real Git servers, over smart HTTP, TLS and SSH: fetch, follow, pin, credentials, whom we trust, a
# server that dies or says nothing.
set -euo pipefail
. "$SOURCE_DIR/tests/lib/gitserver.sh"

top=$(mktemp -d /tmp/reconcile-real-git-XXXXXX)
mirror=$top/state/mirror
port=$((20000 + $$ % 20000))
netns=git$$
url=http://127.0.0.1:$port
driver=$BUILD_DIR/tests/git-driver
failed=0
export HOME=$top TMPDIR=$top GIT_CONFIG_NOSYSTEM=1
export GIT_AUTHOR_NAME=t GIT_AUTHOR_EMAIL=t@example.com GIT_COMMITTER_NAME=t GIT_COMMITTER_EMAIL=t@example.com
unset http_proxy https_proxy HTTP_PROXY HTTPS_PROXY

end() {
	gitserver_stop
	[ ! -e "/run/netns/$netns" ] || ip netns del "$netns"
	rm -rf "$top"
}
trap end EXIT

check() { # WHAT GOT WANTED
	if [ "$2" == "$3" ]; then
		echo "ok: $1"
	else
		printf 'FAILED: %s\n  got    "%s"\n  wanted "%s"\n' "$1" "$2" "$3"
		failed=$((failed + 1))
	fi
}
# What the driver says, and its exit code.
drive() {
	local out code=0
	out=$("$driver" "$@" 2>&1) || code=$?
	echo "$out [$code]"
}
commit() { # TEXT
	echo "$1" >"$top/work/compose.yaml"
	git -C "$top/work" add .
	git -C "$top/work" commit -qm "$1"
	git -C "$top/work" push -qf "$top/repos/shop.git" HEAD:main
	head=$(git -C "$top/work" rev-parse HEAD)
}
requests() { grep -c . "$GITSERVER_WORK/access.log"; }
tree_hash() { (cd "$mirror" && { find . -printf '%p %m %s %T@\n' | sort; find . -type f -print0 | sort -z | xargs -0 sha256sum; } | sha256sum); }

mkdir -p "$top/repos" "$top/work"
git init -q --bare -b main "$top/repos/shop.git"
git init -q -b main "$top/work"
seq 3000 >"$top/work/ballast"
commit one
gitserver_start "$top/repos" "$port"

check "the first sync" "$(drive sync $url/shop.git main "$mirror" compose.yaml)" "$head one
one [0]"
before=$(requests)
check "nothing moved" "$(drive sync $url/shop.git main "$mirror")" "$head one [0]"
check "... costs one request" $(($(requests) - before)) 1
check "the default branch" "$(drive sync $url/shop.git - "$mirror")" "$head one [0]"

old=$head
commit two
hash=$(tree_hash)
check "a peek sees the new commit" "$(drive peek $url/shop.git main "$mirror" compose.yaml)" "$head two
two [0]"
check "... and leaves the mirror alone" "$(tree_hash)" "$hash"
check "... and nothing behind" "$(ls "$top" | grep -c peek || true)" 0
check "the last commit is the old one" "$(drive last $url/shop.git main "$mirror")" "$old one [0]"
check "a sync follows" "$(drive sync $url/shop.git main "$mirror" compose.yaml)" "$head two
two [0]"
check "what is fetched is sound" "$(git -C "$mirror" fsck --full 2>&1 | grep -Ev 'notice|dangling' || true)" ""
git -C "$top/work" reset -q --hard HEAD~
commit forced
two=$(git -C "$mirror" for-each-ref --format='%(objectname)' 'refs/reconcile/*/heads/main')
hash=$(tree_hash)
refused="conflict: $url/shop.git: force-pushed: commit ${head:0:8} does not contain ${two:0:8}, where it was before, and \
git.force_push is refuse; to accept it, run once with RECONCILE_GIT_FORCE_PUSH=follow [1]"
check "a force-push is refused when asked to" "$(GIT_REFUSE=1 drive sync $url/shop.git main "$mirror" compose.yaml)" "$refused"
check "... the last commit stays" "$(drive last $url/shop.git main "$mirror")" "$two two [0]"
check "... it stays refused" "$(GIT_REFUSE=1 drive sync $url/shop.git main "$mirror" compose.yaml)" "$refused"
check "... also when only peeked at" "$(GIT_REFUSE=1 drive peek $url/shop.git main "$mirror" compose.yaml)" "$refused"
check "a force-push is told in a peek" "$(drive peek $url/shop.git main "$mirror")" "$head forced forced from $two [0]"
check "a force-push is followed" "$(drive sync $url/shop.git main "$mirror" compose.yaml)" "$head forced forced from $two
forced [0]"
check "... and told once" "$(drive sync $url/shop.git main "$mirror")" "$head forced [0]"

# One pinned: a branch, a tag, a commit or its first digits; of another branch too.
git -C "$top/work" tag light HEAD~ # nobody has written a message
git -C "$top/work" tag -a -m 'a tag with a message' heavy HEAD~
git -C "$top/work" branch -q side
git -C "$top/work" checkout -q side
echo side >"$top/work/compose.yaml"
git -C "$top/work" commit -qam side
side=$(git -C "$top/work" rev-parse HEAD)
git -C "$top/work" checkout -q -
git -C "$top/work" push -q "$top/repos/shop.git" light heavy side
one=$(git -C "$top/work" rev-parse HEAD~)
for rev in light heavy "$one" "${one:0:7}"; do
	check "a peek at $rev" "$(GIT_REV=$rev drive peek $url/shop.git main "$mirror" compose.yaml)" "$one one
one [0]"
	check "pinned to $rev" "$(GIT_REV=$rev drive sync $url/shop.git main "$mirror" compose.yaml)" "$one one
one [0]"
done
check "a commit of a branch that was never fetched" "$(GIT_REV=${side:0:9} drive peek $url/shop.git main "$mirror" compose.yaml)" \
	"$side side
side [0]"
check "... and pinned" "$(GIT_REV=$side drive sync $url/shop.git main "$mirror" compose.yaml)" "$side side
side [0]"
check "the branch is where it was" "$(drive last $url/shop.git main "$mirror")" "$head forced [0]"
check "the branch may be a tag" "$(drive sync $url/shop.git heavy "$mirror" compose.yaml)" "$one one
one [0]"
check "no such commit" "$(GIT_REV=0123abc drive sync $url/shop.git main "$mirror")" \
	"not found: $url/shop.git: no branch, tag or commit '0123abc'; its branches: main, side [1]"
check "no such tag" "$(GIT_REV=v9 drive peek $url/shop.git main "$mirror")" \
	"not found: $url/shop.git: no branch, tag or commit 'v9'; its branches: main, side [1]"
check "no way to count back" "$(GIT_REV=HEAD~1 drive sync $url/shop.git main "$mirror")" \
	"invalid: git: 'HEAD~1' is no name of a branch, tag or commit [65]"

check "no such branch" "$(drive sync $url/shop.git nope "$mirror")" \
	"not found: $url/shop.git: no branch or tag 'nope'; its branches: main, side [1]"
check "no such repository" "$(drive sync $url/other.git main "$mirror")" \
	"not found: $url/other.git: unexpected http status code: 404 [1]"
check "no credentials" "$(drive sync $url/private/shop.git main "$mirror")" \
	"denied: $url/private/shop.git: the server wants a user and a password: set git.user and git.token_file [1]"
check "wrong credentials" "$(drive sync http://joe:wrong@127.0.0.1:$port/private/shop.git main "$mirror")" \
	"denied: $url/private/shop.git: the server refused the user and the password in the URL [1]"
check "right credentials" "$(drive sync http://joe:secret@127.0.0.1:$port/private/shop.git main "$mirror")" "$head forced [0]"
check "... are not kept" "$(grep -r secret "$top/state" | wc -l)" 0
check "forbidden" "$(drive sync $url/forbidden/shop.git main "$mirror")" \
	"denied: $url/forbidden/shop.git: unexpected http status code: 403 [1]"
check "an error of the server" "$(drive sync $url/broken/shop.git main "$mirror")" \
	"transient: $url/broken/shop.git: unexpected http status code: 503 [75]"

# A token in a file, over TLS with a private authority.
tls=https://localhost:$((port + 1))
untrusted="the server's certificate is not for this name, has ended, or is not signed by anyone"
echo secret >"$top/token"
echo wrong-token >"$top/wrong"
: >"$top/empty"
cp "$GITSERVER_WORK/ca.pem" "$top/ca.pem"
export GIT_USER_NAME=joe GIT_TOKEN=$top/token
check "an authority that nobody knows" "$(drive sync $tls/private/shop.git main "$mirror")" \
	"denied: $tls/private/shop.git: $untrusted whom this host trusts; for a private authority set git.ca_file [1]"
check "no such file of authorities" "$(GIT_CA=$top/none drive sync $tls/private/shop.git main "$mirror" | cut -d: -f1-4)" \
	"denied: $tls/private/shop.git"
export GIT_CA=$top/ca.pem
check "another name than in the certificate" "$(drive sync https://127.0.0.1:$((port + 1))/private/shop.git main "$mirror")" \
	"denied: https://127.0.0.1:$((port + 1))/private/shop.git: $untrusted in $GIT_CA [1]"
check "a token over TLS" "$(drive sync $tls/private/shop.git main "$mirror" compose.yaml)" "$head forced
forced [0]"
check "... and over HTTP" "$(drive sync $url/private/shop.git main "$mirror")" "$head forced [0]"
check "... is not kept" "$(grep -r secret "$top/state" | wc -l)" 0
commit with-a-token
check "... fetches, too" "$(drive sync $tls/private/shop.git main "$mirror" compose.yaml)" "$head with-a-token
with-a-token [0]"
check "a wrong token" "$(GIT_TOKEN=$top/wrong drive sync $tls/private/shop.git main "$mirror")" \
	"denied: $tls/private/shop.git: the server refused the token in $top/wrong for the user joe [1]"
check "... the last commit stays" "$(drive last $tls/private/shop.git main "$mirror")" "$head with-a-token [0]"
check "no token in the file" "$(GIT_TOKEN=$top/empty drive sync $tls/private/shop.git main "$mirror")" \
	"denied: git.token_file: $top/empty: is empty; its first line must be the token [1]"
check "no such token file" "$(GIT_TOKEN=$top/none drive sync $tls/private/shop.git main "$mirror")" \
	"not found: git.token_file: $top/none: No such file or directory [1]"
check "a redirect gets no token" "$(drive sync $url/elsewhere/shop.git main "$mirror")" \
	"denied: $url/elsewhere/shop.git: it sends us on to another server, which wants a password; it gets none [1]"
check "... nor does the log of the server hold one" "$(grep -c ' joe ' "$GITSERVER_WORK/access.log" | grep -c '^0$' || true)" 0
unset GIT_USER_NAME GIT_TOKEN GIT_CA

# SSH: whom we trust, and who we are.
sshdir=$top/ssh
mkdir "$sshdir"
gitserver_ssh "$sshdir" $((port + 2))
for type in ed25519 rsa; do ssh-keygen -q -t $type -N '' -f "$top/key_$type"; done
ssh-keygen -q -t ed25519 -N 'a passphrase' -f "$top/key_locked"
ssh-keygen -q -t ed25519 -N '' -f "$top/key_other"
cat "$top"/key_{ed25519,rsa,locked}.pub >"$sshdir/authorized_keys"
ssh=ssh://root@127.0.0.1:$((port + 2))$top/repos/shop.git
known=$top/known_hosts
print_of() { ssh-keygen -lf "$sshdir/host_$1.pub" | cut -d' ' -f2; }
# Which of the two the library chooses is its own affair.
unknown() { # FILE: what is said of a server that is not in it
	local type
	for type in ssh-ed25519:ed25519 ecdsa-sha2-nistp256:ecdsa; do
		echo "denied: $ssh: $1 has no ${type%:*} key of 127.0.0.1, which shows $(print_of ${type#*:}). Compare that with what" \
			"its owner says, then add it: ssh-keyscan -p $((port + 2)) 127.0.0.1 >> $1 [1]"
	done
}
export GIT_KEY=$top/key_ed25519 GIT_KNOWN=$known
check "no list of known hosts" "$(unknown "$known" | grep -cxF "$(drive sync $ssh main "$mirror")")" 1
sed "s/^/127.0.0.1 /" "$sshdir"/host_*.pub >"$known"
check "a key known for another port" "$(unknown "$known" | grep -cxF "$(drive sync $ssh main "$mirror")")" 1
ssh-keyscan -p $((port + 2)) 127.0.0.1 >"$known" 2>/dev/null
check "a key over SSH" "$(drive sync $ssh main "$mirror" compose.yaml)" "$head with-a-token
with-a-token [0]"
commit by-ssh
check "... peeks" "$(drive peek $ssh main "$mirror" compose.yaml)" "$head by-ssh
by-ssh [0]"
check "... and fetches" "$(drive sync $ssh main "$mirror" compose.yaml)" "$head by-ssh
by-ssh [0]"
ssh-keygen -q -t ed25519 -N '' -f "$top/liar_ed25519"
ssh-keygen -q -t ecdsa -N '' -f "$top/liar_ecdsa"
sed "s/^/[127.0.0.1]:$((port + 2)) /" "$top"/liar_*.pub >"$top/lies"
check "another key than the known one" "$(GIT_KNOWN=$top/lies drive sync $ssh main "$mirror" |
	sed -E 's/(ssh-ed25519|ecdsa-sha2-nistp256) key/TYPE key/; s/SHA256:[^.]*/SHA256:X/')" \
	"denied: $ssh: 127.0.0.1 shows another TYPE key than $top/lies has for it: SHA256:X. Either it was changed there, or \
somebody stands in between; if it was changed, put the new one in place of the old [1]"
check "a key that nobody knows there" "$(GIT_KEY=$top/key_other drive sync $ssh main "$mirror")" \
	"denied: $ssh: the server refused the key in $top/key_other for the user root; is its public half known there? [1]"
check "an RSA key" "$(GIT_KEY=$top/key_rsa drive sync $ssh main "$mirror")" \
	"denied: $ssh: git.key_file: $top/key_rsa is an RSA key, which this libgit2 cannot use with today's servers; make another \
one with ssh-keygen -t ed25519 -N '' [1]"
check "a key with a passphrase" "$(GIT_KEY=$top/key_locked drive sync $ssh main "$mirror")" \
	"denied: $ssh: git.key_file: $top/key_locked has a passphrase, which nobody is here to type; make one without, with \
ssh-keygen -t ed25519 -N '' [1]"
check "no such key" "$(GIT_KEY=$top/none drive sync $ssh main "$mirror")" \
	"not found: $ssh: git.key_file: $top/none: No such file or directory [1]"
check "no key" "$(env -u GIT_KEY "$driver" sync $ssh main "$mirror" 2>&1 || true)" \
	"denied: $ssh: the server wants a key: set git.key_file to a private key without a passphrase"
check "the last commit stays" "$(drive last $ssh main "$mirror")" "$head by-ssh [0]"
# user@host:path knows no port but 22, so in a network of its own.
ip netns add "$netns"
nsenter --net="/run/netns/$netns" ip link set lo up
mkdir "$top/ssh22"
cp "$sshdir/authorized_keys" "$top/ssh22"
gitserver_ssh "$top/ssh22" 22 nsenter --net="/run/netns/$netns"
nsenter --net="/run/netns/$netns" ssh-keyscan 127.0.0.1 >"$known" 2>/dev/null
check "user@host:path" "$(nsenter --net="/run/netns/$netns" "$driver" sync "root@127.0.0.1:$top/repos/shop.git" main "$mirror")" \
	"$head by-ssh"
unset GIT_KEY GIT_KNOWN
drive sync $url/shop.git main "$mirror" >/dev/null

# The server's back end dies, then all of it: the last commit stays readable.
truncate -s 100 "$mirror"/objects/pack/*.pack
kill -KILL -- "-${GITSERVER_PIDS[0]}"
check "a server without its back end" "$(drive sync $url/shop.git main "$mirror")" \
	"transient: $url/shop.git: unexpected http status code: 502 [75]"
gitserver_stop
gitserver_start "$top/repos" "$port"
check "a damaged mirror is made anew" "$(drive sync $url/shop.git main "$mirror" compose.yaml)" "$head by-ssh
by-ssh [0]"
check "... and has no packs of before" "$(ls "$mirror"/objects/pack/*.pack | wc -l)" 1
gitserver_stop
check "a server that is away" "$(drive sync $url/shop.git main "$mirror" | sed 's/: Connection.*\[/ [/')" \
	"transient: $url/shop.git: failed to connect to 127.0.0.1 [75]"
check "... the last commit is still there" "$(drive last $url/shop.git main "$mirror" compose.yaml)" "$head by-ssh
by-ssh [0]"

# Stopped, nginx still has its port: the kernel takes connections and nobody ever says a word.
gitserver_start "$top/repos" "$port"
kill -STOP -- "-${GITSERVER_PIDS[1]}"
start=$(date +%s%N)
check "a silent server" "$(GIT_MS=700 drive sync $url/shop.git main "$mirror")" \
	"transient: $url/shop.git: git: no answer within 700 ms [75]"
check "... is bounded" $((($(date +%s%N) - start) / 1000000 < 3000)) 1
check "a silent server, peeked at" "$(GIT_MS=700 drive peek $url/shop.git main "$mirror")" \
	"transient: $url/shop.git: git: no answer within 700 ms [75]"
check "... leaves no process behind" "$(pgrep -fc "$driver" || true)" 0
check "... nor a folder" "$(ls "$top" | grep -c peek || true)" 0
kill -CONT -- "-${GITSERVER_PIDS[1]}"
check "and when it speaks again" "$(drive sync $url/shop.git main "$mirror")" "$head by-ssh [0]"

echo
if [ "$failed" != 0 ]; then
	echo "$failed checks failed"
	exit 1
fi
echo "all checks passed"
