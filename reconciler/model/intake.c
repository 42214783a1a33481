/* The settings of a way in, as a table. */
#include "model/intake.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"

const char *const transport_names[] = {"host", "tcp", "udp"};

#define ROW(word, field, kind, of_server, unit) {word, offsetof(struct intake, field), kind, of_server, unit, NULL}
#define TEXT(word, field, of_server, is_good) {word, offsetof(struct intake, field), INTAKE_TEXT, of_server, NULL, is_good}
const struct intake_row intake_rows[INTAKE_ROWS] = {
	TEXT("listen", listen, true, intake_is_place),
	TEXT("redirect", redirect, true, intake_is_place),
	ROW("certificate", certificate, INTAKE_ASSET, true, NULL),
	ROW("key", key, INTAKE_ASSET, true, NULL),
	ROW("http2", http2, INTAKE_NUMBER, true, NULL),
	ROW("hsts", hsts_s, INTAKE_NUMBER, true, NULL),
	TEXT("split", split, false, intake_is_split),
	TEXT("testers", testers, false, intake_is_testers),
	ROW("client_max_body_size", body_bytes, INTAKE_NUMBER, false, ""),
	ROW("proxy_connect_timeout", connect_ms, INTAKE_NUMBER, false, "ms"),
	ROW("proxy_send_timeout", send_ms, INTAKE_NUMBER, false, "ms"),
	ROW("proxy_read_timeout", read_ms, INTAKE_NUMBER, false, "ms"),
	ROW("proxy_timeout", idle_ms, INTAKE_NUMBER, false, "ms"),
	ROW("maintenance", page, INTAKE_ASSET, false, NULL),
};

static void *field(const struct intake *in, const struct intake_row *row)
{
	return (char *)in + row->offset;
}

const char **intake_text(struct intake *in, const struct intake_row *row)
{
	return field(in, row);
}

int64_t *intake_number(struct intake *in, const struct intake_row *row)
{
	return field(in, row);
}

struct asset *intake_asset(struct intake *in, const struct intake_row *row)
{
	return field(in, row);
}

static bool is_same_text(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

static bool is_same(const struct intake *a, const struct intake *b, const struct intake_row *row)
{
	switch (row->kind) {
	case INTAKE_TEXT: return is_same_text(*(const char *const *)field(a, row), *(const char *const *)field(b, row));
	case INTAKE_NUMBER: return *(const int64_t *)field(a, row) == *(const int64_t *)field(b, row);
	case INTAKE_ASSET: break;
	}
	const struct asset *one = field(a, row), *other = field(b, row);
	return is_same_text(one->hash, other->hash);
}

bool intake_equal(const struct intake *a, const struct intake *b)
{
	for (size_t i = 0; i < INTAKE_ROWS; i++)
		if (!is_same(a, b, &intake_rows[i]))
			return false;
	return true;
}

bool intake_is_same_server(const struct intake *a, const struct intake *b)
{
	for (size_t i = 0; i < INTAKE_ROWS; i++)
		if (intake_rows[i].is_of_server && !is_same(a, b, &intake_rows[i]))
			return false;
	return true;
}

bool intake_is_renewed(const struct intake *a, const struct intake *b)
{
	struct intake renewed = *a;
	if (!a->certificate.hash || !b->certificate.hash)
		return false;
	renewed.certificate = b->certificate;
	renewed.key = b->key;
	return !intake_equal(a, b) && intake_equal(&renewed, b);
}

const char *intake_listen(const struct intake *in)
{
	return in->listen ? in->listen : INTAKE_USUAL;
}

bool intake_is_address(const char *text)
{
	char address[INET6_ADDRSTRLEN];
	struct in6_addr binary;
	const char *colon = strrchr(text, ':'), *port = colon ? colon + 1 : text;
	size_t digits = strspn(port, "0123456789");
	if (digits < 1 || digits > 5 || port[digits] || *port == '0' || strtol(port, NULL, 10) > 65535)
		return false;
	if (!colon)
		return true;
	bool is_six = *text == '[' && colon > text + 1 && colon[-1] == ']';
	size_t length = (size_t)(colon - text) - (is_six ? 2 : 0);
	if (length >= sizeof address)
		return false;
	snprintf(address, sizeof address, "%.*s", (int)length, text + is_six);
	return inet_pton(is_six ? AF_INET6 : AF_INET, address, &binary) == 1;
}

bool intake_is_place(const char *text)
{
	return strcmp(text, INTAKE_USUAL) == 0 || intake_is_address(text);
}

/* --- what of a request --- */

#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
#define NAME_MAX_LENGTH 64

/* nginx has them as variables: $cookie_NAME, and $http_NAME with '_' for each '-'; of a header with '_' it knows nothing. */
static const struct {
	const char *start, *letters;
} parts[] = {{INTAKE_COOKIE, LETTERS "_"}, {INTAKE_HEADER, LETTERS "-"}};

bool intake_is_testers(const char *text)
{
	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		size_t start = strlen(parts[i].start), length = strlen(text);
		if (strncmp(text, parts[i].start, start) == 0)
			return length > start && length - start <= NAME_MAX_LENGTH && strspn(text + start, parts[i].letters) == length - start;
	}
	return false;
}

bool intake_is_split(const char *text)
{
	return strcmp(text, INTAKE_SPLIT_ADDRESS) == 0 || intake_is_testers(text);
}
