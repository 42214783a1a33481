/*
 * Talking to a remote. The one thing to know: libgit2 asks us twice, who we are and whether the server is whom we mean,
 * and takes any refusal for the same error; so the callbacks keep their own words.
 */
#include "desired/git_remote.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <git2.h>

#include "base/arena.h"
#include "base/fs.h"
#include "desired/git_library.h"
#include "desired/ssh_keys.h"

#define KEY_FILE_MAX ((size_t)64 * 1024)
#define KNOWN_HOSTS_MAX ((size_t)4 * 1024 * 1024)
#define BRANCHES_TOLD 5

/* --- who we are --- */

static int refuse(struct git_talk *t, enum err_kind kind, const char *fmt, ...) PRINTF_LIKE(3, 4);

static int refuse(struct git_talk *t, enum err_kind kind, const char *fmt, ...)
{
	char said[900];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(said, sizeof said, fmt, ap);
	va_end(ap);
	err_set(&t->refused, kind, "%s", said);
	return GIT_EAUTH;
}

static const char *user_of(const struct git_talk *t)
{
	return t->s->user ? t->s->user : "git";
}

static int offer_token(git_credential **out, struct git_talk *t, const char *url)
{
	size_t authority = strcspn(t->names->url + 8, "/") + 8;
	if (!t->names->token[0])
		return refuse(t, ERR_DENIED, "the server %s", t->names->secret[0]
		              ? "refused the user and the password in the URL"
		              : "wants a user and a password: set git.user and git.token_file");
	if (t->offers++ > 0)
		return refuse(t, ERR_DENIED, "the server refused the token in %s for the user %s", t->s->token_file, user_of(t));
	/* A redirect to another server gets nothing from us. */
	if (strncmp(url, t->names->url, authority) != 0 && !t->names->secret[0])
		return refuse(t, ERR_DENIED, "it sends us on to another server, which wants a password; it gets none");
	return git_credential_userpass_plaintext_new(out, user_of(t), t->names->token);
}

/* What is wrong with the key by itself. 0: nothing that we can see. */
static int refuse_key(struct git_talk *t)
{
	CLEANUP(arena_done) struct arena a = {0};
	struct err e;
	char *text;
	const char *file = t->s->key_file;
	if (fs_read(file, KEY_FILE_MAX, &a, &text, NULL, &e) < 0)
		return refuse(t, e.kind, "git.key_file: %s", e.message);
	const char *flaw = private_key_flaw(text);
	return flaw ? refuse(t, ERR_DENIED, "git.key_file: %s %s", file, flaw) : 0;
}

static int offer_key(git_credential **out, struct git_talk *t, const char *user)
{
	if (!t->s->key_file)
		return refuse(t, ERR_DENIED, "the server wants a key: set git.key_file to a private key without a passphrase");
	if (!user)
		user = user_of(t);
	if (t->offers++ > 0 && refuse_key(t) == 0)
		return refuse(t, ERR_DENIED, "the server refused the key in %s for the user %s; is its public half known there?",
		              t->s->key_file, user);
	if (t->offers > 1)
		return GIT_EAUTH;
	return git_credential_ssh_key_new(out, user, NULL, t->s->key_file, "");
}

static int give_credentials(git_credential **out, const char *url, const char *user, unsigned allowed, void *payload)
{
	struct git_talk *t = payload;
	if (allowed & GIT_CREDENTIAL_USERNAME)
		return git_credential_username_new(out, user_of(t));
	if (allowed & GIT_CREDENTIAL_SSH_KEY)
		return offer_key(out, t, user);
	if (allowed & GIT_CREDENTIAL_USERPASS_PLAINTEXT && !t->names->is_ssh)
		return offer_token(out, t, url);
	return refuse(t, ERR_DENIED, "the server takes neither a %s", t->names->is_ssh ? "key" : "user with a password");
}

/* --- whom we trust --- */

static const char *const key_types[] = {
	[GIT_CERT_SSH_RAW_TYPE_RSA] = "ssh-rsa", [GIT_CERT_SSH_RAW_TYPE_DSS] = "ssh-dss",
	[GIT_CERT_SSH_RAW_TYPE_KEY_ECDSA_256] = "ecdsa-sha2-nistp256",
	[GIT_CERT_SSH_RAW_TYPE_KEY_ECDSA_384] = "ecdsa-sha2-nistp384",
	[GIT_CERT_SSH_RAW_TYPE_KEY_ECDSA_521] = "ecdsa-sha2-nistp521", [GIT_CERT_SSH_RAW_TYPE_KEY_ED25519] = "ssh-ed25519",
};

static int check_host_key(struct git_talk *t, const git_cert_hostkey *key)
{
	CLEANUP(arena_done) struct arena a = {0};
	struct err e;
	char *text = arena_strdup(&a, ""), print[64];
	const char *file = t->s->known_hosts, *host = t->names->host;
	bool is_typed = key->type & GIT_CERT_SSH_RAW && (size_t)key->raw_type < ARRAY_LEN(key_types) && key_types[key->raw_type];
	if (!is_typed || !(key->type & GIT_CERT_SSH_SHA256))
		return refuse(t, ERR_DENIED, "%s shows a key of a type that is not known here", host);
	const char *type = key_types[key->raw_type];
	if (!file)
		return refuse(t, ERR_DENIED, "git.known_hosts is not set: nobody says which key %s has", host);
	if (fs_read(file, KNOWN_HOSTS_MAX, &a, &text, NULL, &e) < 0 && e.kind != ERR_NOT_FOUND)
		return refuse(t, e.kind, "git.known_hosts: %s", e.message);
	base64_bare(key->hash_sha256, sizeof key->hash_sha256, print);
	switch (known_host(text, host, t->names->port, type, key->hostkey, key->hostkey_len)) {
	case KNOWN_HOST_SAME: return 0;
	case KNOWN_HOST_WRONG:
		return refuse(t, ERR_DENIED, "%s shows another %s key than %s has for it: SHA256:%s. Either it was changed there, or "
		              "somebody stands in between; if it was changed, put the new one in place of the old", host, type, file,
		              print);
	case KNOWN_HOST_NEVER: case KNOWN_HOST_OTHER: break;
	}
	return refuse(t, ERR_DENIED, "%s has no %s key of %s, which shows SHA256:%s. Compare that with what its owner says, then "
	              "add it: ssh-keyscan -p %d %s >> %s", file, type, host, print, t->names->port, host, file);
}

static int check_certificate(git_cert *cert, int valid, const char *host, void *payload)
{
	struct git_talk *t = payload;
	(void)host;
	if (cert->cert_type == GIT_CERT_HOSTKEY_LIBSSH2)
		return check_host_key(t, (const git_cert_hostkey *)(const void *)cert);
	if (valid)
		return 0;
	if (t->s->ca_file)
		return refuse(t, ERR_DENIED, "the server's certificate is not for this name, has ended, or is not signed by anyone in %s",
		              t->s->ca_file);
	return refuse(t, ERR_DENIED, "the server's certificate is not for this name, has ended, or is not signed by anyone whom "
	              "this host trusts; for a private authority set git.ca_file");
}

/* --- what it says --- */

/* The remote's own words decide: there is no better source for "may I" and "is it there". */
static int remote_error(const struct git_talk *t, struct err *e, int rc)
{
	static const struct { const char *words; enum err_kind kind; } rows[] = {
		{"status code: 401", ERR_DENIED}, {"status code: 403", ERR_DENIED}, {"authentication", ERR_DENIED},
		{"status code: 404", ERR_NOT_FOUND},
	};
	enum err_kind kind = rc == GIT_EAUTH || rc == GIT_ECERTIFICATE ? ERR_DENIED
	                     : rc == GIT_ENOTFOUND                     ? ERR_NOT_FOUND
	                                                               : ERR_TRANSIENT;
	if (t->refused.kind != ERR_NONE) {
		*e = t->refused;
		return -1;
	}
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (strstr(git_said(), rows[i].words))
			kind = rows[i].kind;
	return err_set(e, kind, "%s", git_said());
}

int git_talk_not_there(struct git_talk *t, struct err *e)
{
	const git_remote_head **heads;
	char list[512] = "";
	size_t branches = 0, used = 0, count = 0;
	if (git_remote_ls(&heads, &count, t->remote) < 0)
		count = 0;
	for (size_t i = 0; i < count; i++) {
		if (strncmp(heads[i]->name, "refs/heads/", 11) != 0 || branches++ >= BRANCHES_TOLD)
			continue;
		used += (size_t)snprintf(list + used, sizeof list - used, "%s%.80s", used ? ", " : "", heads[i]->name + 11);
	}
	if (branches == 0)
		return err_set(e, ERR_NOT_FOUND, "the repository has no branch yet");
	if (branches > BRANCHES_TOLD)
		snprintf(list + used, sizeof list - used, " and %zu more", branches - BRANCHES_TOLD);
	if (t->s->rev)
		return err_set(e, ERR_NOT_FOUND, "no branch, tag or commit '%.200s'; its branches: %s", t->s->rev, list);
	if (!t->s->branch)
		return err_set(e, ERR_NOT_FOUND, "its HEAD is on a branch that does not exist; its branches: %s", list);
	return err_set(e, ERR_NOT_FOUND, "no branch or tag '%.200s'; its branches: %s", t->s->branch, list);
}

static const git_remote_head *find_head(const git_remote_head **heads, size_t count, const char *prefix, const char *name,
                                        const char *suffix)
{
	char full[1024];
	if (snprintf(full, sizeof full, "%s%s%s", prefix, name, suffix) >= (int)sizeof full)
		return NULL;
	for (size_t i = 0; i < count; i++)
		if (strcmp(heads[i]->name, full) == 0)
			return heads[i];
	return NULL;
}

int git_talk_begin(struct git_talk *t, struct git_repository *repo, struct err *e)
{
	git_remote_callbacks callbacks = GIT_REMOTE_CALLBACKS_INIT;
	git_proxy_options proxy = GIT_PROXY_OPTIONS_INIT;
	callbacks.credentials = give_credentials;
	callbacks.certificate_check = check_certificate;
	callbacks.payload = t;
	proxy.type = GIT_PROXY_AUTO;
	if (t->s->ca_file && git_libgit2_opts(GIT_OPT_SET_SSL_CERT_LOCATIONS, t->s->ca_file, NULL) < 0)
		return err_set(e, ERR_DENIED, "git.ca_file: %s: %s", t->s->ca_file, git_said());
	int rc = repo ? git_remote_create_anonymous(&t->remote, repo, t->s->url) : git_remote_create_detached(&t->remote, t->s->url);
	if (rc < 0)
		return err_set(e, ERR_INVALID, "%s", git_said());
	rc = git_remote_connect(t->remote, GIT_DIRECTION_FETCH, &callbacks, &proxy, NULL);
	/* A key that libssh2 cannot read is not offered to the server at all. */
	if (rc < 0 && t->names->is_ssh && t->offers && t->refused.kind == ERR_NONE)
		refuse_key(t);
	return rc < 0 ? remote_error(t, e, rc) : 0;
}

int git_talk_find(struct git_talk *t, struct git_found *out, struct err *e)
{
	/* A tag that has a message is an object of its own; what it stands for is listed beside it, with "^{}". */
	static const struct { const char *prefix, *suffix; } places[] = {{"refs/heads/", ""}, {"refs/tags/", "^{}"}, {"refs/tags/", ""}};
	const git_remote_head **heads, *head = NULL;
	const char *name = t->s->rev ? t->s->rev : t->s->branch;
	size_t count = 0;
	int rc = git_remote_ls(&heads, &count, t->remote);
	if (rc < 0)
		return remote_error(t, e, rc);
	*out = (struct git_found){.name = ""};
	if (!name || (t->s->rev && strcmp(name, "HEAD") == 0)) {
		head = find_head(heads, count, "", "HEAD", "");
		snprintf(out->name, sizeof out->name, "HEAD");
	}
	for (size_t i = 0; name && !head && i < ARRAY_LEN(places); i++) {
		head = find_head(heads, count, places[i].prefix, name, places[i].suffix);
		if (head)
			snprintf(out->name, sizeof out->name, "%s%s", places[i].prefix, name);
	}
	if (!head && t->s->rev && git_is_hex(name))
		return 0;
	if (!head)
		return git_talk_not_there(t, e);
	git_oid_tostr(out->id, sizeof out->id, &head->oid);
	return 0;
}

int git_talk_download(struct git_talk *t, const struct git_found *found, struct err *e)
{
	char one[2064], heads[] = "+refs/heads/*:refs/heads/*", tags[] = "+refs/tags/*:refs/tags/*", *refspecs[] = {one, tags};
	git_fetch_options how = GIT_FETCH_OPTIONS_INIT;
	how.prune = GIT_FETCH_NO_PRUNE;
	how.update_fetchhead = 0;
	how.download_tags = GIT_REMOTE_DOWNLOAD_TAGS_NONE;
	how.proxy_opts.type = GIT_PROXY_AUTO;
	how.callbacks.credentials = give_credentials;
	how.callbacks.certificate_check = check_certificate;
	how.callbacks.payload = t;
	t->offers = 0;
	snprintf(one, sizeof one, "+%s:%s", found->name, t->names->ref);
	if (!found->id[0])
		refspecs[0] = heads;
	/* Only objects come: no ref is moved here. */
	int rc = git_remote_download(t->remote, &(git_strarray){.strings = refspecs, .count = found->id[0] ? 1 : 2}, &how);
	return rc < 0 ? remote_error(t, e, rc) : 0;
}

void git_talk_done(struct git_talk *t)
{
	git_remote_free(t->remote);
	t->remote = NULL;
}
