/* known_hosts and private keys, as text. */
#include "desired/ssh_keys.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define HOST_MAX 300
#define KEY_MAX 4096 /* of a raw host key; RSA with 16384 bits has 2 kB */
#define HEAD_MAX 96  /* of a private key: all that stands in front of the type of its public half */

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void base64_bare(const void *bytes, size_t length, char *out)
{
	const unsigned char *in = bytes;
	for (size_t i = 0; i < length; i += 3) {
		unsigned n = (unsigned)in[i] << 16 | (i + 1 < length ? (unsigned)in[i + 1] << 8 : 0) | (i + 2 < length ? in[i + 2] : 0);
		size_t left = length - i < 3 ? length - i : 3;
		for (size_t k = 0; k <= left; k++)
			*out++ = digits[n >> (18 - 6 * k) & 63];
	}
	*out = 0;
}

/* --- known_hosts --- */

/* One word of a line. Returns what follows it. */
static const char *word(const char *at, const char **start, size_t *length)
{
	*start = at + strspn(at, " \t");
	*length = strcspn(*start, " \t\r\n");
	return *start + *length;
}

/* Does a list like "git.example.com,[git.example.com]:2222" hold the name? */
static bool holds(const char *list, size_t length, const char *name)
{
	size_t wanted = strlen(name);
	for (const char *end = list + length; list < end;) {
		const char *comma = memchr(list, ',', (size_t)(end - list));
		size_t n = (size_t)((comma ? comma : end) - list);
		if (n == wanted && strncasecmp(list, name, n) == 0)
			return true;
		list += n + 1;
	}
	return false;
}

enum known_host known_host(const char *text, const char *host, int port, const char *type, const void *key, size_t length)
{
	char name[HOST_MAX], encoded[KEY_MAX / 3 * 4 + 8];
	enum known_host found = KNOWN_HOST_NEVER;
	if (length > KEY_MAX)
		return KNOWN_HOST_NEVER;
	base64_bare(key, length, encoded);
	snprintf(name, sizeof name, port == 22 ? "%s" : "[%s]:%d", host, port);
	for (const char *line = text; *line; line += strcspn(line, "\n"), line += *line == '\n') {
		const char *names, *kind, *data;
		size_t names_length, kind_length, data_length;
		word(word(word(line, &names, &names_length), &kind, &kind_length), &data, &data_length);
		if (!names_length || strchr("#@|", *names) || !holds(names, names_length, name))
			continue;
		while (data_length && data[data_length - 1] == '=')
			data_length--;
		if (kind_length != strlen(type) || strncmp(kind, type, kind_length) != 0) {
			found = found == KNOWN_HOST_NEVER ? KNOWN_HOST_OTHER : found;
			continue;
		}
		if (data_length == strlen(encoded) && strncmp(data, encoded, data_length) == 0)
			return KNOWN_HOST_SAME;
		found = KNOWN_HOST_WRONG;
	}
	return found;
}

/* --- private keys --- */

static size_t decode(const char *text, unsigned char *out, size_t size)
{
	unsigned bits = 0, n = 0;
	size_t used = 0;
	for (; *text && *text != '=' && *text != '-' && used < size; text++) {
		const char *digit = strchr(digits, *text);
		if (!digit)
			continue; /* line ends */
		n = n << 6 | (unsigned)(digit - digits);
		bits += 6;
		if (bits >= 8) {
			bits -= 8;
			out[used++] = (unsigned char)(n >> bits);
		}
	}
	return used;
}

const char *private_key_flaw(const char *text)
{
	static const char begin[] = "-----BEGIN OPENSSH PRIVATE KEY-----";
	static const char rsa[] = "is an RSA key, which this libgit2 cannot use with today's servers; make another one with "
	                          "ssh-keygen -t ed25519 -N ''";
	static const char locked[] = "has a passphrase, which nobody is here to type; make one without, with ssh-keygen -t "
	                             "ed25519 -N ''";
	unsigned char head[HEAD_MAX];
	const char *start = strstr(text, begin);
	if (strstr(text, "BEGIN RSA PRIVATE KEY"))
		return rsa;
	if (strstr(text, "BEGIN ENCRYPTED PRIVATE KEY"))
		return locked;
	if (!start)
		return strstr(text, "PRIVATE KEY-----") ? NULL : "is no private key";
	/* PROTOCOL.key: "openssh-key-v1\0", then strings of length and bytes: cipher, kdf, kdf options; count; public key. */
	size_t length = decode(start + strlen(begin), head, sizeof head);
	if (length < 23 || memcmp(head + 15, "\0\0\0\4none", 8) != 0)
		return locked;
	return memmem(head, length, "ssh-rsa", 7) ? rsa : NULL;
}
