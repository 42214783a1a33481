/*
 * config.json and the docker-credential-* programs, read as docker/cli's cli/config does it: a helper for the registry
 * comes before the store for all, and that before `auths`. The one thing to know: nothing that a helper prints is ever
 * shown, for what it prints is the secret.
 */
#include "docker/credentials.h"

#include <cjson/cJSON.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/process.h"
#include "docker/client.h"
#include "docker/image_name.h"

#define CONFIG_MAX_BYTES (1 << 20)
#define HELPER_TIMEOUT_MS 5000
#define HELPER_MAX_BYTES (64 * 1024)
#define HUB "https://index.docker.io/v1/" /* what Docker Hub is called in config.json */

struct credential {
	const char *registry;
	const char *header; /* NULL: none */
	int result;
	struct err err;
};

/* What X-Registry-Auth is made of (Engine API, "Authentication"). */
struct login {
	const char *user, *password, *identity_token, *registry_token;
};

static void json_done(cJSON **json)
{
	cJSON_Delete(*json);
}

/* --- base64, RFC 4648 --- */

static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

static int digit_of(char c)
{
	const char *at = c ? strchr(letters, c) : NULL;
	if (at)
		return (int)(at - letters);
	return c == '+' || c == '-' ? 62 : c == '/' || c == '_' ? 63 : -1;
}

/* NULL for what is no base64 of a text. */
static char *base64_decode(struct arena *a, const char *text)
{
	char *out = arena_alloc(a, strlen(text) + 1);
	unsigned bits = 0, held = 0;
	size_t n = 0;
	for (; *text && *text != '='; text++) {
		int digit = digit_of(*text);
		if (digit < 0)
			return NULL;
		held = held << 6 | (unsigned)digit;
		bits += 6;
		if (bits >= 8) {
			bits -= 8;
			out[n++] = (char)(held >> bits);
		}
	}
	return text[strspn(text, "=")] || memchr(out, 0, n) ? NULL : out;
}

/* The URL-safe alphabet, padded: what the engine decodes the header with. */
static const char *base64_url(struct arena *a, const char *text)
{
	size_t length = strlen(text), n = 0;
	char *out = arena_alloc(a, (length + 2) / 3 * 4 + 1);
	for (size_t i = 0; i < length; i += 3) {
		unsigned group = 0;
		for (size_t k = 0; k < 3; k++)
			group = group << 8 | (i + k < length ? (unsigned char)text[i + k] : 0);
		for (size_t k = 0; k < 4; k++) {
			unsigned digit = group >> (18 - 6 * k) & 63;
			out[n++] = i + k > length ? '=' : digit < 62 ? letters[digit] : digit == 62 ? '-' : '_';
		}
	}
	return out;
}

/* --- registries --- */

/* "127.0.0.1:5000" of "127.0.0.1:5000/app:1"; Docker Hub for a name without one. */
static const char *registry_of(struct arena *a, const char *image)
{
	const char *name = image_name_parse(a, image).name;
	return image_name_has_registry(name) ? arena_strndup(a, name, strcspn(name, "/")) : HUB;
}

/* "https://host:5000/v1/" -> "host:5000", as older logins wrote it. */
static const char *host_of(struct arena *a, const char *key)
{
	const char *after = strstr(key, "://");
	after = after ? after + 3 : key;
	return arena_strndup(a, after, strcspn(after, "/"));
}

/* The member for a registry: by its very name, else by the host in it. */
static const cJSON *entry_of(struct arena *a, const cJSON *object, const char *registry)
{
	const cJSON *item = json_member(object, registry);
	if (item || !cJSON_IsObject(object))
		return item;
	cJSON_ArrayForEach(item, object)
		if (strcmp(host_of(a, item->string), host_of(a, registry)) == 0)
			return item;
	return NULL;
}

/* --- helpers --- */

/* The secret comes on stdout; what else it has to say may not be mixed into it. */
static int silence(void *context)
{
	(void)context;
	int null = open("/dev/null", O_WRONLY);
	return null < 0 || dup2(null, 2) < 0;
}

static int take_helper_answer(struct arena *a, const char *program, const char *answer, struct login *out, struct err *e)
{
	CLEANUP(json_done) cJSON *json = cJSON_Parse(answer);
	const char *user = json_string(json, "Username"), *secret = json_string(json, "Secret");
	if (!user || !secret)
		return err_set(e, ERR_SETUP, "%s: its answer has no Username and Secret", program);
	if (strcmp(user, "<token>") == 0)
		out->identity_token = arena_strdup(a, secret);
	else
		*out = (struct login){.user = arena_strdup(a, user), .password = arena_strdup(a, secret)};
	return 0;
}

/* https://github.com/docker/docker-credential-helpers: the registry on stdin, JSON on stdout. */
static int ask_helper(struct arena *a, const char *name, const char *registry, struct login *out, struct err *e)
{
	const char *program = arena_printf(a, "docker-credential-%s", name);
	const char *const argv[] = {program, "get", NULL};
	struct process p = {.argv = argv, .input = registry, .timeout_ms = HELPER_TIMEOUT_MS, .in_child = silence};
	CLEANUP(buf_done) struct buf answer = BUF_INIT(HELPER_MAX_BYTES);
	int status;
	if (!*name || strchr(name, '/'))
		return err_set(e, ERR_SETUP, "'%.60s' is no name of a credential helper", name);
	if (process_run(&p, &answer, &status, e) < 0)
		return -1;
	if (status == 0)
		return take_helper_answer(a, program, answer.text, out, e);
	if (strstr(answer.text, "credentials not found"))
		return 0;
	if (status == 127)
		return err_set(e, ERR_SETUP, "%s cannot be run; is it installed, and in PATH?", program);
	return err_set(e, ERR_TRANSIENT, "%s failed with exit code %d for %s", program, status, registry);
}

/* --- config.json --- */

static int take_auth(struct arena *a, const cJSON *entry, struct login *out)
{
	const char *both = json_string(entry, "auth");
	char *decoded = both && *both ? base64_decode(a, both) : NULL, *colon = decoded ? strchr(decoded, ':') : NULL;
	out->user = arena_strdup(a, json_string(entry, "username"));
	out->password = arena_strdup(a, json_string(entry, "password"));
	out->identity_token = arena_strdup(a, json_string(entry, "identitytoken"));
	out->registry_token = arena_strdup(a, json_string(entry, "registrytoken"));
	if (!both || !*both)
		return 0;
	if (!colon)
		return -1;
	*colon = 0;
	out->user = decoded;
	out->password = colon + 1;
	return 0;
}

static int read_config(struct arena *a, const char *file, cJSON **out, struct err *e)
{
	char *text;
	*out = NULL;
	if (fs_read(file, CONFIG_MAX_BYTES, a, &text, NULL, e) < 0) {
		if (e->kind == ERR_NOT_FOUND)
			return 0;
		e->kind = ERR_SETUP;
		return -1;
	}
	*out = cJSON_Parse(text);
	if (!cJSON_IsObject(*out))
		return err_set(e, ERR_SETUP, "%s is no JSON object; mend it, or log in again", file);
	return 0;
}

static int find_login(struct arena *a, const char *folder, const char *registry, struct login *out, struct err *e)
{
	const char *file = arena_printf(a, "%s/config.json", folder);
	CLEANUP(json_done) cJSON *config = NULL;
	*out = (struct login){0};
	if (read_config(a, file, &config, e) < 0)
		return -1;
	const char *helper = cJSON_GetStringValue(entry_of(a, json_at(config, "credHelpers"), registry));
	if (!helper)
		helper = json_string(config, "credsStore");
	if (helper && *helper)
		return ask_helper(a, helper, registry, out, e) < 0 ? err_wrap(e, "%s", file) : 0;
	if (take_auth(a, entry_of(a, json_at(config, "auths"), registry), out) < 0)
		return err_set(e, ERR_SETUP, "%s: auths: the auth of %s is no base64 of user:password; log in again", file, registry);
	return 0;
}

static const char *header_of(struct arena *a, const struct login *l, const char *registry)
{
	const struct { const char *name, *value; } parts[] = {
		{"username", l->user}, {"password", l->password}, {"identitytoken", l->identity_token},
		{"registrytoken", l->registry_token}, {"serveraddress", registry},
	};
	bool is_empty = true;
	cJSON *root = cJSON_CreateObject();
	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		if (!parts[i].value || !*parts[i].value)
			continue;
		is_empty &= parts[i].value == registry;
		cJSON_AddStringToObject(root, parts[i].name, parts[i].value);
	}
	const char *text = json_text(a, root);
	return is_empty ? NULL : base64_url(a, text);
}

int credentials_find(struct credentials *c, const char *image, const char **header, struct err *e)
{
	struct login login;
	*header = NULL;
	if (!c->folder)
		return 0;
	const char *registry = registry_of(c->arena, image);
	struct credential *known = NULL;
	for (size_t i = 0; i < c->known_count && !known; i++)
		if (strcmp(c->known[i].registry, registry) == 0)
			known = &c->known[i];
	if (!known) {
		known = ARENA_PUSH(c->arena, c->known, c->known_count);
		*known = (struct credential){.registry = registry};
		known->result = find_login(c->arena, c->folder, registry, &login, &known->err);
		if (known->result == 0)
			known->header = header_of(c->arena, &login, registry);
	}
	*header = known->header;
	if (known->result < 0)
		*e = known->err;
	return known->result;
}

int credentials_for_build(struct credentials *c, const char *const *images, size_t count, const char **header, struct err *e)
{
	CLEANUP(json_done) cJSON *root = cJSON_CreateObject();
	*header = NULL;
	for (size_t i = 0; i < count; i++) {
		const char *one, *registry = registry_of(c->arena, images[i]);
		if (credentials_find(c, images[i], &one, e) < 0)
			return -1;
		if (one && !json_member(root, registry))
			cJSON_AddItemToObject(root, registry, cJSON_Parse(base64_decode(c->arena, one)));
	}
	if (root->child)
		*header = base64_url(c->arena, json_text(c->arena, cJSON_Duplicate(root, true)));
	return 0;
}
