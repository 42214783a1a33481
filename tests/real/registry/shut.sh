# A registry that wants to know who asks.
for v in 1 2 3; do
	host_image "127.0.0.1:5001/shut:$v" "VERSION=$v"
	docker --config "$HOST/pusher" push -q "127.0.0.1:5001/shut:$v" >/dev/null || exit 1
	docker rmi "127.0.0.1:5001/shut:$v" >/dev/null
done
login() { # PASSWORD
	mkdir -p "$LOGINS"
	printf '{"auths": {"127.0.0.1:5001": {"auth": "%s"}}}' "$(printf 'user:%s' "$1" | base64 -w0)" >"$LOGINS/config.json"
}

manifest shut 127.0.0.1:5001/shut:1
secret_tool --path "$HOST/shut"
is "shut: without credentials" "$CODE" 1
has "shut: without credentials: why" "$OUT" "no basic auth credentials"
login 's3cret pass'
deploy "shut: with credentials" "1 0 0" --path "$HOST/shut"
EVERYTHING+=$PLAN$OUT$LOG
is "shut: version 1 answers" "$(version shut.test)" 1

manifest shut 127.0.0.1:5001/shut:2
login 'wr0ng pass'
before=$(ids shut)
secret_tool --path "$HOST/shut"
is "shut: wrong credentials are a verdict" "$CODE $(ids shut)" "3 $before"
has "shut: wrong credentials: why" "$OUT" "unauthorized: authentication required"
login 's3cret pass'
secret_tool retry shut/web
secret_tool --path "$HOST/shut"
is "shut: after a retry with the right ones" "$CODE $(version shut.test)" "0 2"

# A file that is broken: told where it is needed, and only there.
echo '{"auths": {"127.0.0.1:5001": {"auth": "s3cret' >"$LOGINS/config.json"
no_changes "shut: a broken config.json that nobody needs" --path "$HOST/shut"
manifest shut 127.0.0.1:5001/shut:3
before=$(ids shut)
secret_tool --path "$HOST/shut"
is "shut: a broken config.json: exit code" "$CODE $(ids shut)" "1 $before"
has "shut: a broken config.json: what to do" "$OUT" "$LOGINS/config.json is no JSON object; mend it, or log in again"
is "shut: a broken config.json is asked for once in a run" "$(grep -c 'config.json' <<<"$LOG")" 1

# It is mended: nothing was quarantined. By a helper this time.
mkdir -p "$HOST/bin"
cat >"$HOST/bin/docker-credential-test" <<-'END'
	#!/bin/sh
	read -r registry
	[ "$1 $registry" = "get 127.0.0.1:5001" ] || { echo "credentials not found in native keychain"; exit 1; }
	echo '{"ServerURL":"127.0.0.1:5001","Username":"user","Secret":"s3cret pass"}'
END
chmod 755 "$HOST/bin/docker-credential-test"
echo '{"credHelpers": {"127.0.0.1:5001": "test"}}' >"$LOGINS/config.json"
PATH=$HOST/bin:$PATH secret_tool --path "$HOST/shut"
is "shut: a helper" "$CODE $(version shut.test)" "0 3"

hasnt "shut: the password is nowhere" "$EVERYTHING$(cat "$HOST_STATE"/notes/*)" "s3cret"
hasnt "shut: nor as base64" "$EVERYTHING$(cat "$HOST_STATE"/notes/*)" "$(printf 'user:s3cret pass' | base64 -w0)"
