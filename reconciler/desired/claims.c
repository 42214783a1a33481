/* What two routes cannot both have. The one thing to know: a socket speaks TLS (and HTTP/2) or not, whatever the host. */
#include "desired/claims.h"

#include <string.h>

#include "desired/routes.h"

/* Two of one way; inside one file that was told already. */
static const char *way(const struct route *r, const struct route *other, struct arena *a)
{
	char one[16], two[16];
	const char *what = NULL;
	if (strcmp(r->project, other->project) != 0 && route_is_same_way(r, other))
		what = routes_way(a, r);
	if (!what && r->is_upstream && other->is_upstream && strcmp(r->host, other->host) != 0) {
		route_hop(r->host, one);
		route_hop(other->host, two);
		if (strcmp(one, two) == 0)
			what = arena_printf(a, "the address %s of the upstream '%s'", one, r->host);
	}
	return what ? arena_printf(a, "%s has a route already, at %s; remove one of them", what, other->where) : NULL;
}

static bool is_server(const struct route *r)
{
	return r->transport == TRANSPORT_HTTP && !r->is_upstream;
}

static const char *server(const struct route *r, const struct route *other, struct arena *a)
{
	bool is_same_listen = strcmp(intake_listen(&r->in), intake_listen(&other->in)) == 0;
	if (!is_server(r) || !is_server(other) || !is_same_listen)
		return NULL;
	const char *place = r->in.listen ? arena_printf(a, "port %s", r->in.listen) : "nginx.listen";
	if (!r->in.certificate.hash != !other->in.certificate.hash)
		return arena_printf(a, "%s on %s, and the route at %s %s; a port has one or the other",
		                    r->in.certificate.hash ? "has tls" : "has no tls", place, other->where,
		                    other->in.certificate.hash ? "has it" : "has none");
	if (r->in.http2 != other->in.http2)
		return arena_printf(a, "has http2: %s on %s, and the route at %s has the opposite; they must agree",
		                    r->in.http2 ? "true" : "false", place, other->where);
	if (strcmp(r->host, other->host) == 0 && !intake_is_same_server(&r->in, &other->in))
		return arena_printf(a, "has another tls or redirect than the route of the same host at %s; they must agree", other->where);
	return NULL;
}

/* What sends plain http on has the place of a route for all of the host, and of no TLS. */
static const char *redirect(const struct route *from, const struct route *to, const char *other, struct arena *a)
{
	if (!is_server(from) || !is_server(to) || !from->in.redirect || strcmp(from->in.redirect, intake_listen(&to->in)) != 0)
		return NULL;
	if (to->in.certificate.hash)
		return arena_printf(a, "http is redirected from a port that has tls, see the route at %s; give redirect another port", other);
	if (strcmp(from->host, to->host) == 0 && strcmp(to->path, "/") == 0)
		return arena_printf(a, "http is redirected for %s, and there is a route for it without tls, see %s; remove one of them",
		                    from->host, other);
	return NULL;
}

/* Would both be bound to one port? An address of its own saves neither from one that has none. */
static bool is_same_place(const char *a, const char *b)
{
	const char *one = strrchr(a, ':'), *other = strrchr(b, ':');
	return strcmp(a, b) == 0 || ((!one || !other) && strcmp(one ? one + 1 : a, other ? other + 1 : b) == 0);
}

/* A port that connections of another kind come in at. */
static const char *port(const struct route *r, const struct route *other, struct arena *a)
{
	const struct route *stream = r->transport == TRANSPORT_TCP ? r : other, *http = stream == r ? other : r;
	if (stream->transport != TRANSPORT_TCP || !is_server(http))
		return NULL;
	bool is_taken = is_same_place(stream->host, intake_listen(&http->in)) ||
	                (http->in.redirect && is_same_place(stream->host, http->in.redirect));
	return is_taken ? arena_printf(a, "the port %s is taken by the route at %s; give one of them another", stream->host, other->where)
	                : NULL;
}

const char *claims_between(const struct route *r, const struct route *other, struct arena *a)
{
	const char *said = way(r, other, a);
	said = said ? said : server(r, other, a);
	said = said ? said : redirect(r, other, other->where, a);
	said = said ? said : redirect(other, r, other->where, a);
	return said ? said : port(r, other, a);
}
