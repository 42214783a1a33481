/* What the files that write the text share. */
#ifndef NGINX_RENDER_H
#define NGINX_RENDER_H

#include "nginx/internal.h"

struct render {
	const struct nginx_settings *s;
	const struct topology *t;
	struct arena *a;
};

/* Who writes the settings around the locations. */
enum frame {
	FRAME_HOST,    /* our server for a host */
	FRAME_HOP,     /* our server behind one of the user's */
	FRAME_INCLUDE, /* a server of the user's includes the locations */
};

/* render.c */
/* Is this the first good route for which `is_same` holds? */
bool render_is_first(const struct render *c, size_t number, bool (*is_same)(const struct route *, const struct route *));
bool render_has_address(const struct side *side);
void render_side(struct buf *out, const struct side *side, int port, const char *role);
/* All ways in of the server of route `number`. Returns whether one of them takes everything. */
bool render_ways(struct buf *out, const struct render *c, size_t number, enum frame frame);

/* split.c */
/* What the routes draw by, one of each. */
void render_draws(struct buf *out, const struct render *c);
/* Variables, for a request that comes in by the route: the key that draws are of; the bucket that it gives; */
const char *render_key(const struct render *c, const struct route *r);
const char *render_bucket(const struct render *c, const struct route *r);
/* and the with the Set-Cookie for a client that has no key yet; NULL: the route sets none. */
const char *render_cookie(const struct render *c, const struct route *r);

/* server.c */
void render_settings(struct buf *out, const char *indent, enum frame frame);
/* What a way says of its own time-outs and limits. */
void render_limits(struct buf *out, const char *indent, const struct route *r);
/* " add_header …;" for a place that has an add_header of its own, which keeps those of the server out; "". */
const char *render_hsts(const struct render *c, const struct route *r);
/* The answer while nobody can serve. */
const char *render_away(const struct render *c, const struct route *r, size_t number);
/* The page that belongs to it. */
void render_page(struct buf *out, const struct render *c, const struct route *r, size_t number);
/* The servers for hosts, those that redirect to them, and the hops. */
void render_servers(struct buf *out, const struct render *c);

/* stream.c: what stands in the stream block; `c` has tcp and udp routes only. */
void render_streams(struct buf *out, const struct render *c);

/* The name of what a route leads to, by the port of each side: "shop.web.8080" when both are asked at the same. */
const char *render_target(const struct render *c, const struct route *r);

#endif
