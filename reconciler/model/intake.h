/*
 * How nginx takes the requests of a way in, beside where it leads them. The table of its settings is what everybody
 * walks who compares them or writes them down. All zero: as nginx and our own settings have it.
 */
#ifndef MODEL_INTAKE_H
#define MODEL_INTAKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum transport { TRANSPORT_HTTP, TRANSPORT_TCP, TRANSPORT_UDP };
extern const char *const transport_names[]; /* "tcp", "udp"; "host" for HTTP */

/* A file that nginx reads, by its content: with another content it is another structure. */
struct asset {
	const char *hash;  /* SHA-256; NULL: there is none */
	const char *bytes; /* NULL: what was installed has it already */
	size_t length;
};

struct intake {
	/* Of the server: routes with one host and one `listen` agree on these. */
	const char *listen;        /* "443", "10.0.0.1:8443", "[::1]:443"; NULL: where all servers of ours listen */
	const char *redirect;      /* where plain http is sent on from, or INTAKE_USUAL; NULL: nowhere */
	struct asset certificate, key; /* PEM; both or none */
	int64_t http2;             /* 1: spoken */
	int64_t hsts_s;

	/* Of the way. */
	const char *split;         /* what a client keeps its side by: "address", "cookie:NAME", "header:NAME"; NULL: each request is drawn */
	const char *testers;       /* "cookie:NAME" or "header:NAME", with which one asks for a revision; NULL: nobody does */
	int64_t body_bytes;        /* the largest body; -1: any */
	int64_t connect_ms, send_ms, read_ms;
	int64_t idle_ms;           /* tcp and udp: how long a connection may be silent */
	struct asset page;         /* HTML that is shown while nothing can serve */
};

#define INTAKE_USUAL "default" /* in the place of an address: the setting nginx.listen */

enum intake_kind { INTAKE_TEXT, INTAKE_NUMBER, INTAKE_ASSET };

struct intake_row {
	const char *word;       /* in the manifest, with tls.* without "tls." */
	size_t offset;          /* in struct intake */
	enum intake_kind kind;
	bool is_of_server;
	const char *unit;       /* of a number that nginx has under the same word: "ms"; NULL: it is no such number */
	bool (*is_good)(const char *text); /* of a text: what it may be */
};
#define INTAKE_ROWS 14
extern const struct intake_row intake_rows[INTAKE_ROWS];

const char **intake_text(struct intake *in, const struct intake_row *row);
int64_t *intake_number(struct intake *in, const struct intake_row *row);
struct asset *intake_asset(struct intake *in, const struct intake_row *row);

/* The same in all rows, or in those of the server. */
bool intake_equal(const struct intake *a, const struct intake *b);
bool intake_is_same_server(const struct intake *a, const struct intake *b);
/* Do only the contents of certificates differ? */
bool intake_is_renewed(const struct intake *a, const struct intake *b);
/* Where it listens: its own word, or INTAKE_USUAL. */
const char *intake_listen(const struct intake *in);
/* A port, ADDRESS:PORT or [ADDRESS]:PORT, all in digits. */
bool intake_is_address(const char *text);
/* That, or INTAKE_USUAL. */
bool intake_is_place(const char *text);
#define INTAKE_SPLIT_ADDRESS "address"
#define INTAKE_COOKIE "cookie:"
#define INTAKE_HEADER "header:"
bool intake_is_split(const char *text);
bool intake_is_testers(const char *text);

#endif
