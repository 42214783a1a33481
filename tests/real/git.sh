#!/usr/bin/env bash
# desired/git against a real Git server over smart HTTP: fetch, follow, credentials, a server that dies or says nothing.
set -euo pipefail
. "$SOURCE_DIR/tests/lib/gitserver.sh"

top=$(mktemp -d /tmp/reconcile-real-git-XXXXXX)
mirror=$top/state/mirror
port=$((20000 + $$ % 20000))
url=http://127.0.0.1:$port
driver=$BUILD_DIR/tests/git-driver
failed=0
export HOME=$top TMPDIR=$top GIT_CONFIG_NOSYSTEM=1
export GIT_AUTHOR_NAME=t GIT_AUTHOR_EMAIL=t@example.com GIT_COMMITTER_NAME=t GIT_COMMITTER_EMAIL=t@example.com
unset http_proxy https_proxy HTTP_PROXY HTTPS_PROXY

end() {
	gitserver_stop
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
check "a force-push is followed" "$(drive sync $url/shop.git main "$mirror" compose.yaml)" "$head forced
forced [0]"

check "no such branch" "$(drive sync $url/shop.git nope "$mirror")" \
	"not found: $url/shop.git: no branch 'nope'; it has: main [1]"
check "no such repository" "$(drive sync $url/other.git main "$mirror")" \
	"not found: $url/other.git: unexpected http status code: 404 [1]"
check "no credentials" "$(drive sync $url/private/shop.git main "$mirror")" \
	"denied: $url/private/shop.git: the server wants a user and a password, or refused those in the URL [1]"
check "wrong credentials" "$(drive sync http://joe:wrong@127.0.0.1:$port/private/shop.git main "$mirror")" \
	"denied: $url/private/shop.git: the server wants a user and a password, or refused those in the URL [1]"
check "right credentials" "$(drive sync http://joe:secret@127.0.0.1:$port/private/shop.git main "$mirror")" "$head forced [0]"
check "... are not kept" "$(grep -r secret "$top/state" | wc -l)" 0
check "forbidden" "$(drive sync $url/forbidden/shop.git main "$mirror")" \
	"denied: $url/forbidden/shop.git: unexpected http status code: 403 [1]"
check "an error of the server" "$(drive sync $url/broken/shop.git main "$mirror")" \
	"transient: $url/broken/shop.git: unexpected http status code: 503 [75]"

# The server's back end dies, then all of it: the last commit stays readable.
truncate -s 100 "$mirror"/objects/pack/*.pack
kill -KILL -- "-${GITSERVER_PIDS[0]}"
check "a server without its back end" "$(drive sync $url/shop.git main "$mirror")" \
	"transient: $url/shop.git: unexpected http status code: 502 [75]"
gitserver_stop
gitserver_start "$top/repos" "$port"
check "a damaged mirror is made anew" "$(drive sync $url/shop.git main "$mirror" compose.yaml)" "$head forced
forced [0]"
check "... and has no packs of before" "$(ls "$mirror"/objects/pack/*.pack | wc -l)" 1
gitserver_stop
check "a server that is away" "$(drive sync $url/shop.git main "$mirror" | sed 's/: Connection.*\[/ [/')" \
	"transient: $url/shop.git: failed to connect to 127.0.0.1 [75]"
check "... the last commit is still there" "$(drive last $url/shop.git main "$mirror" compose.yaml)" "$head forced
forced [0]"

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
check "and when it speaks again" "$(drive sync $url/shop.git main "$mirror")" "$head forced [0]"

echo
if [ "$failed" != 0 ]; then
	echo "$failed checks failed"
	exit 1
fi
echo "all checks passed"
