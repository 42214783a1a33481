/* What a URL, a branch and a path are called. */
#include "desired/git_names.h"

#include <stdio.h>
#include <string.h>

#include "base/sha256.h"

static const char *const schemes[] = {"file://", "http://", "https://"};

int git_names_of(const struct git_settings *s, struct git_names *n, struct err *e)
{
	const char *rest = NULL;
	char hex[SHA256_HEX_SIZE], both[sizeof n->url + sizeof n->ref];
	for (size_t i = 0; i < ARRAY_LEN(schemes); i++)
		if (s->url && strncmp(s->url, schemes[i], strlen(schemes[i])) == 0)
			rest = s->url + strlen(schemes[i]);
	if (!rest) /* not said back: what stands in front of an '@' there may be a password */
		return err_set(e, ERR_INVALID, "git: the URL must begin with file://, http:// or https://");
	size_t authority = strcspn(rest, "/");
	const char *at = memrchr(rest, '@', authority);
	size_t secret = at ? (size_t)(at - rest) : 0;
	if (secret >= sizeof n->secret || strlen(s->url) >= sizeof n->url)
		return err_set(e, ERR_INVALID, "git: the URL is too long");
	snprintf(n->secret, sizeof n->secret, "%.*s", (int)secret, rest);
	snprintf(n->url, sizeof n->url, "%.*s%s", (int)(rest - s->url), s->url, at ? at + 1 : rest);
	snprintf(both, sizeof both, "%s\n%s", n->url, s->branch ? s->branch : "HEAD");
	sha256_hex(both, strlen(both), hex);
	snprintf(n->key, sizeof n->key, "%.16s", hex);
	int length = s->branch ? snprintf(n->ref, sizeof n->ref, "refs/reconcile/%s/heads/%s", n->key, s->branch)
	                       : snprintf(n->ref, sizeof n->ref, "refs/reconcile/%s/HEAD", n->key);
	if (length >= (int)sizeof n->ref)
		return err_set(e, ERR_INVALID, "git: the name of the branch is too long");
	return 0;
}

void git_names_hide(const struct git_names *n, struct err *e)
{
	size_t length = strlen(n->secret);
	/* All stars already: looking for them again would never end. */
	if (length == strspn(n->secret, "*"))
		return;
	for (char *p; (p = strstr(e->message, n->secret));)
		memset(p, '*', length);
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
