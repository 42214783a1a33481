/* What a URL, a branch and a path are called. */
#include "desired/git_names.h"

#include <stdio.h>
#include <string.h>

#include "base/fs.h"
#include "base/sha256.h"

static const char *const schemes[] = {"file://", "http://", "https://", "ssh://"};

static int bad_url(struct err *e)
{
	/* Not said back: what stands in front of an '@' there may be a password. */
	return err_set(e, ERR_INVALID, "git: the URL must begin with file://, http://, https:// or ssh://, or be like "
	                               "git@host:path");
}

/* "host:port", "[::1]:port" or "host" of an ssh URL, up to `end`. */
static int read_host(struct git_names *n, const char *start, const char *end, bool has_port, struct err *e)
{
	const char *stop = end, *colon = NULL;
	if (*start == '[') {
		stop = memchr(start, ']', (size_t)(end - start));
		if (!stop)
			return bad_url(e);
		start++;
		colon = stop + 1 < end ? stop + 1 : NULL;
	} else if (has_port) {
		colon = memchr(start, ':', (size_t)(end - start));
		stop = colon ? colon : end;
	}
	n->port = 22;
	if (colon && sscanf(colon, ":%5d", &n->port) != 1)
		return bad_url(e);
	if (stop == start || stop - start >= (ptrdiff_t)sizeof n->host || *start == '-')
		return bad_url(e);
	snprintf(n->host, sizeof n->host, "%.*s", (int)(stop - start), start);
	return 0;
}

/* user@host:path, as scp has it. */
static int read_short(const struct git_settings *s, struct git_names *n, struct err *e)
{
	const char *at = strchr(s->url, '@'), *colon = at ? strchr(at, ':') : NULL;
	if (!colon || strcspn(s->url, ":/") < (size_t)(at - s->url) || memchr(at, '/', (size_t)(colon - at)))
		return bad_url(e);
	n->is_ssh = true;
	snprintf(n->url, sizeof n->url, "%s", s->url);
	return read_host(n, at + 1, colon, false, e);
}

static int read_url(const struct git_settings *s, struct git_names *n, struct err *e)
{
	const char *rest = NULL, *scheme = NULL;
	if (!s->url)
		return bad_url(e);
	if (strlen(s->url) >= sizeof n->url)
		return err_set(e, ERR_INVALID, "git: the URL is too long");
	for (size_t i = 0; i < ARRAY_LEN(schemes); i++)
		if (strncmp(s->url, schemes[i], strlen(schemes[i])) == 0) {
			scheme = schemes[i];
			rest = s->url + strlen(schemes[i]);
		}
	if (!rest)
		return read_short(s, n, e);
	const char *end = rest + strcspn(rest, "/"), *at = memrchr(rest, '@', (size_t)(end - rest));
	const char *start = at ? at + 1 : rest;
	if (strcmp(scheme, "ssh://") == 0) {
		if (at && memchr(rest, ':', (size_t)(at - rest)))
			return err_set(e, ERR_INVALID, "git: a password in an ssh URL is not supported; use git.key_file");
		n->is_ssh = true;
		snprintf(n->url, sizeof n->url, "%s", s->url);
		return read_host(n, start, end, true, e);
	}
	size_t secret = at ? (size_t)(at - rest) : 0;
	if (secret >= sizeof n->secret)
		return err_set(e, ERR_INVALID, "git: the URL is too long");
	snprintf(n->secret, sizeof n->secret, "%.*s", (int)secret, rest);
	snprintf(n->url, sizeof n->url, "%.*s%s", (int)(rest - s->url), s->url, start);
	return 0;
}

int git_names_of(const struct git_settings *s, struct git_names *n, struct err *e)
{
	char hex[SHA256_HEX_SIZE], both[sizeof n->url + sizeof n->ref];
	*n = (struct git_names){.url = ""};
	if (read_url(s, n, e) < 0)
		return -1;
	int length = snprintf(both, sizeof both, "%s\n%s%s", n->url, s->rev ? "rev\n" : "",
	                      s->rev ? s->rev : s->branch ? s->branch : "HEAD");
	if (length >= (int)sizeof both)
		return err_set(e, ERR_INVALID, "git: the name of the branch or commit is too long");
	sha256_hex(both, strlen(both), hex);
	snprintf(n->key, sizeof n->key, "%.16s", hex);
	if (s->rev)
		length = snprintf(n->ref, sizeof n->ref, "refs/reconcile/%s/rev", n->key);
	else if (s->branch)
		length = snprintf(n->ref, sizeof n->ref, "refs/reconcile/%s/heads/%s", n->key, s->branch);
	else
		length = snprintf(n->ref, sizeof n->ref, "refs/reconcile/%s/HEAD", n->key);
	if (length >= (int)sizeof n->ref)
		return err_set(e, ERR_INVALID, "git: the name of the branch is too long");
	return 0;
}

int git_names_token(const struct git_settings *s, struct git_names *n, struct err *e)
{
	CLEANUP(arena_done) struct arena a = {0};
	char *text;
	if (!s->token_file || n->is_ssh || strncmp(s->url, "http", 4) != 0)
		return 0;
	if (fs_read(s->token_file, sizeof n->token - 1, &a, &text, NULL, e) < 0)
		return err_wrap(e, "git.token_file");
	text[strcspn(text, "\r\n")] = 0;
	if (!*text)
		return err_set(e, ERR_DENIED, "git.token_file: %s: is empty; its first line must be the token", s->token_file);
	snprintf(n->token, sizeof n->token, "%s", text);
	return 0;
}

static void hide(const char *secret, struct err *e)
{
	size_t length = strlen(secret);
	/* All stars already: looking for them again would never end. */
	if (length == strspn(secret, "*"))
		return;
	for (char *p; (p = strstr(e->message, secret));)
		memset(p, '*', length);
}

void git_names_hide(const struct git_names *n, struct err *e)
{
	hide(n->secret, e);
	hide(n->token, e);
}

bool git_is_hex(const char *text)
{
	size_t length = strlen(text);
	return length >= 4 && length <= 40 && strspn(text, "0123456789abcdefABCDEF") == length;
}

int git_plain_path(const char *path, char *out, size_t size, struct err *e)
{
	size_t used = 0;
	out[0] = 0;
	for (const char *p = path; *p; p += strspn(p, "/")) {
		size_t n = strcspn(p, "/");
		if (n == 2 && memcmp(p, "..", 2) == 0)
			return err_set(e, ERR_INVALID, "git: '%s': '..' leads out of the repository", path);
		if (n > 0 && !(n == 1 && *p == '.')) {
			if (used + n + 2 > size)
				return err_set(e, ERR_INVALID, "git: '%s': the path is too long", path);
			used += (size_t)snprintf(out + used, size - used, "%s%.*s", used ? "/" : "", (int)n, p);
		}
		p += n;
	}
	return 0;
}
