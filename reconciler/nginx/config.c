/*
 * The frame of http.conf: the comment lines at its top carry the topology, so that what is installed can be read back
 * without parsing nginx's language; the id is the hash of the whole text with the id's own places blanked. The one thing
 * to know: names were validated long before, and are checked here again; what could end a word of nginx's language or
 * climb out of a folder is left out of the text.
 */
#include <arpa/inet.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/sha256.h"
#include "nginx/internal.h"

#define LOG_LINE "# log "
#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
/* What stands before the id. A blank, '#' and '"' occur in no name, so no name can look like these. */
static const char *const id_places[] = {"\n# generation ", "location = /generation { return 200 \""};

/* --- what may stand in the text --- */

static bool only(const char *s, const char *allowed)
{
	return s && *s && strlen(s) < 256 && strspn(s, allowed) == strlen(s);
}

bool config_is_name(const char *s)
{
	return only(s, LETTERS "._-") && s[0] != '.';
}

bool config_is_rollout(const char *s)
{
	return only(s, "abcdefghijklmnopqrstuvwxyz0123456789");
}

/* Without dots, which all upstreams of our own have. */
static bool is_upstream(const char *s)
{
	return only(s, LETTERS "_-") && strchr("0123456789_-", *s) == NULL;
}

static bool is_host(const char *s)
{
	return only(s, LETTERS "._*-");
}

/* "/", or segments of harmless letters with one '/' before each of them. */
static bool is_path(const char *s)
{
	if (!only(s, LETTERS "._~/-") || *s != '/')
		return false;
	for (const char *at = s; s[1] && at; at = strchr(at + 1, '/')) {
		size_t length = strcspn(at + 1, "/");
		if (length == 0 || (at[1] == '.' && (length == 1 || (length == 2 && at[2] == '.'))))
			return false;
	}
	return true;
}

bool config_is_address(const char *s)
{
	struct in_addr address;
	char ip[INET_ADDRSTRLEN];
	const char *colon = strchr(s, ':');
	if (!only(s, "0123456789.:") || snprintf(ip, sizeof ip, "%.*s", (int)strcspn(s, ":"), s) >= (int)sizeof ip)
		return false;
	return inet_pton(AF_INET, ip, &address) == 1 && (!colon || (strlen(colon) <= 6 && strtol(colon + 1, NULL, 10) > 0 && !strchr(colon + 1, ':')));
}

static bool is_name_or_empty(const char *s)
{
	return s && (*s == 0 || config_is_name(s));
}

bool config_is_service(const struct traffic *t)
{
	return config_is_name(t->project) && config_is_name(t->service) && is_name_or_empty(t->stable.revision) &&
	       is_name_or_empty(t->next.revision) && t->rollout && (*t->rollout == 0 || config_is_rollout(t->rollout));
}

static bool is_hash(const char *s)
{
	return only(s, "0123456789abcdef") && strlen(s) == SHA256_HEX_SIZE - 1;
}

static bool is_intake(const struct intake *of)
{
	struct intake in = *of;
	for (size_t i = 0; i < INTAKE_ROWS; i++) {
		const char *text = intake_rows[i].kind == INTAKE_TEXT ? *intake_text(&in, &intake_rows[i]) : NULL;
		const char *hash = intake_rows[i].kind == INTAKE_ASSET ? intake_asset(&in, &intake_rows[i])->hash : NULL;
		if ((text && !intake_rows[i].is_good(text)) || (hash && !is_hash(hash)))
			return false;
	}
	return !in.certificate.hash == !in.key.hash;
}

static bool is_way(const struct route *r)
{
	if (r->transport != TRANSPORT_HTTP)
		return r->host && intake_is_place(r->host);
	return r->is_upstream ? is_upstream(r->host) : is_host(r->host);
}

bool config_is_route(const struct route *r)
{
	return is_way(r) && is_path(r->path) && is_intake(&r->in) && r->weight >= 0 && r->weight <= 100 && config_is_name(r->project) && config_is_name(r->service) && r->port > 0 && r->port < 65536 &&
	       r->next_port >= 0 && r->next_port < 65536;
}

int config_check_settings(const struct nginx_settings *s, struct err *e)
{
	if (!only(s->directory, LETTERS "._/-") || s->directory[0] != '/')
		return err_set(e, ERR_INVALID, "nginx directory '%s': wanted an absolute path of letters, digits, '.', '_', '-'",
		               s->directory);
	if (!only(s->listen, LETTERS ".:[]-"))
		return err_set(e, ERR_INVALID, "nginx listen '%s': wanted a port or address:port", s->listen);
	if (s->status_port <= 0 || s->status_port > 65535)
		return err_set(e, ERR_INVALID, "nginx status port %d: wanted 1 to 65535", s->status_port);
	return 0;
}

/* --- topology -> text --- */

static void print_side(struct buf *out, const char *name, const struct side *side)
{
	buf_printf(out, " %s=%s", name, side->revision);
	for (size_t i = 0; i < side->addresses_count; i++)
		if (config_is_address(side->addresses[i]))
			buf_printf(out, ",%s", side->addresses[i]);
}

/* What a line of a route begins with, by kind. */
static const struct way_kind {
	const char *start;
	enum transport transport;
	bool is_upstream;
} way_kinds[] = {
	{"# route ", TRANSPORT_HTTP, false}, {"# upstream ", TRANSPORT_HTTP, true}, {"# tcp ", TRANSPORT_TCP, false},
	{"# udp ", TRANSPORT_UDP, false},
};

static void print_route(struct buf *out, const struct route *r)
{
	struct intake in = r->in;
	for (size_t i = 0; i < ARRAY_LEN(way_kinds); i++)
		if (way_kinds[i].transport == r->transport && way_kinds[i].is_upstream == r->is_upstream)
			buf_puts(out, way_kinds[i].start);
	buf_printf(out, "%s %s %s %d", r->host, r->project, r->service, r->port);
	if (r->next_port)
		buf_printf(out, "/%d", r->next_port);
	buf_printf(out, " %s %d", r->path, r->weight);
	for (size_t i = 0; i < INTAKE_ROWS; i++) {
		const struct intake_row *row = &intake_rows[i];
		const char *text = row->kind == INTAKE_TEXT    ? *intake_text(&in, row)
		                   : row->kind == INTAKE_ASSET ? intake_asset(&in, row)->hash
		                                               : NULL;
		int64_t number = row->kind == INTAKE_NUMBER ? *intake_number(&in, row) : 0;
		if (text)
			buf_printf(out, " %s=%s", row->word, text);
		else if (number)
			buf_printf(out, " %s=%lld", row->word, (long long)number);
	}
	buf_puts(out, "\n");
}

void config_head(struct buf *out, const struct topology *t)
{
	buf_puts(out, "# Written by reconcile. Do not edit: a change is noticed and the file is written again.\n");
	buf_puts(out, "# generation " CONFIG_NO_ID "\n");
	for (size_t i = 0; i < t->services_count; i++) {
		const struct traffic *s = &t->services[i];
		if (!config_is_service(s))
			continue;
		buf_printf(out, "# service %s %s rollout=%s", s->project, s->service, s->rollout);
		print_side(out, "stable", &s->stable);
		print_side(out, "next", &s->next);
		buf_puts(out, "\n");
	}
	for (size_t i = 0; i < t->routes_count; i++)
		if (config_is_route(&t->routes[i]))
			print_route(out, &t->routes[i]);
	for (size_t i = 0; i < t->logs_count; i++)
		buf_printf(out, LOG_LINE "%s\n", t->logs[i]);
}

/* Writes id over the 16 characters at each of the id's places. False when one of them is not there. */
static bool place_id(char *text, const char *id)
{
	for (size_t i = 0; i < ARRAY_LEN(id_places); i++) {
		char *at = strstr(text, id_places[i]);
		if (!at || strlen(at) < strlen(id_places[i]) + NGINX_ID_LENGTH)
			return false;
		memcpy(at + strlen(id_places[i]), id, NGINX_ID_LENGTH);
	}
	return true;
}

bool config_seal(char *text)
{
	char hex[SHA256_HEX_SIZE];
	sha256_hex(text, strlen(text), hex);
	return place_id(text, hex);
}

/* --- text -> topology --- */

/* The next word of the line at *at, which ends at `end`; "" at its end. */
static char *next_word(struct arena *a, const char **at, const char *end)
{
	const char *start = *at;
	while (*at < end && **at != ' ')
		(*at)++;
	char *word = arena_strndup(a, start, (size_t)(*at - start));
	if (*at < end)
		(*at)++;
	return word;
}

/* "stable=REVISION,ADDRESS,ADDRESS" */
static void read_side(struct arena *a, char *word, struct side *side)
{
	char *at = strchr(word, '=');
	side->revision = "";
	if (!at)
		return;
	char *comma = strchr(++at, ',');
	side->revision = comma ? arena_strndup(a, at, (size_t)(comma - at)) : at;
	while (comma) {
		at = comma + 1;
		comma = strchr(at, ',');
		const char *address = comma ? arena_strndup(a, at, (size_t)(comma - at)) : at;
		*ARENA_PUSH(a, side->addresses, side->addresses_count) = address;
	}
}

static void read_service(struct arena *a, const char *at, const char *end, struct topology *t)
{
	struct traffic s = {0};
	s.project = next_word(a, &at, end);
	s.service = next_word(a, &at, end);
	const char *rollout = strchr(next_word(a, &at, end), '=');
	s.rollout = rollout ? rollout + 1 : "";
	read_side(a, next_word(a, &at, end), &s.stable);
	read_side(a, next_word(a, &at, end), &s.next);
	if (config_is_service(&s))
		*ARENA_PUSH(a, t->services, t->services_count) = s;
}

/* "hsts=31536000" */
static void read_word(struct arena *a, char *word, struct intake *in)
{
	char *value = strchr(word, '=');
	if (!value)
		return;
	size_t length = (size_t)(value++ - word);
	for (size_t i = 0; i < INTAKE_ROWS; i++) {
		const struct intake_row *row = &intake_rows[i];
		if (strlen(row->word) != length || strncmp(row->word, word, length) != 0)
			continue;
		switch (row->kind) {
		case INTAKE_TEXT: *intake_text(in, row) = arena_strdup(a, value); break;
		case INTAKE_NUMBER: *intake_number(in, row) = strtoll(value, NULL, 10); break;
		case INTAKE_ASSET: intake_asset(in, row)->hash = arena_strdup(a, value); break;
		}
	}
}

static void read_route(struct arena *a, const char *at, const char *end, const struct way_kind *kind, struct topology *t)
{
	struct route r = {.where = "", .transport = kind->transport, .is_upstream = kind->is_upstream};
	r.host = next_word(a, &at, end);
	r.project = next_word(a, &at, end);
	r.service = next_word(a, &at, end);
	char *next;
	r.port = (int)strtol(next_word(a, &at, end), &next, 10);
	r.next_port = *next == '/' ? (int)strtol(next + 1, NULL, 10) : 0;
	r.path = next_word(a, &at, end);
	r.weight = (int)strtol(next_word(a, &at, end), NULL, 10);
	while (at < end)
		read_word(a, next_word(a, &at, end), &r.in);
	if (config_is_route(&r))
		*ARENA_PUSH(a, t->routes, t->routes_count) = r;
}

static bool starts_with(const char *text, const char *start)
{
	return strncmp(text, start, strlen(start)) == 0;
}

static void read_log(struct arena *a, const char *at, const char *end, struct topology *t)
{
	const char *line = arena_strndup(a, at, (size_t)(end - at));
	*ARENA_PUSH(a, t->logs, t->logs_count) = line;
}

void config_read(const char *text, struct arena *a, struct topology *t)
{
	static const char service[] = "# service ";

	*t = (struct topology){0};
	while (*text == '#') {
		const char *end = text + strcspn(text, "\n");
		if (starts_with(text, service))
			read_service(a, text + strlen(service), end, t);
		if (starts_with(text, LOG_LINE))
			read_log(a, text + strlen(LOG_LINE), end, t);
		for (size_t i = 0; i < ARRAY_LEN(way_kinds); i++)
			if (starts_with(text, way_kinds[i].start))
				read_route(a, text + strlen(way_kinds[i].start), end, &way_kinds[i], t);
		text = *end ? end + 1 : end;
	}
}

const char *config_generation(const char *text, struct arena *a)
{
	const char *at = strstr(text, id_places[0]);
	if (!at)
		return NULL;
	at += strlen(id_places[0]);
	if (strspn(at, "0123456789abcdef") != NGINX_ID_LENGTH || at[NGINX_ID_LENGTH] != '\n')
		return NULL;
	return arena_strndup(a, at, NGINX_ID_LENGTH);
}

bool config_is_intact(const char *text)
{
	CLEANUP(arena_done) struct arena a = {0};
	char *sealed = arena_strdup(&a, text);
	return place_id(sealed, CONFIG_NO_ID) && config_seal(sealed) && strcmp(sealed, text) == 0;
}
